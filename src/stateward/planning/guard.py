"""The deletion guard: after moves are discounted and before anything is written."""

from collections.abc import Iterable, Iterator, Mapping

from stateward.model.plan import Blocked, Change
from stateward.planning.digest import digest_of
from stateward.planning.question import Holdings, Question


def block(changes: Iterable[Change], question: Question, holdings: Holdings) -> Iterator[Blocked]:
    """Yield the units whose deletes must not go through, with the figures that say why."""
    deletes: dict[str, list[Change]] = {}
    for change in changes:
        deletes.setdefault(change.unit, []).append(change)
    total = sum(len(own) for own in deletes.values())
    allowed = question.allow_deletes is not None and total <= question.allow_deletes
    for unit, own in sorted(deletes.items()):
        members = len(holdings.members[unit])
        protected = _protected(own, question, holdings)
        reason = _reason(unit, own, question, members, allowed=allowed)
        if protected:
            reason = f"protected kinds are among them: {', '.join(protected)}"
        if reason:
            figures = _figures(len(own), members, question, unit)
            keys = tuple(sorted(change.key for change in own))
            nodes = sorted((str(change.key), change.node) for change in own)
            yield Blocked(
                unit=unit,
                reason=reason,
                figures=figures,
                objects=keys,
                digest=digest_of([question.target, unit, nodes]),
                protected=bool(protected),
            )


def _figures(
    deletes: int, members: int, question: Question, unit: str
) -> Mapping[str, int | float]:
    limits = question.units[unit].settings.limits
    percent = round(100 * deletes / members, 1)
    return {
        "deletes": deletes,
        "members": members,
        "percent": percent,
        "limitDeletes": limits.deletes,
        "limitPercent": limits.percent,
    }


def _reason(
    unit: str, deletes: list[Change], question: Question, members: int, *, allowed: bool
) -> str | None:
    facts = question.units[unit]
    limits = facts.settings.limits
    if allowed:
        return None
    if facts.vanished:
        return "the directory is gone"
    if not question.desired.units[unit].objects and not facts.settings.may_empty:
        return "the directory declares nothing any more"
    percent = 100 * len(deletes) / members
    if len(deletes) > limits.deletes and percent > limits.percent:
        return f"more than {limits.deletes} objects and more than {limits.percent:g} % of the unit"
    return None


def _protected(changes: Iterable[Change], question: Question, holdings: Holdings) -> list[str]:
    """Return the protected kinds among the objects: any holder protects, as one deletes for all."""
    found = {
        change.key.kind
        for change in changes
        for unit in holdings.holders[change.node or ""]
        if change.key.kind in question.units[unit].settings.limits.protected_kinds
    }
    return sorted(found)

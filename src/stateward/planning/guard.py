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
        reason = _reason(unit, own, question, holdings, allowed=allowed)
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
    unit: str, deletes: list[Change], question: Question, holdings: Holdings, *, allowed: bool
) -> str | None:
    facts = question.units[unit]
    limits = facts.settings.limits
    protected = sorted(
        {own.key.kind for own in deletes if own.key.kind in _protected(own, question, holdings)}
    )
    if protected:
        return f"protected kinds would be deleted: {', '.join(protected)}"
    if allowed:
        return None
    if facts.vanished:
        return "the directory is gone"
    if not question.desired.units[unit].objects:
        return "the directory declares nothing any more"
    percent = 100 * len(deletes) / len(holdings.members[unit])
    if len(deletes) > limits.deletes and percent > limits.percent:
        return f"more than {limits.deletes} objects and more than {limits.percent:g} % of the unit"
    return None


def _protected(change: Change, question: Question, holdings: Holdings) -> frozenset[str]:
    """Return the kinds that any of an object's holders protects: one of them deletes for all."""
    holders = holdings.holders[change.node or ""]
    limits = (question.units[unit].settings.limits for unit in holders)
    return frozenset().union(*(own.protected_kinds for own in limits))

"""The deletion guard: after moves are discounted and before anything is written."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stateward.model.command import Command
from stateward.model.plan import Blocked, Change
from stateward.model.state import Observed
from stateward.model.unit import Limits, UnitSettings
from stateward.planning.digest import digest_of
from stateward.planning.question import Holdings, Question
from stateward.planning.telling import Concerned


def block(changes: Iterable[Change], question: Question, holdings: Holdings) -> Iterator[Blocked]:
    """Yield the units whose deletes must not go through, with the figures that say why."""
    deletes: dict[str, list[Change]] = {}
    for change in changes:
        deletes.setdefault(change.unit, []).append(change)
    total = sum(len(own) for own in deletes.values())
    allowed = question.allow_deletes is not None and total <= question.allow_deletes
    concerned = Concerned(question.observed, itertools.chain(*deletes.values()))
    for unit, own in sorted(deletes.items()):
        members = len(holdings.members[unit])
        protected = [change for change in own if _is_protected(change, question, holdings)]
        reason = _reason(unit, own, question, members, allowed=allowed)
        if protected:
            kinds = sorted({change.key.kind for change in protected})
            reason = f"protected kinds are among them: {', '.join(kinds)}"
        if reason:
            figures = _figures(len(own), members, question.units[unit].settings.limits)
            nodes = sorted((str(change.key), change.node) for change in own)
            yield Blocked(
                unit=unit,
                reason=reason,
                figures=figures,
                going=concerned.order(own, protected),
                digest=digest_of([question.target, unit, nodes]),
                protected=bool(protected),
            )


def approval(blocked: Blocked, question: Question) -> Command | None:
    """Return what lets a prune through after all: never one of a protected kind."""
    for own in question.approvals:
        digest = own.digest if own.unit == blocked.unit and not blocked.protected else None
        if digest is not None and blocked.digest.startswith(digest):
            return own
    return None


def exceeded(
    unit: str,
    deletes: Sequence[Change],
    settings: UnitSettings,
    observed: Observed,
    *,
    members: int,
    allowed: bool,
) -> Blocked | None:
    """Say whether deletes that are no prune go beyond what a unit's settings let through.

    The digest is left to the caller.
    """
    kinds = [own for own in deletes if own.key.kind in settings.limits.protected_kinds]
    kept = [own for own in deletes if settings.protects(own.key)]
    reason = None if allowed else _beyond(settings.limits, len(deletes), members)
    if kinds or kept:
        names = [sorted({own.key.kind for own in kinds}), sorted({str(own.key) for own in kept})]
        reason = f"protected objects are among them: {', '.join(itertools.chain(*names))}"
    if reason is None:
        return None
    return Blocked(
        unit=unit,
        reason=reason,
        figures=_figures(len(deletes), members, settings.limits),
        going=Concerned(observed, deletes).order(deletes, (*kinds, *kept)),
        digest="",
        protected=bool(kinds or kept),
    )


def _figures(deletes: int, members: int, limits: Limits) -> Mapping[str, int | float]:
    return {
        "deletes": deletes,
        "members": members,
        "percent": _percent(deletes, members),
        "limitDeletes": limits.deletes,
        "limitPercent": limits.percent,
    }


def _percent(deletes: int, members: int) -> float:
    return round(100 * deletes / members, 1) if members else 100.0


def _beyond(limits: Limits, deletes: int, members: int) -> str | None:
    if deletes > limits.deletes and 100 * deletes > limits.percent * members:
        return f"more than {limits.deletes} objects and more than {limits.percent:g} % of the unit"
    return None


def _reason(
    unit: str, deletes: list[Change], question: Question, members: int, *, allowed: bool
) -> str | None:
    facts = question.units[unit]
    if allowed:
        return None
    if facts.vanished:
        return "the directory is gone"
    if not question.desired.units[unit].objects and not facts.settings.may_empty:
        return "the directory declares nothing any more"
    return _beyond(facts.settings.limits, len(deletes), members)


def _is_protected(change: Change, question: Question, holdings: Holdings) -> bool:
    """Tell whether an object's kind is protected: any holder protects, as one deletes for all."""
    return any(
        change.key.kind in question.units[unit].settings.limits.protected_kinds
        for unit in holdings.holders[change.node or ""]
    )

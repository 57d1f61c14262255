"""The deletion guard: after moves are discounted and before anything is written."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from stateward.model.command import Command
from stateward.model.identity import ObjectKey
from stateward.model.plan import Blocked, Change, Going
from stateward.model.schema import Schema
from stateward.model.state import Observed
from stateward.model.unit import Budget, Limits, Reach, UnitSettings
from stateward.planning.digest import digest_of
from stateward.planning.question import Holdings, Question
from stateward.planning.telling import Concerned

_Deletes = Mapping[str, Sequence[Change]]
"""By unit."""


@dataclass(slots=True)
class Guard:
    """Looks at the deletes of one round: which units' are held back, and which people let through."""

    question: Question
    holdings: Holdings
    going: Collection[str]
    """The ids of all that Git no longer declares, in units that are left alone this time too."""
    total: int = 0
    """How many deletes there are to look at: what is said to be allowed is held against it."""
    blocked: list[Blocked] = field(default_factory=list)
    approvals: list[Command] = field(default_factory=list)
    """What lets through what would be held back."""
    by_commit: set[str] = field(default_factory=set)
    """Units of which the revision itself lets that through."""
    lacking: int = 0
    """How many deletes the revision's own leave is for, where it is less and something is held back."""
    _late: frozenset[str] = frozenset()
    """Units that the revision's own leave is for, where it is enough for all of them."""
    _concerned: Concerned = field(init=False)
    _losing: Counter[str] = field(default_factory=Counter)
    """How many objects each unit loses, whichever of its holders deletes them."""
    _elsewhere: Counter[str] = field(default_factory=Counter)
    """How many wait to be deleted in units that are left alone this time."""

    def look(self, changes: Iterable[Change]) -> None:
        """Find what is held back, with the figures that say why."""
        deletes: dict[str, list[Change]] = {}
        for change in changes:
            deletes.setdefault(change.unit, []).append(change)
            for holder in self.holdings.holders[change.node or ""]:
                self._losing[holder] += 1
        self._concerned = Concerned(self.question.observed, chain(*deletes.values()))
        self.total = sum(map(len, deletes.values()))
        raised = self.question.allow_deletes
        allowed = raised is not None and self.total <= raised
        self._elsewhere = self._pending()
        late, wanted = self._left(deletes)
        leave = self.question.leave
        short = leave is not None and leave.deletes < wanted
        self._late = late if leave is not None and not short else frozenset()
        through = {
            unit: own
            for unit, own in sorted(deletes.items())
            if self._goes(self._of_unit(unit, own, allowed=allowed))
        }
        looked_at = {own.unit for own in self.approvals} | self.by_commit
        if not allowed:
            self._budgets({unit: own for unit, own in through.items() if unit not in looked_at})
        # More leave would not help what is protected, or has reached the revision before.
        helps = any(own.unit in late and not own.protected for own in self.blocked)
        self.lacking = wanted if short and helps else 0

    def _left(self, deletes: _Deletes) -> tuple[frozenset[str], int]:
        """Return the units that the revision's own leave is for, and how many deletes that is about.

        Never those that have reached it.
        """
        units = self.question.units
        late = {unit for unit in deletes if self.holdings.has_yet_to_reach(unit, units[unit])}
        waiting = [
            unit
            for unit in self._elsewhere
            if self.holdings.has_yet_to_reach(unit, self.question.units[unit])
        ]
        count = sum(len(deletes[unit]) for unit in late)
        count += sum(self._elsewhere[unit] for unit in waiting)
        return frozenset(late), count

    def _pending(self) -> Counter[str]:
        """Count what goes in units whose turn it is not: a source is emptied in many rounds, too."""
        units, found = self.question.units, Counter[str]()
        for node in self.going:
            holders = self.holdings.holders[node]
            if not any(units[own].selected or units[own].settings.suspend for own in holders):
                found[holders[0]] += 1
        return found

    def _goes(self, blocked: Blocked | None) -> bool:
        """Take note of what is held back, unless somebody let exactly that through."""
        leave = approval(blocked, self.question) if blocked is not None else None
        if leave is not None:
            self.approvals.append(leave)
        elif blocked is not None and not blocked.protected and blocked.unit in self._late:
            self.by_commit.add(blocked.unit)
            return True
        elif blocked is not None:
            self.blocked.append(blocked)
        return blocked is None or leave is not None

    def _of_unit(self, unit: str, deletes: Sequence[Change], *, allowed: bool) -> Blocked | None:
        members = len(self.holdings.members[unit])
        protecting = {own.node: self._protecting(own) for own in deletes}
        kinds = sorted({own.key.kind for own in deletes if protecting[own.node]})
        reason = None if allowed else self._reasons(unit, deletes)
        if kinds:
            reason = f"protected kinds are among them: {', '.join(kinds)}"
        if reason is None:
            return None
        limits = self.question.units[unit].settings.limits
        names = frozenset().union(*protecting.values())
        return Blocked(
            unit=unit,
            reason=reason,
            figures=_figures(len(deletes), members, limits),
            going=self._concerned.order(deletes, (own for own in deletes if protecting[own.node])),
            digest=self._digest(unit, deletes),
            protected=bool(kinds),
            protecting=tuple(sorted(names)),
            unprotecting=tuple(sorted(limits.protected_kinds - names)),
        )

    def _reasons(self, unit: str, deletes: Sequence[Change]) -> str | None:
        """Return what holds a unit's deletes back: one deletes for all holders, who all are asked."""
        if own := self._reason(unit, len(deletes)):
            return own
        holders = {one for change in deletes for one in self.holdings.holders[change.node or ""]}
        for holder in sorted(holders):
            if reason := self._reason(holder, self._losing[holder]):
                return f"of the {self._losing[holder]} objects that {holder} loses: {reason}"
        return None

    def _reason(self, unit: str, deletes: int) -> str | None:
        facts = self.question.units[unit]
        if facts.vanished:
            return "the directory is gone"
        if not self.question.desired.units[unit].objects and not facts.settings.may_empty:
            return "the directory declares nothing any more"
        members = len(self.holdings.members[unit])
        return _beyond(facts.settings.limits, deletes, members, Reach.UNIT)

    def _protecting(self, change: Change) -> frozenset[str]:
        """Return what protects an object's kind: any holder's word counts, as one deletes for all."""
        units = self.holdings.holders[change.node or ""]
        limits = (self.question.units[unit].settings.limits for unit in units)
        return frozenset().union(
            *(protecting(change.key.kind, own, self.question.schema) for own in limits)
        )

    def _digest(self, unit: str, deletes: Iterable[Change]) -> str:
        nodes = sorted((str(change.key), change.node) for change in deletes)
        return digest_of([self.question.target, unit, nodes])

    def _budgets(self, deletes: _Deletes) -> None:
        """Hold all deletes back that are more together than a source, or a round, may have.

        What the units' own limits hold back does not go and is not counted, nor is what somebody
        let through.
        """
        for budget in self.question.budgets:
            members, waiting = len(self._within(budget)), self._waiting(budget)
            count = sum(map(len, deletes.values())) + waiting
            reason = _beyond(budget, count, members, budget.reach)
            if reason is None:
                continue
            leaves = {unit: self._leave(unit, own) for unit, own in deletes.items()}
            self.approvals += [own for own in leaves.values() if own is not None]
            deletes = {unit: own for unit, own in deletes.items() if leaves[unit] is None}
            self.by_commit |= self._late & deletes.keys()
            deletes = {unit: own for unit, own in deletes.items() if unit not in self._late}
            count = sum(map(len, deletes.values())) + waiting
            if deletes and _beyond(budget, count, members, budget.reach):
                self._hold(deletes, reason, budget, _figures(count, members, budget))
                return

    def _waiting(self, budget: Budget) -> int:
        """Return how many more of a source go when the turn of their units comes."""
        if budget.reach is not Reach.SOURCE:
            return 0
        return sum(
            count for unit, count in self._elsewhere.items() if self._reason(unit, count) is None
        )

    def _within(self, budget: Budget) -> frozenset[str]:
        """Return the members that a budget is measured by, each once."""
        return frozenset().union(
            *(
                self.holdings.members[unit]
                for unit, facts in self.question.units.items()
                if facts.selected or budget.reach is Reach.SOURCE
            )
        )

    def _leave(self, unit: str, deletes: Sequence[Change]) -> Command | None:
        return _approval(unit, self._digest(unit, deletes), self.question)

    def _hold(
        self, deletes: _Deletes, reason: str, budget: Budget, figures: Mapping[str, int | float]
    ) -> None:
        self.blocked += [
            Blocked(
                unit=unit,
                reason=reason,
                figures=figures,
                going=self._concerned.order(own),
                digest=self._digest(unit, own),
                reach=budget.reach,
            )
            for unit, own in deletes.items()
        ]
        self.blocked.sort(key=lambda own: own.unit)


def approval(blocked: Blocked, question: Question) -> Command | None:
    """Return what lets a prune through after all: never one of a protected kind."""
    return None if blocked.protected else _approval(blocked.unit, blocked.digest, question)


def _approval(unit: str, digest: str, question: Question) -> Command | None:
    for own in question.approvals:
        if own.unit == unit and own.digest is not None and digest.startswith(own.digest):
            return own
    return None


def protecting(kind: str, limits: Limits, schema: Schema) -> frozenset[str]:
    """Return what of the protected kinds covers a kind: itself, or generics that it inherits from."""
    return frozenset(own for own in limits.protected_kinds if schema.is_a(kind, own))


def exceeded(
    unit: str,
    deletes: Sequence[Change],
    settings: UnitSettings,
    schema: Schema,
    observed: Observed,
    *,
    members: int,
    allowed: bool,
    along: Sequence[ObjectKey] = (),
) -> Blocked | None:
    """Say whether deletes that are no prune go beyond what a unit's settings let through.

    ``along`` is what goes along with them, and counts as they do. The digest is left to the caller.
    """
    limits, count = settings.limits, len(deletes) + len(along)
    gone = [*(own.key for own in deletes), *along]
    kinds = {own.kind: names for own in gone if (names := protecting(own.kind, limits, schema))}
    kept = {own for own in gone if settings.protects(own)}
    reason = None if allowed else _beyond(limits, count, members, Reach.UNIT)
    if kinds or kept:
        found = (*sorted(kinds), *sorted(map(str, kept)))
        reason = f"protected objects are among them: {', '.join(found)}"
    if reason is None:
        return None
    safe = {own for own in gone if own.kind in kinds} | kept
    ordered = Concerned(observed, deletes).order(
        deletes, (own for own in deletes if own.key in safe)
    )
    names = frozenset().union(*kinds.values())
    carried = (Going(own, protected=own in safe) for own in sorted(along))
    return Blocked(
        unit=unit,
        reason=reason,
        figures=_figures(count, members, limits),
        going=(*ordered, *carried),
        digest="",
        protected=bool(safe),
        protecting=tuple(sorted(names)),
        unprotecting=tuple(sorted(limits.protected_kinds - names)),
    )


def _figures(deletes: int, members: int, limits: Limits | Budget) -> Mapping[str, int | float]:
    return {
        "deletes": deletes,
        "members": members,
        "percent": round(100 * deletes / members, 1) if members else 100.0,
        "limitDeletes": limits.deletes,
        "limitPercent": limits.percent,
    }


def _beyond(limits: Limits | Budget, deletes: int, members: int, reach: Reach) -> str | None:
    if deletes > limits.deletes and 100 * deletes > limits.percent * members:
        most = f"more than {limits.deletes} objects and more than {limits.percent:g} %"
        return f"{most} of the {reach}"
    return None

"""The account of a round: what was done for each unit, and what was not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change, Plan, Survivor, UnitPlan, UnitState
from stateward.model.run import Outcome, Run
from stateward.planning.dependencies import whole
from stateward.tracking.session import Result


@dataclass(slots=True)
class _Account:
    """One unit's part."""

    done: Counter[Action] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: int = 0
    survivors: list[Survivor] = field(default_factory=list)
    closed: bool = False
    """Whether the unit's tracking group could not be had: then nothing of it is written."""


@dataclass(slots=True)
class Ledger:
    """Takes results in, and says what they mean for what is still to come."""

    plan: Plan
    failed: set[ObjectKey] = field(default_factory=set)
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _touched: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._touched = self.plan.touched()

    def of(self, unit: str) -> _Account:
        return self._accounts.setdefault(unit, _Account())

    def take(self, result: Result) -> None:
        change, refusal = result.change, result.refusal
        account = self.of(change.unit)
        if refusal is None:
            account.done[change.action] += 1
        elif change.action is Action.DELETE and refusal.code is Code.REJECTED:
            survivor = Survivor(key=change.key, id=change.node or "", reason=refusal.message)
            account.survivors.append(survivor)
        else:
            self.fail(
                change.unit, f"{change.key}: {refusal.code} {refusal.code.slug}: {refusal.message}"
            )
            self.failed.add(change.key)

    def fail(self, unit: str, message: str) -> None:
        self.of(unit).failures.append(message)
        self.failed.add(whole(unit))

    def shut(self, unit: str, message: str) -> None:
        """Give up on a unit as a whole."""
        self.fail(unit, message)
        self.of(unit).closed = True

    def skip(self, change: Change) -> None:
        self.of(change.unit).skipped += 1
        self.failed.add(change.key)

    def hindrance(self, change: Change) -> str | None:
        """Say why a change must not be tried any more, if it must not."""
        for key in change.needs:
            if key in self.failed:
                return f"needs {str(key).lstrip('/')}, which failed"
        account = self.of(change.unit)
        if account.closed:
            return "the unit's tracking group could not be written"
        if change.action in {Action.RELEASE, Action.DELETE} and self._went_wrong(account):
            return "the unit's prune is withheld, because another of its changes failed"
        return None

    def settled(self, unit: str) -> bool:
        """Tell whether all that was planned for a unit is done."""
        return not self._went_wrong(self.of(unit))

    def emptied(self, unit: str) -> bool:
        """Tell whether all that was to go of a unit is gone."""
        return self.settled(unit) and not self.of(unit).survivors

    def _went_wrong(self, account: _Account) -> bool:
        return bool(account.failures or account.skipped)

    def runs(
        self, ids: Mapping[str, str], writes: Mapping[str, int], lost: str | None
    ) -> Iterable[Run]:
        for unit, planned in self.plan.units.items():
            account = self.of(unit)
            error = self._error(unit, account, lost)
            yield Run(
                id=ids.get(unit, ""),
                unit=unit,
                revision=next(iter(self.plan.revisions.values())),
                outcome=self._outcome(planned, account, writes.get(unit, 0), lost),
                summary={
                    **{action.value: account.done[action] for action in Action},
                    "unchanged": planned.unchanged,
                },
                writes=writes.get(unit, 0),
                survivors=(*planned.survivors, *account.survivors),
                error=error,
            )

    def _error(self, unit: str, account: _Account, lost: str | None) -> str | None:
        if lost is not None and unit in self._touched:
            return lost
        if account.failures:
            more = len(account.failures) - 1
            skipped = f", {account.skipped} skipped" if account.skipped else ""
            return account.failures[0] + (f" (and {more} more{skipped})" if more or skipped else "")
        if account.skipped:
            return f"{account.skipped} changes skipped, because what they need failed"
        return next((str(own) for own in self.plan.errors(unit)), None)

    def _outcome(
        self, planned: UnitPlan, account: _Account, writes: int, lost: str | None
    ) -> Outcome:
        if self._went_wrong(account) or planned.state is UnitState.STALLED:
            return Outcome.FAILED
        if lost is not None and planned.unit in self._touched:
            return Outcome.FAILED
        by_state = {
            UnitState.SUSPENDED: Outcome.SKIPPED,
            UnitState.BLOCKED: Outcome.BLOCKED,
            UnitState.WAITING: Outcome.WAITING,
        }
        if planned.state in by_state:
            return by_state[planned.state]
        return Outcome.APPLIED if writes else Outcome.UNCHANGED


def dry_runs(plan: Plan) -> Iterator[Run]:
    """Yield what a report says of a plan that is not applied."""
    counts: dict[str, Counter[str]] = {}
    for change in plan.changes:
        counts.setdefault(change.unit, Counter())[change.action.value] += 1
    for own in Ledger(plan).runs({}, {}, None):
        planned = counts.get(own.unit, Counter())
        outcome = own.outcome
        if outcome is Outcome.UNCHANGED and own.unit in plan.touched():
            outcome = Outcome.PLANNED
        summary = {**own.summary, **planned}
        yield replace(own, outcome=outcome, summary=summary)

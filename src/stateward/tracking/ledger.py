"""The account of a round: what was done for each unit, and what was not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Stalled, TargetRefused, Transient
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Refusal
from stateward.model.plan import PRUNING, Action, Change, Plan, Survivor, UnitPlan, UnitState
from stateward.model.run import Fault, Outcome, Run
from stateward.model.unit import OnError
from stateward.planning.dependencies import whole
from stateward.tracking.session import Result

_ACTIONS = tuple((own, own.value) for own in Action)


@dataclass(slots=True)
class _Account:
    """One unit's part."""

    done: Counter[Action] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: int = 0
    survivors: list[Survivor] = field(default_factory=list)
    left_with: int = 0
    """Objects that another unit was to take over and did not."""
    still_has: int = 0
    """Members that another unit was to delete for all that had them, and did not."""
    shut: bool = False
    """Whether the unit's tracking group could not be had: then nothing of it is written."""
    ended: bool = False
    """Whether what was reached is written down."""

    @property
    def went_wrong(self) -> bool:
        return bool(self.failures or self.skipped)


@dataclass(slots=True)
class Ledger:
    """Takes results in, and says what they mean for what is still to come."""

    plan: Plan
    failed: set[ObjectKey] = field(default_factory=set)
    """What did not come about: objects, and units as a whole."""
    refused: list[tuple[Change, Refusal]] = field(default_factory=list)
    """What the target did not carry out, and why."""
    _survivors: set[ObjectKey] = field(default_factory=set)
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _touched: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._touched = self.plan.touched()

    def of(self, unit: str) -> _Account:
        return self._accounts.setdefault(unit, _Account())

    def take(self, result: Result) -> None:
        change, refusal = result.change, result.refusal
        if refusal is None:
            self.of(change.unit).done[change.action] += 1
            return
        self.refused.append((change, refusal))
        if change.action is Action.DELETE and refusal.code is Code.REJECTED:
            self._survive(change, refusal.message)
        else:
            self.fail(
                change.unit, f"{change.key}: {refusal.code} {refusal.code.slug}: {refusal.message}"
            )
            self._miss(change)

    def fail(self, unit: str, message: str) -> None:
        self.of(unit).failures.append(message)
        self.failed.add(whole(unit))

    def shut(self, unit: str, message: str) -> None:
        """Give up on a unit as a whole."""
        self.fail(unit, message)
        self.of(unit).shut = True

    def is_shut(self, unit: str) -> bool:
        return self.of(unit).shut

    def end(self, unit: str) -> None:
        """Take note that all of a unit is done and written down."""
        self.of(unit).ended = True

    def skip(self, change: Change, reason: str) -> None:
        if change.action is Action.DELETE and self._survivors.intersection(change.needs):
            self._survive(change, reason)
        else:
            self.of(change.unit).skipped += 1
            self.failed.add(whole(change.unit))
            self._miss(change)

    def _survive(self, change: Change, reason: str) -> None:
        survivor = Survivor(key=change.key, id=change.node or "", reason=reason)
        self.of(change.unit).survivors.append(survivor)
        self._survivors.add(change.key)
        self._keep(change)

    def _miss(self, change: Change) -> None:
        self.failed.add(change.key)
        if change.giver is not None:
            self.of(change.giver).left_with += 1
        self._keep(change)

    def _keep(self, change: Change) -> None:
        """Take note of a delete that did not come about for other units, either."""
        for unit in change.shared if change.action is Action.DELETE else ():
            self.of(unit).still_has += 1

    def missed(self, change: Change) -> bool:
        """Tell whether a change that was planned did not come about."""
        return change.key in self.failed or change.key in self._survivors

    def survivors(self, unit: str) -> tuple[Survivor, ...]:
        """Return the members whose delete was refused."""
        return tuple(self.of(unit).survivors)

    def demand(self, but: Action | None = None) -> None:
        """Raise ``TargetRefused`` where something was refused, other than by one action."""
        refused = [own for own in self.refused if own[0].action is not but]
        if refused:
            (change, refusal), *others = refused
            more = f" (and {len(others)} more)" if others else ""
            raise TargetRefused(f"{change.key}: {refusal.message}{more}", code=refusal.code)

    def hindrance(self, change: Change) -> str | None:
        """Say why a change must not be tried any more, if it must not."""
        for key in change.needs:
            if key in self.failed:
                return f"needs {str(key).lstrip('/')}, which failed"
            if key in self._survivors:
                return f"{key} is still there"
        account = self.of(change.unit)
        if account.shut:
            return "the unit's tracking group could not be written"
        if change.action in PRUNING and account.went_wrong:
            return "the unit's prune is withheld, because another of its changes failed"
        return self.stop(change)

    def stop(self, change: Change) -> str | None:
        """Say why nothing more of a change's unit is to be begun, if that is so."""
        planned = self.plan.units.get(change.unit)
        if (
            planned is None
            or planned.on_error is OnError.CONTINUE
            or not self.failed_itself(change.unit)
        ):
            return None
        return f"another change of the unit failed, and onError is {planned.on_error}"

    def failed_itself(self, unit: str) -> bool:
        """Tell whether the target refused something of a unit, other than to delete what is needed."""
        return bool(self.of(unit).failures)

    def all_well(self) -> bool:
        """Tell whether nothing that was tried has failed, in any unit."""
        return not any(own.went_wrong for own in self._accounts.values())

    def throw_away(self) -> None:
        """Take note that nothing of the round took effect, what had worked included."""
        for unit in self._touched:
            account = self.of(unit)
            account.done.clear()
            account.survivors.clear()
            account.ended = False
            if not account.went_wrong:
                account.failures.append("thrown away, because another change failed")

    def settled(self, unit: str) -> bool:
        """Tell whether all that was planned for a unit is done."""
        account = self.of(unit)
        return not (account.went_wrong or account.left_with)

    def emptied(self, unit: str) -> bool:
        """Tell whether all that was to go of a unit is gone."""
        account = self.of(unit)
        return self.settled(unit) and not account.survivors and not account.still_has

    def runs(
        self,
        ids: Mapping[str, str],
        writes: Mapping[str, int],
        lost: Stalled | Transient | None,
    ) -> Iterable[Run]:
        for unit, planned in self.plan.units.items():
            account = self.of(unit)
            cut = lost if unit in self._touched and not account.ended else None
            yield Run(
                id=ids.get(unit, ""),
                unit=unit,
                revision=next(iter(self.plan.revisions.values())),
                outcome=_outcome(planned, account, writes.get(unit, 0), cut),
                summary={
                    **{name: account.done[action] for action, name in _ACTIONS},
                    "unchanged": planned.unchanged,
                },
                writes=writes.get(unit, 0),
                survivors=(*planned.survivors, *account.survivors),
                error=self._error(unit, account, cut),
                fault=self._fault(planned, account, cut),
                retry_after=cut.retry_after if isinstance(cut, Transient) else None,
            )

    def _fault(
        self, planned: UnitPlan, account: _Account, cut: Stalled | Transient | None
    ) -> Fault | None:
        if cut is not None:
            return Fault.TRANSIENT if isinstance(cut, Transient) else Fault.STALLED
        if account.went_wrong or planned.failed_before:
            return Fault.STALLED
        if planned.state is not UnitState.STALLED:
            return None
        errors = self.plan.errors(planned.unit)
        whole_unit = [own for own in errors if own.subject is None]
        in_files = any(not own.code.of_schema for own in whole_unit)
        return Fault.INVALID if in_files else Fault.STALLED

    def _error(self, unit: str, account: _Account, cut: Stalled | Transient | None) -> str | None:
        if cut is not None:
            return str(cut)
        if account.failures:
            more = len(account.failures) - 1
            beside = [f"and {more} more"] if more else []
            beside += [f"{account.skipped} skipped"] if account.skipped else []
            return account.failures[0] + (f" ({', '.join(beside)})" if beside else "")
        if account.skipped:
            return f"{account.skipped} changes skipped, because what they need failed"
        return next((str(own) for own in self.plan.errors(unit)), None)


def _outcome(
    planned: UnitPlan, account: _Account, writes: int, cut: Stalled | Transient | None
) -> Outcome:
    stalled = planned.state is UnitState.STALLED or planned.failed_before
    if account.went_wrong or cut is not None or stalled:
        return Outcome.FAILED
    by_state = {
        UnitState.SUSPENDED: Outcome.SKIPPED,
        UnitState.HELD: Outcome.SKIPPED,
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

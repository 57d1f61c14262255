"""``onError: rollback``: where the target refused something of a unit, what was done is taken back.

In the same session, by the same planner as any rollback. What it cannot be taken back without goes
along. A round that was cut short meanwhile leaves that to the next one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from stateward.errors import (
    Code,
    ConfigError,
    Problem,
    Severity,
    Stalled,
    TargetUnavailable,
    Transient,
)
from stateward.model.plan import Plan, UnitPlan
from stateward.model.record import Record
from stateward.model.run import Fault, Outcome, Report, Run, TakenBack
from stateward.model.unit import OnError
from stateward.planning.holding import waits
from stateward.planning.inverse import Holding
from stateward.planning.together import together
from stateward.ports import Session, Trail
from stateward.tracking.carry import Progress
from stateward.tracking.choosing import attempts, given_up, in_their_order
from stateward.tracking.ledger import Ledger
from stateward.tracking.rollback import Rollback, check_target


def to_take_back(own: UnitPlan) -> bool:
    """Tell whether what is done for a unit is taken back where something of it fails.

    Where only drift was to be mended there is nothing whole to go back to, but what somebody did.
    """
    return own.on_error is OnError.ROLLBACK and not own.as_applied


def failed(plan: Plan, ledger: Ledger) -> frozenset[str]:
    """Return the units to be taken back: the target refused changes that a commit brought about.

    Without its tracking group nothing was done for a unit, and nowhere could be written that it is held.
    """
    return frozenset(
        unit
        for unit, own in plan.units.items()
        if to_take_back(own) and ledger.failed_itself(unit) and not ledger.is_shut(unit)
    )


@dataclass(slots=True)
class TakingBack:
    """Takes back what one round did, or what an earlier one had begun to."""

    rollback: Rollback
    trail: Trail
    session: Session
    plan: Plan

    async def after(
        self, units: frozenset[str], report: Report, token: str, progress: Progress
    ) -> tuple[Plan, Report]:
        """Take units back of which something failed, and say so in the report of the round."""
        runs = {own.unit: own.id for own in report.runs if own.id}
        try:
            records = await self._records(units, runs)
            plan, undone = await self.rollback.after_failure(
                self.session, records, self._holding(token, units), progress
            )
        except (Transient, Stalled) as error:
            return self.plan, _not_taken_back(report, units, error)
        back = {own.unit: own for own in undone.runs}
        of = {own.opening.subject: _of(plan, back[own.opening.subject]) for own in records}
        done = tuple(
            _taken_back(own, *of[own.unit], failed=own.unit in units) if own.unit in of else own
            for own in report.runs
        )
        problems = (
            *self.plan.problems,
            *plan.problems,
            *(waits(own, units) for own in sorted(of.keys() - units)),
        )
        writes = report.writes + undone.writes
        return replace(self.plan, problems=problems), replace(report, runs=done, writes=writes)

    async def finish(self, records: Sequence[Record], progress: Progress) -> tuple[Problem, int]:
        """End what an earlier round had begun to take back; return what is to be said, and writes."""
        subjects = {own.opening.subject for own in records}
        known = [own for unit, own in self.plan.units.items() if unit in subjects]
        token = next((own.before.tie.token for own in known if own.before.tie is not None), "")
        holding = self._holding(token, frozenset(subjects & self._rolling_back()))
        if records[-1].opening.revision not in self.plan.revisions.values():
            holding = replace(holding, files={})
        _, report = await self.rollback.after_failure(self.session, records, holding, progress)
        for one in report.runs:
            if one.fault is Fault.TRANSIENT:
                message = f"{one.unit}: what was to be taken back is not yet: {one.error}"
                raise TargetUnavailable(message)
        return _cut_short(records, "the rest was taken back first"), report.writes

    def _rolling_back(self) -> frozenset[str]:
        units = self.plan.units.values()
        return frozenset(own.unit for own in units if own.on_error is OnError.ROLLBACK)

    def _holding(self, token: str, units: frozenset[str]) -> Holding:
        files = {unit: own.files for unit, own in self.plan.units.items()}
        return Holding(token=token, schema=self.session.schema.hash, failed=units, files=files)

    async def _records(self, units: Collection[str], runs: Mapping[str, str]) -> list[Record]:
        """Return the runs to take back: of these units, and of all that have to go along."""
        pool: dict[str, Record] = {}
        own: dict[str, set[str]] = {}
        found: Collection[str] = units
        while missing := set(found) & runs.keys() - own.keys():
            for unit in missing:
                record = await self.trail.run(runs[unit])
                whole = self.plan.units[unit].on_error is OnError.ROLLBACK
                since = await attempts(self.trail, record) if whole else [record]
                own[unit] = {one.id for one in since}
                for one in since:
                    if one.id not in pool:
                        pool |= {other.id: other for other in await self.trail.together(one)}
            found = together(units, self.plan.changes, pool.values())
        taken = {one for unit in found for one in own.get(unit, ())}
        return in_their_order(pool[one] for one in taken)


def is_held(plan: Plan) -> bool:
    """Tell whether any unit of a plan was taken back, or was to be: else nothing is unfinished."""
    return any(own.before.tie is not None for own in plan.units.values())


async def unfinished(trail: Trail, plan: Plan, units: Collection[str]) -> list[Record]:
    """Return what an earlier round had begun to take back: only where it was of these units."""
    for unit in units:
        own = plan.units[unit]
        if own.before.tie is None:
            continue
        try:
            records = await given_up(trail, unit, own.group, plan.target)
            check_target(records, plan.target)
        except ConfigError:
            continue  # not all of it is recorded any more: it stays as it is, and is held
        about = {one.opening.subject for one in records} & plan.units.keys()
        if records and about <= set(units):
            return records
    return []


async def to_be_ended(trail: Trail, plan: Plan, units: Collection[str]) -> Problem | None:
    """Return what is to be said of a plan where something is taken back before it is carried out."""
    records = await unfinished(trail, plan, units)
    return (
        _cut_short(records, "applying takes the rest back first, and plans again")
        if records
        else None
    )


def _cut_short(records: Sequence[Record], then: str) -> Problem:
    units = ", ".join(sorted({own.opening.subject for own in records}))
    commit = records[-1].opening.revision[:12]
    message = f"{units}: an earlier round had begun to take commit {commit} back, and was cut short: {then}"
    return Problem(code=Code.TAKEN_BACK, message=message, severity=Severity.WARNING)


def _of(plan: Plan, run: Run) -> tuple[Run, int, int]:
    """Return what took a unit back, with the number of its changes, and of what is left otherwise."""
    changes = sum(own.unit == run.unit for own in plan.changes)
    return run, changes, len({own.subject for own in plan.problems if own.unit == run.unit})


def _taken_back(run: Run, back: Run, changes: int, left: int, *, failed: bool) -> Run:
    """Say of a run that it was taken back; one that nothing is wrong with waits for the others."""
    error = back.error if back.outcome is Outcome.FAILED else None
    found = TakenBack(run=back.id, changes=changes, left=left, error=error)
    lost = back.fault is Fault.TRANSIENT
    waits = not failed and run.outcome is not Outcome.FAILED
    return replace(
        run,
        outcome=Outcome.WAITING if waits else run.outcome,
        writes=run.writes + back.writes,
        taken_back=found,
        error=f"{run.error}; {_words(found)}" if run.error else run.error,
        fault=Fault.TRANSIENT if lost and not waits else run.fault,
        retry_after=back.retry_after if lost else run.retry_after,
    )


def _words(found: TakenBack) -> str:
    if found.error is not None:
        return f"not all of it could be taken back: {found.error}"
    left = f", and {found.left} not as before: somebody changed it since" if found.left else ""
    return f"taken back: {_counted(found.changes)}{left}"


def _counted(changes: int) -> str:
    return "1 change" if changes == 1 else f"{changes} changes"


def _not_taken_back(report: Report, units: Collection[str], error: Exception) -> Report:
    """Say of units that they stand as the round left them; the next one tries again."""
    after = error.retry_after if isinstance(error, Transient) else None
    runs = (
        replace(
            own,
            error=f"{own.error}; it could not be taken back: {error}",
            fault=Fault.TRANSIENT,
            retry_after=after,
        )
        if own.unit in units
        else own
        for own in report.runs
    )
    return replace(report, runs=tuple(runs))

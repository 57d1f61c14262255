"""One round for the units that are due, and what is to be said of each of them afterwards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stateward.daemon.board import Facts, Verdict
from stateward.daemon.corrections import corrections
from stateward.daemon.pausing import Pauses
from stateward.engine.drift import Writers, drift
from stateward.engine.reconcile import Reconciler
from stateward.errors import Code, Stalled, Transient
from stateward.instruments import Known
from stateward.model.drift import UnitDrift
from stateward.model.plan import Blocked, Plan, UnitState
from stateward.model.record import Cause
from stateward.model.run import Fault, Outcome, Report, Run
from stateward.model.status import Reason
from stateward.model.unit import DriftMode
from stateward.planning import telling
from stateward.tracking.carry import Progress
from stateward.tracking.ledger import dry_runs


class Stopped(Transient):
    """The daemon was told to end: what is not done is done by the next round."""

    default_code = Code.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one round is about."""

    revision: str
    taken: Mapping[str, frozenset[Reason]]
    facts: Mapping[str, Facts]
    pauses: Pauses
    """What keeps this round from units that it would look after by itself: those that are gone."""
    now: float
    actor: str | None = None
    """Who asked for it, if somebody did."""

    @property
    def trigger(self) -> str:
        found = frozenset().union(*self.taken.values())
        return "+".join(own.value for own in Reason if own in found)

    @property
    def known(self) -> Known:
        return {"revision": self.revision, "trigger": self.trigger, "units": len(self.taken)}

    def watched(self) -> frozenset[str]:
        """Return the units of which drift is not mended, unless their files are new."""
        return frozenset(
            unit
            for unit, reasons in self.taken.items()
            if unit in self.facts
            and self.facts[unit].drift.mode is not DriftMode.ENFORCE
            and Reason.COMMIT not in reasons
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a round came out."""

    verdicts: tuple[Verdict, ...]
    writes: int = 0
    requests: int | None = None
    """How many the target was sent; None where the round did not come to where that is told."""


async def run(reconciler: Reconciler, job: Job, progress: Progress) -> Done:
    """Run a round; what goes wrong with all of it is what went wrong with each of its units."""
    try:
        verdicts = await _watched(reconciler, job)
        rest = job.taken.keys() - verdicts.keys()
        if not rest:
            return Done(verdicts=tuple(verdicts.values()))
        writers = Writers()
        plan, report = await replace(_about(reconciler, job, rest), look=writers.look).apply(
            job.revision, expected=None, progress=progress
        )
    except (Stalled, Transient) as error:
        return Done(verdicts=tuple(_lost(job, error)))
    verdicts |= {own.run.unit: own for own in _verdicts(job, plan, report, rest, writers)}
    return Done(verdicts=tuple(verdicts.values()), writes=report.writes, requests=report.requests)


def failed(job: Job, message: str) -> Done:
    """Return what a round comes to that we ourselves broke off."""
    runs = (_run(unit, job, Fault.TRANSIENT, message, None) for unit in job.taken)
    return Done(verdicts=tuple(Verdict(run=own, message=message) for own in runs))


def _about(reconciler: Reconciler, job: Job, units: frozenset[str] | set[str]) -> Reconciler:
    scope = replace(
        reconciler.round.scope,
        units=frozenset(units),
        retries=lambda unit: Reason.MANUAL in job.taken.get(unit, ()),
        kept_from=lambda unit, windows: job.pauses.of(unit, windows, job.now) is not None,
    )
    return replace(
        reconciler,
        round=replace(reconciler.round, scope=scope),
        cause=Cause(trigger=job.trigger, actor=job.actor or reconciler.cause.actor),
    )


async def _watched(reconciler: Reconciler, job: Job) -> dict[str, Verdict]:
    """Look for drift that is not to be mended; what has yet to be applied is left to the rest."""
    units = job.watched()
    if not units:
        return {}
    writers = Writers()
    plan = await _about(reconciler, job, units).round.plan(job.revision, writers.look)
    runs = {own.unit: own for own in dry_runs(plan)}
    return {
        unit: _reported(plan, runs[unit], job, writers)
        for unit in units
        if unit in plan.units and plan.units[unit].as_applied
    }


def _reported(plan: Plan, run: Run, job: Job, writers: Writers) -> Verdict:
    changes = plan.of(run.unit)
    ignored = job.facts[run.unit].drift.mode is DriftMode.IGNORE
    found = None if ignored else drift(plan, run.unit, writers.found, at=job.now)
    if ignored or not changes or run.outcome is Outcome.FAILED:
        kept = replace(
            run, outcome=Outcome.UNCHANGED if run.outcome is Outcome.PLANNED else run.outcome
        )
        held = plan.units[run.unit].state is UnitState.HELD
        return Verdict(run=kept, message=_message(plan, run), held=held, drift=found)
    first, *more = changes
    others = f" (and {len(more)} more)" if more else ""
    message = f"the target differs, and drift is only reported: {first.action} {first.key}{others}"
    return Verdict(run=run, message=message, drifted=True, drift=found)


def _verdicts(
    job: Job, plan: Plan, report: Report, units: set[str], writers: Writers
) -> Iterator[Verdict]:
    runs = {own.unit: own for own in report.runs}
    for unit in sorted(units):
        own = plan.units.get(unit)
        if own is None:
            yield Verdict(run=_nothing(unit, plan), gone=True)
            continue
        gone = own.leaves and runs[unit].outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        held = own.state is UnitState.HELD
        looked = unit in job.facts and own.as_applied
        blocked = _blocked(plan, unit)
        yield Verdict(
            run=runs[unit],
            message=_message(plan, runs[unit]),
            gone=gone,
            held=held,
            corrected=tuple(corrections(plan, unit, writers.found)) if looked else None,
            drift=_mended(plan, runs[unit], job, writers),
            anew=not looked,
            blocked=blocked.digest if blocked and not blocked.protected else None,
            details=tuple(telling.lines(blocked, plan.commit)) if blocked else (),
        )


def _mended(plan: Plan, run: Run, job: Job, writers: Writers) -> UnitDrift | None:
    """Return what a round found to have drifted; after a commit that is through, nothing has."""
    done = run.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
    found = drift(plan, run.unit, writers.found, at=job.now, mended=run.outcome is Outcome.APPLIED)
    new = UnitDrift(revision=run.revision, at=job.now)
    return new if found is None and done else found


def _nothing(unit: str, plan: Plan) -> Run:
    revision = next(iter(plan.revisions.values()))
    return Run(id="", unit=unit, revision=revision, outcome=Outcome.UNCHANGED)


def _message(plan: Plan, run: Run) -> str | None:
    """Say why a unit is not ready, and what it waits for."""
    if run.error is not None:
        return run.error
    blocked = _blocked(plan, run.unit)
    if blocked is not None:
        return str(blocked)
    if run.outcome is Outcome.WAITING or plan.units[run.unit].state is UnitState.WAITING:
        return next((str(own) for own in plan.problems if own.unit == run.unit), None)
    return None


def _blocked(plan: Plan, unit: str) -> Blocked | None:
    return next((own for own in plan.blocked if own.unit == unit), None)


def _lost(job: Job, error: Stalled | Transient) -> Iterator[Verdict]:
    fault = Fault.TRANSIENT if isinstance(error, Transient) else Fault.STALLED
    after = error.retry_after if isinstance(error, Transient) else None
    for unit in sorted(job.taken):
        yield Verdict(run=_run(unit, job, fault, str(error), after), message=str(error))


def _run(unit: str, job: Job, fault: Fault, message: str, after: float | None) -> Run:
    return Run(
        id="",
        unit=unit,
        revision=job.revision,
        outcome=Outcome.FAILED,
        error=message,
        fault=fault,
        retry_after=after,
    )

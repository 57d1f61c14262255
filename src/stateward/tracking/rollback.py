"""Taking a run back: its inverse is planned and applied as any plan is."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from stateward.errors import Code, ConfigError
from stateward.model.plan import Plan
from stateward.model.record import Cause, Opening, Record, RunKind
from stateward.model.run import Outcome, Report
from stateward.model.state import Observed
from stateward.model.unit import UnitSettings, group_name
from stateward.planning.effects import Effect, effects
from stateward.planning.inverse import Undoing
from stateward.planning.undo import undo
from stateward.ports import Journal, Mandate, Query, Session, Target
from stateward.tracking.apply import Applier
from stateward.tracking.carry import Progress
from stateward.tracking.closing import close
from stateward.tracking.ledger import Ledger
from stateward.tracking.mandate import UNLIMITED, fence
from stateward.tracking.querying import query_of
from stateward.tracking.session import Tracking


@dataclass(slots=True)
class Rollback:
    """Takes recorded runs of one target back."""

    target: Target
    journal: Journal
    new_id: Callable[[], str]
    cause: Cause
    """Why it is done, and whose doing it is."""
    settings: UnitSettings
    """What the run's unit allows: limits, and what is protected."""
    shared: bool = False
    """Whether sessions go on beside it: whoever asks holds the run's group then."""
    mandate: Mandate = UNLIMITED

    async def plan(
        self, record: Record, *, force: bool = False, allow_deletes: int | None = None
    ) -> Plan:
        """Plan without writing anything.

        ``force`` takes back what somebody changed since, too. Raises ``ConfigError`` for a run that
        was on another target, or is under way.
        """
        self.check(record)
        async with self.target.session(None, write=False) as session:
            return await self._plan(session, record, force=force, allow_deletes=allow_deletes)

    async def apply(
        self,
        record: Record,
        *,
        force: bool = False,
        allow_deletes: int | None = None,
        progress: Progress = lambda _through, _of: None,
    ) -> tuple[Plan, Report]:
        """Plan and apply, in one session; the rollback is recorded as a run of its own."""
        self.check(record)
        async with self.target.session(None, write=True, shared=self.shared) as session:
            if not record.outcome:  # nobody has its group: its process died
                why = "interrupted: taken back"
                record = await close(session, self.journal, record, outcome=Outcome.FAILED, why=why)
            plan = await self._plan(session, record, force=force, allow_deletes=allow_deletes)
            interrupted = () if self.shared else await self.journal.unfinished(plan.target)
            for run in interrupted:
                await self.journal.finish(run, Outcome.FAILED, "interrupted: a rollback came after")
            if plan.is_empty:
                runs = tuple(Ledger(plan).runs({}, {}, None))
                return plan, Report(digest=plan.digest, writes=0, runs=runs)
            report = await self._apply(plan, record, session, progress, force=force)
            return plan, replace(report, requests=session.requests)

    def check(self, record: Record) -> None:
        """Raise ``ConfigError`` for a run that was on another target."""
        opening = record.opening
        if opening.target != self.target.name:
            message = (
                f"run {record.id} was on {opening.target}, and the target here is"
                f" {self.target.name}: name that one as the target"
            )
            raise ConfigError(message, code=Code.NO_SUCH_RUN)
        if not opening.group:
            message = f"run {record.id} was recorded by an older version, and lacks what it changed"
            raise ConfigError(message, code=Code.NO_SUCH_RUN)

    async def _plan(
        self, session: Session, record: Record, *, force: bool, allow_deletes: int | None
    ) -> Plan:
        found = effects(record.changes)
        groups = _groups(record, found.values())
        observed = await session.observe(query_of(found, groups.values(), session.schema))
        made = [own.node for own in found.values() if own.made and own.node in observed.objects]
        observed = await _with_holds(session, observed, made, record.opening.group)
        return undo(
            Undoing(
                record=record,
                target=self.target.name,
                schema=session.schema,
                observed=observed,
                settings=self.settings,
                groups=groups,
                force=force,
                allow_deletes=allow_deletes,
            )
        )

    async def _apply(
        self, plan: Plan, record: Record, session: Session, progress: Progress, *, force: bool
    ) -> Report:
        run = self.new_id()
        tracking = Tracking(
            session=session,
            journal=self.journal,
            ids=dict(plan.ids),
            group_of=lambda unit: plan.units[unit].group,
            new_id=self.new_id,
            groups=dict(plan.groups),
            runs=dict.fromkeys(plan.units, run),
            mandate=self.mandate,
        )
        await fence(session, self.mandate, record.opening.group)
        await self.journal.begin([self._opening(plan, record, run, force=force)])
        return await Applier(
            plan=plan,
            tracking=tracking,
            batch=self.target.batch,
            in_flight=self.target.in_flight,
            progress=progress,
        ).run()

    def _opening(self, plan: Plan, record: Record, run: str, *, force: bool) -> Opening:
        opening, unit = record.opening, plan.units[record.opening.subject]
        allowed = [] if plan.allow_deletes is None else [f"--allow-deletes {plan.allow_deletes}"]
        return replace(
            opening,
            run=run,
            kind=RunKind.ROLLBACK,
            cause=self.cause,
            plan=plan.digest,
            before=str(unit.before) if unit.group in plan.groups else "",
            undoes=record.id,
            detail=", ".join([*(["--force"] if force else []), *allowed]),
        )


async def _with_holds(
    session: Session, observed: Observed, made: Collection[str], group: str
) -> Observed:
    """Add what stands in the way of deletes, and what that is called."""
    if not made:
        return observed
    holds = await session.holds(made, group)
    others = {one.id for own in holds.values() for one in (*own.cascade, *own.needed_by)}
    unknown = others - observed.objects.keys()
    found = await session.observe(Query(ids=sorted(unknown))) if unknown else Observed()
    names = {node: own.key for node, own in found.objects.items()}
    return replace(observed, holds=holds, names={**observed.names, **names})


def _groups(record: Record, found: Iterable[Effect]) -> dict[str, str]:
    """Return the names of the groups of the run's unit, and of units that it had objects from."""
    opening = record.opening
    groups = {opening.subject: opening.group}
    for own in found:
        for unit in (own.unit, own.giver):
            if unit is not None and unit not in groups:
                _, instance, source, _ = opening.group.split("/", 3)
                groups[unit] = group_name(instance, source, unit)
    return groups

"""Taking runs back: their inverse is planned and applied as any plan is."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from stateward.errors import Code, ConfigError
from stateward.model.plan import Plan
from stateward.model.record import INTERRUPTED, Cause, Opening, Record, RunKind
from stateward.model.run import Outcome, Report
from stateward.model.schema import Schema
from stateward.model.state import Observed
from stateward.model.unit import UnitSettings, group_name, prefix
from stateward.planning.effects import Effect, effects
from stateward.planning.inverse import Holding, Undoing, first_of_units
from stateward.planning.undo import undo
from stateward.ports import Journal, Mandate, Query, Session, Target, Trail
from stateward.tracking.apply import Applier
from stateward.tracking.carry import Progress
from stateward.tracking.choosing import with_begun
from stateward.tracking.closing import close, outlast
from stateward.tracking.ledger import Ledger
from stateward.tracking.mandate import UNLIMITED, fence
from stateward.tracking.naming import describe
from stateward.tracking.querying import query_of
from stateward.tracking.session import GROUP_KIND, GroupShape, Tracking


@dataclass(slots=True)
class Rollback:
    """Takes recorded runs of one target back."""

    target: Target
    journal: Journal
    trail: Trail
    """The same journal, read back: what rollbacks had begun is ended."""
    new_id: Callable[[], str]
    cause: Cause
    """Why it is done, and whose doing it is."""
    settings: Callable[[str], UnitSettings]
    """What a unit allows: limits, and what is protected."""
    shared: bool = False
    """Whether sessions go on beside it: whoever asks holds the run's group then."""
    mandate: Mandate = UNLIMITED
    detail: str = ""
    """What its runs are recorded with, in place of what was allowed beyond the usual."""

    async def plan(
        self, *records: Record, force: bool = False, allow_deletes: int | None = None
    ) -> Plan:
        """Plan without writing anything.

        Several runs, oldest first, are taken back together. ``force`` takes back what somebody
        changed since, too. Raises ``ConfigError`` for a run that was on another target.
        """
        check_target(records, self.target.name)
        records = await with_begun(self.trail, records)
        async with self.target.session(None, write=False) as session:
            return await self._plan(session, records, force=force, allow_deletes=allow_deletes)

    async def apply(
        self,
        *records: Record,
        force: bool = False,
        allow_deletes: int | None = None,
        progress: Progress = lambda _through, _of: None,
    ) -> tuple[Plan, Report]:
        """Plan and apply, in one session; the rollback is recorded as a run of each unit."""
        check_target(records, self.target.name)
        async with self.target.session(None, write=True, shared=self.shared) as session:
            begun = await with_begun(self.trail, records)
            open_ = [own.id for own in begun if not own.outcome]
            interrupted = () if self.shared else await self.journal.unfinished(self.target.name)
            await outlast(session, self.journal, {*open_, *interrupted})
            records = tuple([await self._closed(session, own) for own in begun])
            plan = await self._plan(session, records, force=force, allow_deletes=allow_deletes)
            for run in interrupted:
                await self.journal.finish(run, Outcome.FAILED, "interrupted: a rollback came after")
            report = await self._carried_out(plan, records, session, progress, force=force)
            return plan, replace(report, requests=session.requests)

    async def after_failure(
        self, session: Session, records: Sequence[Record], holding: Holding, progress: Progress
    ) -> tuple[Plan, Report]:
        """Take back what a round did for units of which changes failed, in the session of the round.

        What was made a moment ago, and is as it was made, may go, however much of it there is. What
        earlier rounds made is kept where it is protected.
        """
        check_target(records, self.target.name)
        failed = records[-1].round
        holding = replace(holding, earlier=frozenset(o.id for o in records if o.round != failed))
        begun = await with_begun(self.trail, records)
        records = tuple([await self._closed(session, own) for own in begun])
        plan = await self._plan(session, records, force=False, allow_deletes=None, holding=holding)
        report = await self._carried_out(plan, records, session, progress, force=False)
        return plan, report

    async def _carried_out(
        self,
        plan: Plan,
        records: Sequence[Record],
        session: Session,
        progress: Progress,
        *,
        force: bool,
    ) -> Report:
        if plan.is_empty:
            runs = tuple(Ledger(plan).runs({}, {}, None))
            return Report(digest=plan.digest, writes=0, runs=runs)
        return await self._apply(plan, records, session, progress, force=force)

    async def _closed(self, session: Session, record: Record) -> Record:
        """End a run that has not ended: nobody has its group, so its process died."""
        if record.outcome:
            return record
        why = "interrupted: taken back"
        return await close(session, self.journal, record, outcome=Outcome.FAILED, why=why)

    async def _plan(
        self,
        session: Session,
        records: Sequence[Record],
        *,
        force: bool,
        allow_deletes: int | None,
        holding: Holding | None = None,
    ) -> Plan:
        found = effects(records, session.schema)
        groups = _groups(records, found.values())
        observed = await session.observe(query_of(found, groups.values(), session.schema))
        made = [own.node for own in found.values() if own.made and own.node in observed.objects]
        observed = await _with_holds(session, observed, made, _ours(records))
        # What a person takes back is shown before, and what leads to it comes back with it.
        pointers = await session.pointers(made) if made and holding is not None else {}
        pointing = {one.node for own in pointers.values() for one in own}
        observed = await _with_names(session, observed, pointing)
        return undo(
            Undoing(
                records=records,
                target=self.target.name,
                schema=session.schema,
                observed=observed,
                settings={unit: self.settings(unit) for unit in groups},
                groups=groups,
                force=force,
                allow_deletes=allow_deletes,
                holding=holding,
                pointers=pointers,
            )
        )

    async def _apply(
        self,
        plan: Plan,
        records: Sequence[Record],
        session: Session,
        progress: Progress,
        *,
        force: bool,
    ) -> Report:
        first = first_of_units(records)
        runs = {unit: self.new_id() for unit in first}
        # What another unit gets back is written down with the run that had taken it.
        one = next(iter(runs.values()))
        tracking = Tracking(
            session=session,
            journal=self.journal,
            ids=dict(plan.ids),
            group_of=lambda unit: plan.units[unit].group,
            new_id=self.new_id,
            groups=dict(plan.groups),
            runs={unit: runs.get(unit, one) for unit in plan.units},
            mandate=self.mandate,
            made_as=_shapes(first.values(), session.schema),
        )
        await fence(session, self.mandate, _ours(records))
        detail = self.detail or _detail(plan, force=force)
        opening = partial(self._opening, plan, records, tracking.runs, self.new_id(), detail)
        await self.journal.begin([opening(own) for own in first.values()])
        return await Applier(
            plan=plan,
            tracking=tracking,
            batch=self.target.batch,
            in_flight=self.target.in_flight,
            progress=progress,
            cut_short=f"{INTERRUPTED}: ",
        ).run()

    def _opening(
        self,
        plan: Plan,
        records: Sequence[Record],
        runs: Mapping[str, str],
        round_: str,
        detail: str,
        record: Record,
    ) -> Opening:
        unit = record.opening.subject
        run = runs[unit]
        of_unit = [own.id for own in records if own.opening.subject == unit]
        changes = [own for own in plan.changes if runs[own.unit] == run]
        stamped = not record.is_by_script and plan.units[unit].group in plan.groups
        undone = [undone.run for own in changes for undone in own.undoes]
        return replace(
            record.opening,
            run=run,
            kind=RunKind.ROLLBACK,
            cause=self.cause,
            plan=plan.digest,
            round=round_ if record.opening.round else "",
            before=str(plan.units[unit].before) if stamped else "",
            undoes=tuple(dict.fromkeys((*of_unit, *undone))),
            detail=detail,
        )


def _detail(plan: Plan, *, force: bool) -> str:
    allowed = [] if plan.allow_deletes is None else [f"--allow-deletes {plan.allow_deletes}"]
    return ", ".join([*(["--force"] if force else []), *allowed])


def _shapes(records: Iterable[Record], schema: Schema) -> dict[str, GroupShape]:
    """Return what the groups of sessions were made as."""
    found: dict[str, GroupShape] = {}
    for own in records:
        kind = schema.get(own.opening.group_kind or GROUP_KIND)
        if own.is_by_script and kind is not None:
            most = kind.attributes["description"].max_length
            description = describe(own.opening.params, most)
            found[own.opening.subject] = GroupShape(kind.kind, description)
    return found


def _ours(records: Sequence[Record]) -> str:
    """Return the name of the one group that runs are about, or what the names of all start with."""
    groups = {own.opening.group for own in records}
    if len(groups) == 1:
        return groups.pop()
    _, instance, source, _ = records[0].opening.group.split("/", 3)
    return prefix(instance, source)


def check_target(records: Iterable[Record], target: str) -> None:
    """Raise ``ConfigError`` for a run that was on another target than the one of this name."""
    for own in records:
        if own.opening.target != target:
            message = (
                f"run {own.id} was on {own.opening.target}, and the target here is {target}:"
                " name that one as the target"
            )
            raise ConfigError(message, code=Code.NO_SUCH_RUN)
        if not own.opening.group:
            message = f"run {own.id} was recorded by an older version, and lacks what it changed"
            raise ConfigError(message, code=Code.NO_SUCH_RUN)


async def _with_holds(
    session: Session, observed: Observed, made: Collection[str], group: str
) -> Observed:
    """Add what stands in the way of deletes, and what that is called."""
    if not made:
        return observed
    holds = await session.holds(made, group)
    others = {one.id for own in holds.values() for one in (*own.cascade, *own.needed_by)}
    return await _with_names(session, replace(observed, holds=holds), others)


async def _with_names(session: Session, observed: Observed, ids: Collection[str]) -> Observed:
    """Add what objects are called."""
    unknown = set(ids) - observed.objects.keys()
    found = await session.observe(Query(ids=sorted(unknown))) if unknown else Observed()
    names = {node: own.key for node, own in found.objects.items()}
    return replace(observed, names={**observed.names, **names})


def _groups(records: Sequence[Record], found: Iterable[Effect]) -> dict[str, str]:
    """Return the names of the groups of the runs' units, and of units that they had objects from."""
    groups = {own.opening.subject: own.opening.group for own in records}
    for unit in (unit for own in found for unit in own.holders):
        if unit not in groups:
            _, instance, source, _ = records[0].opening.group.split("/", 3)
            groups[unit] = group_name(instance, source, unit)
    return groups

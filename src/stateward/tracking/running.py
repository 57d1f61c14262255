"""The life of one session: opened once, its calls in turn, closed once, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sized
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from stateward.errors import (
    Code,
    ConfigError,
    Stalled,
    StateUnavailable,
    StatewardError,
    TargetUnavailable,
)
from stateward.model.plan import Plan
from stateward.model.record import Cause, Opening, RunKind
from stateward.model.run import Outcome, Report
from stateward.model.unit import UnitSettings
from stateward.ports import Journal, Target, Trail
from stateward.tracking.closing import close, interrupted, outlast
from stateward.tracking.outcome import SessionReport
from stateward.tracking.rollback import Rollback
from stateward.tracking.session import Tracking
from stateward.tracking.work import SessionSettings, Work, look_at_group


@dataclass(slots=True)
class Running:
    """What is open while a session goes on: two leases, a conversation, a run in the journal."""

    settings: SessionSettings
    target: Target
    journal: Journal
    trail: Trail
    undo: Rollback
    new_id: Callable[[], str]
    batches: list[Sized] = field(default_factory=list)
    """What was collected and is still to be written."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    _work: Work | None = None
    _begun: bool = False
    _over: bool = False

    @property
    def work(self) -> Work:
        if self._work is None:
            raise ConfigError("the session has not been started", code=Code.SESSION)
        return self._work

    async def open(self) -> None:
        if self._work is not None or self._over:
            raise ConfigError("a session is started once: open another", code=Code.SESSION)
        async with AsyncExitStack() as stack:
            stack.enter_context(self.target.hold(self.settings.group))
            opened = self.target.session(None, write=True, shared=True)
            session = await stack.enter_async_context(opened)
            cut = await interrupted(self.trail, self.journal, self.target.name, self.settings.group)
            await outlast(session, self.journal, [own.id for own in cut])
            membership, group, observed = await look_at_group(session, self.settings)
            run = self.new_id()
            tracking = Tracking(
                session=session,
                journal=self.journal,
                ids={},
                group_of=lambda unit: unit,
                new_id=self.new_id,
                groups=dict(membership.groups),
                runs={self.settings.group: run},
            )
            self._work = Work(
                settings=self.settings,
                target=self.target,
                session=session,
                tracking=tracking,
                begin=self._begin,
                membership=membership,
                group=group,
            )
            for own in observed.objects.values():
                self._work.meet(own.id, own.key, own.attributes)
            for record in cut:
                why = "interrupted: the next session went on"
                await close(session, self.journal, record, outcome=Outcome.FAILED, why=why)
            self._stack = stack.pop_all()

    async def _begin(self) -> None:
        if not self._begun:
            await self.journal.begin([self._opening()])
            self._begun = True

    def _opening(self) -> Opening:
        settings, group = self.settings, self.work.group
        return Opening(
            run=self._run,
            kind=RunKind.SESSION,
            subject=settings.identifier,
            params={name: str(value) for name, value in settings.params.items()},
            target=self.target.name,
            cause=Cause(trigger="script", actor=settings.actor),
            group=settings.group,
            group_kind=settings.group_kind,
            caller=settings.caller,
            before=str((group.attributes.get("description") if group else None) or ""),
        )

    @property
    def _run(self) -> str:
        return self.work.tracking.runs[self.settings.group]

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Work]:
        """Let one call that reads work; what could not be read withholds the prune."""
        async with self._turn() as work:
            try:
                yield work
            except (Stalled, ConfigError):  # an answer, too
                raise
            except BaseException as error:
                work.withhold(_reason(error))
                raise

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Work]:
        """Let one call that writes work; whatever goes wrong withholds the prune.

        What a script wanted is not known then: it may go on, and end well all the same.
        """
        async with self._turn() as work:
            try:
                yield work
            except BaseException as error:
                work.withhold(_reason(error))
                if not isinstance(error, Stalled | ConfigError | TypeError):
                    work.lost = _reason(error)
                raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Work]:
        """Let one call after the other work."""
        work = self.work
        async with self._turns:
            if self._over:
                raise ConfigError("the session has ended", code=Code.SESSION)
            if work.lost is not None:
                message = f"the session lost its target, and cannot go on: {work.lost}"
                raise TargetUnavailable(message)
            yield work

    @asynccontextmanager
    async def closing(self) -> AsyncIterator[Work]:
        """Let the last call work, and close behind it."""
        _ = self.work  # what was not started cannot be closed
        try:
            async with self.writing() as work:
                yield work
        except BaseException as error:
            await self._close(Outcome.FAILED, _reason(error))
            raise
        await self._close(*_outcome(self.report()))

    async def abandon(self, reason: str) -> SessionReport:
        if not self._over:
            self.work.withhold(f"the script ended by {reason}")
            await self._close(Outcome.FAILED, f"ended by {reason}")
        return self.report()

    async def take_back(self, reason: str | None = None) -> tuple[Plan, Report]:
        """Close, and take the run back before anybody else can have the group."""
        work = self.work
        detail = "taken back" if reason is None else f"ended by {reason}, and taken back"
        async with self._turns:
            if self._over:
                raise ConfigError("the session has ended", code=Code.SESSION)
            work.withhold("the session was taken back")
            try:
                if not self._begun:
                    return _nothing(self.target)
                await self.journal.finish(self._run, Outcome.FAILED, detail)
                record = await self.trail.run(self._run)
                undo = replace(self.undo, settings=self._without_protection)
                return await undo.apply(record, allow_deletes=len(record.changes))
            finally:
                outcome = Outcome.FAILED if self._begun else Outcome.UNCHANGED
                await self._close(outcome, detail)

    def _without_protection(self, subject: str) -> UnitSettings:
        """Let all go that this session made, whatever kind it is of: nothing hangs on it yet."""
        known = self.undo.settings(subject)
        return replace(known, limits=replace(known.limits, protected_kinds=frozenset()))

    async def _close(self, outcome: Outcome, detail: str) -> None:
        if self._over:
            return
        self._over = True
        async with self._stack:
            with suppress(StateUnavailable):  # the script has its own error to tell
                await self._begin()
            if self._begun:
                await self.journal.finish(self._run, outcome, detail)

    def report(self) -> SessionReport:
        work = self.work
        return work.tally.report(self.settings.group, work.tracking.writes)


def _reason(error: BaseException) -> str:
    """Say what happened; what is not ours to show is only named."""
    return str(error) if isinstance(error, StatewardError) else type(error).__name__


def _nothing(target: Target) -> tuple[Plan, Report]:
    plan = Plan(target=target.name, schema="", revisions={})
    return plan, Report(digest=plan.digest, writes=0, runs=())


def _outcome(report: SessionReport) -> tuple[Outcome, str]:
    if report.blocked is not None:
        return Outcome.BLOCKED, report.blocked.reason
    if report.withheld is not None:
        return Outcome.FAILED, report.withheld
    return (Outcome.APPLIED if report.writes else Outcome.UNCHANGED), ""

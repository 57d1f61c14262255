"""One source, tended: looks find new commits, rounds bring the target in line.

Looking and working do not wait for each other; rounds of all sources take turns, since they write
to one target. What goes wrong in either is told, and ends neither.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stateward.daemon import bugs, rounds, telling
from stateward.daemon.board import Board, Facts
from stateward.daemon.rounds import Done, Job, Stopped
from stateward.engine.fingerprint import fingerprints
from stateward.engine.reconcile import Reconciler
from stateward.errors import Stalled, StateUnavailable, StatewardError, Transient
from stateward.instruments import UNMEASURED, Instruments, Known, Step
from stateward.model.command import Command, Verb
from stateward.model.event import Action, Event, Level, event
from stateward.model.status import Reason, SourceStatus, Status
from stateward.model.unit import prefix
from stateward.ports import Commands, Statuses

Emit = Callable[[Event], None]
Head = Callable[[float], Awaitable[str]]
"""Says which commit is the newest, by an answer that is at most so many seconds old."""
_ASKS = frozenset({Verb.RECONCILE, Verb.APPROVE})
"""What leads to a round in somebody's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What a source is, and what it takes to tend it."""

    name: str
    reconciler: Reconciler
    head: Head
    every: float
    """Seconds between looks."""
    places: Callable[[], Awaitable[tuple[tuple[Path, bool], ...]]]
    """Directories in which something changes with every commit, and whether what is below counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all sources share."""

    statuses: Statuses
    commands: Commands
    emit: Emit
    clock: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[], str]
    instruments: Instruments = UNMEASURED
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be a new command."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Tender:
    """Tends one source."""

    tended: Tended
    board: Board
    means: Means
    every: float
    """Seconds between looks without a hint."""
    hint: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be a new commit."""
    source: SourceStatus | None = None
    """What the last look said; None before the first."""
    remembers: bool = True
    """Whether the state database could be used when it was last wanted."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: dict[str, str] = field(default_factory=dict)
    """Who asked for a round of a unit."""
    _error: str | None = None
    _writing: bool = False

    @property
    def _target(self) -> str:
        return self.tended.reconciler.round.target.name

    async def recall(self) -> None:
        """Take up what an earlier process knew."""
        try:
            known = await self.means.statuses.load(self._target, self.tended.name)
        except StateUnavailable as error:
            self._state_lost(error)
        else:
            scope = self.tended.reconciler.round.scope
            own = {unit: status for unit, status in known.items() if scope.selects(unit)}
            self.board.statuses.update(own)

    async def heed(self, commands: Sequence[Command]) -> None:
        """Take in what people want of this source."""
        changed = self.board.heed(commands, self.means.clock())
        for own in commands:
            if own.verb in _ASKS and self.board.revision is not None:
                known = self.board.statuses
                self._asked |= {unit: own.actor for unit in known if own.concerns(unit)}
            if own.verb is Verb.RECONCILE:
                self.hint.set()
        if changed:
            await self._keep(changed)
            self._changed.set()

    async def looking(self) -> None:
        """Look for new commits until cancelled: when there is a hint, and every so often."""
        max_age = self.every / 2
        while True:
            await self.look(max_age)
            try:
                async with asyncio.timeout(self.every):
                    await self.hint.wait()
                max_age = 0.0
            except TimeoutError:
                max_age = self.every / 2
            self.hint.clear()

    async def look(self, max_age: float) -> None:
        """Look once, and mark what a new commit touches."""
        known: Known = {"source": self.tended.name}
        with self.means.instruments.step(Step.LOOK, known):
            before = self.board.revision
            error = await self._look(max_age)
            known["outcome"] = "failed" if error else "ok"
            known["fetched"] = self.board.revision if self.board.revision != before else None
        if error != self._error:
            self._tell_source(error)
        self._error = error
        await self._keep_source()

    async def _look(self, max_age: float) -> str | None:
        try:
            commit = await self.tended.head(max_age)
            if commit != self.board.revision:
                await self._see(commit)
        except (Stalled, Transient) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a bug in one look must not end the daemon
            return self._bug(error)
        return None

    async def _see(self, commit: str) -> None:
        scope = self.tended.reconciler.round.scope
        loaded = await self.tended.reconciler.round.loader.load(commit)
        digests = fingerprints(loaded, scope.schemas, prefix(scope.instance, scope.source))
        facts = {
            unit: Facts(
                fingerprint=digest,
                files=loaded.digests.get(unit, ""),
                drift=loaded.settings[unit].drift or self.board.usual,
                windows=loaded.settings[unit].windows,
            )
            for unit, digest in digests.items()
            if scope.selects(unit)
        }
        before = self.board.revision
        touched = self.board.seen(commit, facts, self.means.clock())
        due = len(touched)
        self._emit(Action.REVISION, revision=commit, before=before, units=len(facts), due=due)
        changed = self.board.statuses if before is None else touched
        await self._keep({unit: self.board.statuses.get(unit) for unit in changed})
        self._changed.set()
        if before is None:
            self.means.told.set()  # what is about units that were not known can be done now

    async def working(self) -> None:
        """Run rounds of what is due until told to stop; what is being written is ended first."""
        while not self.means.stop.is_set():
            await self._wait()
            async with self.means.turn:
                if not self.means.stop.is_set():
                    await self.work()

    async def _wait(self) -> None:
        due = self.board.queue.due()
        left = None if due is None else max(0.0, due - self.means.clock())
        waits = [asyncio.ensure_future(own.wait()) for own in (self._changed, self.means.stop)]
        try:
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for own in waits:
                own.cancel()
        self._changed.clear()

    async def work(self) -> None:
        """Run one round of what is due, if anything is."""
        waited = max(self.board.queue.waits(self.means.clock()), default=0.0)
        taken = await self._take()
        revision = self.board.revision
        if not taken or revision is None:
            return
        asked = {self._asked.pop(unit) for unit in taken if unit in self._asked}
        job = Job(
            revision=revision,
            taken=taken,
            facts=self.board.facts,
            pauses=self.board.pauses,
            now=self.means.clock(),
            actor=", ".join(sorted(asked)) or None,
        )
        begun = self.means.clock()
        done = await self._measured(job, waited)
        now = self.means.clock()
        if done is None:
            self.board.give_back(taken, now)
            return
        before = dict(self.board.statuses)
        settled = self.board.settle(done.verdicts, revision, now, self.means.random())
        await self._keep(settled)
        called = {"source": self.tended.name, "round": self.means.new_id()}
        for own in telling.lines(job, done, before, settled, now - begun, **called):
            self.means.emit(own)

    async def _take(self) -> Mapping[str, frozenset[Reason]]:
        """Take what is due, and keep what is to be known of what is due and may not."""
        before = dict(self.board.statuses)
        taken = self.board.take(self.means.clock())
        known = self.board.statuses
        await self._keep({one: own for one, own in known.items() if before.get(one) is not own})
        return taken

    async def _measured(self, job: Job, waited: float) -> Done | None:
        known: Known = {"source": self.tended.name, "waited": waited, **job.known}
        with self.means.instruments.step(Step.ROUND, known):
            done = await self._round(job)
            if done is not None:
                known |= {"writes": done.writes, "requests": done.requests}
        return done

    async def _round(self, job: Job) -> Done | None:
        """Run a round; None where it was dropped, since it is time to end and nothing was sent."""
        self._writing = False
        task = asyncio.ensure_future(rounds.run(self.tended.reconciler, job, self._progress))
        stop = asyncio.ensure_future(self.means.stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and not self._writing:
                task.cancel()
                await asyncio.wait({task})
                return None
            return await task
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one round must not end the daemon
            return rounds.failed(job, self._bug(error))
        finally:
            stop.cancel()

    def _progress(self, done: int, of: int) -> None:
        if self.means.stop.is_set() and done < of:
            raise Stopped(f"told to end after {done} of {of} changes: the next round goes on")
        self._writing = True

    def _tell_source(self, error: str | None) -> None:
        if error is None:
            self._emit(Action.SOURCE_BACK)
        else:
            self._emit(Action.SOURCE_FAILED, level=Level.WARNING, message=error)

    async def _keep(self, units: Mapping[str, Status | None]) -> None:
        if units:
            await self._remember(self.means.statuses.keep(self._target, units, self.tended.name))

    async def _keep_source(self) -> None:
        self.source = SourceStatus(
            target=self._target,
            source=self.tended.name,
            at=self.means.clock(),
            every=self.every,
            revision=self.board.revision,
            error=self._error,
        )
        await self._remember(self.means.statuses.keep_source(self.source))

    async def _remember(self, keeping: Awaitable[None]) -> None:
        try:
            await keeping
            self.remembers = True
        except StateUnavailable as error:
            self.remembers = False
            self._state_lost(error)

    def _state_lost(self, error: StatewardError) -> None:
        self._emit(Action.STATE_LOST, level=Level.WARNING, message=str(error))

    def _bug(self, error: Exception) -> str:
        message = bugs.told(error)
        self._emit(Action.BUG, level=Level.ERROR, message=message)
        return message

    def _emit(
        self, action: Action, *, level: Level = Level.INFO, **fields: str | float | None
    ) -> None:
        self.means.emit(event(action, level, source=self.tended.name, **fields))

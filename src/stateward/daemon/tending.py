"""One source, tended: looks find new commits, rounds bring the target in line.

Looking and working do not wait for each other; rounds of all sources take turns, since they write
to one target. What goes wrong in either is told, and ends neither.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stateward.daemon import rounds
from stateward.daemon.board import Board, Facts
from stateward.daemon.rounds import Done, Job, Stopped
from stateward.engine.fingerprint import fingerprints
from stateward.engine.reconcile import Reconciler
from stateward.errors import Stalled, StateUnavailable, StatewardError, Transient
from stateward.model.event import Action, Event, Level, event
from stateward.model.status import Condition, SourceStatus, Status
from stateward.model.unit import prefix
from stateward.ports import Statuses

Emit = Callable[[Event], None]
Head = Callable[[float], Awaitable[str]]
"""Says which commit is the newest, by an answer that is at most so many seconds old."""
_GOOD = frozenset({Condition.READY, Condition.HELD, Condition.SUSPENDED, Condition.PENDING})


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
    emit: Emit
    clock: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[], str]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
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
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
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
        error: str | None = None
        try:
            commit = await self.tended.head(max_age)
            if commit != self.board.revision:
                await self._see(commit)
        except (Stalled, Transient) as own:
            error = str(own)
        except Exception as own:  # noqa: BLE001 - a bug in one look must not end the daemon
            error = self._bug(own)
        if error != self._error:
            self._tell_source(error)
        self._error = error
        await self._keep_source()

    async def _see(self, commit: str) -> None:
        scope = self.tended.reconciler.round.scope
        loaded = await self.tended.reconciler.round.loader.load(commit)
        digests = fingerprints(loaded, scope.schemas, prefix(scope.instance, scope.source))
        facts = {
            unit: Facts(
                fingerprint=digest,
                files=loaded.digests.get(unit, ""),
                drift=loaded.settings[unit].drift or self.board.usual,
            )
            for unit, digest in digests.items()
            if scope.selects(unit)
        }
        before = self.board.revision
        touched = self.board.seen(commit, facts, self.means.clock())
        due = len(touched)
        self._emit(Action.REVISION, revision=commit, before=before, units=len(facts), due=due)
        await self._keep(dict(self.board.statuses) if before is None else self._of(touched))
        self._changed.set()

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
        taken = self.board.take(self.means.clock())
        revision = self.board.revision
        if not taken or revision is None:
            return
        job = Job(revision=revision, taken=taken, facts=self.board.facts)
        begun = self.means.clock()
        done = await self._round(job)
        now = self.means.clock()
        if done is None:
            self.board.give_back(taken, now)
            return
        before = dict(self.board.statuses)
        settled = self.board.settle(done.verdicts, revision, now, self.means.random())
        await self._keep(settled)
        self._tell(job, done, before, settled, now - begun)

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

    def _tell(
        self,
        job: Job,
        done: Done,
        before: Mapping[str, Status],
        settled: Mapping[str, Status | None],
        seconds: float,
    ) -> None:
        """Emit a line for the round, and one for each unit that changed or is not well."""
        round_ = self.means.new_id()
        taken = {own.run.unit: own for own in done.verdicts}
        for unit, verdict in taken.items():
            status, old = settled.get(unit), before.get(unit)
            good = status is None or status.condition in _GOOD
            turned = old is None or status is None or old.condition is not status.condition
            if not (verdict.run.writes or turned or not good):
                continue
            self._emit(
                Action.UNIT,
                level=Level.INFO if good else Level.WARNING,
                round=round_,
                unit=unit,
                run=verdict.run.id or None,
                condition=status.condition.value if status else "gone",
                outcome=verdict.run.outcome.value,
                writes=verdict.run.writes,
                message=verdict.message,
            )
        self._emit(
            Action.ROUND,
            round=round_,
            revision=job.revision,
            trigger=job.trigger,
            units=len(taken),
            writes=done.writes,
            requests=done.requests,
            seconds=round(seconds, 3),
        )

    def _tell_source(self, error: str | None) -> None:
        if error is None:
            self._emit(Action.SOURCE_BACK)
        else:
            self._emit(Action.SOURCE_FAILED, level=Level.WARNING, message=error)

    async def _keep(self, units: Mapping[str, Status | None]) -> None:
        try:
            await self.means.statuses.keep(self._target, units, self.tended.name)
        except StateUnavailable as error:
            self._state_lost(error)

    async def _keep_source(self) -> None:
        source = SourceStatus(
            target=self._target,
            source=self.tended.name,
            at=self.means.clock(),
            every=self.every,
            revision=self.board.revision,
            error=self._error,
        )
        try:
            await self.means.statuses.keep_source(source)
        except StateUnavailable as error:
            self._state_lost(error)

    def _of(self, units: frozenset[str]) -> dict[str, Status | None]:
        return {unit: self.board.statuses.get(unit) for unit in units}

    def _state_lost(self, error: StatewardError) -> None:
        self._emit(Action.STATE_LOST, level=Level.WARNING, message=str(error))

    def _bug(self, error: Exception) -> str:
        """Tell of an error of our own: where it is, and not its words, which may hold anything."""
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{Path(own.filename).name}:{own.lineno}" for own in reversed(frames))
        message = f"a bug of Stateward: {type(error).__name__} at {where}"
        self._emit(Action.BUG, level=Level.ERROR, message=message)
        return message

    def _emit(
        self, action: Action, *, level: Level = Level.INFO, **fields: str | float | None
    ) -> None:
        self.means.emit(event(action, level, source=self.tended.name, **fields))

"""One source, tended: looks find new commits, rounds bring the target in line.

Looking and working do not wait for each other; rounds of all sources take turns, since they write
to one target. What goes wrong in either is told, and ends neither.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stateward.daemon import bugs, rounds, telling
from stateward.daemon.board import Board, Facts
from stateward.daemon.descent import Descent
from stateward.daemon.keeping import Keeper
from stateward.daemon.means import Means, Tended
from stateward.daemon.rounds import Done, Job, Stopped
from stateward.daemon.waiting import first
from stateward.engine.fingerprint import fingerprints
from stateward.engine.load import Loaded
from stateward.engine.stamps import applied
from stateward.errors import Code, SourceRefused, Stalled, Transient
from stateward.instruments import Known, Step
from stateward.model.command import Command, Verb
from stateward.model.event import Action, Level, event
from stateward.model.status import Reason, SourceStatus
from stateward.model.unit import prefix

_LOOKS = frozenset({Verb.RECONCILE, Verb.ALLOW_REWIND})
"""What leads to a look at the source."""
_ASKS = frozenset({Verb.RECONCILE, Verb.APPROVE})
"""What leads to a round in somebody's name."""


@dataclass(slots=True)
class Tender:
    """Tends one source."""

    tended: Tended
    board: Board
    means: Means
    every: float
    """Seconds between looks without a hint."""
    peers: Sequence["Tender"] = ()
    """Who tends the other sources of the same target."""
    hint: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be a new commit."""
    source: SourceStatus | None = None
    """What the last look said; None before the first."""
    blind: bool = False
    """Whether nobody could say at the last look which commit is the newest, and what is in it."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: dict[str, str] = field(default_factory=dict)
    """Who asked for a round of a unit."""
    _looked_for: frozenset[str] = frozenset()
    """Commands that stand, and that a look was begun for."""
    _credited: frozenset[str] = frozenset()
    """Commands that stand, and whose next round is in the name of who gave them."""
    descent: Descent = field(init=False)
    keeper: Keeper = field(init=False)
    _error: str | None = None
    _writing: bool = False

    def __post_init__(self) -> None:
        self.descent = Descent(self.tended.follows)
        self.keeper = Keeper(
            statuses=self.means.statuses,
            emit=self.means.emit,
            target=self.tended.reconciler.round.target.name,
            source=self.tended.name,
            mandate=self.means.mandate,
        )

    async def recall(self) -> None:
        """Take up what an earlier process knew."""
        known = await self.keeper.recall()
        if known is not None:
            scope = self.tended.reconciler.round.scope
            found = {own.unit: own for own in known.units if scope.selects(own.unit)}
            self.board.statuses.update(found)
            self.descent.accepted = known.source.revision

    async def heed(self, commands: Sequence[Command]) -> None:
        """Take in what people want of this source."""
        changed = self.board.heed(commands, self.means.clock())
        looks = frozenset(own.id for own in commands if own.verb in _LOOKS)
        if looks - self._looked_for:
            self.hint.set()
        self._looked_for = looks
        if self.board.revision is not None:  # before, nobody knows which units there are
            asks = {own.id: own for own in commands if own.verb in _ASKS}
            for new in asks.keys() - self._credited:
                known = self.board.statuses
                self._asked |= {unit: asks[new].actor for unit in known if asks[new].concerns(unit)}
            self._credited = frozenset(asks)
        if changed:
            await self.keeper.keep(changed)
            self._changed.set()

    async def wake(self) -> None:
        """Have what waits looked at: another source has changed the target."""
        await self.keeper.keep(self.board.wake(self.means.clock()))
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
            elif self.descent.refused is not None:
                self.descent.refused = None  # it is as it was before
                await self._refuse(None)
        except (Stalled, Transient) as error:
            if error.code is Code.NOT_SIGNED and self.board.revision is None:
                await self._go_on()
            self.blind = not error.code.of_commit
            return str(error)
        except Exception as error:  # noqa: BLE001 - a bug in one look must not end the daemon
            self.blind = True
            return self._bug(error)
        self.blind = False
        return None

    async def _go_on(self) -> None:
        """Go on with what an earlier process let through, where the newest commit is refused."""
        accepted = self.descent.accepted
        if accepted is not None:
            with suppress(Stalled, Transient):  # what is told is why the newest one is refused
                await self._show(accepted, await self.tended.reconciler.round.applied(accepted))

    async def _see(self, commit: str) -> None:
        loaded = await self.tended.reconciler.round.files(commit)
        await self._check(commit, loaded)
        await self._show(commit, loaded)

    async def _show(self, commit: str, loaded: Loaded) -> None:
        """Have the board know a commit that is gone along with."""
        scope = self.tended.reconciler.round.scope
        digests = fingerprints(loaded, scope.schemas, prefix(scope.instance, scope.source))
        facts = {
            unit: Facts(
                fingerprint=digest,
                drift=loaded.settings[unit].drift or self.board.usual,
                windows=loaded.settings[unit].windows,
            )
            for unit, digest in digests.items()
            if scope.selects(unit)
        }
        before = self.board.revision
        touched = self.board.seen(commit, facts, self.means.clock())
        due = len(touched)
        await self._refuse(None)  # not before it is known what is due
        self._emit(Action.REVISION, revision=commit, before=before, units=len(facts), due=due)
        changed = self.board.statuses if before is None else touched
        await self.keeper.keep({unit: self.board.statuses.get(unit) for unit in changed})
        self._changed.set()
        if before is None:
            self.means.told.set()  # what is about units that were not known can be done now

    async def _check(self, commit: str, loaded: Loaded) -> None:
        """Let a commit through, or keep rounds from all units until another one is the newest."""
        scope, accepted = self.tended.reconciler.round.scope, self.descent.accepted
        if accepted is not None or self.tended.follows is None:
            before = frozenset({accepted}) if accepted is not None else frozenset()
        else:  # nobody remembers: then the target knows
            target = self.tended.reconciler.round.target
            before = await applied(target, loaded, scope.instance, scope.source)
        try:
            leave = await self.descent.check(commit, before, self.board.pauses.commands)
        except SourceRefused as error:
            if error.code is Code.REWOUND:
                await self._refuse(str(error))
            raise
        if leave is not None:
            await self.means.commands.done([leave.id])

    async def _refuse(self, message: str | None) -> None:
        await self.keeper.keep(self.board.refuse(message, self.means.clock()))
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
        await first((self._changed, self.means.stop), left)
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
        settled = self.board.settle(done.verdicts, revision, now, self.means.random)
        await self.keeper.keep(settled)
        for peer in self.peers if done.writes else ():
            await peer.wake()
        name = {"source": self.tended.name, "round": self.means.new_id()}
        for own in telling.lines(job, done, before, settled, now - begun, **name):
            self.means.emit(own)

    async def _take(self) -> Mapping[str, frozenset[Reason]]:
        """Take what is due, and keep what is to be known of what is due and may not."""
        before = dict(self.board.statuses)
        taken = self.board.take(self.means.clock())
        await self.keeper.keep(self.board.changed(before))
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

    async def _keep_source(self) -> None:
        self.source = SourceStatus(
            target=self.keeper.target,
            source=self.tended.name,
            at=self.means.clock(),
            every=self.every,
            revision=self.descent.accepted,
            error=self._error,
            refused=self.descent.refused,
            leader=self.means.mandate.name or None,
        )
        await self.keeper.keep_source(self.source)

    def _bug(self, error: Exception) -> str:
        self._emit(Action.BUG, level=Level.ERROR, message=(message := bugs.told(error)))
        return message

    def _emit(
        self, action: Action, *, level: Level = Level.INFO, **fields: str | float | None
    ) -> None:
        self.means.emit(event(action, level, source=self.tended.name, **fields))

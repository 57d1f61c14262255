"""The daemon's process: its sources, its signals, and a configuration that may change under way."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stateward.daemon.board import Board
from stateward.daemon.fights import Fights
from stateward.daemon.heeding import Heeder
from stateward.daemon.means import Emit, Means, Tended
from stateward.daemon.reloading import Configured, Reloader
from stateward.daemon.tending import Tender
from stateward.daemon.watching import Watches
from stateward.errors import StateUnavailable, StatewardError
from stateward.model.event import Action, Level, event
from stateward.model.unit import Drift

INTERRUPTED = 130
_Task = asyncio.Future[Any]


Beside = Callable[[Sequence[Tender]], AbstractAsyncContextManager[None]]
"""What goes on for as long as sources are tended; given who tends them, once they know of before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What a configuration comes to, opened."""

    target: str
    tended: Sequence[Tended]
    means: Means
    state: Path
    """The directory in which something changes when somebody tells us something."""
    configured: Configured
    usual: Drift
    backoff: float
    cap: float
    fight_after: int
    """How often something is set back until it is called a fight."""
    grace: float
    """Seconds that what is being written has left to end."""
    beside: Beside


Build = Callable[[], AbstractAsyncContextManager[Assembly]]
"""Reads the configuration, at once; raises ``ConfigError``. What it returns opens things."""


@dataclass(slots=True)
class Daemon:
    """Tends its sources until it is told to end."""

    build: Build
    emit: Emit
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Of what is being tended now."""
    _next: AbstractAsyncContextManager[Assembly] | None = None
    """What is to be tended instead, once that has stopped."""
    _forced: bool = False

    async def run(self) -> int:
        """Return the exit code: 0 where all that had begun was ended, else 130."""
        parts: AbstractAsyncContextManager[Assembly] | None = self.build()
        action, cut = Action.STARTED, False
        with self._signals():
            while parts is not None and not cut:
                self._next = None
                async with parts as assembly:
                    cut = await self._tend(assembly, action)
                parts, action = self._next, Action.RELOADED
        cut = cut or self._forced
        self.emit(event(Action.STOPPED, cut="yes" if cut else None))
        return INTERRUPTED if cut else 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        main = asyncio.current_task()

        def end() -> None:
            if self._stop.is_set() and self._next is None and main is not None:
                self._forced = True
                main.cancel()
            self._next = None
            self._stop.set()
            self.emit(event(Action.STOPPING))

        handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: self._reload}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        except asyncio.CancelledError:
            if not self._forced:
                raise
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _reload(self) -> None:
        """Go on with the configuration as it is now; one that is wrong is refused, in words."""
        if self._stop.is_set() and self._next is None:
            return  # we are ending
        try:
            self._next = self.build()
        except StatewardError as error:
            self.emit(event(Action.RELOAD_REFUSED, Level.ERROR, message=str(error)))
        else:
            self._stop.set()

    async def _tend(self, assembly: Assembly, action: Action) -> bool:
        """Tend some sources until told to stop; return whether something had to be cut short."""
        self._stop = assembly.means.stop
        tenders = [_tender(own, assembly) for own in assembly.tended]
        for own in tenders:
            own.peers = [other for other in tenders if other is not own]
        await self._recall(tenders, assembly)
        self.emit(event(action, target=assembly.target, sources=len(tenders)))
        heeder = Heeder(tenders=tenders, means=assembly.means)
        await heeder.heed()
        async with assembly.beside(tenders):
            return await self._at_work(tenders, heeder, assembly)

    async def _at_work(self, tenders: Sequence[Tender], heeder: Heeder, assembly: Assembly) -> bool:
        reloader = Reloader(assembly.configured, self._reload, self.emit)
        watches = Watches(self.emit)
        watches.heard(heeder, assembly.state)
        watches.add(reloader.places, reloader.watched)
        for tender in tenders:
            await watches.repository(tender)
        side: list[_Task] = [*await watches.begin()]
        side += [asyncio.ensure_future(own.looking()) for own in tenders]
        side.append(asyncio.ensure_future(heeder.heeding()))
        side.append(asyncio.ensure_future(reloader.reloading()))
        workers: list[_Task] = [asyncio.ensure_future(own.working()) for own in tenders]
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({stop, *side, *workers}, return_when=asyncio.FIRST_COMPLETED)
            self._stop.set()  # where one of ours has ended by itself there is no going on
            await _ended(side)
            _, late = await asyncio.wait(workers, timeout=assembly.grace)
            cut = bool(late)
        finally:
            await _ended([stop, *side, *workers])
        for own in (*side, *workers):
            if not own.cancelled() and (error := own.exception()) is not None:
                raise error
        return cut

    async def _recall(self, tenders: Sequence[Tender], assembly: Assembly) -> None:
        try:
            known = {(assembly.target, own.tended.name) for own in tenders}
            await assembly.means.statuses.only(known)
        except StateUnavailable as error:
            self.emit(event(Action.STATE_LOST, Level.WARNING, message=str(error)))
        for own in tenders:
            await own.recall()


def _tender(tended: Tended, assembly: Assembly) -> Tender:
    board = Board(
        usual=assembly.usual,
        backoff=assembly.backoff,
        cap=assembly.cap,
        fights=Fights(assembly.fight_after),
    )
    return Tender(tended=tended, board=board, means=assembly.means, every=tended.every)


async def _ended(tasks: Sequence[_Task]) -> None:
    """Cancel what is still going on, and wait until it has ended."""
    for own in tasks:
        own.cancel()
    if tasks:
        await asyncio.wait(tasks)

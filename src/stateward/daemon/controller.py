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
from stateward.daemon.lead import Lead
from stateward.daemon.leadership import Leadership
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
"""What goes on for as long as sources are tended, or stood by for; given who tends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What a configuration comes to, opened."""

    target: str
    tended: Sequence[Tended]
    means: Means
    state: Path | None
    """The directory in which something changes when somebody tells us something; None: there is none."""
    configured: Configured
    usual: Drift
    backoff: float
    cap: float
    fight_after: int
    """How often something is set back until it is called a fight."""
    grace: float
    """Seconds that what is being written has left to end."""
    leadership: Leadership
    beside: Beside


Open = Callable[[], AbstractAsyncContextManager[Assembly]]
"""Opens what was configured, as often as it is called."""
Build = Callable[[], Open]
"""Reads the configuration, at once; raises ``ConfigError``."""


@dataclass(slots=True)
class Daemon:
    """Tends its sources until it is told to end."""

    build: Build
    emit: Emit
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Of what is being tended now."""
    _now: Open | None = None
    _next: Open | None = None
    """What is to be tended instead, once that has stopped; the same where the lead was lost."""
    _lead: Lead = field(default_factory=Lead)
    _forced: bool = False

    async def run(self) -> int:
        """Return the exit code: 0 where all that had begun was ended, else 130."""
        self._next = self.build()
        action, cut = Action.STARTED, False
        with self._signals():
            try:
                while self._next is not None and not cut:
                    before, self._now, self._next = self._now, self._next, None
                    cut = True  # until it is known to be otherwise
                    async with self._now() as assembly:
                        if self._now is not before:
                            self._tell(action, assembly)
                        cut = await self._tend(assembly)
                    action = Action.RELOADED
            finally:
                # Of what was cut short, the target may not have heard the end yet.
                await self._lead.end(resign=not cut and not self._forced)
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

    def _tell(self, action: Action, assembly: Assembly) -> None:
        self.emit(event(action, target=assembly.target, sources=len(assembly.tended)))

    async def _tend(self, assembly: Assembly) -> bool:
        """Tend some sources until told to stop; return whether something had to be cut short."""
        self._stop = assembly.means.stop
        tenders = [_tender(own, assembly) for own in assembly.tended]
        for own in tenders:
            own.peers = [other for other in tenders if other is not own]
        heeder = Heeder(tenders=tenders, means=assembly.means)
        await self._lead.run_for(assembly.leadership)
        leads = await self._lead.won([], soon=True)
        if leads:
            await self._recall(heeder, assembly)
        async with assembly.beside(tenders):
            if not leads:
                if not await self._stand_by(assembly):
                    return False
                await self._recall(heeder, assembly)
            return await self._at_work(tenders, heeder, assembly)

    async def _stand_by(self, assembly: Assembly) -> bool:
        """Wait until we lead; tell whether we do, since something else may come first."""
        stop = asyncio.ensure_future(self._stop.wait())
        side: list[_Task] = []
        try:
            reloader, watches = self._reloader(assembly)
            side = [*await watches.begin(), asyncio.ensure_future(reloader.reloading())]
            return await self._lead.won([stop, *side], soon=False) and not stop.done()
        finally:
            await _ended([stop, *side])

    def _reloader(self, assembly: Assembly) -> tuple[Reloader, Watches]:
        """Return what has the configuration read anew, and the watch over it."""
        reloader = Reloader(assembly.configured, self._reload, self.emit)
        watches = Watches(self.emit)
        watches.add(reloader.places, reloader.watched)
        return reloader, watches

    async def _at_work(self, tenders: Sequence[Tender], heeder: Heeder, assembly: Assembly) -> bool:
        reloader, watches = self._reloader(assembly)
        watches.heard(heeder, assembly.state)
        for tender in tenders:
            await watches.repository(tender)
        side: list[_Task] = [*await watches.begin()]
        side += [asyncio.ensure_future(own.looking()) for own in tenders]
        side.append(asyncio.ensure_future(heeder.heeding()))
        side.append(asyncio.ensure_future(reloader.reloading()))
        lost = self._lead.lost()
        side.append(lost)
        workers: list[_Task] = [asyncio.ensure_future(own.working()) for own in tenders]
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({stop, *side, *workers}, return_when=asyncio.FIRST_COMPLETED)
            if lost.done() and not self._stop.is_set():
                self._next = self._now
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

    async def _recall(self, heeder: Heeder, assembly: Assembly) -> None:
        """Take up what an earlier process knew, and what was said since."""
        try:
            known = {(assembly.target, own.tended.name) for own in heeder.tenders}
            await assembly.means.statuses.only(known)
        except StateUnavailable as error:
            self.emit(event(Action.STATE_LOST, Level.WARNING, message=str(error)))
        for own in heeder.tenders:
            await own.recall()
        await heeder.heed()


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

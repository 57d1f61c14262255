"""The daemon's process: its sources, its signals, and a configuration that may change under way."""

import asyncio
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stateward.daemon.board import Board
from stateward.daemon.crew import Crew
from stateward.daemon.duty import Duty, Post
from stateward.daemon.fights import Fights
from stateward.daemon.heeding import Heeder
from stateward.daemon.lead import Lead
from stateward.daemon.means import Emit, Means
from stateward.daemon.reloading import Configured, Reloader
from stateward.daemon.waiting import ended, raise_first
from stateward.daemon.watching import Watches
from stateward.errors import StateUnavailable, StatewardError
from stateward.model.event import Action, Level, event
from stateward.model.unit import Drift

INTERRUPTED = 130
_Task = asyncio.Future[Any]


Beside = Callable[[Sequence[Crew]], AbstractAsyncContextManager[None]]
"""What goes on for as long as sources are tended, or stood by for; given who tends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What a configuration comes to, opened."""

    posts: Sequence[Post]
    """What is to be done, target by target."""
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
    _next: Open | None = None
    """What is to be tended instead, once that has stopped."""
    _leads: dict[str, Lead] = field(default_factory=dict)
    """By target."""
    _forced: bool = False

    async def run(self) -> int:
        """Return the exit code: 0 where all that had begun was ended, else 130."""
        self._next = self.build()
        action, cut = Action.STARTED, False
        with self._signals():
            try:
                while self._next is not None and not cut:
                    build, self._next = self._next, None
                    cut = True  # until it is known to be otherwise
                    async with build() as assembly:
                        self._tell(action, assembly)
                        cut = await self._tend(assembly)
                    action = Action.RELOADED
            finally:
                # Of what was cut short, the target may not have heard the end yet.
                resign = not cut and not self._forced
                await asyncio.gather(*(own.end(resign=resign) for own in self._leads.values()))
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
        for own in assembly.posts:
            self.emit(event(action, target=own.target, sources=len(own.tended)))

    async def _tend(self, assembly: Assembly) -> bool:
        """Tend some sources until told to stop; return whether something had to be cut short."""
        self._stop = assembly.means.stop
        await self._leave({own.target for own in assembly.posts})
        crews: list[Crew] = []
        heeder = Heeder(crews=crews, means=assembly.means)
        duties = [self._duty(own, assembly, heeder) for own in assembly.posts]
        crews += [own.crew for own in duties]
        await asyncio.gather(*(own.begin() for own in duties))
        async with assembly.beside(crews):
            return await self._at_work(duties, heeder, assembly)

    async def _leave(self, targets: Collection[str]) -> None:
        """Give the lead of all other targets back."""
        for own in self._leads.keys() - targets:
            await self._leads.pop(own).end()

    def _duty(self, post: Post, assembly: Assembly, heeder: Heeder) -> Duty:
        async def taken_up() -> None:
            await _forget(assembly)
            await heeder.heed()

        return Duty(
            post=post,
            means=assembly.means,
            lead=self._leads.setdefault(post.target, Lead()),
            board=lambda: _board(assembly),
            grace=assembly.grace,
            taken_up=taken_up,
        )

    async def _at_work(self, duties: Sequence[Duty], heeder: Heeder, assembly: Assembly) -> bool:
        reloader = Reloader(assembly.configured, self._reload, self.emit)
        watches = Watches(self.emit)
        watches.add(reloader.places, reloader.watched)
        watches.heard(heeder, assembly.state)
        side: list[_Task] = [*await watches.begin()]
        side.append(asyncio.ensure_future(heeder.heeding()))
        side.append(asyncio.ensure_future(reloader.reloading()))
        work: list[asyncio.Future[bool]] = [asyncio.ensure_future(own.run()) for own in duties]
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({stop, *side, *work}, return_when=asyncio.FIRST_COMPLETED)
            self._stop.set()  # where one of ours has ended by itself there is no going on
            await ended(side)
            await asyncio.wait(work)  # each ends within the grace that it is given
        finally:
            await ended([stop, *side, *work])
        raise_first([*side, *work])
        return any(own.result() for own in work)


async def _forget(assembly: Assembly) -> None:
    """Forget how units of sources stood that are not configured any more."""
    known = {(own.target, one.name) for own in assembly.posts for one in own.tended}
    try:
        await assembly.means.statuses.only(known)
    except StateUnavailable as error:
        assembly.means.emit(event(Action.STATE_LOST, Level.WARNING, message=str(error)))


def _board(assembly: Assembly) -> Board:
    return Board(
        usual=assembly.usual,
        backoff=assembly.backoff,
        cap=assembly.cap,
        fights=Fights(assembly.fight_after),
    )

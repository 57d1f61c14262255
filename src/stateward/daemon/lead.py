"""The lead of a daemon's target: run for, kept over changes of the configuration, given back.

The campaign has a thread and a loop of its own: a plan that takes its time on the loop of all else
must not keep the lease from being renewed.
"""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from stateward.daemon.leadership import Leadership

_SOON = 1.0
"""Seconds within which the lead is had where nobody else has it."""


@dataclass(slots=True)
class _Campaign:
    """A leadership at work in its thread; it begins there, and has to be ended."""

    leadership: Leadership
    won: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Future[None] = field(init=False)
    _home: asyncio.AbstractEventLoop = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _resign: bool = True

    def __post_init__(self) -> None:
        self._home = asyncio.get_running_loop()
        emit = self.leadership.emit
        self.leadership.emit = lambda own: self._tell(emit, own)
        self.leadership.tell = lambda leads: self._tell(self._turn, leads)
        thread = ThreadPoolExecutor(1, thread_name_prefix="lead")
        self.over = self._home.run_in_executor(thread, self._run)
        thread.shutdown(wait=False)

    def _tell(self, call: Any, own: Any) -> None:
        self._home.call_soon_threadsafe(call, own)

    def _turn(self, leads: bool) -> None:
        if leads:
            self.won.set()
        else:
            self.won.clear()
            self.lost.set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._campaign())

    async def _campaign(self) -> None:
        campaign = asyncio.ensure_future(self.leadership.campaigning())
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({campaign, stop}, return_when=asyncio.FIRST_COMPLETED)
        campaign.cancel()
        stop.cancel()
        await asyncio.wait({campaign, stop})
        await self.leadership.end(resign=self._resign)
        if not campaign.cancelled():
            campaign.result()

    async def end(self, *, resign: bool) -> None:
        self._resign = resign
        if not self.over.done():
            self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.wait({self.over})


@dataclass(slots=True)
class Lead:
    """Runs one campaign at a time."""

    _campaign: _Campaign | None = None

    async def run_for(self, leadership: Leadership) -> None:
        """Go on with a campaign, or begin another one."""
        if self._campaign is None or leadership is not self._campaign.leadership:
            await self.end()
            self._campaign = _Campaign(leadership)

    async def won(self, unless: Collection[asyncio.Future[Any]], *, soon: bool) -> bool:
        """Tell whether the lead is ours before something else happens; or ``soon``, at least."""
        own = self._campaign
        if own is None:
            return False
        own.lost.clear()
        own.leadership.runs = True
        won = asyncio.ensure_future(own.won.wait())
        waits: set[asyncio.Future[Any]] = {won, own.over, *unless}
        try:
            limit = _SOON if soon else None
            await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            _raise(own)
            return won.done()
        finally:
            won.cancel()

    def lost(self) -> asyncio.Future[None]:
        """Return what is done once the lead is not ours any more."""
        return asyncio.ensure_future(self._lost())

    async def _lost(self) -> None:
        own = self._campaign
        if own is None:
            return
        lost = asyncio.ensure_future(own.lost.wait())
        waits: set[asyncio.Future[Any]] = {lost, own.over}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            _raise(own)
        finally:
            lost.cancel()

    async def end(self, *, resign: bool = True) -> None:
        """End the campaign; the lead lapses where it is not given back."""
        own, self._campaign = self._campaign, None
        if own is not None:
            await own.end(resign=resign)


def _raise(campaign: _Campaign) -> None:
    """A campaign never ends by itself, unless there is a mistake in it."""
    if campaign.over.done():
        campaign.over.result()

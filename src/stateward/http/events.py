"""What happens, told to whoever follows it, as server-sent events.

The last events are kept once for all: a follower has its own place among them, and one that is
too slow misses some, which it is told.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.daemon.waiting import first

KEPT = 1000
FOLLOWERS = 32
_ALIVE = 15.0
"""Seconds of silence after which a follower is told that there is still somebody."""
_RETRY = b"retry: 1000\n\n"
_STILL_HERE = b": still here\n\n"
_MISSED = b"event: missed\ndata: {}\n\n"


@dataclass(slots=True)
class Events:
    """The last events, and who follows."""

    name: str
    """Tells the numbers of this process from those of an earlier one."""
    kept: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=KEPT))
    followers: int = 0
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, known: Mapping[str, Any]) -> None:
        number = self._numbers()
        text = f"id: {self.name}-{number}\nevent: {known['action']}\ndata: {json.dumps(known)}\n\n"
        self.kept.append((number, text.encode()))
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self, last: str | None, stop: asyncio.Event) -> AsyncIterator[bytes]:
        """Yield events after the ``last`` that was seen, None for those to come, until told to stop."""
        self.followers += 1
        try:
            place = self._place(last)
            yield _RETRY
            while not stop.is_set():
                news = self._news
                found = [own for own in self.kept if own[0] > place]
                if found and found[0][0] > place + 1:
                    yield _MISSED
                for place, text in found:  # noqa: B007 - where the next turn goes on
                    yield text
                if not await first((news, stop), _ALIVE):
                    yield _STILL_HERE
        finally:
            self.followers -= 1

    def _place(self, last: str | None) -> int:
        newest = self.kept[-1][0] if self.kept else 0
        if last is None:
            return newest
        name, _, number = last.rpartition("-")
        oldest = self.kept[0][0] - 1 if self.kept else 0
        known = name == self.name and number.isascii() and number.isdecimal()
        return min(int(number[:18]), newest) if known else oldest

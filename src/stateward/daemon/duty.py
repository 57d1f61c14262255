"""What a daemon does for one target: run for the lead, and tend the sources while it has that.

Targets do not wait for each other: the lead of one may be somebody else's, or be lost, while the
sources of another one are tended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stateward.daemon.board import Board
from stateward.daemon.crew import Crew
from stateward.daemon.lead import Lead
from stateward.daemon.leadership import Leadership
from stateward.daemon.means import Means, Tended
from stateward.daemon.tending import Tender
from stateward.daemon.waiting import ended, raise_first
from stateward.daemon.watching import Watches

_Task = asyncio.Future[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One target, and the sources that are to be brought about there."""

    target: str
    tended: Sequence[Tended]
    leadership: Leadership
    resting: Callable[[], float]
    """Says for how many more seconds the target is left alone, since it failed again and again."""


@dataclass(slots=True, kw_only=True)
class Duty:
    """Tends the sources of one target, term after term, until all is to stop."""

    post: Post
    means: Means
    """What is shared with other targets; its end is that of all."""
    lead: Lead
    board: Callable[[], Board]
    grace: float
    """Seconds that what is being written has left to end."""
    taken_up: Callable[[], Awaitable[None]]
    """Is told that the lead is ours, and what was kept is known, before anything is tended."""
    crew: Crew = field(init=False)

    def __post_init__(self) -> None:
        own = replace(self.means, mandate=self.post.leadership, turn=asyncio.Lock())
        self.crew = Crew(target=self.post.target, means=own, resting=self.post.resting)
        self._take_over()

    async def begin(self) -> None:
        """Run for the lead; where nobody else has it, it is ours when this returns."""
        await self.lead.run_for(self.post.leadership)
        if await self.lead.won([], soon=True):
            await self._take_up()

    async def run(self) -> bool:
        """Tend the sources until told to stop; return whether something had to be cut short."""
        stop = asyncio.ensure_future(self.means.stop.wait())
        try:
            while not self.means.stop.is_set():
                if not self.crew.at_work:
                    if await self.lead.won([stop], soon=False) and not stop.done():
                        await self._take_up()
                    continue
                lost, cut = await self._tend(stop)
                if cut or not lost:
                    return cut
                await self._at_rest(stop)
                self._take_over()
            return False
        finally:
            await ended([stop])

    def _take_over(self) -> None:
        """Have the sources tended by others from now on, who know nothing yet."""
        own = replace(self.crew.means, stop=asyncio.Event())
        self.crew.means, self.crew.at_work = own, False
        self.crew.tenders = tenders = [
            Tender(tended=one, board=self.board(), means=own, every=one.every)
            for one in self.post.tended
        ]
        for one in tenders:
            one.peers = [other for other in tenders if other is not one]

    async def _at_rest(self, stop: _Task) -> None:
        """Wait until nothing goes on that was begun in the term: a rollback has its turn, too.

        What it writes is refused by now. Once the lead was ours again, it would not be any more.
        """
        turn = asyncio.ensure_future(self.crew.means.turn.acquire())
        await asyncio.wait({turn, stop}, return_when=asyncio.FIRST_COMPLETED)
        await ended([turn])
        if not turn.cancelled():
            self.crew.means.turn.release()

    async def _take_up(self) -> None:
        for own in self.crew.tenders:
            await own.recall()
        self.crew.at_work = True
        await self.taken_up()

    async def _tend(self, stop: _Task) -> tuple[bool, bool]:
        """Tend the sources for one term.

        Return whether the lead was lost, and whether something had to be cut short.
        """
        watches, tenders = Watches(self.means.emit), self.crew.tenders
        for own in tenders:
            await watches.repository(own)
        lost = self.lead.lost()
        side: list[_Task] = [lost, *await watches.begin()]
        side += [asyncio.ensure_future(own.looking()) for own in tenders]
        workers: list[_Task] = [asyncio.ensure_future(own.working()) for own in tenders]
        try:
            await asyncio.wait({stop, *side, *workers}, return_when=asyncio.FIRST_COMPLETED)
            self.crew.means.stop.set()  # where one of ours has ended by itself there is no going on
            over = lost.done() and not stop.done()
            await ended(side)
            _, late = await asyncio.wait(workers, timeout=self.grace)
        finally:
            await ended([*side, *workers])
        raise_first([*side, *workers])
        return over, bool(late)

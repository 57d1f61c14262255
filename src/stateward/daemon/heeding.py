"""What people told the daemon, taken up as soon as it is there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from stateward.daemon.crew import Crew
from stateward.daemon.means import Means
from stateward.daemon.tending import Tender
from stateward.errors import StateUnavailable
from stateward.model.command import Command, Verb
from stateward.model.event import Action, Level, event

_ONCE = frozenset({Verb.RECONCILE, Verb.RESUME})
"""What is done as soon as the daemon knows of it."""


@dataclass(slots=True)
class Heeder:
    """Hands commands to the sources that they are about, where these are ours to tend."""

    crews: Sequence[Crew]
    means: Means
    every: float | None = None
    """Seconds between looks without a hint; None where hints can be relied on."""
    _known: set[str] = field(default_factory=set)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def heeding(self) -> None:
        """Take up commands until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self.every):
                    await self.means.told.wait()
            except TimeoutError:
                pass
            self.means.told.clear()
            await self.heed()

    async def heed(self) -> None:
        """Take up what stands now; what cannot be read leaves all as it was."""
        async with self._turn:
            await self._heed()

    async def _heed(self) -> None:
        heard: list[Command] = []
        try:
            standing = await self.means.commands.standing()
            for own in self._tenders():
                mine = [one for one in standing if one.source == own.tended.name]
                heard += mine
                await own.heed(mine)
                await self._end(own, mine)
        except StateUnavailable as error:
            self.means.emit(event(Action.STATE_LOST, Level.WARNING, message=str(error)))
            return
        for one in heard:
            if one.id not in self._known:
                self._tell(one)
        self._known = {one.id for one in heard}

    def _tenders(self) -> list[Tender]:
        return [own for crew in self.crews if crew.at_work for own in crew.tenders]

    async def _end(self, tender: Tender, commands: Sequence[Command]) -> None:
        """Forget what is done; what is about units has to wait until these are known."""
        if tender.board.revision is not None and tender.means.mandate.held:
            await self.means.commands.done([own.id for own in commands if own.verb in _ONCE])

    def _tell(self, command: Command) -> None:
        self.means.emit(
            event(
                Action.TOLD,
                source=command.source,
                unit=command.unit,
                command=command.verb.value,
                actor=command.actor,
                reason=command.reason or None,
                digest=command.digest,
                until=command.until,
            )
        )

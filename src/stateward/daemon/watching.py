"""What is watched for the daemon, and what happens by the clock where that is not possible."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stateward.daemon import files
from stateward.daemon.heeding import Heeder
from stateward.daemon.means import Emit
from stateward.daemon.tending import Tender
from stateward.errors import StatewardError
from stateward.model.event import Action, Level, event

_UNWATCHED = 2.0
"""Seconds between looks at what cannot be watched."""


@dataclass(slots=True)
class Watched:
    """One thing that is looked at when there is a hint, and by the clock while none can be had."""

    hint: asyncio.Event
    pace: Callable[[float | None], None]
    """Is told how many seconds to wait for a hint; None where hints can be relied on."""
    emit: Emit
    source: str | None = None
    _down: set[Path] = field(default_factory=set)

    def tell(self) -> None:
        self.hint.set()

    def lost(self, place: Path, reason: str) -> None:
        if not self._down:
            self.pace(_UNWATCHED)
            known = {"source": self.source, "message": reason, "every": _UNWATCHED}
            self.emit(event(Action.WATCH_LOST, Level.WARNING, **known))
        self._down.add(place)
        self.hint.set()

    def back(self, place: Path) -> None:
        self._down.discard(place)
        if not self._down:
            self.pace(None)
            self.emit(event(Action.WATCH_BACK, source=self.source))
        self.hint.set()


@dataclass(slots=True)
class Watches:
    """All that is watched, by as few watches as can be: each takes a thread."""

    emit: Emit
    _places: dict[bool, dict[Path, list[files.Interest]]] = field(default_factory=dict)
    _later: list[tuple[Tender, Watched]] = field(default_factory=list)

    def heard(self, heeder: Heeder, place: Path | None) -> None:
        """Watch where commands are kept, where that is on this machine."""
        if place is None:
            heeder.every = _UNWATCHED
            return

        def pace(every: float | None) -> None:
            heeder.every = every

        self.add([place], Watched(heeder.means.told, pace, self.emit))

    def add(self, places: Iterable[Path], own: Watched, *, below: bool = False) -> None:
        for place in places:
            self._places.setdefault(below, {}).setdefault(place, []).append(own)

    async def repository(self, tender: Tender) -> None:
        """Watch where commits show, if it is on this machine; later, where it is not there yet."""
        usual = tender.every

        def pace(every: float | None) -> None:
            tender.every = usual if every is None else min(usual, every)

        own = Watched(tender.hint, pace, self.emit, tender.tended.name)
        try:
            for place, below in await tender.tended.places():
                self.add([place], own, below=below)
        except StatewardError as error:
            own.lost(Path(), str(error))
            self._later.append((tender, own))

    async def begin(self) -> Sequence[asyncio.Future[Any]]:
        """Watch from now on, until what is returned is cancelled."""
        found = [
            asyncio.ensure_future(files.watch(places, recursive=below))
            for below, places in self._places.items()
        ]
        found += [asyncio.ensure_future(_once_there(*own)) for own in self._later]
        await asyncio.sleep(0)  # from here on, what happens is told
        return found


async def _once_there(tender: Tender, own: Watched) -> None:
    """Wait until a repository can be watched, and do so."""
    while True:
        await asyncio.sleep(_UNWATCHED)
        try:
            places = await tender.tended.places()
        except StatewardError:
            continue
        own.back(Path())
        by_depth: dict[bool, dict[Path, list[files.Interest]]] = {}
        for place, below in places:
            by_depth.setdefault(below, {})[place] = [own]
        await asyncio.gather(
            *(files.watch(found, recursive=below) for below, found in by_depth.items())
        )

"""Hints that something on this machine has changed, from the operating system.

What is watched are directories, since a file that is replaced takes its watch along. A directory
that is replaced does so too: it is noticed, and watched anew once it is there again. A hint says no
more than that it is time to look; where hints cease, looks go on by the clock.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import watchfiles

_STEP = 50
"""Milliseconds of quiet after which what changed is told."""
_CHECK = 10_000
"""Milliseconds between looks whether the directories are still the same."""
_PAUSE = 0.5
"""Seconds between looks for a directory that is not there."""
_AGAIN = 30.0
"""Seconds until it is tried again where the system does not let us watch."""

_Identity = tuple[int, int]


class Interest(Protocol):
    """Who wants to know of changes in some directories."""

    def tell(self) -> None: ...

    def lost(self, place: Path, reason: str) -> None:
        """From now on nothing is told of a directory."""
        ...

    def back(self, place: Path) -> None:
        """It is told again; what happened meanwhile was not."""
        ...


async def watch(places: Mapping[Path, Sequence[Interest]], *, recursive: bool) -> None:
    """Tell of whatever changes in directories, until cancelled; from its first step on."""
    down: set[Path] = set()
    there: Mapping[Path, _Identity] = {}
    while True:
        before, there = there, _identities(places)
        for place in there.keys() & before.keys() - down:
            if there[place] != before[place]:  # what happened between the two was not told
                for own in places[place]:
                    own.tell()
        for place in places.keys() - there.keys() - down:
            _lose(places, place, down, f"{place}: no such directory")
        if not there:
            await asyncio.sleep(_PAUSE)
            continue
        reason = await _watch(places, there, down, recursive=recursive)
        if reason is not None:
            for place in there.keys() - down:
                _lose(places, place, down, reason)
            await asyncio.sleep(_AGAIN)


def _lose(
    places: Mapping[Path, Sequence[Interest]], place: Path, down: set[Path], reason: str
) -> None:
    down.add(place)
    for own in places[place]:
        own.lost(place, reason)


async def _watch(
    places: Mapping[Path, Sequence[Interest]],
    there: Mapping[Path, _Identity],
    down: set[Path],
    *,
    recursive: bool,
) -> str | None:
    """Watch until the directories are others, or return why the system does not let us."""
    stop = asyncio.Event()
    waiting = bool(down)
    try:
        async for changes in watchfiles.awatch(
            *there,
            watch_filter=None,  # the usual one leaves out all of .git
            step=_STEP,
            recursive=recursive,
            stop_event=stop,
            rust_timeout=int(_PAUSE * 1000) if waiting else _CHECK,
            yield_on_timeout=True,
        ):
            changed = {Path(path) for _, path in changes}
            for place in there:
                for interest in places[place]:
                    if place in down:
                        interest.back(place)
                    elif any(own == place or place in own.parents for own in changed):
                        interest.tell()
            down.difference_update(there)
            if _identities(places) != there:
                return None
    except (OSError, RuntimeError) as error:
        return str(error)
    finally:
        stop.set()
    return "the watch has ended"


def _identities(places: Iterable[Path]) -> dict[Path, _Identity]:
    """Return which directories are there, and which ones they are."""
    found = {}
    for place in places:
        try:
            known = place.stat()
        except OSError:
            continue
        found[place] = known.st_dev, known.st_ino
    return found

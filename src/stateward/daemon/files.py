"""Hints that a repository on this machine has changed, from the operating system.

What is watched are directories, since a file that is replaced takes its watch along. A hint says no
more than that it is time to look; where hints cease, looks go on by the clock.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import watchfiles

_STEP = 50
"""Milliseconds of quiet after which what changed is told."""


async def watch(places: Mapping[Path, Sequence[Callable[[], None]]], *, recursive: bool) -> str:
    """Call what belongs to a directory whenever something in it changes, until cancelled.

    Returns why, where the system does not let us watch any longer.
    """
    stop = asyncio.Event()
    try:
        async for changes in watchfiles.awatch(
            *places,
            watch_filter=None,  # the usual one leaves out all of .git
            step=_STEP,
            recursive=recursive,
            stop_event=stop,
        ):
            changed = {Path(path) for _, path in changes}
            for place, hints in places.items():
                if any(own == place or place in own.parents for own in changed):
                    for hint in hints:
                        hint()
    except (OSError, RuntimeError) as error:
        return str(error)
    finally:
        stop.set()
    return "the watch has ended"

"""A directory that may not grow beyond a bound, whatever writes to it."""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

_PAUSE = 0.2
"""Seconds between two looks: git has no bound of its own for what it fetches."""

_Answer = TypeVar("_Answer")


class TooLarge(Exception):
    """The directory grew beyond its bound, and what wrote to it was stopped."""


async def within(limit: int, directory: Path, work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Let work be done that writes to a directory; raises ``TooLarge`` beyond so many bytes.

    What is too large already is not written to: a fetch that is small enough to end between two
    looks would make it larger with every try.
    """
    if await asyncio.to_thread(size, directory) > limit:
        work.close()
        raise TooLarge
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_PAUSE)
            if await asyncio.to_thread(size, directory) > limit:
                raise TooLarge
        return await task
    finally:
        task.cancel()
        # Whatever it comes to is told by now, or is no longer of interest.
        await asyncio.gather(task, return_exceptions=True)


def size(directory: Path) -> int:
    """Return the bytes of all files in a directory; what vanishes meanwhile has none."""
    found = 0
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += size(Path(entry.path))
            else:
                with suppress(OSError):
                    found += entry.stat(follow_symlinks=False).st_size
    return found

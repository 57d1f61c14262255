"""One at a time, among all processes of this machine."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stateward.errors import SourceUnavailable

_PAUSE = 0.05
"""Seconds between two looks at a lock that is taken: waiting in the kernel has no deadline."""


@asynccontextmanager
async def exclusively(path: Path, timeout: float) -> AsyncIterator[int]:  # noqa: ASYNC109
    """Hold the lock on a file, and give its descriptor.

    A process that inherits the descriptor goes on holding the lock: so a git that outlives a
    killed Stateward is not disturbed by the next one. ``timeout`` is in seconds, for the wait;
    raises ``SourceUnavailable``.
    """
    try:
        async with asyncio.timeout(timeout):
            descriptor = await _taken(path)
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{path}: another process held the mirror for {timeout:g} s"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # not LOCK_UN, which would take it from those that inherited it


async def _taken(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(path, descriptor):
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        await asyncio.sleep(_PAUSE)


def _same(path: Path, descriptor: int) -> bool:
    """Whether the file that was locked is still the one that others will find."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False

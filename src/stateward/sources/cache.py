"""The directory of the mirrors: what nobody has wanted for long is given up."""

import asyncio
import os
import shutil
import time
from pathlib import Path

from stateward.errors import SourceUnavailable
from stateward.sources.lock import exclusively

UNUSED = 30 * 86400.0
"""Seconds after which a mirror that was not brought up to date is given up."""

_AT_ONCE = 0.1
"""Seconds to wait for a lock that nobody ought to hold."""


def used(lock: Path) -> None:
    """Note that a mirror is wanted, by whoever holds its lock."""
    os.utime(lock)


async def forget_unused(cache: Path) -> None:
    """Remove the mirrors that nobody has wanted for long; one that is locked is wanted."""
    for lock in _unused(cache):
        try:
            async with exclusively(lock, _AT_ONCE):
                if _old(lock):
                    mirror = lock.with_suffix(".git")
                    await asyncio.to_thread(shutil.rmtree, mirror, ignore_errors=True)
                    lock.unlink(missing_ok=True)
        except SourceUnavailable:
            continue


def _unused(cache: Path) -> list[Path]:
    return [own for own in cache.glob("*.lock") if _old(own)]


def _old(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime > UNUSED
    except FileNotFoundError:
        return False


def tidy(mirror: Path) -> None:
    """Remove what a git that was killed has left: nobody else writes while we hold the lock."""
    pack = mirror / "objects" / "pack"
    left = (
        *mirror.glob("*.lock"),
        *(mirror / "refs").rglob("*.lock"),
        *(path for pattern in ("tmp_*", ".tmp-*", "*.keep") for path in pack.glob(pattern)),
    )
    for path in left:
        path.unlink(missing_ok=True)

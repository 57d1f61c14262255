"""Waiting for the first of several things, and for the end of all of them."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any


async def first(events: Iterable[asyncio.Event], seconds: float | None) -> bool:
    """Wait until one of some events has come, so many seconds at most; tell whether one has."""
    waits = [asyncio.ensure_future(own.wait()) for own in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for own in waits:
            own.cancel()
    return bool(done)


async def ended(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what is still going on, and wait until it has ended."""
    for own in tasks:
        own.cancel()
    if tasks:
        await asyncio.wait(tasks)


def raise_first(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Raise what the first of some tasks has failed with, all of which have ended."""
    for own in tasks:
        if not own.cancelled() and (error := own.exception()) is not None:
            raise error

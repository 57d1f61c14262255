"""Waiting for the first of several things."""

import asyncio
from collections.abc import Iterable


async def first(events: Iterable[asyncio.Event], seconds: float | None) -> bool:
    """Wait until one of some events has come, so many seconds at most; tell whether one has."""
    waits = [asyncio.ensure_future(own.wait()) for own in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for own in waits:
            own.cancel()
    return bool(done)

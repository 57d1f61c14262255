"""The end of a wait for what a server does in its own time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stateward.errors import Code, TargetUnavailable


@asynccontextmanager
async def within(seconds: float, message: str, code: Code | None = None) -> AsyncIterator[None]:
    """Raise ``TargetUnavailable`` with a message where a wait takes longer than some seconds."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise TargetUnavailable(message, code=code) from error

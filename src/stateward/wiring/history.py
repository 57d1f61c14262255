"""Where history is kept, and under whose name."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stateward.settings import RetentionSettings
from stateward.stores.sqlite import SqliteJournal
from stateward.wiring.place import find

MANUAL = "manual"
"""The trigger of what somebody asked for."""


@asynccontextmanager
async def journal(state: Path, retention: RetentionSettings) -> AsyncIterator[SqliteJournal]:
    """Open the journal of a state database, and close it again."""
    own = SqliteJournal(state, age=retention.age, count=retention.count)
    try:
        yield own
    finally:
        await own.close()


def login_user() -> str:
    """Return the name of whoever runs this; where the system knows none, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@asynccontextmanager
async def trail(repo: str | None, config: str | None) -> AsyncIterator[SqliteJournal]:
    """Open the history that belongs to a place, to read it."""
    where = find(repo, config)
    async with journal(where.state, where.configuration.state.retention) as own:
        yield own

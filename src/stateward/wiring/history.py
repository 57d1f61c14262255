"""Where history is kept, and under whose name."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stateward.settings import RetentionSettings
from stateward.stores.journal import KeptJournal
from stateward.wiring.place import find
from stateward.wiring.state import State

MANUAL = "manual"
"""The trigger of what somebody asked for."""


@asynccontextmanager
async def journal(state: State, retention: RetentionSettings) -> AsyncIterator[KeptJournal]:
    """Open the journal of a state database, and close it again."""
    own = state.journal(retention)
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
async def trail(repo: str | None, config: str | None) -> AsyncIterator[KeptJournal]:
    """Open the history that belongs to a place, to read it."""
    where = find(repo, config)
    async with journal(where.state, where.configuration.state.retention) as own:
        yield own

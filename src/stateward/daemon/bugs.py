"""A mistake of our own, in words that can be shown."""

import traceback
from pathlib import Path


def told(error: Exception) -> str:
    """Say where it is, and not its words, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(own.filename).name}:{own.lineno}" for own in reversed(frames))
    return f"a bug of Stateward: {type(error).__name__} at {where}"

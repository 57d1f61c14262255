"""Moments as people give them on the command line."""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from stateward.errors import ConfigError
from stateward.settings import duration

_EXPECTED = "or a date such as 2026-01-31 or 2026-01-31T18:00"


def since(text: str, now: datetime) -> str:
    """Read how long ago, or when, as it is kept in the journal; raises ``ConfigError``."""
    with suppress(ValueError):
        return _spelled(now - duration(text))
    return _spelled(_moment("--since", text, f"expected 90m, 12h, 7d, {_EXPECTED}"))


def ahead(for_: str | None, until: str | None) -> float | None:
    """Read how long from now, or until when; None where neither is given."""
    if for_ is not None:
        try:
            return after(duration(for_))
        except ValueError as error:
            raise ConfigError(f"--for {for_}: {error}") from error
    if until is not None:
        return _moment("--until", until, f"expected {_EXPECTED[3:]}").timestamp()
    return None


def after(wait: timedelta) -> float:
    return time.time() + wait.total_seconds()


def _moment(option: str, text: str, expected: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {expected}") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _spelled(found: datetime) -> str:
    return found.isoformat(timespec="milliseconds")

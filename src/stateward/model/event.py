"""What the daemon says of itself as it goes: a closed set of events, for people and programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What happened. ``docs/operations.md`` lists all of them, held by a test."""

    STARTED = "started"
    LISTENING = "listening"
    STOPPING = "stopping"
    STOPPED = "stopped"
    RELOADED = "reloaded"
    RELOAD_REFUSED = "reload-refused"
    REVISION = "revision"
    SOURCE_FAILED = "source-failed"
    SOURCE_BACK = "source-back"
    ROUND = "round"
    UNIT = "unit"
    TOLD = "told"
    NOTE = "note"
    LEADING = "leading"
    STANDING_BY = "standing-by"
    LEAD_LOST = "lead-lost"
    LEASE_FAILED = "lease-failed"
    STATE_LOST = "state-lost"
    WATCH_LOST = "watch-lost"
    WATCH_BACK = "watch-back"
    BUG = "bug"


class Level(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. No secret belongs in it."""

    action: Action
    level: Level = Level.INFO
    fields: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """What it is about, by names that mean the same in every event; None is left out."""


def event(action: Action, level: Level = Level.INFO, **fields: str | float | None) -> Event:
    """Return an event; what it is about is given by name."""
    return Event(action=action, level=level, fields=fields)

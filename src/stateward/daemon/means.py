"""What it takes to tend sources: what each of them is, and what they share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from stateward.daemon.descent import Follows
from stateward.engine.reconcile import Reconciler
from stateward.instruments import UNMEASURED, Instruments
from stateward.model.event import Event
from stateward.ports import Commands, Mandate, Statuses
from stateward.tracking.mandate import UNLIMITED

Emit = Callable[[Event], None]
Head = Callable[[float], Awaitable[str]]
"""Says which commit is the newest, by an answer that is at most so many seconds old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What a source is, and what it takes to tend it."""

    name: str
    reconciler: Reconciler
    head: Head
    follows: Follows | None
    """None where the source may also go back."""
    every: float
    """Seconds between looks."""
    places: Callable[[], Awaitable[tuple[tuple[Path, bool], ...]]]
    """Directories in which something changes with every commit, and whether what is below counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all sources share. Each target has its own lead, turn and end."""

    statuses: Statuses
    commands: Commands
    emit: Emit
    clock: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[], str]
    instruments: Instruments = UNMEASURED
    mandate: Mandate = UNLIMITED
    """Lasts for as long as we are the one who tends them."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be a new command."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

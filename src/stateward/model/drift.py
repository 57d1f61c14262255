"""Drift: what differs in the target although Git says the same as when it was applied.

Moments are seconds since the epoch, in UTC. No value of a secret is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from stateward.errors import Location
from stateward.model.fight import Writer
from stateward.model.identity import ObjectKey

MOST = 100
"""Objects of a unit that are told in full: of the rest there is the number."""


class Departure(StrEnum):
    """How an object is not as Git says."""

    CHANGED = "changed"
    """Fields of it have other values."""
    MISSING = "missing"
    """It is gone."""
    LOST = "lost"
    """It is there, and no member of its unit's tracking group any more."""
    EXTRA = "extra"
    """It is a member of the group, and the unit does not declare it."""


class DriftedField(NamedTuple):
    """One field that has another value than Git says. References are keys where a name is known."""

    name: str
    old: Any
    """What the target has."""
    new: Any
    """What Git says."""
    parts: tuple[str, ...] = ()
    """Where both are mappings: JSON Pointers to what differs in them."""
    cut: bool = False
    """Whether the values are shown in part only, since they are large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One object that is not as Git says."""

    what: Departure
    key: ObjectKey
    node: str | None = None
    """Its id; None where it is gone."""
    fields: tuple[DriftedField, ...] = ()
    writer: Writer | None = None
    """Who changed the object last, as far as the target knows."""
    origin: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDrift:
    """What one look found of a unit."""

    revision: str
    at: float
    objects: int = 0
    fields: int = 0
    differences: tuple[Difference, ...] = ()
    """The first ``MOST`` of them."""
    mended: bool = False
    """Whether it was set back at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDrift:
    """What is known of the drift of a source's units."""

    source: str
    target: str
    revision: str | None
    units: Mapping[str, UnitDrift] = field(default_factory=dict)
    """Those that were looked at, also where nothing differs."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Those of which it cannot be told, and why."""
    kept: bool = False
    """Whether it is what a daemon has kept, and not of this moment."""
    late: bool = False
    """Whether that daemon seems to be at work no more."""

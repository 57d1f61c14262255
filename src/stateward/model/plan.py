"""The plan: what one round will do, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from stateward.errors import Location, Problem
from stateward.model.identity import ObjectKey, Reference
from stateward.model.unit import Stamp


class Action(StrEnum):
    """What a change does. The order is the order of the summary."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    MOVE = "move"
    RELEASE = "release"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is written but never shown."""

    value: Any = field(repr=False)

    def __str__(self) -> str:
        return "(sensitive)"


class FieldChange(NamedTuple):
    """One field before and after. References are keys where a name is known, ids elsewhere."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object's change. It carries all that its inverse needs."""

    action: Action
    unit: str
    key: ObjectKey
    node: str | None = None
    """The object's id; None for what is to be created."""
    fields: tuple[FieldChange, ...] = ()
    deferred: frozenset[str] = frozenset()
    """Fields of a cycle of optional references: written once the peers exist."""
    origin: Location | None = None
    giver: str | None = None
    """For a move: the unit that gives the object up."""
    adopted: bool = False
    """For a claim: whether the object is to be released, not deleted, when Git drops it."""
    needs: tuple[ObjectKey, ...] = ()
    """Keys whose changes come first; where one of them fails, this one is skipped."""
    level: int = 0
    """Changes of one level do not need each other; levels are applied in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A unit's prune that a guard holds back. ``digest`` is over exactly these objects."""

    unit: str
    reason: str
    figures: Mapping[str, int | float]
    objects: tuple[ObjectKey, ...]
    digest: str


class UnitState(StrEnum):
    """What the planner found a unit to be."""

    READY = "ready"
    STALLED = "stalled"
    WAITING = "waiting"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """One unit's part of the plan, and the upkeep of its tracking group."""

    unit: str
    group: str
    state: UnitState = UnitState.READY
    unchanged: int = 0
    kept: int = 0
    """Objects that Git dropped and that `prune: false` or `protect` keeps."""
    stamp: Stamp | None = None
    """What to write on the group, where something else stands there."""
    vanished: bool = False
    """Whether the directory is gone: the group goes too, once it has no member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes of one round over all units of one target."""

    target: str
    schema: str
    revisions: Mapping[str, str]
    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    problems: tuple[Problem, ...] = ()
    units: Mapping[str, UnitPlan] = field(default_factory=dict)
    loads_schema: bool = False
    """Whether the target's schema is to be brought up to the files' before the first change."""
    digest: str = ""
    ids: Mapping[Reference, str] = field(default_factory=dict, repr=False)
    """The ids of what exists already, by the references that changes use."""

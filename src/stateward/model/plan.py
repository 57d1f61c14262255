"""The plan: what one round will do, as a value."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from stateward.errors import Code, Location, Problem, Severity
from stateward.model.command import Command
from stateward.model.commit import Commit, Leave
from stateward.model.identity import ObjectKey, Reference
from stateward.model.unit import OnError, Reach, Stamp


class Action(StrEnum):
    """What a change does. The order is the order of the summary."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    MOVE = "move"
    RELEASE = "release"
    DELETE = "delete"


CLAIMS = frozenset({Action.ADOPT, Action.MOVE})
"""What makes an object that exists a member of a unit."""
PRUNING = frozenset({Action.RELEASE, Action.DELETE})
"""What ends a membership for good."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is written but never shown."""

    value: Any = field(repr=False)

    def __str__(self) -> str:
        return "(sensitive)"


@dataclass(frozen=True, slots=True)
class Default:
    """What a field shows when it is set by nobody: the new value of a field that is reset."""

    value: Any

    def __str__(self) -> str:
        return str(self.value)


class Undone(NamedTuple):
    """One change of a recorded run, as a rollback refers to it."""

    run: str
    at: int
    """Its index in that run."""


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
    metadata: frozenset[str] = frozenset()
    """The names of the metadata that are declared of the object, changed or not."""
    deferred: frozenset[str] = frozenset()
    """Fields of a cycle: written once the peers exist, or what they take is free."""
    parked: tuple[tuple[str, Any], ...] = ()
    """Deferred attributes that cannot be without a value, and what they hold in between."""
    merged: frozenset[str] = frozenset()
    """Relationships of which only the difference is written: what others add meanwhile stays."""
    origin: Location | None = None
    giver: str | None = None
    """For a move: the unit that gives the object up."""
    adopted: bool = False
    """For a claim: whether the object is to be released, not deleted, when Git drops it."""
    marks: bool = False
    """For a claim of what the unit has already: only whether it counts as adopted changes."""
    beside: tuple[str, ...] = ()
    """For a claim: the groups of units of other sources and instances that have the object, too."""
    foreign: bool = False
    """For what is made again, or goes again: whether it is nobody's, as it was, and no member."""
    shared: tuple[str, ...] = ()
    """Other units that declare the object as well, or that lose it, too."""
    stays: str = ""
    """For a release: why the object is not deleted, in words."""
    needs: tuple[ObjectKey, ...] = ()
    """Keys whose changes come first; where one of them fails, this one is skipped."""
    undoes: tuple[Undone, ...] = ()
    """For a rollback: the changes that it takes back."""
    level: int = 0
    """Changes of one level do not need each other; levels are applied in order."""


class Left(NamedTuple):
    """One claim that a takeover does not make, though the object is there."""

    change: Change
    """The claim, with the fields that differ; without a unit where no file declares the object."""
    code: Code
    by: str
    """The groups that claim it, or the unit that may declare it."""
    places: Mapping[str, Location]
    """Where the fields are declared."""


class Going(NamedTuple):
    """One object that a prune would delete, and what that would mean."""

    key: ObjectKey
    protected: bool = False
    along: int = 0
    """How many others its delete takes along."""
    referring: int = 0
    """How many others refer to it."""
    concerns: int = 0
    """How many others either is true of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A unit's prune that a guard holds back. ``digest`` is over exactly these objects."""

    unit: str
    reason: str
    figures: Mapping[str, int | float]
    going: tuple[Going, ...]
    """What would be deleted, what tells most first."""
    digest: str
    protected: bool = False
    """Whether a protected kind is among the objects: then no budget lets them through."""
    protecting: tuple[str, ...] = ()
    """What the settings name that protects them: their kinds, or generics of those."""
    unprotecting: tuple[str, ...] = ()
    """What ``protectedKinds`` would have to be for them to go."""
    reach: Reach = Reach.UNIT
    """Whose limits hold it back: with those of a source or a round the figures are about that."""

    @property
    def objects(self) -> tuple[ObjectKey, ...]:
        return tuple(own.key for own in self.going)

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """How many of each kind, the most first."""
        counts = Counter(own.key.kind for own in self.going)
        return sorted(counts.items(), key=lambda own: (-own[1], own[0]))

    def __str__(self) -> str:
        members = self.figures["members"]
        objects = "object" if members == 1 else "objects"
        return (
            f"{self.figures['deletes']} of {members} {objects} ({self.figures['percent']:g} %)"
            f" would be deleted: {self.reason}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A member whose delete was refused, or would be: it stays a member and is retried."""

    key: ObjectKey
    id: str
    reason: str


class UnitState(StrEnum):
    """What the planner found a unit to be.

    Stalled: it or some of its objects (``UnitPlan.withheld``) need a commit or a person. Waiting:
    objects of it, or all of it, wait for others. Blocked: a guard holds its prune back. Held: what was
    declared last was rolled back, and is not applied again until it is another. What was taken back
    along with such a unit waits for it.
    """

    READY = "ready"
    STALLED = "stalled"
    WAITING = "waiting"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """One unit's part of the plan, and the upkeep of its tracking group."""

    unit: str
    group: str
    state: UnitState = UnitState.READY
    unchanged: int = 0
    kept: int = 0
    """Objects that Git dropped and that `prune: false` or `protect` keeps."""
    withheld: int = 0
    """Objects that are left out of this round: something is wrong with them, or they wait."""
    keeps: bool = False
    """Whether members are left that the unit does not declare: then the group has to stay."""
    files: str = ""
    """A digest of its files; empty where the directory is gone."""
    before: Stamp = field(default_factory=Stamp)
    """What the group says now."""
    stamp: Stamp | None = None
    """What to write on the group, where something else stands there."""
    vanished: bool = False
    """Whether the directory is gone: the group goes too, once it has no member."""
    on_error: OnError = OnError.CONTINUE
    """What becomes of its other changes where the target refuses one of them."""
    survivors: tuple[Survivor, ...] = ()
    """Members whose delete would be refused, or take along what is not ours."""

    @property
    def failed_before(self) -> bool:
        """Whether it is held because changes of it failed, and were taken back."""
        return self.state is UnitState.HELD and self.before.tie is not None

    @property
    def as_applied(self) -> bool:
        """Whether what the files declare was applied before, so that what differs is drift."""
        before, stamp = self.before, self.stamp
        if before.reached is not None and stamp is not None:
            return stamp.reached == before.reached
        return before.files == self.files and not (stamp and before.attempted)

    @property
    def leaves(self) -> bool:
        """Whether the group itself is to go."""
        return self.vanished and not self.keeps


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
    schema_changes: tuple[str, ...] = ()
    """What that would change, one line each."""
    digest: str = ""
    only_claims: bool = False
    """Whether memberships alone are written: no revision is attempted then."""
    left: tuple[Left, ...] = ()
    """Of a takeover: what is there, and is not taken."""
    commit: Commit | None = None
    """What the revision says of itself, where something of it is to be deleted."""
    deletes: int = 0
    """How many deletes a raised budget is held against, what is held back included."""
    allow_deletes: int | None = None
    """The deletion budget that was raised for this plan."""
    approvals: tuple[Command, ...] = ()
    """What people let through of what a guard would hold back: each counts once."""
    leave: Leave | None = None
    """What the revision itself lets through, by a trailer of its commit."""
    by_commit: frozenset[str] = frozenset()
    """The units of which that lets something through that a guard would hold back."""
    ids: Mapping[Reference, str] = field(default_factory=dict, repr=False)
    """The ids of what exists already, by the references that changes use."""
    groups: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The ids of the tracking groups that exist, by name."""
    _by_unit: dict[str, list[Change]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def of(self, unit: str) -> Sequence[Change]:
        """Return the changes of one unit: who asks for each unit in turn goes through all only once."""
        if not self._by_unit:
            for own in self.changes:
                self._by_unit.setdefault(own.unit, []).append(own)
        return self._by_unit.get(unit, ())

    @property
    def is_empty(self) -> bool:
        """Whether applying it would write nothing at all."""
        upkeep = any(own.stamp is not None or own.leaves for own in self.units.values())
        return not (self.changes or self.loads_schema or upkeep)

    def touched(self) -> frozenset[str]:
        """Return the units of which applying writes something, their groups included."""
        units = {own.unit for own in self.changes}
        units |= {own.giver for own in self.changes if own.giver is not None}
        upkeep = {name for name, own in self.units.items() if own.stamp is not None or own.leaves}
        return frozenset(units | upkeep)

    def errors(self, unit: str) -> Iterator[Problem]:
        """Yield the errors of one unit, and those of the whole run."""
        for problem in self.problems:
            if problem.unit in {unit, None} and problem.severity is Severity.ERROR:
                yield problem

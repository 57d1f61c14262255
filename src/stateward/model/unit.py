"""A unit's settings, and the stamp that its tracking group carries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from stateward.errors import Location
from stateward.model.identity import ObjectKey

TRACKING = "stateward/"
"""What the names of all units' tracking groups start with."""
ADOPTED = "/adopted"
PART = "#"
"""Stands between the name of an attribute and the JSON Pointer to a part of its value."""
NO_FILES = "none"
"""What stands in a stamp for the digest of the files of a directory that is gone."""
_MOST_ATTEMPTS = 50
"""Revisions kept on a stamp: a group's description holds fewer than 4096 characters."""
_STAMP = re.compile(r"(applied|files|attempted|reached|held|heldfiles|heldwith|term)=(\S+)")

_TIE = re.compile(r"(\w+)/(\d{1,9})/(\w*)/(failed|along)")


def prefix(instance: str, source: str) -> str:
    """Return what the names of all tracking groups of a source start with."""
    return f"{TRACKING}{instance}/{source}/"


def group_name(instance: str, source: str, unit: str) -> str:
    """Return the name of a unit's tracking group.

    A directory that is itself called ``adopted`` must not be taken for its parent's list.
    """
    name = prefix(instance, source) + unit
    return name[: -len("adopted")] + "%61dopted" if name.endswith(ADOPTED) else name


def unit_name(instance: str, source: str, group: str) -> str | None:
    """Return the unit that a tracking group belongs to; None for the list of its adopted ones."""
    if group.endswith(ADOPTED):
        return None
    unit = group.removeprefix(prefix(instance, source))
    return unit[: -len("%61dopted")] + "adopted" if unit.endswith("/%61dopted") else unit


class Adopt(StrEnum):
    """What to do with an object that exists under a declared identity and is nobody's member."""

    NEVER = "never"
    IDENTICAL = "identical"
    ALWAYS = "always"


class OnError(StrEnum):
    """What becomes of a unit's other changes where the target refuses one of them."""

    CONTINUE = "continue"
    """What needs it is skipped, and the prune withheld; the rest goes on."""
    STOP = "stop"
    """Nothing more of the unit is begun."""
    ROLLBACK = "rollback"
    """Nothing more of it is begun, and what was done is taken back."""


class ManageSchema(StrEnum):
    """What to do with schema files: load them, only compare them, or leave them alone."""

    APPLY = "apply"
    CHECK = "check"
    OFF = "off"


class DriftMode(StrEnum):
    """What to do where the target differs although Git did not change."""

    ENFORCE = "enforce"
    """Bring it back in line."""
    REPORT = "report"
    """Only say so."""
    IGNORE = "ignore"
    """Not even look."""


class WindowKind(StrEnum):
    """Whether a window lets rounds through, or keeps them away: what keeps away wins."""

    ALLOW = "allow"
    DENY = "deny"


class Strategy(StrEnum):
    """How changes reach a target: one by one, or all at once by a branch that is merged."""

    DIRECT = "direct"
    BRANCH = "branch"


PROTECTED_KINDS = (
    "BuiltinIPNamespace",
    "CoreGenericAccount",
    "CoreGenericRepository",
    "CoreGroup",
    "SchemaGeneric",
    "SchemaNode",
)
"""What much hangs on that no plan shows: addresses, logins, imports, whatever asks a group who is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a unit may be deleted at once: blocked beyond ``deletes`` and ``percent``."""

    deletes: int
    percent: float
    protected_kinds: frozenset[str] = frozenset(PROTECTED_KINDS)
    """Objects of these kinds, or of kinds that inherit from them, are never deleted."""


class Reach(StrEnum):
    """What a limit of deletes is about."""

    UNIT = "unit"
    SOURCE = "source"
    ROUND = "round"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of more than one unit may be deleted at once: over a source, or in a round."""

    reach: Reach
    deletes: int
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Fields that are written when an object is made, and left alone afterwards."""

    kind: str
    """A kind, a generic for all that inherit from it, or a pattern over the names of kinds."""
    fields: frozenset[str]
    """Their names; ``name#/pointer`` is only that part of a value that is JSON."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where each of these words stands, if it stands in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one unit is watched for what others change in the target."""

    mode: DriftMode
    interval: float
    """Seconds between looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When the daemon may change a unit, or may not."""

    kind: WindowKind
    schedule: str
    """When it begins, as cron says it."""
    duration: float
    """Seconds."""
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSettings:
    """How one unit is planned, and when."""

    prune: bool
    adopt: Adopt
    limits: Limits
    on_error: OnError = OnError.CONTINUE
    may_empty: bool = False
    """Whether it may lose its last object, within the limits, without anybody's leave."""
    protect: tuple[str, ...] = ()
    """Patterns over ``Kind/part/part``: what matches is never pruned."""
    ignore: tuple[Ignore, ...] = ()
    drift: Drift | None = None
    """None where a unit is looked at only when it is asked for."""
    windows: tuple[Window, ...] = ()
    suspend: bool = False
    depends_on: tuple[str, ...] = ()
    moved: Mapping[ObjectKey, ObjectKey] = field(default_factory=dict)
    """New key by old key, for objects that are renamed in place."""

    def protects(self, key: ObjectKey) -> bool:
        return any(fnmatchcase(str(key), pattern) for pattern in self.protect)


class Tie(NamedTuple):
    """What units are held by that were taken back as one, since changes of some of them failed.

    They are held as long as all of them are: what is wrong with one may be mended in another.
    """

    token: str
    """The same for all of them, and for nobody else."""
    units: int
    """How many they are."""
    schema: str
    """The beginning of the hash of the schema under which it failed."""
    failed: bool
    """Whether a change of this one failed; the others had to go along."""

    @classmethod
    def parse(cls, word: str) -> "Tie | None":
        found = _TIE.fullmatch(word)
        if found is None:
            return None
        token, units, schema, why = found.groups()
        return cls(token, int(units), schema, why == "failed")

    def __str__(self) -> str:
        why = "failed" if self.failed else "along"
        return f"{self.token}/{self.units}/{self.schema}/{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a tracking group's description says of the unit.

    ``attempted`` are revisions whose changes were begun since ``applied`` was reached: what any
    of them declared may stand in the target.
    """

    applied: str | None = None
    files: str | None = None
    """A digest of the unit's files: equal digests declare the same."""
    attempted: tuple[str, ...] = ()
    reached: str | None = None
    """Where something was left out of the last attempt: a digest of what was asked and what was
    left out. As long as both are the same, all else is as declared."""
    held: str | None = None
    """The revision whose changes were rolled back: what it declares is not applied again."""
    held_files: str | None = None
    """A digest of the unit's files at that revision, where it is known."""
    tie: Tie | None = None
    """What it is held by, where that is because something failed (``onError: rollback``)."""
    term: int = 0
    """The latest term in which a daemon wrote to it: one of an earlier term must not any more."""

    @classmethod
    def parse(cls, description: str) -> "Stamp":
        found = dict(_STAMP.findall(description))
        attempted = tuple(found["attempted"].split(",")) if "attempted" in found else ()
        return cls(
            applied=found.get("applied"),
            files=found.get("files"),
            attempted=attempted,
            reached=found.get("reached"),
            held=found.get("held"),
            held_files=found.get("heldfiles"),
            tie=Tie.parse(found.get("heldwith", "")),
            term=int(found["term"]) if found.get("term", "").isdecimal() else 0,
        )

    def __str__(self) -> str:
        words = ["Kept equal to Git by Stateward:"]
        if self.applied:
            words += [f"applied={self.applied}", f"files={self.files}"]
        if self.attempted:
            words.append(f"attempted={','.join(self.attempted)}")
        if self.reached:
            words.append(f"reached={self.reached}")
        if self.held:
            words.append(f"held={self.held}")
        if self.held_files:
            words.append(f"heldfiles={self.held_files}")
        if self.tie:
            words.append(f"heldwith={self.tie}")
        if self.term:
            words.append(f"term={self.term}")
        return " ".join(words)

    def attempt(self, revision: str, reached: str | None = None) -> "Stamp":
        """Return the stamp with one more revision begun."""
        attempted = tuple(dict.fromkeys((*self.attempted, revision)))[-_MOST_ATTEMPTS:]
        return replace(
            self, attempted=attempted, reached=reached, held=None, held_files=None, tie=None
        )

    def holds(self, revision: str, files: str) -> bool:
        """Tell whether a unit is held: it declares what was rolled back, and nothing else."""
        if self.held is None:
            return False
        return revision == self.held or (files or NO_FILES) == self.held_files

    @property
    def revisions(self) -> tuple[str, ...]:
        return (*(own for own in (self.applied,) if own), *self.attempted)

"""Where tracking groups, the journal and Git do not agree on what belongs to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stateward.errors import Location
from stateward.model.identity import ObjectKey
from stateward.model.plan import Change, Plan
from stateward.model.run import Report


class Disagreement(StrEnum):
    """What sort of a difference it is."""

    GONE = "gone"
    """Declared, and was there when the files were applied: it is there no more."""
    ORPHAN = "orphan"
    """A unit had it by the journal, or by its list of adopted ones, and it is no member any more."""
    STRANGER = "stranger"
    """Declared and there, and nobody's."""
    UNDECLARED = "undeclared"
    """A member that its unit does not declare."""
    MARK = "mark"
    """The target and the journal do not agree on whether it was there before."""
    NO_GROUP = "no-group"
    """A directory that declares objects, and has no tracking group."""
    NO_DIRECTORY = "no-directory"
    """A tracking group whose directory is gone."""
    UNREADABLE = "unreadable"
    """The group names a revision that cannot be read."""
    STAMP = "stamp"
    """The group names another revision than the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One difference: what it is, why it matters, and what to do."""

    what: Disagreement
    unit: str
    said: str
    """What differs, in words."""
    matters: str
    todo: str
    key: ObjectKey | None = None
    node: str | None = None
    origin: Location | None = None
    run: str = ""
    """The run that the journal tells it by."""
    mend: Change | None = None
    """What puts it right without any risk, if anything does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What the journal says of an object and a unit that had it last."""

    key: ObjectKey
    adopted: bool
    run: str
    """The run that made it a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What the journal says of who has what, on one target."""

    belongs: Mapping[tuple[str, str], Booked] = field(default_factory=dict)
    """By unit and id."""
    applied: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The run that applied a unit last, where nothing came after it, and its revision."""
    doubtful: frozenset[tuple[str, str]] = frozenset()
    """Units and ids of which the last that was done failed or was cut short: nobody knows."""
    whole: frozenset[str] = frozenset()
    """The units of which it has every run, from the first one on."""
    latest: Mapping[str, str] = field(default_factory=dict)
    """The revision of the newest run of each unit that it knows anything of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was put right, or would be."""

    before: "Inventory"
    plan: Plan
    report: Report | None = None
    """What came of it; None where it was only looked at."""
    after: "Inventory | None" = None
    """What does not agree afterwards; None where it was only looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What was compared, and where it does not agree."""

    target: str
    revision: str
    units: Mapping[str, int]
    """How many members each unit has that was looked at."""
    found: tuple[Discrepancy, ...] = ()
    journaled: frozenset[str] = frozenset()
    """Of these units, those of which the journal knows anything."""

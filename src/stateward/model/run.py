"""What a round did, as it is reported and recorded."""

from dataclasses import dataclass, field
from enum import StrEnum

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, FieldChange, Survivor, Undone


class Outcome(StrEnum):
    """How one unit came out of a round."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    WAITING = "waiting"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"


class Fault(StrEnum):
    """What a unit that failed waits for."""

    TRANSIENT = "transient"
    """Nothing but time."""
    STALLED = "stalled"
    """A person or a commit: the target refuses something, or something is wrong with some objects.

    So do files that do not go with the target's schema: somebody may load another one.
    """
    INVALID = "invalid"
    """A commit: the files are such that nothing of the unit can be planned."""


class EntryState(StrEnum):
    """One change of a run as it happened."""

    STARTED = "started"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step of one change, for the journal.

    A change that is tried has two: ``started`` before anything of it is sent, which carries what
    it changes, and ``applied`` or ``failed`` with the same ``index`` once the answer is known.
    One that is not tried has one, ``skipped``. ``undone`` follows where a run takes back what it
    had applied itself.
    """

    run: str
    index: int
    """Counts the changes of a run; the first use of a number says what the change is."""
    state: EntryState
    action: Action
    key: ObjectKey
    node: str | None = None
    detail: str = ""
    """Why: what the target said, or what was missing."""
    fields: tuple[FieldChange, ...] = ()
    """Before and after. Values of sensitive attributes must come as ``Secret``."""
    unit: str | None = None
    """For a move: the unit that it goes to, which may be another one than the run's."""
    giver: str | None = None
    adopted: bool = False
    marks: bool = False
    """Whether the unit had the object already, and only whether it counts as adopted changes."""
    foreign: bool = False
    """Whether the object is no member: of what a script deletes, and of what takes that back."""
    along: int | None = None
    """For an object that another one's delete took along: the index of that delete."""
    undoes: tuple[Undone, ...] = ()
    """For a rollback: the changes that it takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What became of a unit's changes that were taken back, since some failed."""

    run: str
    """The id of the run that took them back; empty where there was nothing to take back."""
    changes: int
    left: int
    """Objects that are not as they were before: somebody changed them since, or something is lost."""
    error: str | None = None
    """Why not all of it could be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a round did for one unit."""

    id: str
    unit: str
    revision: str
    outcome: Outcome
    summary: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    survivors: tuple[Survivor, ...] = ()
    error: str | None = None
    fault: Fault | None = None
    """Of a unit that failed: what it waits for."""
    taken_back: TakenBack | None = None
    """Of a unit whose changes the round took back again."""
    retry_after: float | None = None
    """Seconds to leave it alone for at least, where somebody said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A round that was applied aside and then took effect at once, as the target counts it."""

    branch: str
    added: int
    updated: int
    removed: int
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a round did, over all its units."""

    digest: str
    writes: int
    runs: tuple[Run, ...]
    merge: Merge | None = None
    requests: int = 0
    """Requests that planning and applying took, where the target is a server."""

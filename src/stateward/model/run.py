"""What a round did, as it is reported and recorded."""

from dataclasses import dataclass, field
from enum import StrEnum

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Survivor


class Outcome(StrEnum):
    """How one unit came out of a round."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    WAITING = "waiting"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"


class EntryState(StrEnum):
    """One change of a run as it happened."""

    STARTED = "started"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change's step in the journal."""

    run: str
    index: int
    state: EntryState
    action: Action
    key: ObjectKey
    node: str | None = None
    detail: str = ""


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

"""How a unit stands, as it is kept between rounds and shown to people.

Moments are seconds since the epoch, in UTC.
"""

from dataclasses import dataclass
from enum import StrEnum

from stateward.model.drift import UnitDrift


class Reason(StrEnum):
    """Why a unit is looked at. The order is that of the words in a run's trigger."""

    MANUAL = "manual"
    """Somebody asked for it."""
    COMMIT = "commit"
    """Its files, its settings or the schema changed."""
    START = "start"
    """Nothing is known of it yet."""
    INTERVAL = "interval"
    """To see whether the target has drifted."""
    RETRY = "retry"
    """The last round failed for a reason that may have passed."""
    DEPENDENCY = "dependency"
    """What it may wait for has changed."""
    RESUMED = "resumed"
    """What kept rounds from it is over."""


class Condition(StrEnum):
    """What a person has to know of a unit at a glance."""

    READY = "ready"
    FIGHTING = "fighting"
    """Somebody else changes again and again what Git says."""
    DRIFTED = "drifted"
    """The target differs, and the unit's settings say that this is only reported."""
    WAITING = "waiting"
    """Something that it refers to is not there yet."""
    BLOCKED = "blocked"
    """A guard holds its prune back."""
    RETRYING = "retrying"
    """The last round failed; the next one may not."""
    STALLED = "stalled"
    """A commit or a person is needed."""
    HELD = "held"
    """A rollback took its last run back: it stays so until its files are others."""
    SUSPENDED = "suspended"
    PENDING = "pending"
    """There has been no round of it yet."""


class Why(StrEnum):
    """What keeps rounds from a unit."""

    SUSPENDED = "suspended"
    """Somebody said so."""
    WINDOW = "window"
    """It is outside of its windows."""
    REWOUND = "rewound"
    """Its branch was set back, or rewritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What keeps rounds from a unit, whatever is due."""

    why: Why
    message: str
    """Who or what, and for which reason."""
    until: float | None = None
    """When it is over by itself; None where a person or a commit is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One unit after its last round."""

    unit: str
    condition: Condition
    since: float
    """Since when it is in this condition."""
    attempted: str | None = None
    """The revision of the last round."""
    applied: str | None = None
    """The last revision that the target was brought in line with."""
    outcome: str | None = None
    message: str | None = None
    """Why it is not ready: what is wrong, or what it waits for."""
    run: str | None = None
    """The journal's name of the last round that wrote anything."""
    at: float | None = None
    """When the last round ended."""
    succeeded: float | None = None
    """When the last round ended that brought the target in line, or found that it was."""
    fingerprint: str = ""
    """What of the revision concerned the unit: its files, its settings, the schema."""
    failures: int = 0
    """Rounds in a row after which it had to be tried again."""
    next: float | None = None
    """When it is looked at again; None where only a commit or a person leads to it."""
    reason: Reason | None = None
    """Why it is looked at then."""
    pause: Pause | None = None
    blocked: str | None = None
    """The digest of the prune that a guard holds back, to be approved by; None also where nobody can."""
    details: tuple[str, ...] = ()
    """What of such a prune tells most: kinds, the commit, objects."""
    drift: UnitDrift | None = None
    """What the last look found to differ although Git did not change; None is nothing."""

    @property
    def shown(self) -> Condition:
        """What it is shown as: what keeps rounds from it counts for more than how the last one ended."""
        return self.condition if self.pause is None else _PAUSED.get(self.pause.why, self.condition)


_PAUSED = {Why.SUSPENDED: Condition.SUSPENDED, Why.REWOUND: Condition.STALLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """One source as it was seen last."""

    target: str
    source: str
    at: float
    """When it was last asked."""
    every: float
    """Seconds until it is asked again: where they are long over, nobody is at work."""
    revision: str | None = None
    """The newest commit that was let through."""
    error: str | None = None
    refused: str | None = None
    """The newest commit, where it did not come after that one."""
    leader: str | None = None
    """The daemon that has asked it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that is known of a source and its units."""

    source: SourceStatus
    units: tuple[Status, ...] = ()

"""What people tell the daemon to do, as it is kept until it is done, taken back, or over.

Moments are seconds since the epoch, in UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

LEAST_DIGEST = 12
"""So many digits of a digest have to be given: fewer could be those of another one."""


class Verb(StrEnum):
    """What is wanted."""

    RECONCILE = "reconcile"
    """Look for a new commit, and have a round now."""
    SUSPEND = "suspend"
    """Change nothing, until it is taken back or over."""
    RESUME = "resume"
    """A suspension was taken back."""
    ALLOW_REWIND = "allow-rewind"
    """Go on with one commit, though it did not come after what was applied."""
    APPROVE = "approve"
    """Let one prune through that a guard holds back: exactly these objects, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing that somebody told the daemon."""

    id: str
    verb: Verb
    source: str
    unit: str | None = None
    """None is all of the source."""
    actor: str
    at: float
    reason: str = ""
    until: float | None = None
    """When it is over by itself; None is never."""
    any_time: bool = False
    """For a round: also outside of a unit's windows."""
    digest: str | None = None
    """The beginning of the digest, or of the commit, that is let through."""

    def concerns(self, unit: str) -> bool:
        return self.unit is None or self.unit == unit

    def is_over(self, now: float) -> bool:
        return self.until is not None and self.until <= now


def suspensions(commands: Iterable[Command], unit: str, now: float) -> Iterator[Command]:
    """Yield what suspends a unit at a moment."""
    for own in commands:
        if own.verb is Verb.SUSPEND and own.concerns(unit) and not own.is_over(now):
            yield own

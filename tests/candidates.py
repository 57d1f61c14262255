"""Candidates for the lead of a target, and leases to run for: the time is the test's to set."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stateward.daemon.leadership import Leadership
from stateward.errors import LeaseUnavailable
from stateward.model.event import Action, Event
from stateward.model.tenure import Tenure
from stateward.ports import Lease
from stateward.stores.lease_file import FileLease

WITHIN = 15.0


@dataclass
class Record:
    """What all candidates see."""

    newest: Tenure | None = None
    number: int = 0


@dataclass
class MemoryLease:
    """One candidate's way to a record, which may be cut."""

    record: Record
    cut: bool = False
    """Whether nothing comes through."""
    deaf: bool = False
    """Whether what is asked for is done, and the answer is lost."""
    asked: Callable[[], None] = lambda: None

    async def read(self) -> Tenure | None:
        self._pass()
        self._answer()
        return self.record.newest

    async def replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        self._pass()
        newest = self.record.newest
        if (newest and newest.version) != (known and known.version):
            self._answer()
            return None
        self.record.number += 1
        self.record.newest = replace(new, version=str(self.record.number))
        self._answer()
        return self.record.newest

    async def close(self) -> None:
        """There is nothing to close."""

    def _pass(self) -> None:
        self.asked()
        if self.cut:
            raise LeaseUnavailable("cut off")

    def _answer(self) -> None:
        if self.deaf:
            raise LeaseUnavailable("the answer was lost")


@dataclass
class Candidate:
    """A leadership whose clock is set by hand, and what it has told."""

    lease: Lease
    name: str = "a"
    now: float = 1000.0
    events: list[Event] = field(default_factory=list)
    turns: list[bool] = field(default_factory=list)
    own: Leadership = field(init=False)

    def __post_init__(self) -> None:
        self.own = Leadership(
            lease=self.lease,
            name=self.name,
            within=WITHIN,
            clock=lambda: self.now,
            random=lambda: 0.0,
            emit=self.events.append,
            tell=self.turns.append,
        )

    def told(self, action: Action) -> int:
        return sum(own.action is action for own in self.events)


def leadership(directory: Path) -> Leadership:
    """Return what nobody else runs for; time stands still."""
    return Candidate(FileLease(directory, "target", "a")).own

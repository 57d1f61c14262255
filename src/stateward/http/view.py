"""What is to be seen of the daemon at a moment: all that answers are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stateward.daemon.crew import Crew
from stateward.daemon.means import Means
from stateward.daemon.tally import Tally
from stateward.daemon.tending import Tender
from stateward.errors import Code, ConfigError
from stateward.model.status import Overview, SourceStatus, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One source and its units, as they were at the moment of asking."""

    name: str
    source: SourceStatus | None
    statuses: Sequence[Status]
    tallies: Mapping[str, Tally]
    due: int
    """Units that are due, and that no round has taken yet."""
    waiting: int
    """Units that are due at some moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTarget:
    """One target, as it was at the moment of asking."""

    name: str
    resting: bool
    """Whether it is left alone, since it failed again and again."""
    leading: bool
    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is tended now, and with what."""

    crews: Sequence[Crew]
    """One for each target."""
    means: Means
    """What all of them share."""

    @property
    def tenders(self) -> Sequence[Tender]:
        return [own for crew in self.crews for own in crew.tenders]

    def leading(self) -> list[Crew]:
        """Return those whose target is ours to write to."""
        return [own for own in self.crews if own.means.mandate.held]

    def targets(self) -> list[SeenTarget]:
        """Look at every target; what is returned does not change any more."""
        return [
            SeenTarget(
                name=own.target,
                resting=own.resting() > 0,
                leading=own.means.mandate.held,
                term=own.means.mandate.term,
            )
            for own in self.crews
        ]

    def seen(self) -> list[Seen]:
        """Look at every source; what is returned does not change any more."""
        return [self._seen(own) for own in self.tenders]

    def overviews(self) -> list[Overview]:
        """Say how sources stand, and their units; a source that was never looked at is not told."""
        return [
            Overview(source=own.source, units=tuple(sorted(own.statuses, key=lambda one: one.unit)))
            for own in self.seen()
            if own.source is not None
        ]

    def source(self, name: str) -> Tender:
        """Return who tends a source; raises ``ConfigError`` where nobody does."""
        found = next((own for own in self.tenders if own.tended.name == name), None)
        if found is None:
            names = ", ".join(own.tended.name for own in self.tenders)
            message = f"{name}: there is no such source: there are {names}"
            raise ConfigError(message, code=Code.NO_SUCH_PAGE)
        return found

    def _seen(self, tender: Tender) -> Seen:
        board = tender.board
        return Seen(
            name=tender.tended.name,
            source=tender.source,
            statuses=tuple(board.statuses.values()),
            tallies=dict(board.tallies),
            due=len(board.queue.waits(self.means.clock())),
            waiting=board.queue.waiting(),
        )

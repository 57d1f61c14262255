"""Which units are held: what they declare was rolled back, by somebody or because it failed.

What somebody took back is held by the unit's own files. What was taken back because something
failed is held together, and tried again once anything of it is another: files of one of the units, the
schema, what the settings say; or once somebody asks for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stateward.errors import Code, Problem, Severity
from stateward.model.unit import OnError, Tie
from stateward.planning.question import Holdings, Question

SCHEMA_DIGITS = 8
"""So much of a schema's hash tells it from the one before."""


@dataclass(slots=True)
class Holds:
    """Finds them in the stamps."""

    question: Question
    holdings: Holdings
    held: set[str] = field(default_factory=set)
    """Units that somebody took back, and those of which a change failed."""
    along: set[str] = field(default_factory=set)
    """Units that were taken back along with these."""
    _ties: dict[str, Tie] = field(default_factory=dict)
    _failed: dict[str, list[str]] = field(default_factory=dict)
    """By what holds them together, the units of which a change failed."""

    def __post_init__(self) -> None:
        tied: dict[str, list[str]] = {}
        for name, facts in self.question.units.items():
            stamp = self.holdings.stamps[name]
            if stamp.tie is not None:
                self._ties[name] = stamp.tie
                tied.setdefault(stamp.tie.token, []).append(name)
            elif stamp.holds(facts.revision, facts.files):
                self.held.add(name)
        for token, names in tied.items():
            if self._stands(names):
                self._failed[token] = [own for own in names if self._ties[own].failed]
                self.held.update(self._failed[token])
                self.along.update(set(names) - self.held)

    def _stands(self, names: Sequence[str]) -> bool:
        """Tell whether units that were taken back as one are all still as they were then."""
        first = self._ties[names[0]]
        units = self.question.units
        return (
            len(names) >= first.units
            and self.question.schema.hash.startswith(first.schema)
            and any(
                units[own].settings.on_error is OnError.ROLLBACK
                for own in names
                if self._ties[own].failed
            )
            and not any(units[own].retried for own in names)
            and all(
                self.holdings.stamps[own].holds(units[own].revision, units[own].files)
                for own in names
            )
        )

    def problems(self) -> Iterator[Problem]:
        """Yield what is to be said of those that failed, and of those that wait for them."""
        for name in sorted(self._ties.keys() & {*self.held, *self.along}):
            if name in self.along:
                yield waits(name, self._failed[self._ties[name].token])
            else:
                commit = self.holdings.stamps[name].held or ""
                yield Problem(
                    code=Code.TAKEN_BACK,
                    message=f"commit {commit[:12]} failed, and was taken back (onError:"
                    " rollback): mend it by a commit, or have it tried again: `stateward apply"
                    " --retry`, or `stateward reconcile` where a daemon runs",
                    unit=name,
                )


def waits(unit: str, failed: Iterable[str]) -> Problem:
    """Return what is to be said of a unit that was taken back along with those that failed."""
    message = f"waits for {', '.join(sorted(failed))}, along with which it was taken back"
    return Problem(code=Code.WAITING, message=message, unit=unit, severity=Severity.WARNING)

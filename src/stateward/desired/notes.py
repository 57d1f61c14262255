"""Problems as they are found: with a place, a unit, and words that are safe to print."""

from collections import Counter
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Location, Problem, Severity
from stateward.model import document

_MOST_WARNINGS = 100
"""How many warnings of one sort are listed for one file."""
_MOST_ERRORS = 1000
"""How many errors of one sort are listed for one file; after so many it is not read on."""
_MOST_CHARACTERS = 500


class Enough(Exception):
    """So much is wrong with a file that reading on would help nobody."""


def problem(
    code: Code,
    message: str,
    location: Location | None,
    *,
    unit: str | None = None,
    subject: str | None = None,
    warning: bool = False,
) -> Problem:
    """Make a problem that is safe to print: the names in its message are the repository's choice."""
    if len(message) > _MOST_CHARACTERS:
        message = f"{message[:_MOST_CHARACTERS]}…"
    if not message.isprintable():
        message = "".join(
            own if own.isprintable() else own.encode("unicode_escape").decode() for own in message
        )
    return Problem(
        code=code,
        message=message,
        location=location,
        unit=unit,
        subject=subject,
        severity=Severity.WARNING if warning else Severity.ERROR,
    )


@dataclass(slots=True)
class Notes:
    """The problems of one unit, in the order they were found."""

    unit: str
    problems: list[Problem] = field(default_factory=list)
    _counts: Counter[tuple[Code, Severity, str]] = field(default_factory=Counter)

    def copy(self) -> "Notes":
        return Notes(self.unit, list(self.problems), Counter(self._counts))

    def add(self, code: Code, message: str, location: Location) -> None:
        self.take(problem(code, message, location, unit=self.unit))

    def warn(self, code: Code, message: str, location: Location) -> None:
        self.take(problem(code, message, location, unit=self.unit, warning=True))

    def take(self, own: Problem) -> None:
        """Take a problem; of very many alike in one file the last one taken stands for the rest.

        A problem that stalls a single object is always taken.
        """
        sort = (own.code, own.severity, own.location.file if own.location else "")
        self._counts[sort] += 1
        most = _MOST_ERRORS if own.severity is Severity.ERROR else _MOST_WARNINGS
        if self._counts[sort] == most:
            own = replace(own, message=f"{own.message} (further ones in this file are not listed)")
        if self._counts[sort] <= most or own.subject is not None:
            self.problems.append(own)


@dataclass(slots=True)
class Page:
    """One file of a unit while it is read: where its problems are noted, by their marks."""

    file: str
    notes: Notes
    errors: int = 0
    closed: bool = False
    """Whether it is not to be read on."""

    @property
    def unit(self) -> str:
        return self.notes.unit

    def note(self, code: Code, message: str, mark: int) -> None:
        """Note an error; raises ``Enough`` after very many, and the file counts as unread then."""
        at = document.location(self.file, mark)
        self.errors += 1
        if self.errors > _MOST_ERRORS:
            message = f"more than {_MOST_ERRORS} errors: the file is not read on: mend these first"
            self.notes.problems.append(problem(Code.SPEC, message, at, unit=self.unit))
            self.closed = True
            raise Enough
        self.notes.add(code, message, at)

    def warn(self, code: Code, message: str, mark: int) -> None:
        self.notes.warn(code, message, document.location(self.file, mark))

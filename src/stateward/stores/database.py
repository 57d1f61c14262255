"""What the stores ask of the database that they are kept in, whichever it is.

Their SQL is the part that all of them speak, with ``?`` for values. Where that ends, a ``Dialect``
says how it is said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from stateward.model.finding import Finding

_T = TypeVar("_T")


class Unusable(Exception):
    """What stands in the database cannot be gone on with; it is told with the database's name."""


class Cursor(Protocol):
    """What a statement has found."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...


class Connection(Protocol):
    """A transaction that is under way."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Cursor: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to look into the body of a record, which is JSON."""

    told: Callable[[str], str]
    """SQL for the text that bodies have under a name."""
    spelled: Callable[[str], str]
    """A text as it is to be compared with that."""


class Database(Protocol):
    """A place for tables. What is not there yet is made when it is first written to.

    Must: raise ``StateUnavailable`` for whatever goes wrong with it, and be of use again afterwards.
    Must: take calls of several processes at once, writes one after the other.
    """

    @property
    def dialect(self) -> Dialect: ...

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """Do some work in one transaction: all of it is on disk afterwards, or nothing."""
        ...

    async def read(self, work: Callable[[Connection], _T], nothing: _T) -> _T:
        """Look at one moment of what is there; where there is nothing, nothing is made."""
        ...

    async def look(self, subject: str) -> Finding | None:
        """Say why it is not in use; None where it is. Nothing is made or changed."""
        ...

    async def close(self) -> None: ...

"""Parsed YAML that still knows where everything stood, and how it was spelled.

A *mark* is a position in one file as one number: ``line << 20 | column``, both counted from 1.
Marks are kept beside the data, not in it: a ``Map`` is a dict and a ``Seq`` is a list, and code
that does not care about positions need not know.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stateward.errors import Location

_COLUMN_BITS = 20
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1


def mark(line: int, column: int) -> int:
    """Pack a position that counts from 1; a column that does not fit is cut to the last one."""
    return line << _COLUMN_BITS | min(column, _COLUMN_MASK)


def location(file: str, at: int) -> Location:
    return Location(file, at >> _COLUMN_BITS, at & _COLUMN_MASK)


class Map(dict[str, Any]):
    """A YAML mapping. ``marks`` holds the marks of key and value in turn, in key order."""

    __slots__ = ("mark", "marks")

    def __init__(self) -> None:
        super().__init__()
        self.mark = 0
        self.marks = array("Q")

    def _index(self, key: str) -> int:
        return next(index for index, own in enumerate(self) if own == key)

    def key_mark(self, key: str) -> int:
        return self.marks[2 * self._index(key)]

    def value_mark(self, key: str) -> int:
        return self.marks[2 * self._index(key) + 1]

    def first_mark(self) -> int:
        """The mark of the first key: where an object is said to start."""
        return self.marks[0] if self.marks else self.mark


class Seq(list[Any]):
    """A YAML sequence. ``marks`` holds the mark of each item."""

    __slots__ = ("mark", "marks")

    def __init__(self) -> None:
        super().__init__()
        self.mark = 0
        self.marks = array("Q")

    def with_marks(self) -> Iterator[tuple[Any, int]]:
        return zip(self, self.marks, strict=True)


class SpelledInt(int):
    """An integer whose text is not its canonical one (``010``, ``0x1F``): text fields keep it."""

    text: str


class SpelledFloat(float):
    """A float whose text is not its canonical one (``1.10``): text fields keep it."""

    text: str


class Word(str):
    """An unquoted ``yes``, ``no``, ``on``, ``off``: text in YAML 1.2, but true and false in 1.1.

    Infrahub reads object files as YAML 1.1, so Boolean fields take the word for what it says.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document of a file."""

    file: str
    root: Any
    mark: int

    def location(self, at: int | None = None) -> Location:
        return location(self.file, self.mark if at is None else at)


def place(file: str, source: Map, name: str) -> Location | None:
    """Return where a mapping has a field's value, or the metadata ``field.key`` within it."""
    own, _, key = name.partition(".")
    if own not in source:
        return None
    value = source[own]
    if key and isinstance(value, Map) and key in value:
        return location(file, value.value_mark(key))
    return location(file, source.value_mark(own))

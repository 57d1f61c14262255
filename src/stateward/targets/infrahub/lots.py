"""How much is asked for in one request: enough to be worth it, and no more than is soon answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

_T = TypeVar("_T")

LARGEST = 500
"""Objects in one request: more cost no less each, and a lost answer costs more."""
ROOM = 3000
"""Lists of peers in one request: a list of each object is what takes the server its time."""
SEARCHES = 10
"""Searches by name in one request: each is a query of its own over all objects of a kind."""
FIRST = 20
"""Lists that the first of a kind stand for: each is a query of its own, however few the objects."""


def lots(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def packed(
    wanted: Mapping[str, Sequence[str]], lists: Callable[[str], int]
) -> Iterator[dict[str, Sequence[str]]]:
    """Yield the objects to read in each request, by kind; several kinds where there is room.

    ``lists`` tells how many lists of peers are read of each object of a kind.
    """
    lot: dict[str, Sequence[str]] = {}
    objects, room = LARGEST, ROOM
    for kind, ids in sorted(wanted.items()):
        each = 1 + lists(kind)
        left = ids
        while left:
            fitting = min(objects, room // each - FIRST)
            if fitting < 1 and lot:
                yield lot
                lot, objects, room = {}, LARGEST, ROOM
                continue
            lot[kind], left = left[: max(fitting, 1)], left[max(fitting, 1) :]
            objects -= len(lot[kind])
            room -= each * (len(lot[kind]) + FIRST)
    if lot:
        yield lot

"""The paths of a schema (``device__name__value``), and what identifies an object of a kind."""

from collections.abc import Callable, Container
from typing import Any

from stateward.model.schema import Kind, Path
from stateward.schema.values import spell

SEPARATOR = "__"


def parse(text: str, relationships: Container[str]) -> Path:
    """Read a path of a kind that has these relationships."""
    first, *rest = text.split(SEPARATOR)
    if first in relationships:
        return Path(first, rest[0] if rest else None)
    return Path(None, first)


def identity(kind: Kind) -> tuple[tuple[Path, ...], ...]:
    """Return the ways to tell the objects of a kind apart, the one to be preferred first.

    A human-friendly id leaves no choice. Without one any uniqueness constraint will do, and then
    the default filter, which need not be unique.
    """
    if kind.hfid:
        return (kind.hfid,)
    filtered = ((kind.default_filter,),) if kind.default_filter else ()
    return (*kind.uniqueness, *filtered)


def references(kind: Kind) -> tuple[tuple[Path, ...], ...]:
    """Return how a reference to a kind may be spelled, the way to be preferred first."""
    found = identity(kind)
    own = (kind.default_filter,) if kind.default_filter else None
    return (*found, own) if own and own not in found else found


def name(kind: Kind, part: Callable[[Path], Any]) -> tuple[str, ...]:
    """Return what an object is called; nothing where it has nothing to be called by.

    A human-friendly id spells what is not there ``None``, as the server does; elsewhere it is
    left out, and the first way to identify an object that leaves anything is taken.
    """
    for way in identity(kind):
        parts = [part(path) for path in way]
        if kind.hfid:
            return tuple(spell(own) for own in parts)
        if any(own is not None for own in parts):
            return tuple(spell(own) for own in parts if own is not None)
    return ()

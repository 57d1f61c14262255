"""The paths of a schema (``device__name__value``), and what identifies an object of a kind."""

from collections.abc import Container

from stateward.model.schema import Kind, Path

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

"""Unique values that go round in a circle: one of them is set aside for a moment.

Two objects that swap a value cannot be written one after the other: neither value is free. One
object lets go of its value first, or takes one that nobody has where it cannot be without, and
takes the wanted one when everybody else is through.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from stateward.model.plan import Change
from stateward.model.schema import Attribute, Kind, Path
from stateward.schema import values

_TEXT = "Text"
_NUMBER = "Number"
_HIGHEST = 2**31 - 1
_TRIES = 10_000


class Parked(NamedTuple):
    """A field that can be written later, and what it holds in between."""

    field: str
    value: Any


def parked(
    kind: Kind, constraint: tuple[Path, ...], change: Change, used: Collection[Any]
) -> Parked | None:
    """Return the part of a unique value that an existing object can set aside, if there is one.

    ``used`` are values that somebody has or is to have.
    """
    changed = {own.name: own.old for own in change.fields}
    for path in constraint:
        attribute = kind.attributes.get(path.attribute or "") if not path.relationship else None
        if attribute is None or change.node is None or changed.get(attribute.name) is None:
            continue
        if attribute.optional and attribute.default is None:
            return Parked(attribute.name, None)
        for value in _candidates(attribute, changed[attribute.name], change.node):
            if value not in used and _allowed(attribute, value):
                return Parked(attribute.name, value)
    return None


def _candidates(attribute: Attribute, old: Any, node: str) -> Iterator[Any]:
    if attribute.kind == _TEXT:
        yield f"{old}~{node}"
        yield node
    elif attribute.kind == _NUMBER:
        highest = _HIGHEST if attribute.max_value is None else attribute.max_value
        yield from range(highest, highest - _TRIES, -1)


def _allowed(attribute: Attribute, value: Any) -> bool:
    try:
        return bool(values.normalise(attribute, value) == value)
    except values.Invalid:
        return False

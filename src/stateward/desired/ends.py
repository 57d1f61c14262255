"""The two ends of a relationship: what is declared at one of them follows for the other.

An interface that names its device belongs to the device's ``interfaces``, whether the device
lists it or not. A list that is declared therefore means: these, and all that point here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from stateward.desired.checks import problem
from stateward.desired.resolve import place, targets
from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import Relationship, Schema
from stateward.model.state import DesiredObject

End = tuple[ObjectKey, str]
"""An object and one of its relationships."""


def implied(
    objects: Iterable[DesiredObject], wanted: Collection[End], schema: Schema
) -> dict[End, frozenset[ObjectKey]]:
    """Return for each wanted end the objects that point at it from the other end."""
    if not wanted:
        return {}
    inverse = _inverses(schema)
    names = {(key.kind, name) for key, name in wanted}
    found: dict[End, set[ObjectKey]] = {}
    for obj in objects:
        for name, related in obj.relations.items():
            for peer in targets(related):
                if not isinstance(peer, ObjectKey):
                    continue
                other = inverse(obj.key.kind, name, peer.kind)
                if other is None or (peer.kind, other.name) not in names:
                    continue
                if (peer, other.name) in wanted:
                    found.setdefault((peer, other.name), set()).add(obj.key)
    return {end: frozenset(keys) for end, keys in found.items()}


def completed(
    objects: Mapping[ObjectKey, DesiredObject], schema: Schema
) -> dict[ObjectKey, DesiredObject]:
    """Return the objects whose declared lists are not complete, completed."""
    wanted = {
        (key, name)
        for key, obj in objects.items()
        for name, related in obj.relations.items()
        if isinstance(related, frozenset)
    }
    more: dict[ObjectKey, DesiredObject] = {}
    for (key, name), keys in implied(objects.values(), wanted, schema).items():
        obj = more.get(key, objects[key])
        declared = obj.relations[name]
        if isinstance(declared, frozenset) and not keys <= declared:
            more[key] = replace(obj, relations={**obj.relations, name: declared | keys})
    return more


def contradictions(objects: Mapping[ObjectKey, DesiredObject], schema: Schema) -> Iterator[Problem]:
    """Yield relationships whose two ends are both declared, and do not agree."""
    inverse = _inverses(schema)
    takers: dict[End, DesiredObject] = {}
    for obj in objects.values():
        for name, related in obj.relations.items():
            for peer in targets(related):
                if not isinstance(peer, ObjectKey) or peer not in objects:
                    continue
                other = inverse(obj.key.kind, name, peer.kind)
                if other is None or other.many:
                    continue
                theirs = objects[peer].relations.get(other.name, obj.key)
                taker = takers.setdefault((peer, other.name), obj)
                if theirs != obj.key or taker is not obj:
                    rival = theirs if theirs != obj.key else taker.key
                    message = f"{obj.key}: {name}: {peer} can belong to one only,"
                    message += f" and is declared to belong to {rival}: keep one"
                    yield problem(Code.CONTRADICTION, message, place(obj, name), obj)


def _inverses(schema: Schema) -> Callable[[str, str, str], Relationship | None]:
    """Return a memo of the inverse by kind, relationship and peer: it is asked per reference."""

    @cache
    def inverse(kind: str, name: str, peer: str) -> Relationship | None:
        relationship = schema.kinds[kind].relationships.get(name)
        return schema.inverse(relationship, peer) if relationship else None

    return inverse

"""The two ends of a relationship: what is declared at one of them follows for the other.

An interface that names its device belongs to the device's ``interfaces``, whether the device
lists it or not. A list that is declared therefore means: these, and all that point here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from stateward.desired.checks import of_object, rivals
from stateward.desired.resolve import targets
from stateward.errors import Code, Problem
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.schema import Relationship, Schema
from stateward.model.state import DesiredObject, FromPool

End = tuple[ObjectKey, str]
"""An object and one of its relationships."""
Field = tuple[DesiredObject, str]
Units = Mapping[str, Mapping[ObjectKey, DesiredObject]]
"""What each unit declares."""


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


def completed(units: Units, schema: Schema) -> dict[str, dict[ObjectKey, DesiredObject]]:
    """Return the units with every declared list made complete, each unit's own list for itself."""
    everything = [obj for unit in units.values() for obj in unit.values()]
    wanted = {
        (obj.key, name)
        for obj in everything
        for name, related in obj.relations.items()
        if isinstance(related, frozenset)
    }
    found = {unit: dict(objects) for unit, objects in units.items()}
    for (key, name), keys in implied(everything, wanted, schema).items():
        for unit in found.values():
            declared = unit[key].relations.get(name) if key in unit else None
            if isinstance(declared, frozenset) and not keys <= declared:
                relations = {**unit[key].relations, name: declared | keys}
                unit[key] = replace(unit[key], relations=relations)
    return found


def contradictions(units: Units, schema: Schema) -> Iterator[Problem]:
    """Yield relationships whose two ends are both declared, and do not agree."""
    known = {key: obj for unit in units.values() for key, obj in unit.items()}
    for (peer, name), takers in _takers(units, known, schema).items():
        own = known[peer]
        if name in own.relations:
            theirs = own.relations[name]
            if isinstance(theirs, NodeId | FromPool):
                continue  # it may well be the very object
            for taker, through in takers:
                if taker.key != theirs:
                    yield _rivalry((taker, through), (own, name), peer, theirs or "nobody")
            continue
        for mine, rival in rivals(takers, lambda one, other: one[0].key == other[0].key):
            yield _rivalry(mine, rival, peer, rival[0].key)


def _rivalry(mine: Field, theirs: Field, peer: ObjectKey, owner: object) -> Problem:
    message = f"{mine[0].key}: {mine[1]}: {peer} can belong to one only, and belongs to {owner}"
    message += f" at {theirs[0].at(theirs[1])}: keep one"
    apart = mine[0].unit != theirs[0].unit
    return of_object(Code.CONTRADICTION, message, mine[0].at(mine[1]), mine[0], subject=apart)


def _takers(
    units: Units, known: Mapping[ObjectKey, DesiredObject], schema: Schema
) -> dict[End, list[Field]]:
    """Return who says that a declared object belongs to it, where that can only be one."""
    inverse = _inverses(schema)
    takers: dict[End, list[Field]] = {}
    for obj in (obj for unit in units.values() for obj in unit.values()):
        for name, related in obj.relations.items():
            for peer in targets(related):
                if isinstance(peer, ObjectKey) and peer in known:
                    other = inverse(obj.key.kind, name, peer.kind)
                    if other is not None and not other.many:
                        takers.setdefault((peer, other.name), []).append((obj, name))
    return takers


def _inverses(schema: Schema) -> Callable[[str, str, str], Relationship | None]:
    """Return a memo of the inverse by kind, relationship and peer: it is asked per reference."""

    @cache
    def inverse(kind: str, name: str, peer: str) -> Relationship | None:
        relationship = schema.kinds[kind].relationships.get(name)
        return schema.inverse(relationship, peer) if relationship else None

    return inverse

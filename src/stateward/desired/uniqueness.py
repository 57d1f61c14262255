"""Objects of different identity that would hold one value which must be unique.

To Infrahub no value is a value like any other: where an optional attribute is unique, a second
object without it is refused. So is it here, with a milder word where nothing is declared, since
an object that exists already may have got its value elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stateward.desired.checks import of_object, rivals
from stateward.errors import Code, Location, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import DEFAULT_IP_NAMESPACE, IP_NAMESPACE, Path, Schema, Scope
from stateward.model.state import DesiredObject, FromPool

_PROFILES = "profiles"


class _Value(NamedTuple):
    """What an object holds, as far as one path of a constraint goes."""

    value: object
    declared: bool


class _Holder(NamedTuple):
    """An object that holds a value, and the field where it says so."""

    obj: DesiredObject
    field: str
    declared: bool

    @property
    def at(self) -> Location:
        return self.obj.at(self.field)


_Places = dict[object, list[tuple[DesiredObject, bool]]]
"""By value, the objects that hold it, and whether they declare it."""


def unique(objects: Iterable[DesiredObject], schema: Schema) -> Iterator[Problem]:
    """Yield what clashes, at each of the objects that do."""
    scopes: dict[str, list[_Places]] = {}
    places: dict[Scope, _Places] = {}
    for obj in objects:
        kind = obj.key.kind
        if kind not in scopes:
            scopes[kind] = [places.setdefault(own, {}) for own in schema.unique_scopes(kind)]
        for scope, taken in zip(schema.unique_scopes(kind), scopes[kind], strict=True):
            held = _held(obj, scope[1], schema)
            if held is not None:
                taken.setdefault(held.value, []).append((obj, held.declared))
    for scope, found in places.items():
        names = ", ".join(_name(path) for path in scope[1])
        for several in found.values():
            if len(several) > 1:
                own = [_Holder(obj, _name(scope[1][0]), declared) for obj, declared in several]
                yield from _clashes([holder for holder in own if holder.declared], names)
                yield from _omissions(own, names)


def _held(obj: DesiredObject, paths: Sequence[Path], schema: Schema) -> _Value | None:
    """Return what a new object would hold in one place; None where that is nothing, or not known."""
    if len(paths) == 1:
        return _value(obj, paths[0], schema)
    held = [own for path in paths if (own := _value(obj, path, schema)) is not None]
    if len(held) < len(paths) or not any(own.declared for own in held):
        return None  # the server does not look at what a new object says nothing of
    return _Value(tuple(own.value for own in held), declared=all(own.declared for own in held))


def _value(obj: DesiredObject, path: Path, schema: Schema) -> _Value | None:
    """Return what a new object would hold; None where only the target can tell."""
    kind = schema.kinds[obj.key.kind]
    if path.relationship is not None:
        return _peer(obj, path.relationship, schema)
    name = path.attribute or ""
    if name in obj.attributes:
        value = obj.attributes[name]
        return None if isinstance(value, FromPool | list | dict) else _Value(value, declared=True)
    attribute = kind.attributes.get(name)
    if attribute is None or attribute.read_only or attribute.computed:
        return None
    if obj.template or obj.relations.get(_PROFILES):
        return None
    return _Value(attribute.default, declared=False)


def _peer(obj: DesiredObject, name: str, schema: Schema) -> _Value | None:
    peer = obj.relations.get(name)
    relationship = schema.kinds[obj.key.kind].relationships.get(name)
    if relationship is not None and schema.is_a(relationship.peer, IP_NAMESPACE):
        if peer is None:
            return _Value(DEFAULT_IP_NAMESPACE, declared=False)
        if isinstance(peer, ObjectKey) and peer.hfid == (DEFAULT_IP_NAMESPACE,):
            return _Value(DEFAULT_IP_NAMESPACE, declared=True)
    return None if peer is None or isinstance(peer, FromPool) else _Value(peer, declared=True)


def _clashes(own: list[_Holder], names: str) -> Iterator[Problem]:
    for mine, theirs in rivals(own, lambda one, other: one.obj.key == other.obj.key):
        message = f"{mine.obj.key}: {names}: must be unique, and is used by {theirs.obj.key}"
        message += f" at {theirs.at}"
        apart = mine.obj.unit != theirs.obj.unit
        yield of_object(Code.UNIQUE, message, mine.at, mine.obj, subject=apart)


def _omissions(own: list[_Holder], names: str) -> Iterator[Problem]:
    """Yield one warning for each unit with objects that would hold what another one holds."""
    said: set[str] = set()
    for mine, theirs in rivals(own, lambda one, other: one.obj.key == other.obj.key):
        if not mine.declared and mine.obj.unit not in said:
            said.add(mine.obj.unit)
            message = f"{mine.obj.key}: {names}: must be unique, is not declared,"
            message += f" and {theirs.obj.key} at {theirs.at} has the same: declare it"
            yield of_object(Code.UNIQUE, message, mine.at, mine.obj, warning=True)


def _name(path: Path) -> str:
    return path.relationship or path.attribute or ""

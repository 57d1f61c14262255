"""What is wrong with objects only when they are seen together.

Each check yields problems. A problem between two units names the object it stalls; one within a
unit stalls the unit, since the unit alone is already wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stateward.desired.resolve import place
from stateward.errors import Code, Location, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import Path, Schema
from stateward.model.state import DesiredObject, FromPool

Holder = tuple[DesiredObject, Location]


def mandatory(objects: Iterable[DesiredObject], schema: Schema) -> Iterator[Problem]:
    """Yield what a new object would lack; a template may bring it."""
    needed: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for obj in objects:
        kind = schema.kinds[obj.key.kind]
        if kind.kind not in needed:
            needed[kind.kind] = (
                frozenset(a.name for a in kind.attributes.values() if a.mandatory),
                frozenset(r.name for r in kind.relationships.values() if r.mandatory),
            )
        attributes, relations = needed[kind.kind]
        missing = {name for name in attributes if obj.attributes.get(name) is None}
        missing |= {name for name in relations if not obj.relations.get(name)}
        if missing and not obj.template:
            names = ", ".join(sorted(missing))
            yield problem(
                Code.MANDATORY, f"{obj.key}: {names}: mandatory: declare it", obj.origin, obj
            )


def owned_twice(claims: Mapping[ObjectKey, list[DesiredObject]]) -> Iterator[Problem]:
    """Yield objects that units declare with different values."""
    for key, objects in claims.items():
        first, *others = objects
        for other in others:
            if field := _difference(first, other):
                for mine, theirs in ((first, other), (other, first)):
                    message = f"{key}: {field}: unit {theirs.unit} declares another value"
                    message += f" at {place(theirs, field)}: make them equal, or name an owner"
                    yield problem(Code.OWNED_TWICE, message, mine.origin, mine, subject=True)


def _difference(one: DesiredObject, other: DesiredObject) -> str | None:
    pairs: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...] = (
        (one.attributes, other.attributes),
        (one.relations, other.relations),
    )
    for mine, theirs in pairs:
        for name in sorted({*mine, *theirs}):
            if name not in mine or name not in theirs or mine[name] != theirs[name]:
                return name
    return None


def unique(objects: Iterable[DesiredObject], schema: Schema) -> Iterator[Problem]:
    """Yield objects of different identity that share a value which must be unique."""
    holders: dict[tuple[object, ...], Holder] = {}
    said: set[tuple[ObjectKey, ObjectKey]] = set()
    for obj in objects:
        for scope, constraint in schema.unique_scopes(obj.key.kind):
            value = _values(obj, constraint)
            if value is None:
                continue
            at = place(obj, constraint[0].attribute or constraint[0].relationship or "")
            holder = holders.setdefault((scope, constraint, value), (obj, at))
            other = holder[0]
            if other.key != obj.key and (other.key, obj.key) not in said:
                said.add((other.key, obj.key))
                yield from _clash(holder, (obj, at), constraint)


def _values(obj: DesiredObject, constraint: tuple[Path, ...]) -> tuple[object, ...] | None:
    found: list[object] = []
    for path in constraint:
        if path.relationship is not None:
            value: object = obj.relations.get(path.relationship)
        else:
            value = obj.attributes.get(path.attribute or "")
        if value is None or isinstance(value, FromPool | list | dict):
            return None
        found.append(value)
    return tuple(found)


def _clash(one: Holder, other: Holder, constraint: tuple[Path, ...]) -> Iterator[Problem]:
    names = ", ".join(path.attribute or path.relationship or "" for path in constraint)
    apart = one[0].unit != other[0].unit
    for (mine, at), (theirs, there) in ((one, other), (other, one)):
        message = f"{mine.key}: {names}: must be unique, and is used by {theirs.key} at {there}"
        yield problem(Code.UNIQUE, message, at, mine, subject=apart)


def problem(
    code: Code, message: str, at: Location, obj: DesiredObject, *, subject: bool = False
) -> Problem:
    name = str(obj.key) if subject else None
    return Problem(code=code, message=message, location=at, unit=obj.unit, subject=name)

"""What is wrong with objects only when they are seen together.

Each check yields problems. A problem between two units names the object it stalls; one within a
unit stalls the unit, since the unit alone is already wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from stateward.desired.drafts import misread
from stateward.desired.notes import problem
from stateward.errors import Code, Location, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import Schema
from stateward.model.state import DesiredObject

_T = TypeVar("_T")


def of_object(
    code: Code,
    message: str,
    at: Location,
    obj: DesiredObject,
    *,
    subject: bool = False,
    warning: bool = False,
) -> Problem:
    name = str(obj.key) if subject else None
    return problem(code, message, at, unit=obj.unit, subject=name, warning=warning)


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
        missing = {
            name
            for name in attributes
            if obj.attributes.get(name) is None
            and not misread(name, obj.attributes, (part for _, part in obj.parts))
        }
        missing |= {name for name in relations if not obj.relations.get(name)}
        if missing and not obj.template:
            names = ", ".join(sorted(missing))
            message = f"{obj.key}: {names}: mandatory: declare it"
            yield of_object(Code.MANDATORY, message, obj.origin, obj)


def owned_twice(claims: Mapping[ObjectKey, list[DesiredObject]]) -> Iterator[Problem]:
    """Yield objects that units declare with different values, for each unit that does."""
    for key, objects in claims.items():
        if not objects[1:]:
            continue
        for mine, theirs in rivals(objects, lambda one, other: not _difference(one, other)):
            field = _difference(mine, theirs) or ""
            message = f"{key}: {field}: unit {theirs.unit} declares another value"
            message += f" at {theirs.at(field)}: make them equal, or name an owner"
            yield of_object(Code.OWNED_TWICE, message, mine.origin, mine, subject=True)


def _difference(one: DesiredObject, other: DesiredObject) -> str | None:
    pairs: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...] = (
        (one.attributes, other.attributes),
        (one.relations, other.relations),
    )
    for mine, theirs in pairs:
        for name in sorted({*mine, *theirs}):
            if name not in mine or name not in theirs or mine[name] != theirs[name]:
                return name
    return None if one.node == other.node else "id"


def ids(objects: Iterable[DesiredObject]) -> Iterator[Problem]:
    """Yield objects of different identity that ask for the same id."""
    holders: dict[str, list[DesiredObject]] = {}
    for obj in objects:
        if obj.node is not None:
            holders.setdefault(obj.node, []).append(obj)
    for own in holders.values():
        for mine, theirs in rivals(own, lambda one, other: one.key == other.key):
            at = theirs.at("id")
            message = f"{mine.key}: id: {theirs.key} asks for the same at {at}: keep one"
            apart = mine.unit != theirs.unit
            yield of_object(Code.UNIQUE, message, mine.at("id"), mine, subject=apart)


def rivals(items: Sequence[_T], alike: Callable[[_T, _T], bool]) -> Iterator[tuple[_T, _T]]:
    """Yield each item with the first one that is not like it; nothing where all are alike."""
    first = next(iter(items), None)
    other = next((own for own in items if first is not None and not alike(first, own)), None)
    if first is not None and other is not None:
        for own in items:
            yield own, other if alike(first, own) else first

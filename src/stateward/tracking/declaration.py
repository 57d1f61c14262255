"""What a script says of objects, in the form that files have: what reads the ones reads the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from enum import Enum, StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID

from stateward.desired.envelope import API_VERSION
from stateward.model.document import Document, Map, Seq
from stateward.tracking.node import Node

_TEXTUAL = (
    UUID,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)


class Verb(StrEnum):
    """What a script wants to be done with an object that it describes."""

    CREATE = "create"
    UPSERT = "upsert"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Item:
    """One object as a script describes it."""

    verb: Verb
    kind: str
    data: Map = field(repr=False)
    """It may hold secrets."""


def item(verb: Verb, kind: str, data: Mapping[str, Any]) -> Item:
    return Item(verb, kind, _mapping(data))


def documents(name: str, items: Sequence[Item]) -> list[Document]:
    """Return each item as a document; their places are all called by one name."""
    return [Document(file=name, root=_root(own), mark=0) for own in items]


def _root(own: Item) -> Map:
    data = _sequence([])
    data.append(own.data)
    data.marks.append(0)
    spec = _mapping({"kind": own.kind})
    _put(spec, "data", data)
    root = _mapping({"apiVersion": API_VERSION, "kind": "Object"})
    _put(root, "spec", spec)
    return root


def _put(mapping: Map, key: str, value: Any) -> None:
    mapping[key] = value
    mapping.marks.extend((0, 0))


def _mapping(given: Mapping[str, Any]) -> Map:
    found = Map()
    for key, value in given.items():
        if not isinstance(key, str):
            raise TypeError(f"{key!r}: the name of a field is a text")
        _put(found, key, _value(value))
    return found


def _sequence(given: Sequence[Any]) -> Seq:
    found = Seq()
    for value in given:
        found.append(_value(value))
        found.marks.append(0)
    return found


def _value(value: Any) -> Any:
    match value:
        case Node():
            return value.id
        case Enum():
            return _value(value.value)
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return _mapping(value)
        case list() | tuple():
            return _sequence(value)
        case set() | frozenset():
            return _sequence(sorted(value, key=str))
        case date() | time():
            return value.isoformat()
        case _ if isinstance(value, _TEXTUAL):
            return str(value)
    raise TypeError(f"a field's value is a {type(value).__name__}: nothing that a target can hold")

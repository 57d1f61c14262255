"""Mutations as GraphQL, many in one request: each is a transaction of its own on the server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stateward.model.mutation import (
    RESET,
    Allocation,
    Create,
    Delete,
    Enrol,
    Mutation,
    Peers,
    Relate,
    Update,
)
from stateward.model.schema import LINEAGE, MEMBER_OF_GROUPS, PARENT, PROTECTED, Kind, Schema
from stateward.targets.infrahub.lineage import Signature

_CHILDREN = "children"
_REMOVE = "RelationshipRemove"
_DELETE_INPUT = "DeleteInput"


@dataclass(frozen=True, slots=True)
class Operation:
    """One field of a mutation document, and the input that it takes."""

    name: str
    input_type: str
    data: Mapping[str, Any]

    @property
    def removes(self) -> bool:
        """Whether it takes something away: then it is done where that is gone already."""
        return self.name == _REMOVE or self.input_type == _DELETE_INPUT


def document(operations: Sequence[Operation]) -> tuple[str, dict[str, Any]]:
    """Return the text and the variables of a request; its aliases count from ``m0``."""
    passed = ", ".join(f"$d{index}: {own.input_type}!" for index, own in enumerate(operations))
    fields = " ".join(
        f"m{index}: {own.name}(data: $d{index}) {{ ok }}" for index, own in enumerate(operations)
    )
    variables = {f"d{index}": own.data for index, own in enumerate(operations)}
    return f"mutation({passed}) {{ {fields} }}", variables


def operations(
    schema: Schema, mutation: Mutation, attributes: Mapping[str, Any], signature: Signature
) -> list[Operation]:
    """Spell a mutation out; its attributes come as they are to be sent."""
    kind = schema.kinds[mutation.kind]
    match mutation:
        case Create():
            return [_create(kind, mutation, attributes, signature)]
        case Update():
            fields = _fields(kind, attributes, mutation.relations)
            data = {"id": mutation.id, **signature.sign(kind, mutation, fields)}
            return [Operation(f"{kind.kind}Update", f"{kind.kind}UpdateInput", data)]
        case Relate():
            name = mutation.relationship
            added = [_relate("Add", mutation.id, name, mutation.add)] if mutation.add else []
            return [*added, *_removals(mutation.id, name, mutation.remove)]
        case Enrol():
            return list(_enrol(kind, mutation))
        case Delete():
            return [Operation(f"{kind.kind}Delete", _DELETE_INPUT, {"id": mutation.id})]


def _create(
    kind: Kind, mutation: Create, attributes: Mapping[str, Any], signature: Signature
) -> Operation:
    relations = {name: own for name, own in mutation.relations.items() if own}
    fields = _fields(kind, attributes, relations)
    data = {"id": mutation.id, **signature.sign(kind, mutation, fields)}
    if mutation.groups:
        if kind.is_group:
            data[PARENT] = {"id": mutation.groups[0]}
        else:
            asked = [own["id"] for own in data.get(MEMBER_OF_GROUPS, ())]
            data[MEMBER_OF_GROUPS] = _nodes(dict.fromkeys((*asked, *mutation.groups)))
    return Operation(f"{kind.kind}Create", f"{kind.kind}CreateInput", data)


def _fields(
    kind: Kind, attributes: Mapping[str, Any], relations: Mapping[str, Peers | Allocation]
) -> dict[str, Any]:
    """Return attributes and relationships as the server takes them, metadata beside the value."""
    data: dict[str, Any] = {}
    for name, value in attributes.items():
        if name.endswith(PROTECTED):
            data.setdefault(name.removesuffix(PROTECTED), {})["is_protected"] = value
        else:
            data.setdefault(name, {}).update(_value(value))
    for name, peers in relations.items():
        if name.endswith(LINEAGE):
            own, _, part = name.rpartition(".")
            data.setdefault(own, {})[part] = peers
        else:
            data[name] = _peers(peers, many=_is_many(kind, name))
    return data


def _is_many(kind: Kind, name: str) -> bool:
    end = kind.relationships.get(name)
    return end is None or end.many


def _value(value: Any) -> dict[str, Any]:
    if value is RESET:
        return {"is_default": True}
    if isinstance(value, Allocation):
        return {"from_pool": _pool(value)}
    return {"value": value}


def _pool(allocation: Allocation) -> dict[str, str]:
    found = {"id": allocation.pool}
    if allocation.identifier is not None:
        found["identifier"] = allocation.identifier
    return found


def _peers(peers: Peers | Allocation, *, many: bool) -> Any:
    if isinstance(peers, Allocation):
        pooled = {"from_pool": _pool(peers)}
        return [pooled] if many else pooled
    if isinstance(peers, str):
        return [{"id": peers}] if many else {"id": peers}
    if peers is None:
        return [] if many else None
    return _nodes(sorted(peers))


def _nodes(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": own} for own in ids]


def _relate(way: str, id_: str, name: str, ids: Iterable[str]) -> Operation:
    data = {"id": id_, "name": name, "nodes": _nodes(ids)}
    return Operation(f"Relationship{way}", "RelationshipNodesInput", data)


def _removals(id_: str, name: str, peers: Iterable[str]) -> Iterator[Operation]:
    """Remove peers one by one: for one that is gone the server would keep all the others."""
    for peer in peers:
        yield _relate("Remove", id_, name, (peer,))


def _enrol(kind: Kind, mutation: Enrol) -> Iterator[Operation]:
    """Join and leave from the object's side, which costs the same however large the groups are.

    A group has one group above it, the first of those that it joins: that one's own is beyond.
    """
    if not kind.is_group:
        if mutation.join:
            yield _relate("Add", mutation.id, MEMBER_OF_GROUPS, mutation.join)
        yield from _removals(mutation.id, MEMBER_OF_GROUPS, mutation.leave)
    elif mutation.join:
        data = {"id": mutation.id, PARENT: {"id": mutation.join[0]}}
        yield Operation(f"{kind.kind}Update", f"{kind.kind}UpdateInput", data)
    else:
        for group in mutation.leave:
            yield _relate("Remove", group, _CHILDREN, (mutation.id,))

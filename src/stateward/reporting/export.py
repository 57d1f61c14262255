"""Exported objects, as JSON for programs and as object files for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from stateward.desired import documents
from stateward.engine.export import Export, Exported
from stateward.model.identity import NodeId, Reference
from stateward.model.schema import Kind, Schema
from stateward.reporting import values

SCHEMA = "stateward/export/v1"


def as_json(export: Export) -> dict[str, Any]:
    """Return the documented form, ``stateward/export/v1``: both ends of every relationship."""
    return {
        "schema": SCHEMA,
        "objects": [
            {
                "kind": own.key.kind,
                "hfid": list(own.key.hfid),
                "id": own.id,
                "unit": own.unit,
                "fields": {**own.attributes, **_plain(own.relations)},
            }
            for own in export.objects
        ],
    }


def _plain(relations: Mapping[str, Reference | frozenset[Reference]]) -> dict[str, Any]:
    return {name: values.plain(peers) for name, peers in relations.items()}


def as_yaml(export: Export) -> str:
    """Return object files: a document a kind, what is referred to before what refers to it.

    A relationship is written at one end only, where the other end is sure to be written.
    """
    by_kind: dict[str, list[Exported]] = {}
    for own in export.objects:
        by_kind.setdefault(own.key.kind, []).append(own)
    depths: dict[str, int] = {}
    ordered = sorted(by_kind, key=lambda kind: (_depth(kind, export.schema, depths), kind))
    return documents.dump(
        {
            "apiVersion": "infrahub.app/v1",
            "kind": "Object",
            "spec": {
                "kind": kind,
                "data": [_item(own, export.schema) for own in by_kind[kind]],
            },
        }
        for kind in ordered
    )


def _item(own: Exported, schema: Schema) -> dict[str, Any]:
    kind = schema.kinds[own.key.kind]
    item = dict(own.attributes)
    for name, peers in own.relations.items():
        if not isinstance(peers, frozenset):
            item[name] = _reference(peers)
        elif kept := [peer for peer in peers if not _told_there(kind, name, peer, schema)]:
            item[name] = sorted((_reference(peer) for peer in kept), key=str)
    return item


def _told_there(kind: Kind, name: str, peer: Reference, schema: Schema) -> bool:
    if isinstance(peer, NodeId):
        return False
    inverse = schema.inverse(kind.relationships[name], peer.kind)
    if inverse is None:
        return False
    return not inverse.many or inverse.name == "member_of_groups"


def _reference(peer: Reference) -> Any:
    if isinstance(peer, NodeId):
        return peer.id
    return peer.hfid[0] if len(peer.hfid) == 1 else list(peer.hfid)


def _depth(name: str, schema: Schema, depths: dict[str, int]) -> int:
    """Return how far a kind is from those that need no other; a cycle ends where it began."""
    if name not in depths:
        depths[name] = 0
        depths[name] = max(
            (1 + _depth(own, schema, depths) for own in _needed(name, schema)), default=0
        )
    return depths[name]


def _needed(name: str, schema: Schema) -> Iterable[str]:
    for relationship in schema.kinds[name].relationships.values():
        if relationship.mandatory or (not relationship.many and relationship.kind == "Attribute"):
            yield from (own for own in schema.concrete(relationship.peer) if own != name)

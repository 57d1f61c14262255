"""An update by id: completed with what identifies the object, as if it had been described whole."""

from collections.abc import Mapping
from typing import Any

from stateward.errors import Code, TargetRefused
from stateward.model.schema import Kind
from stateward.ports import Query
from stateward.schema import paths
from stateward.tracking.declaration import Item, Verb, item
from stateward.tracking.node import Node
from stateward.tracking.relating import id_of
from stateward.tracking.work import Work


async def identified(work: Work, node: Node | str, data: Mapping[str, Any]) -> Item:
    """Return an update with the fields that the object is known by; raises ``TargetRefused``."""
    wanted = id_of(node)
    found = (await work.session.observe(Query(ids=[wanted]))).objects.get(wanted)
    if found is None:
        raise TargetRefused(f"{wanted}: there is no such object", code=Code.NOT_FOUND)
    kind = work.session.schema.kinds[found.key.kind]
    have = {**found.attributes, **found.relations}
    own = {name: have[name] for name in _identifying(kind) if have.get(name) is not None}
    return item(Verb.UPDATE, kind.kind, {**own, **data, "id": wanted})


def _identifying(kind: Kind) -> frozenset[str]:
    named = (path.relationship or path.attribute for way in paths.identity(kind) for path in way)
    fields = {name for name in named if name}
    writable = {own.name for own in kind.attributes.values() if not (own.read_only or own.computed)}
    return frozenset(fields & (writable | kind.relationships.keys()))

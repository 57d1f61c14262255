"""Objects of the target, read for a script."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from stateward.errors import Code, ConfigError, TargetRefused
from stateward.model.identity import ObjectKey
from stateward.model.schema import Kind, Schema
from stateward.model.state import Observed, ObservedObject
from stateward.ports import Query, Session
from stateward.schema import paths, values
from stateward.tracking.node import Node

_SEPARATOR = paths.SEPARATOR
_TEXT = "Text"


def fields_of(
    schema: Schema, kind: str, include: Collection[str] = ()
) -> dict[str, frozenset[str]]:
    """Return what is read of objects: attributes, single peers, and the lists asked for."""
    found: dict[str, frozenset[str]] = {}
    for name in concrete(schema, kind):
        own = schema.kinds[name]
        single = (r.name for r in own.relationships.values() if not r.many)
        found[name] = frozenset((*own.attributes, *single, *include))
    return found


def concrete(schema: Schema, kind: str) -> tuple[str, ...]:
    """Return the kinds of the objects that a kind stands for; raises ``ConfigError``."""
    if kind not in schema.kinds:
        raise ConfigError(f"{kind}: the target has no such kind", code=Code.UNKNOWN_KIND)
    return schema.concrete(kind)


def node_of(own: ObservedObject) -> Node:
    return Node(id=own.id, key=own.key, attributes=own.attributes, relations=own.relations)


async def get(
    session: Session,
    kind: str,
    *,
    id: str | None = None,  # noqa: A002 - the SDK's name
    hfid: Iterable[Any] | None = None,
    include: Collection[str] = (),
    filters: Mapping[str, Any],
) -> Node:
    """Return the one object that is meant; raises ``TargetRefused`` where there is not one."""
    if id is not None:
        found = await _by_ids(session, kind, [id], include)
    elif hfid is not None:
        found = await _by_key(session, kind, tuple(values.spell(own) for own in hfid), include)
    elif (key := _named(session.schema, kind, filters)) is not None:
        found = await _by_key(session, kind, key, include)
    else:
        found = await listed(session, kind, include=include, filters=filters)
    if len(found) == 1:
        return found[0]
    asked = (
        id or "/".join(map(str, hfid or ())) or ", ".join(f"{k}={v}" for k, v in filters.items())
    )
    if not found:
        raise TargetRefused(f"{kind}: {asked}: there is none", code=Code.NOT_FOUND)
    raise TargetRefused(f"{kind}: {asked}: there are {len(found)}", code=Code.AMBIGUOUS)


async def listed(
    session: Session, kind: str, *, include: Collection[str] = (), filters: Mapping[str, Any]
) -> list[Node]:
    """Return the objects of a kind that pass the filters, in the order of their names."""
    kinds = concrete(session.schema, kind)
    among = [_among(session.schema.kinds[own], filters) for own in kinds]
    # What is filtered by has to be read as well.
    named = {name.partition(_SEPARATOR)[0] for name in filters} - {"ids", "hfid"}
    fields = fields_of(session.schema, kind, {*include, *named})
    if "ids" in filters:
        observed = await session.observe(Query(ids=list(filters["ids"]), fields=fields))
    else:
        # What all of the kinds can be asked for. The rest is looked at here.
        asked = {name: own for name, own in among[0].items() if all(name in one for one in among)}
        observed = await session.observe(Query(kinds=kinds, fields=fields, among=asked))
    wanted = [own for own in observed.objects.values() if own.key.kind in kinds]
    passing = [
        own
        for own in wanted
        if all(_passes(session.schema.kinds[own.key.kind], own, *one) for one in filters.items())
    ]
    return [node_of(own) for own in sorted(passing, key=lambda own: (own.key, own.id))]


def _among(kind: Kind, filters: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the filters that a target can be asked for; raises ``ConfigError`` for what is none."""
    found: dict[str, list[str]] = {}
    for name, wanted in filters.items():
        field, _, how = name.partition(_SEPARATOR)
        one, many = ("id", "ids") if field in kind.relationships else ("value", "values")
        known = field in kind.relationships or field in kind.attributes
        if name not in {"ids", "hfid"} and not (known and how in {one, many}):
            message = f"{kind.kind}: {name}: no such filter: expected a field with __value,"
            raise ConfigError(f"{message} __values, __ids", code=Code.UNKNOWN_FIELD)
        asked = [_id(own) for own in (wanted if how == many else [wanted])] if known else []
        text = known and (one == "id" or kind.attributes[field].kind == _TEXT)
        if text and all(isinstance(own, str) for own in asked):
            found[field] = asked
    return found


def _id(given: Any) -> Any:
    return given.id if isinstance(given, Node) else given


def _passes(kind: Kind, own: ObservedObject, name: str, wanted: Any) -> bool:
    """Tell whether an object passes a filter as the SDK spells it: ``name__value``, ``site__ids``."""
    field, _, how = name.partition(_SEPARATOR)
    if name == "ids":
        return own.id in set(wanted)
    if name == "hfid":
        return own.key.hfid == tuple(values.spell(part) for part in wanted)
    if field in kind.attributes and how in {"value", "values"}:
        attribute = kind.attributes[field]
        asked = wanted if how == "values" else [wanted]
        return own.attributes[field] in [values.normalise(attribute, one) for one in asked]
    held = own.relations[field]
    peers = held if isinstance(held, frozenset) else {held}
    return bool(peers & {_id(one) for one in (wanted if how == "ids" else [wanted])})


def _named(schema: Schema, kind: str, filters: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the identity that filters come to, where they name all of it and nothing else."""
    known = schema.get(kind)
    for way in paths.identity(known) if known else ():
        if filters and {str(path) for path in way} == filters.keys():
            return tuple(values.spell(filters[str(path)]) for path in way)
    return None


async def _by_ids(
    session: Session, kind: str, ids: Collection[str], include: Collection[str]
) -> list[Node]:
    fields = fields_of(session.schema, kind, include)
    observed = await session.observe(Query(ids=list(ids), fields=fields))
    found = [own for own in observed.objects.values() if own.key.kind in fields]
    return [node_of(own) for own in found]


async def _by_key(
    session: Session, kind: str, parts: tuple[str, ...], include: Collection[str]
) -> list[Node]:
    fields = fields_of(session.schema, kind, include)
    key = ObjectKey(kind, parts)
    if fields.keys() != {kind}:  # a generic's names are told of ids first
        observed = await session.observe(Query(references=[key]))
        return await _by_ids(session, kind, observed.references.get(key, ()), include)
    observed = await session.observe(Query(keys=[key], fields=fields))
    return [node_of(own) for own in _bearing(observed, key)]


def _bearing(observed: Observed, key: ObjectKey) -> list[ObservedObject]:
    """Return what answers to a key: under its own name, or under another that finds it."""
    ids = {own.id for own in observed.objects.values() if own.key == key}
    ids.update(observed.references.get(key, ()))
    return [observed.objects[node] for node in sorted(ids) if node in observed.objects]

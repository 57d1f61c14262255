"""A target read back: every object, who it belongs to, and what it is called."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stateward.errors import Code, ConfigError
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import Kind, Schema
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import unit_name
from stateward.ports import Query, Target
from stateward.schema.values import SECRET_KINDS

_OURS = "stateward/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One object: what could be declared of it, with its peers named."""

    key: ObjectKey
    id: str
    unit: str | None
    attributes: Mapping[str, Any]
    relations: Mapping[str, Reference | frozenset[Reference]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Objects, sorted by kind and identity, and the schema they are of."""

    objects: tuple[Exported, ...]
    schema: Schema


async def export(target: Target, kinds: Collection[str], group: str | None) -> Export:
    """Read objects of some kinds, generics standing for their heirs; none named is all.

    ``group`` is the name of a tracking group: only its members are meant, whoever has them too.
    Left out is what is not for a file: tracking groups, secrets, what the target came with and
    what it makes by itself.
    """
    async with target.session(None, write=False) as session:
        schema = session.schema
        wanted = {own for name in kinds or schema.kinds for own in _concrete(schema, name)}
        groups = await session.groups(_OURS)
        observed = await session.observe(Query(kinds=sorted(wanted), groups=list(groups)))
    return Export(objects=tuple(_chosen(observed, schema, wanted, group)), schema=schema)


def _concrete(schema: Schema, name: str) -> tuple[str, ...]:
    if name not in schema.kinds:
        message = f"--kind {name}: the target has no such kind"
        raise ConfigError(message, code=Code.UNKNOWN_KIND)
    return schema.concrete(name)


def _chosen(
    observed: Observed, schema: Schema, kinds: Collection[str], group: str | None
) -> Iterator[Exported]:
    owners = _owners(observed)
    asked: Collection[str] = observed.objects
    if group is not None:
        asked = observed.groups[group].members if group in observed.groups else frozenset()
    tracking = {own.id for own in observed.groups.values()}
    for own in sorted(observed.objects.values(), key=lambda own: (own.key, own.id)):
        owner = owners.get(own.id)
        hidden = own.id in tracking or (own.seeded and owner is None)
        if hidden or own.key.kind not in kinds or own.id not in asked:
            continue
        yield _exported(own, schema.kinds[own.key.kind], owner, observed, tracking)


def _owners(observed: Observed) -> dict[str, str]:
    """Return the unit of each member: the first by name, where several share it."""
    owners: dict[str, str] = {}
    for name, group in sorted(observed.groups.items(), reverse=True):
        instance, source, *_ = [*name.removeprefix(_OURS).split("/", 2), ""]
        unit = unit_name(instance, source, name)
        if unit is not None:
            owners.update(dict.fromkeys(group.members, unit))
    return owners


def _exported(
    own: ObservedObject,
    kind: Kind,
    unit: str | None,
    observed: Observed,
    tracking: Collection[str],
) -> Exported:
    def name(node: str) -> Reference:
        known = observed.objects.get(node)
        return known.key if known else observed.names.get(node, NodeId(node))

    attributes = {
        attribute.name: own.attributes[attribute.name]
        for attribute in kind.attributes.values()
        if own.attributes.get(attribute.name) is not None
        and not (attribute.read_only or attribute.computed or attribute.kind in SECRET_KINDS)
    }
    relations: dict[str, Reference | frozenset[Reference]] = {}
    for relationship in kind.relationships.values():
        peers = own.relations.get(relationship.name)
        if relationship.read_only or not peers or peers in tracking:
            continue
        if isinstance(peers, str):
            relations[relationship.name] = name(peers)
        elif peers := frozenset(peers) - frozenset(tracking):
            relations[relationship.name] = frozenset(name(node) for node in peers)
    return Exported(key=own.key, id=own.id, unit=unit, attributes=attributes, relations=relations)

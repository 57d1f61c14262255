"""What a delete takes away: read before it is sent, so that it can be recorded and taken back."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import FieldChange, Secret
from stateward.model.schema import LINEAGE, MEMBER_OF_GROUPS, PROTECTED, Kind, Schema
from stateward.model.state import Observed, ObservedObject, Pointer
from stateward.ports import Query, Session
from stateward.schema.values import SECRET_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """One object as it stands before it is deleted, or leaves its group."""

    key: ObjectKey
    fields: tuple[FieldChange, ...]
    """All that could be written of it, before and after: nothing."""
    groups: frozenset[str]
    """The ids of the groups it is in."""
    along: tuple[str, ...] = ()
    """The ids of what goes along by cascade."""
    pointers: tuple[tuple[ObjectKey, Pointer], ...] = ()
    """What leads to it without its showing that: a delete clears it."""


async def read(session: Session, ids: Collection[str]) -> dict[str, Remains]:
    """Read objects that are to go, and all that would go along; what is gone already is left out."""
    holds = await session.holds(ids, "")
    along = {node: tuple(own.id for own in hold.cascade) for node, hold in holds.items()}
    wanted = {*ids, *(one for own in along.values() for one in own)}
    observed = await session.observe(Query(ids=sorted(wanted), fields=_all_fields(session.schema)))
    pointers = await _pointers(session, wanted & observed.objects.keys())
    found: dict[str, Remains] = {}
    for node in sorted(wanted & observed.objects.keys()):
        own = observed.objects[node]
        kind = session.schema.kinds[own.key.kind]
        groups = own.relations.get(MEMBER_OF_GROUPS) or frozenset()
        found[node] = Remains(
            key=own.key,
            fields=tuple(_fields(own, kind, observed)),
            groups=frozenset((groups,)) if isinstance(groups, str) else groups,
            along=along.get(node, ()),
            pointers=pointers.get(node, ()),
        )
    return found


async def with_members(
    session: Session, found: Mapping[str, Remains], groups: Collection[str]
) -> dict[str, Remains]:
    """Add which of some groups have the groups among what is to go: of these nothing shows it."""
    grouped = {node for node, own in found.items() if session.schema.kinds[own.key.kind].is_group}
    if not grouped:
        return dict(found)
    observed = await session.observe(Query(groups=sorted(groups)))
    ours = {
        node: frozenset(own.id for own in observed.groups.values() if node in own.members)
        for node in grouped
    }
    return {
        node: replace(own, groups=own.groups | ours.get(node, frozenset()))
        for node, own in found.items()
    }


async def _pointers(
    session: Session, ids: Collection[str]
) -> dict[str, tuple[tuple[ObjectKey, Pointer], ...]]:
    """Return what leads to objects, with what that is called."""
    found = await session.pointers(ids)
    origins = sorted({pointer.node for own in found.values() for pointer in own})
    known = (await session.observe(Query(ids=origins))).objects if origins else {}
    return {
        node: tuple((known[one.node].key, one) for one in own if one.node in known)
        for node, own in found.items()
    }


def _all_fields(schema: Schema) -> dict[str, frozenset[str]]:
    """Return for each kind all that an object may be made with, metadata included."""
    found: dict[str, frozenset[str]] = {}
    for kind in schema.kinds.values():
        if kind.is_generic:
            continue
        names = {own.name for own in kind.attributes.values() if _writable(own)}
        metadata = {f"{name}{end}" for name in names for end in (PROTECTED, *LINEAGE)}
        ends = {own.name for own in kind.relationships.values() if not own.read_only}
        found[kind.kind] = frozenset(names | metadata | ends)
    return found


def _writable(attribute: Any) -> bool:
    return not (attribute.read_only or attribute.computed)


def _fields(own: ObservedObject, kind: Kind, observed: Observed) -> Iterator[FieldChange]:
    for name, value in own.attributes.items():
        known = kind.attributes.get(name)
        if value is None or name in own.defaults or (known and not _writable(known)):
            continue
        if known is None and value is False:  # protection that nobody asked for
            continue
        secret = known is not None and known.kind in SECRET_KINDS
        yield FieldChange(name, Secret(value) if secret else value, None)
    for name, peers in own.relations.items():
        end = kind.relationships.get(name)
        if not peers or (end is not None and end.read_only):
            continue
        if isinstance(peers, str):
            yield FieldChange(name, named(observed, peers), None)
        else:
            yield FieldChange(name, frozenset(named(observed, own) for own in peers), None)


def named(observed: Observed, node: str) -> Reference:
    """Call an object by its key, where that is known, else by its id."""
    own = observed.objects.get(node)
    return own.key if own else observed.names.get(node, NodeId(node))


def without_groups(
    fields: Iterable[FieldChange], names: Collection[str]
) -> tuple[FieldChange, ...]:
    """Leave out the memberships in some groups: they are no field of an object."""
    return tuple(own for field in fields if (own := _without(field, names)) is not None)


def _without(field: FieldChange, names: Collection[str]) -> FieldChange | None:
    if field.name != MEMBER_OF_GROUPS or not isinstance(field.old, frozenset):
        return field
    kept = frozenset(own for own in field.old if not _is_named(own, names))
    return field._replace(old=kept) if kept else None


def _is_named(reference: Reference, names: Collection[str]) -> bool:
    return isinstance(reference, ObjectKey) and reference.hfid[0] in names

"""Changes to mutations: keys become ids, and membership comes before everything else."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stateward.model.identity import NodeId, ObjectKey, Reference
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
from stateward.model.plan import Action, Change, Default, FieldChange, Secret
from stateward.model.schema import Schema
from stateward.model.state import FromPool
from stateward.model.unit import ADOPTED


class UnknownPeer(Exception):
    """A change refers to an object that has no id: it was not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Spells changes out as mutations of one target.

    ``ids`` grows as objects are made; ``groups`` maps the names of tracking groups to their ids.
    """

    schema: Schema
    ids: dict[Reference, str]
    groups: Mapping[str, str]
    group_of: Callable[[str], str]
    """The name of a unit's tracking group."""
    brought: Collection[ObjectKey] = ()
    """What is there when its turn to be made comes: a template has brought it."""

    def mutations(self, change: Change) -> list[Mutation]:
        """Return what carries a change out, in order; raises ``UnknownPeer``."""
        match change.action:
            case Action.CREATE if change.key not in self.brought:
                return [self._create(change)]
            case Action.UPDATE:
                return list(self._fields(change, at_first(change)))
            case Action.CREATE | Action.ADOPT | Action.MOVE:
                return [self._enrol(change), *self._fields(change, at_first(change))]
            case Action.RELEASE:
                return [self._leave(change)]
            case Action.DELETE:
                return [Delete(id=self._own_id(change), kind=change.key.kind)]

    def deferred(self, change: Change) -> list[Mutation]:
        """Return what writes the fields that were left out, or cleared, at first."""
        return list(self._fields(change, later(change)))

    def _own_id(self, change: Change) -> str:
        return change.node or self._id(change.key)

    def _id(self, reference: Reference) -> str:
        if isinstance(reference, NodeId):
            return reference.id
        if reference not in self.ids:
            raise UnknownPeer(str(reference))
        return self.ids[reference]

    def _create(self, change: Change) -> Create:
        attributes, relations = self._split(change, at_first(change))
        return Create(
            id=self.ids[change.key],
            kind=change.key.kind,
            attributes=attributes,
            relations=relations,
            groups=() if change.foreign else self._joined(change),
            metadata=change.metadata,
        )

    def _joined(self, change: Change) -> tuple[str, ...]:
        """Return the groups that an object comes to: a group can be below the first of them only."""
        group = self.group_of(change.unit)
        names = [group + ADOPTED, group] if change.adopted else [group]
        return tuple(self.groups[name] for name in names)

    def _fields(self, change: Change, fields: Iterable[FieldChange]) -> Iterator[Mutation]:
        relationships = self.schema.kinds[change.key.kind].relationships
        own: list[FieldChange] = []
        shared: list[FieldChange] = []
        for field in fields:
            known = relationships.get(field.name)
            merges = field.name in change.merged or (known is not None and known.shared)
            (shared if merges else own).append(field)
        node, kind = self._own_id(change), change.key.kind
        if own:
            attributes, relations = self._split(change, own)
            yield Update(
                id=node,
                kind=kind,
                attributes=attributes,
                relations=relations,
                metadata=change.metadata,
            )
        for field in shared:
            old = field.old or frozenset()
            yield Relate(
                id=node,
                kind=kind,
                relationship=field.name,
                add=tuple(sorted(self._id(peer) for peer in field.new - old)),
                remove=tuple(sorted(self._id(peer) for peer in old - field.new)),
            )

    def _split(
        self, change: Change, fields: Iterable[FieldChange]
    ) -> tuple[dict[str, Any], dict[str, Peers | Allocation]]:
        kind = self.schema.kinds[change.key.kind]
        attributes: dict[str, Any] = {}
        relations: dict[str, Peers | Allocation] = {}
        for field in fields:
            metadata = field.name.partition(".")[2]
            if field.name in kind.relationships or metadata in {"source", "owner"}:
                relations[field.name] = self._peers(field.new)
            else:
                attributes[field.name] = self._value(field.new)
        return attributes, relations

    def _value(self, value: Any) -> Any:
        if isinstance(value, Secret):
            value = value.value
        if isinstance(value, FromPool):
            return self._allocation(value)
        return RESET if value is None or isinstance(value, Default) else value

    def _peers(self, value: Any) -> Peers | Allocation:
        if isinstance(value, FromPool):
            return self._allocation(value)
        if isinstance(value, Default):
            value = value.value
        if isinstance(value, frozenset):
            return frozenset(self._id(peer) for peer in value)
        return None if value is None else self._id(value)

    def _allocation(self, value: FromPool) -> Allocation:
        return Allocation(pool=self._id(value.pool), identifier=value.identifier)

    def _enrol(self, change: Change) -> Enrol:
        leave = self._known(change.giver) if change.giver is not None else ()
        if change.marks and not change.adopted:
            leave = self._known(change.unit, ADOPTED)
        return Enrol(
            id=self._own_id(change),
            kind=change.key.kind,
            join=self._joined(change),
            leave=leave,
        )

    def _leave(self, change: Change) -> Enrol:
        return Enrol(id=self._own_id(change), kind=change.key.kind, leave=self._known(change.unit))

    def _known(self, unit: str, *ends: str) -> tuple[str, ...]:
        """Return the ids of a unit's groups, as far as they are there: of both, or by their ends."""
        names = (self.group_of(unit) + end for end in ends or ("", ADOPTED))
        return tuple(self.groups[name] for name in names if name in self.groups)


def at_first(change: Change) -> tuple[FieldChange, ...]:
    """Return what is written when a change is carried out: deferred fields only let go."""
    return tuple(_at_first(change))


def _at_first(change: Change) -> Iterator[FieldChange]:
    parked = dict(change.parked)
    for own in change.fields:
        if own.name not in change.deferred:
            yield own
        elif change.action is Action.CREATE:
            continue
        elif isinstance(own.old, frozenset):
            if own.old - own.new:
                yield own._replace(new=own.old & own.new)
        elif own.old is not None:
            yield own._replace(new=parked.get(own.name))


def later(change: Change) -> tuple[FieldChange, ...]:
    """Return what is written once everything that the deferred fields need is there."""
    before = {own.name: own.new for own in at_first(change)}
    return tuple(
        own._replace(old=before.get(own.name, own.old))
        for own in change.fields
        if own.name in change.deferred
    )

"""Whose an object was before the runs that are taken back: a member of which units, or only adopted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import MEMBER_OF_GROUPS, MEMBERS, PARENT, Schema
from stateward.model.state import Observed
from stateward.model.unit import ADOPTED
from stateward.planning.compare import references
from stateward.planning.effects import Effect


@dataclass(slots=True)
class Belonging:
    """What the runs recorded of the groups of units, beside what these hold now."""

    schema: Schema
    observed: Observed
    groups: Mapping[str, str]
    """The names of the tracking groups, by their units."""
    _unit_of: Mapping[str, str] = field(init=False)
    _members_of: dict[ObjectKey, set[str]] = field(default_factory=dict)
    """The units that had what was deleted, as far as only their groups showed it."""
    _only_adopted: set[tuple[ObjectKey, str]] = field(default_factory=set)
    """Of these, what the units had adopted."""

    def __post_init__(self) -> None:
        self._unit_of = {group: unit for unit, group in self.groups.items()}

    def learn(self, effects: Mapping[str, Effect]) -> dict[str, Effect]:
        """Take what units lost of their members for what it is, and return all other effects.

        Whoever has an object claims it: what its group lost comes back with the object.
        """
        groups: set[str] = set()
        for node, own in effects.items():
            name = group_named(own.key)
            unit = self._unit_of.get(name.removesuffix(ADOPTED))
            if unit is None or own.loosened.keys() != {MEMBERS}:
                continue
            groups.add(node)
            for peer in own.loosened[MEMBERS]:
                if not isinstance(peer, ObjectKey):
                    continue
                if name.endswith(ADOPTED):
                    self._only_adopted.add((peer, unit))
                else:
                    self._members_of.setdefault(peer, set()).add(unit)
        return {node: own for node, own in effects.items() if node not in groups}

    def members(self, unit: str) -> frozenset[str]:
        """Return the ids of what a unit has now."""
        group = self.observed.groups.get(self.groups[unit])
        return group.members if group else frozenset()

    def names(self, unit: str) -> tuple[str, str]:
        """Return the names of a unit's own groups."""
        return self.groups[unit], self.groups[unit] + ADOPTED

    def holders(self, own: Effect) -> list[str]:
        """Return the units that had an object which is gone; of what was nobody's there are none."""
        names = {group_named(peer) for peer in _referred(own, self._way(own))}
        units = {self._unit_of[name] for name in names & self._unit_of.keys()}
        units |= self._members_of.get(own.key, set())
        units -= own.holders.keys() - own.joined_again
        units |= {unit for unit, held in own.holders.items() if held.before is not None}
        return sorted(units, key=lambda unit: (unit not in own.holders, unit))

    def bare(self, own: Effect) -> Effect:
        """Leave out of an object which is gone that it was in the groups of units."""
        name = self._way(own)
        ours = set(self._unit_of)
        if name == PARENT:  # where a group stands says whose it is, adopted or not
            ours |= {group + ADOPTED for group in ours}
        kept = frozenset(peer for peer in _referred(own, name) if group_named(peer) not in ours)
        before = next(iter(kept), None) if name == PARENT else kept
        return replace(own, fields={**own.fields, name: (before, None)})

    def adopted_again(self, own: Effect, had: Iterable[str]) -> Effect:
        """Have an object that units had only adopted be in their lists of these again."""
        name = self._way(own)
        lists = frozenset(
            NodeId(found.id)
            for unit in had
            if self.was_adopted(own, unit) and own.node in self.members(unit)
            for found in (self.observed.groups.get(self.groups[unit] + ADOPTED),)
            if found is not None
        )
        if name == PARENT or not lists:
            return own
        before, after = own.fields[name]
        return replace(own, fields={**own.fields, name: (before | lists, after)})

    def was_adopted(self, own: Effect, unit: str) -> bool:
        """Tell whether a unit had only adopted an object."""
        if unit in own.holders:
            return bool(own.holders[unit].before)
        return (own.key, unit) in self._only_adopted

    def _way(self, own: Effect) -> str:
        """Return the relationship that makes an object a member: a group stands below a group."""
        kind = self.schema.kinds[own.key.kind]
        return PARENT if kind.is_group else MEMBER_OF_GROUPS


def _referred(own: Effect, name: str) -> frozenset[Reference]:
    """Return what a field is recorded to have led to before."""
    before, _ = own.fields.get(name, (None, None))
    return frozenset(references(before))


def group_named(group: Reference) -> str:
    """Return the name of a group that is referred to by its own; nothing where it is not."""
    return group.hfid[0] if isinstance(group, ObjectKey) else ""

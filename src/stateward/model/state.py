"""What is desired and what is observed, in the same terms, so that they can be compared.

Attribute values are compared as plain values in the server's own spelling (see
``schema.values``). Relationships hold references on the desired side and ids on the observed
side. Lineage metadata stands among the fields under a dotted name, ``<attribute>.is_protected``
among the attributes, ``<attribute>.source`` and ``<attribute>.owner`` among the relationships.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Location, Problem
from stateward.model.document import Map, place
from stateward.model.identity import NodeId, ObjectKey, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPool:
    """A value to be allocated by a resource pool, once; any value that pool gave satisfies it."""

    pool: Reference
    identifier: str | None = None

    def __str__(self) -> str:
        return f"from pool {self.pool}"


Related = Reference | FromPool | frozenset[Reference] | None
"""A declared relationship: one peer, none, one that a pool gives, or a set of peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """A reference to what no unit declares: the target must hold it."""

    reference: Reference
    at: Location
    subject: ObjectKey
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredObject:
    """One object as a unit declares it: only the declared fields."""

    key: ObjectKey
    unit: str
    attributes: Mapping[str, Any]
    relations: Mapping[str, Related]
    origin: Location
    node: str | None = None
    """The id the files ask for, where they name one."""
    template: bool = False
    """Whether a template fills in what is not declared."""
    parts: tuple[tuple[str, Map], ...] = field(default=(), repr=False, compare=False)
    """The files and mappings it was read from, for the positions of its fields."""

    def at(self, name: str) -> Location:
        """Return where a field is declared; where the object starts if it follows from elsewhere."""
        places = (place(file, source, name) for file, source in self.parts)
        return next((own for own in places if own is not None), self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredUnit:
    """What one directory declares at one revision.

    ``problems`` with an error stall the unit, or the one object that they name: what is stalled
    is not planned, yet it counts as declared, so that nothing it names is deleted.
    """

    name: str
    objects: Mapping[ObjectKey, DesiredObject] = field(default_factory=dict)
    externals: tuple[External, ...] = ()
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()
    """Texts of files that could not be read as objects: what they mention may be declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What all units of a source declare at one revision."""

    units: Mapping[str, DesiredUnit] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """Problems of no single unit: with an error among them nothing is planned."""
    needs: tuple[External, ...] = ()
    """References to objects of the target that an identity here is made of."""


@dataclass(frozen=True, slots=True)
class ObservedObject:
    """One object as the target holds it: the fields that were asked for, and its identity."""

    id: str
    key: ObjectKey
    attributes: Mapping[str, Any]
    relations: Mapping[str, str | frozenset[str] | None]
    defaults: frozenset[str] = frozenset()
    """Attributes that were never set and show their default."""
    pools: Mapping[str, str] = field(default_factory=dict)
    """Attributes and relationships that a pool filled in, with the pool's id."""
    seeded: bool = False
    """Whether the target came with it: nobody declares it, and an export leaves it out. Told where
    all objects of a kind are asked for."""

    def peers(self, relationships: Iterable[str] | None = None) -> frozenset[str]:
        """Return the ids of all peers, or of those on some relationships."""
        found: set[str] = set()
        for name in self.relations if relationships is None else relationships:
            related = self.relations.get(name)
            if isinstance(related, frozenset):
                found |= related
            elif related is not None:
                found.add(related)
        return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A tracking group as the target holds it."""

    id: str
    name: str
    description: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What stands in the way of deleting an object."""

    claims: tuple[str, ...] = ()
    """Names of other tools' groups that claim it."""
    cascade: tuple[NodeId, ...] = ()
    """Objects that the delete would take with it."""
    needed_by: tuple[NodeId, ...] = ()
    """Objects that cannot be without it: while they are there the delete is refused."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """An optional relationship of an object, by which it leads to another one."""

    node: str
    """The id of the object that it is a relationship of."""
    name: str
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a target answered to one query, from one moment in time."""

    objects: Mapping[str, ObservedObject] = field(default_factory=dict)
    """By id: the members of the groups asked for, and what bears a desired identity."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """By name."""
    references: Mapping[ObjectKey, tuple[str, ...]] = field(default_factory=dict)
    """The ids that answer to each reference asked for; more than one is ambiguous."""
    names: Mapping[str, ObjectKey] = field(default_factory=dict)
    """What ids that appear in relationships are called, where the target knows it cheaply."""
    holds: Mapping[str, Hold] = field(default_factory=dict)

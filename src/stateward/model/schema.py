"""The schema an object file is written against: kinds, attributes, relationships.

The same model holds what was processed from schema files and what an Infrahub server answers to
``GET /api/schema``. Only what reading, planning and the embedded target need is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

IP_NAMESPACE = "BuiltinIPNamespace"
IP_ADDRESS = "BuiltinIPAddress"
IP_PREFIX = "BuiltinIPPrefix"
DEFAULT_IP_NAMESPACE = "default"
"""What the server puts a prefix or an address into that names no namespace."""
MEMBER_OF_GROUPS = "member_of_groups"
MEMBERS = "members"
PARENT = "parent"
"""What makes a group ours: a server takes groups as members of groups and forgets them."""
OBJECT_TEMPLATE = "object_template"
PROTECTED = ".is_protected"
LINEAGE = (".source", ".owner")
"""How the names of metadata end, which stand among an object's fields (see ``model.state``)."""


class Path(NamedTuple):
    """One element of a human-friendly id, a uniqueness constraint or a default filter.

    ``name__value`` is ``Path(None, "name")``, ``device__name__value`` is
    ``Path("device", "name")``, and the bare ``device`` of a constraint is ``Path("device", None)``.
    """

    relationship: str | None
    attribute: str | None

    def __str__(self) -> str:
        parts = [part for part in (self.relationship, self.attribute) if part]
        return "__".join([*parts, "value"] if self.attribute else parts)


class Section(StrEnum):
    """Which list of the schema a kind belongs to. Only generics cannot have objects."""

    NODE = "node"
    GENERIC = "generic"
    PROFILE = "profile"
    TEMPLATE = "template"


class Cardinality(StrEnum):
    ONE = "one"
    MANY = "many"


class Direction(StrEnum):
    BIDIRECTIONAL = "bidirectional"
    OUTBOUND = "outbound"
    INBOUND = "inbound"

    @property
    def opposite(self) -> "Direction":
        return _OPPOSITE[self]


_OPPOSITE = {
    Direction.BIDIRECTIONAL: Direction.BIDIRECTIONAL,
    Direction.OUTBOUND: Direction.INBOUND,
    Direction.INBOUND: Direction.OUTBOUND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a kind. ``kind`` is Infrahub's type name (``Text``, ``IPHost``, …)."""

    name: str
    kind: str
    optional: bool = False
    default: Any = None
    unique: bool = False
    read_only: bool = False
    computed: bool = False
    choices: tuple[Any, ...] = ()
    """The values of an enum or the names of a dropdown's choices; empty means any value."""
    regex: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: int | None = None
    max_value: int | None = None
    excluded_values: str | None = None

    @property
    def mandatory(self) -> bool:
        """Whether a new object must come with a value (a default is a value)."""
        return not (self.optional or self.read_only or self.computed or self.default is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """One end of a relationship. Both ends carry the same ``identifier``."""

    name: str
    peer: str
    kind: str = "Generic"
    """Generic, Attribute, Component, Parent, Group, Hierarchy, Profile or Template."""
    cardinality: Cardinality = Cardinality.MANY
    identifier: str = ""
    direction: Direction = Direction.BIDIRECTIONAL
    optional: bool = True
    read_only: bool = False
    cascade: bool = False
    """Whether deleting the owner of this end deletes the peers (``on_delete: cascade``)."""
    min_count: int = 0
    max_count: int = 0
    """0 means no limit."""
    common_parent: str | None = None

    @property
    def many(self) -> bool:
        return self.cardinality is Cardinality.MANY

    @property
    def mandatory(self) -> bool:
        return not self.optional and not self.read_only

    @property
    def shared(self) -> bool:
        """Whether other tools add peers of their own: such a set is merged, never replaced."""
        return self.kind == "Group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object, with everything it inherits already in place."""

    kind: str
    section: Section = Section.NODE
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    hfid: tuple[Path, ...] = ()
    uniqueness: tuple[tuple[Path, ...], ...] = ()
    default_filter: Path | None = None
    inherits: frozenset[str] = frozenset()
    """The generics this kind inherits from, all levels; every object is a ``CoreNode``."""

    @property
    def is_generic(self) -> bool:
        return self.section is Section.GENERIC

    def is_shared(self, name: str) -> bool:
        """Tell whether others add to a relationship as well, and keep what they added."""
        end = self.relationships.get(name)
        return end is not None and end.shared

    @property
    def is_group(self) -> bool:
        """Whether its objects are groups, which have a place and no memberships."""
        return MEMBER_OF_GROUPS not in self.relationships and PARENT in self.relationships


Scope = tuple[str, tuple[Path, ...]]
"""A uniqueness constraint and the kind over whose objects it holds."""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """All kinds by name, and a digest of them that changes when any of them does."""

    kinds: Mapping[str, Kind]
    hash: str
    files: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    """The documents that declare it, as a server takes them; none where it comes from a server."""

    @cached_property
    def _heirs(self) -> Mapping[str, tuple[str, ...]]:
        heirs: dict[str, list[str]] = {}
        for kind in self.kinds.values():
            if not kind.is_generic:
                heirs.setdefault(kind.kind, []).append(kind.kind)
                for generic in kind.inherits:
                    heirs.setdefault(generic, []).append(kind.kind)
        return {name: tuple(sorted(kinds)) for name, kinds in heirs.items()}

    @cached_property
    def generics(self) -> frozenset[str]:
        """The kinds that only others inherit from: no object is of one itself."""
        return frozenset(name for name, own in self.kinds.items() if own.is_generic)

    def get(self, kind: str) -> Kind | None:
        return self.kinds.get(kind)

    def concrete(self, kind: str) -> tuple[str, ...]:
        """Return the kinds whose objects are of this kind: itself, or all that inherit from it."""
        return self._heirs.get(kind, ())

    def is_a(self, kind: str, peer: str) -> bool:
        """Tell whether objects of ``kind`` may stand where ``peer`` is asked for."""
        known = self.kinds.get(kind)
        return kind == peer or (known is not None and peer in known.inherits)

    @cached_property
    def _scopes(self) -> dict[str, tuple["Scope", ...]]:
        return {}

    def unique_scopes(self, kind: str) -> tuple["Scope", ...]:
        """Return each uniqueness constraint of a kind once, with the widest kind that has it.

        What two kinds inherit must be unique over both of them.
        """
        if kind not in self._scopes:
            seen: set[frozenset[Path]] = set()
            scopes: list[Scope] = []
            for name in (*sorted(self.kinds[kind].inherits), kind):
                for constraint in self.kinds[name].uniqueness if name in self.kinds else ():
                    if frozenset(constraint) not in seen:
                        seen.add(frozenset(constraint))
                        scopes.append((name, constraint))
            self._scopes[kind] = tuple(scopes)
        return self._scopes[kind]

    def inverse(self, relationship: Relationship, peer: str) -> Relationship | None:
        """Return the other end of a relationship as ``peer`` has it, if it has one.

        A relationship of a kind with itself that has one end only (``connected_endpoint``) is its
        own inverse.
        """
        kind = self.kinds.get(peer)
        if kind is None:
            return None
        opposite = relationship.direction.opposite
        for other in kind.relationships.values():
            if other.identifier == relationship.identifier and other.direction is opposite:
                return other
        return None

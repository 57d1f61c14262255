"""What a schema means for the tables: which ends, names and constraints each kind has.

It is worked out once for each kind and remembered; nothing here touches a database.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from stateward.model.schema import (
    IP_ADDRESS,
    IP_NAMESPACE,
    IP_PREFIX,
    LINEAGE,
    MEMBER_OF_GROUPS,
    Cardinality,
    Direction,
    Kind,
    Path,
    Relationship,
    Schema,
)
from stateward.schema import paths

GROUP = "CoreGroup"
NODE = "CoreNode"
MEMBERSHIP = "group_member"

_MEMBERSHIPS = frozenset({MEMBERSHIP, "group_subscriber"})
_IN_NAMESPACES = (IP_PREFIX, IP_ADDRESS)

Paths = tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Paths whose values mean something together within a kind, or a generic and all its heirs."""

    scope: str
    paths: Paths

    @property
    def label(self) -> str:
        return "-".join(path.relationship or path.attribute or "" for path in self.paths)


@dataclass(frozen=True, slots=True)
class Dependent:
    """A kind whose identity or aliases are made of what a peer of it is called."""

    kind: str
    relationship: Relationship
    """The dependent's, turned around: as the peer would have it."""
    attribute: str | None
    """The peer's attribute; None where it is the peer's identity."""


@dataclass(frozen=True)
class Layout:
    """One kind as the tables see it."""

    kind: Kind
    ends: dict[str, Relationship]
    identities: tuple[Paths, ...]
    aliases: tuple[Rule, ...]
    uniques: tuple[Rule, ...]
    namespace: str | None
    """The relationship that points at the default namespace where nothing is declared."""

    @cached_property
    def keyed(self) -> frozenset[str]:
        """The fields of which identity, aliases and unique values are made."""
        found = [*self.identities, *(rule.paths for rule in (*self.aliases, *self.uniques))]
        return frozenset(path.relationship or path.attribute or "" for one in found for path in one)

    @cached_property
    def mandatory_attributes(self) -> frozenset[str]:
        return frozenset(item.name for item in self.kind.attributes.values() if item.mandatory)

    @cached_property
    def mandatory_ends(self) -> frozenset[str]:
        return frozenset(end.name for end in self.ends.values() if end.mandatory)

    @cached_property
    def by_edge(self) -> dict[tuple[str, Direction], tuple[Relationship, ...]]:
        """The ends that an edge may be seen on; there is seldom more than one."""
        found: dict[tuple[str, Direction], tuple[Relationship, ...]] = {}
        for end in self.ends.values():
            edge = (end.identifier, end.direction)
            found[edge] = (*found.get(edge, ()), end)
        return found

    def end(self, name: str) -> Relationship | None:
        """Return a relationship, or what is kept like one: lineage, and the groups of a group."""
        found = self.ends.get(name)
        if found is None and name == MEMBER_OF_GROUPS:
            return MEMBER
        if found is None and name.endswith(LINEAGE):
            attribute = name.rpartition(".")[0]
            if attribute in self.kind.attributes:
                return _lineage(name)
        return found


def _lineage(name: str) -> Relationship:
    return Relationship(
        name=name,
        peer=NODE,
        cardinality=Cardinality.ONE,
        identifier=name,
        direction=Direction.OUTBOUND,
        max_count=1,
    )


MEMBER = Relationship(
    name=MEMBER_OF_GROUPS,
    peer=GROUP,
    kind="Group",
    identifier=MEMBERSHIP,
    direction=Direction.INBOUND,
)
"""Membership as every object has it, groups too, though the schema says so of others only."""


class Layouts:
    """The layouts of a schema's kinds."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._layouts: dict[str, Layout] = {}
        self._inverses: dict[tuple[str, Direction, str], Relationship | None] = {}
        self._dependents: dict[str, tuple[Dependent, ...]] | None = None

    def of(self, kind: str) -> Layout | None:
        """Return the layout of a kind that may have objects."""
        found = self._layouts.get(kind)
        if found is None:
            known = self.schema.kinds.get(kind)
            if known is None or known.is_generic:
                return None
            found = self._layouts[kind] = self._lay_out(known)
        return found

    def groups(self) -> tuple[str, ...]:
        return self.schema.concrete(GROUP)

    def allows(self, end: Relationship, kind: str) -> bool:
        """Tell whether objects of a kind may be peers on this end."""
        return end.peer == NODE or self.schema.is_a(kind, end.peer)

    def inverse(self, end: Relationship, peer: str) -> Relationship | None:
        """Return the other end as objects of the peer's kind have it."""
        asked = (end.identifier, end.direction, peer)
        if asked not in self._inverses:
            layout = self.of(peer)
            opposite = (end.identifier, end.direction.opposite)
            matching = layout.by_edge.get(opposite, ()) if layout else ()
            self._inverses[asked] = next(iter(matching), None)
        return self._inverses[asked]

    def dependents(self, kind: str) -> tuple[Dependent, ...]:
        """Return what is called after objects of a kind."""
        if self._dependents is None:
            found: dict[str, list[Dependent]] = {}
            for peer, dependent in self._all_dependents():
                found.setdefault(peer, []).append(dependent)
            self._dependents = {peer: tuple(dict.fromkeys(all_)) for peer, all_ in found.items()}
        return self._dependents.get(kind, ())

    def references(self, kind: str) -> tuple[Paths, ...]:
        """Return how a reference to a kind may be spelled, the way to be preferred first."""
        known = self.schema.kinds.get(kind)
        return paths.references(known) if known else ()

    def _lay_out(self, kind: Kind) -> Layout:
        ends = {item.name: _bounded(_directed(item)) for item in kind.relationships.values()}
        identities = paths.identity(kind)
        return Layout(
            kind=kind,
            ends=ends,
            identities=identities,
            aliases=tuple(self._aliases(kind, identities)),
            uniques=tuple(self._uniques(kind)),
            namespace=_namespace(kind),
        )

    def _aliases(self, kind: Kind, identities: tuple[Paths, ...]) -> Iterator[Rule]:
        own = identities[0] if identities else None
        for name in (kind.kind, *sorted(kind.inherits)):
            for found in self.references(name):
                if found != own:
                    yield Rule(scope_of(name, found), found)

    def _uniques(self, kind: Kind) -> Iterator[Rule]:
        """Yield constraints, the widest first: what a generic holds, an heir need not repeat."""
        inherited: set[Paths] = set()
        for generic in sorted(kind.inherits):
            known = self.schema.kinds.get(generic)
            for found in _unique_paths(known) if known else ():
                yield Rule(scope_of(generic, found), found)
                inherited.add(found)
        for found in _unique_paths(kind):
            if found not in inherited:
                yield Rule(scope_of(kind.kind, found), found)

    def _all_dependents(self) -> Iterator[tuple[str, Dependent]]:
        for name in self.schema.kinds:
            layout = self.of(name)
            if layout is None:
                continue
            found = {path for one in layout.identities for path in one}
            found |= {path for rule in layout.aliases for path in rule.paths}
            for path in sorted(found, key=str):
                end = layout.ends.get(path.relationship or "")
                if end is not None:
                    turned = replace(end, direction=end.direction.opposite)
                    for peer in self.schema.concrete(end.peer):
                        yield peer, Dependent(name, turned, path.attribute)


def _unique_paths(kind: Kind) -> tuple[Paths, ...]:
    alone = ((Path(None, item.name),) for item in kind.attributes.values() if item.unique)
    return tuple(dict.fromkeys((*kind.uniqueness, *alone)))


def scope_of(kind: str, found: Paths) -> str:
    return f"{kind}:{'+'.join(str(path) for path in found)}"


def _directed(item: Relationship) -> Relationship:
    """Give memberships a direction, so that a group that is a member is not also the group."""
    if item.identifier not in _MEMBERSHIPS or item.direction is not Direction.BIDIRECTIONAL:
        return item
    inward = item.kind == "Group"
    return replace(item, direction=Direction.INBOUND if inward else Direction.OUTBOUND)


def _bounded(item: Relationship) -> Relationship:
    """State the counts that follow from a cardinality of one."""
    if item.many:
        return item
    return replace(item, min_count=0 if item.optional else 1, max_count=1)


def _namespace(kind: Kind) -> str | None:
    if not kind.inherits.intersection(_IN_NAMESPACES):
        return None
    ends = kind.relationships.values()
    return next((end.name for end in ends if end.peer == IP_NAMESPACE and not end.many), None)

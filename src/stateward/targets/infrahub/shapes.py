"""What to read of a kind's objects: the fields asked for, and what names an object.

A name is worked out here from the attributes that it is made of. The server has it too, but shows
the old one for seconds after a peer was renamed, and asks extra for it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stateward.model.schema import LINEAGE, PROTECTED, Kind, Relationship
from stateward.schema import paths

_HIERARCHY = "Hierarchy"


@dataclass(frozen=True)
class Shape:
    """One kind, and the fields of it that are wanted.

    ``there`` is the kind as the server has it now: what only ``kind`` has is not asked for, and
    reads as never set.
    """

    kind: Kind
    there: Kind
    asked: frozenset[str]
    pooled: frozenset[str] = frozenset()
    """Fields of which the pool that gave them is wanted."""
    whole: bool = False
    generics: frozenset[str] = field(kw_only=True)
    """Kinds that other kinds inherit from."""

    @cached_property
    def _named(self) -> frozenset[str]:
        """The fields that names are made of."""
        ways = paths.identity(self.kind)
        return frozenset(path.relationship or path.attribute or "" for way in ways for path in way)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Every field wanted, metadata under its dotted name."""
        kind = self.kind
        mandatory = {end.name for end in kind.relationships.values() if end.mandatory}
        everything = (*kind.attributes, *kind.relationships) if self.whole else ()
        return frozenset({*self.asked, *self._named, *mandatory, *everything})

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self._names if name in self.kind.attributes))

    @cached_property
    def protections(self) -> tuple[str, ...]:
        """The attributes whose protection is wanted."""
        found = (name.removesuffix(PROTECTED) for name in self._names if name.endswith(PROTECTED))
        return tuple(sorted(name for name in found if name in self.kind.attributes))

    @cached_property
    def lineage(self) -> tuple[tuple[str, str], ...]:
        """Attributes, each with the part of its lineage that is wanted."""
        found = (name.rpartition(".") for name in self._names if name.endswith(LINEAGE))
        return tuple(sorted((own, part) for own, _, part in found if own in self.kind.attributes))

    @cached_property
    def ends(self) -> tuple[Relationship, ...]:
        relationships = self.kind.relationships
        return tuple(relationships[name] for name in sorted(self._names) if name in relationships)

    @property
    def lists(self) -> int:
        """How many lists of peers are read."""
        return sum(own.many and own.name in self.there.relationships for own in self.ends)

    @cached_property
    def peer_attributes(self) -> Mapping[str, frozenset[str | None]]:
        """What is wanted of the peers that names are made of; None stands for their own name."""
        found: dict[str, set[str | None]] = {}
        for way in paths.identity(self.kind):
            for path in way:
                if path.relationship is not None:
                    found.setdefault(path.relationship, set()).add(path.attribute)
        return {name: frozenset(own) for name, own in found.items()}

    @cached_property
    def selection(self) -> str:
        """The fields of a node, as a query asks for them."""
        there = self.there
        attributes = [
            f"{name} {{ {' '.join(self._properties(name))} }}"
            for name in self.attributes
            if name in there.attributes
        ]
        ends = [self._end(end) for end in self.ends if end.name in there.relationships]
        return " ".join(["id", *attributes, *ends])

    def _properties(self, name: str) -> list[str]:
        found = ["value", "is_default"]
        if name in self.protections:
            found.append("is_protected")
        wanted = {part for own, part in self.lineage if own == name}
        if name in self.pooled:
            wanted.add("source")
        return [*found, *(f"{part} {{ id __typename }}" for part in sorted(wanted))]

    def _end(self, end: Relationship) -> str:
        peer = peer_id(end, self.generics)
        if end.many:
            return f"{end.name} {{ edges {{ node {{ {peer} }} }} }}"
        wanted = sorted(self.peer_attributes.get(end.name, ()), key=str)
        fields = [peer, *("hfid" if own is None else f"{own} {{ value }}" for own in wanted)]
        pool = " properties { source { id __typename } }" if end.name in self.pooled else ""
        return f"{end.name} {{ node {{ {' '.join(fields)} }}{pool} }}"


def peer_id(end: Relationship, generics: Collection[str]) -> str:
    """Return what to ask of a peer to have its id.

    Asked for the id alone of a peer in a hierarchy, the server fails; asked for more than that of
    any other, it takes a fifth longer for all of the object.
    """
    return "id __typename" if end.kind == _HIERARCHY or end.peer in generics else "id"


def shape(
    kind: Kind,
    there: Kind,
    asked: Collection[str] = (),
    *,
    pooled: Collection[str] = (),
    whole: bool = False,
    generics: Collection[str],
) -> Shape:
    """Return what to read of a kind."""
    wanted = frozenset(asked)
    pools = frozenset(pooled) & wanted
    return Shape(kind, there, wanted, pools, whole, generics=frozenset(generics))


def properties(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an attribute of a node as it was answered; an empty one where there is none."""
    found = node.get(name)
    return found if isinstance(found, Mapping) else {}

"""Objects as they stand in one place of one file, before anything is looked up elsewhere."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stateward.errors import Location
from stateward.model import document
from stateward.model.document import Map
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.schema import Kind


class RawReference(NamedTuple):
    """A reference as written: the peer kind it must have, and its parts or an id."""

    peer: str
    parts: tuple[str, ...] | NodeId
    mark: int


class RawPool(NamedTuple):
    """A value that a pool is to give."""

    pool: RawReference
    identifier: str | None


def misread(name: str, read: Container[str], declared: Iterable[Map]) -> bool:
    """Tell whether a field is declared, and yet was not read: its value is a problem already."""
    return name not in read and any(own.get(name) is not None for own in declared)


@dataclass(eq=False, slots=True)
class Draft:
    """One object as one mapping declares it, its inline peers being drafts of their own."""

    kind: Kind
    unit: str
    file: str
    source: Map
    attributes: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, "RawRelated"] = field(default_factory=dict)
    node: str | None = None
    inherited: dict[str, "Inherited"] = field(default_factory=dict)
    """Relationships that follow from where it stands: the object it is written inside of."""
    key: ObjectKey | None = None

    @property
    def origin(self) -> Location:
        return document.location(self.file, self.source.first_mark())

    def is_misread(self, name: str) -> bool:
        """Tell whether an attribute is declared, by a value that is a problem already."""
        return name in self.kind.attributes and misread(name, self.attributes, [self.source])

    def at(self, name: str) -> Location:
        """Return where a field's value stands; what follows from elsewhere, where it starts."""
        return document.place(self.file, self.source, name) or self.origin


RawPeer = RawReference | RawPool | Draft
RawRelated = RawPeer | list[RawPeer] | None
Inherited = Draft | list[Draft]

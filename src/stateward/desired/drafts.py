"""Objects as they stand in one place of one file, before anything is looked up elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stateward.errors import Code, Location, Problem, Severity
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
    inherited: dict[str, "Draft"] = field(default_factory=dict)
    """Relationships that follow from where it stands: the object it is written inside of."""
    key: ObjectKey | None = None

    @property
    def origin(self) -> Location:
        return document.location(self.file, self.source.first_mark())

    def at(self, name: str) -> Location:
        """Return where a field's value stands; what follows from elsewhere, where it starts."""
        name = name.partition(".")[0]
        known = name in self.source and len(self.source.marks) >= 2 * len(self.source)
        return document.location(
            self.file, self.source.value_mark(name) if known else self.source.first_mark()
        )

    def peers(self, name: str) -> "Iterator[RawPeer]":
        related = self.relations.get(name)
        if isinstance(related, list):
            yield from related
        elif related is not None:
            yield related


RawPeer = RawReference | RawPool | Draft
RawRelated = RawPeer | list[RawPeer] | None


@dataclass(slots=True)
class Notes:
    """The problems of one load, in the order they were found."""

    problems: list[Problem] = field(default_factory=list)

    def add(
        self, code: Code, message: str, location: Location, *, unit: str, warning: bool = False
    ) -> None:
        severity = Severity.WARNING if warning else Severity.ERROR
        self.problems.append(
            Problem(code=code, message=message, location=location, unit=unit, severity=severity)
        )

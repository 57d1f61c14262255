"""Rows of objects, as the rest of the package asks for them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from stateward.errors import Code
from stateward.model.schema import Direction, Relationship
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.layout import Layout, Layouts
from stateward.targets.rules import Refused

_HEADS = "SELECT head FROM edge WHERE tail = ? AND identifier = ?"
_TAILS = "SELECT tail FROM edge WHERE head = ? AND identifier = ?"

dump = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
"""JSON in ASCII alone: there are texts in object files that have no UTF-8."""


def spelled(parts: Iterable[str]) -> str:
    """Return the parts of a name as ``dump`` would, in a fraction of the time."""
    return f"[{','.join(map(json.encoder.encode_basestring_ascii, parts))}]"


class Place(NamedTuple):
    """Where an object is found."""

    seq: int
    kind: str


@dataclass(slots=True)
class Node:
    """One object's row."""

    seq: int
    id: str
    layout: Layout
    identity: tuple[str, ...]
    fields: dict[str, Any]
    seeded: bool

    @property
    def kind(self) -> str:
        return self.layout.kind.kind

    def __str__(self) -> str:
        return f"{self.kind}/{'/'.join(self.identity)}"

    def shown(self, attribute: str) -> Any:
        return shown(self.layout, self.fields, attribute)


def shown(layout: Layout, fields: Mapping[str, Any], attribute: str) -> Any:
    """Return an attribute's value: its default where it was never set."""
    if attribute in fields:
        return fields[attribute]
    known = layout.kind.attributes.get(attribute)
    return known.default if known else None


class Records:
    """Finds objects by id, and remembers where they were; one batch long."""

    def __init__(self, database: Database, layouts: Layouts) -> None:
        self.database = database
        self.layouts = layouts
        self._places: dict[str, Place] = {}

    def forget(self) -> None:
        """Trust nothing that was found before: a mutation was undone."""
        self._places.clear()

    def drop(self, node: str) -> None:
        self._places.pop(node, None)

    def place(self, node: str) -> Place | None:
        """Return where an object is, if there is one with this id."""
        found = self._places.get(node)
        if found is None:
            row = self.database.execute(
                "SELECT seq, kind FROM node WHERE id = ?", (node,)
            ).fetchone()
            if row is None:
                return None
            found = self._places[node] = Place(*row)
        return found

    def node(self, seq: int) -> Node:
        row = self.database.execute(
            "SELECT id, kind, identity, fields, seeded FROM node WHERE seq = ?", (seq,)
        ).fetchone()
        id_, kind, identity, fields, seeded = row
        layout = self.layouts.of(kind)
        if layout is None:  # held by the schema: kinds that have objects stay
            raise Refused(Code.UNKNOWN_KIND, f"{kind}: no such kind in the schema that is loaded")
        return Node(seq, id_, layout, tuple(json.loads(identity)), json.loads(fields), bool(seeded))

    def places(self, seqs: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Return id and kind of each object."""
        rows = self.database.execute(
            "SELECT n.seq, n.id, n.kind FROM json_each(?) AS w CROSS JOIN node AS n ON n.seq = w.value",
            (json.dumps(list(seqs)),),
        )
        return {seq: (id_, kind) for seq, id_, kind in rows}

    def peers(self, seq: int, end: Relationship) -> set[int]:
        """Return what an object is related to on one end."""
        asked = (seq, end.identifier)
        found: set[int] = set()
        if end.direction is not Direction.INBOUND:
            found.update(row[0] for row in self.database.execute(_TAILS, asked))
        if end.direction is not Direction.OUTBOUND:
            found.update(row[0] for row in self.database.execute(_HEADS, asked))
        return found

    def peer(self, seq: int, end: Relationship) -> int | None:
        """Return what an object is related to on an end with one peer."""
        return next(iter(self.peers(seq, end)), None)

"""Reading: one query is answered from one moment, with a few statements for however many objects."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stateward.heap import undisturbed
from stateward.model.identity import ObjectKey
from stateward.model.schema import PROTECTED, Direction, Relationship
from stateward.model.state import Group, Observed, ObservedObject
from stateward.ports import Query
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.find import Found, find
from stateward.targets.embedded.layout import MEMBERSHIP, Layout, Layouts
from stateward.targets.embedded.records import dump

_ROWS = (
    "SELECT n.seq, n.id, n.identity, n.fields, n.seeded FROM json_each(?) AS w "
    "CROSS JOIN node AS n ON n.seq = w.value"
)
_CALLED = (
    "SELECT n.seq, n.id, n.kind, n.identity FROM json_each(?) AS w "
    "CROSS JOIN node AS n ON n.seq = w.value"
)
_HEADS = (
    "SELECT e.tail, e.head FROM json_each(?) AS w "
    "CROSS JOIN edge AS e ON e.tail = w.value AND e.identifier = ?"
)
_TAILS = (
    "SELECT e.head, e.tail FROM json_each(?) AS w "
    "CROSS JOIN edge AS e ON e.head = w.value AND e.identifier = ?"
)
_MEMBERS = (
    "SELECT n.seq, n.kind, n.id FROM edge AS e CROSS JOIN node AS n ON n.seq = e.tail "
    "WHERE e.head = ? AND e.identifier = ?"
)
_POOLS = (
    "SELECT a.node, a.field, p.id FROM json_each(?) AS w CROSS JOIN allocation AS a ON a.node = w.value "
    "CROSS JOIN node AS p ON p.seq = a.pool"
)
_NOBODY: frozenset[str] = frozenset()


class Row(NamedTuple):
    """An object on its way to being shown."""

    id: str
    key: ObjectKey
    fields: Mapping[str, Any]
    seeded: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Which fields of a kind's objects are to be shown."""

    attributes: Mapping[str, Any]
    """With their defaults."""
    ends: tuple[Relationship, ...]

    @property
    def nothing(self) -> dict[str, str | frozenset[str] | None]:
        """The relationships of an object that has none."""
        return {end.name: _NOBODY if end.many else None for end in self.ends}


def groups(database: Database, layouts: Layouts, prefix: str) -> dict[str, str]:
    """Return the groups whose names start with a prefix, and their descriptions."""
    rows = database.execute(
        "SELECT fields FROM node WHERE kind IN (SELECT value FROM json_each(?))",
        (dump(layouts.groups()),),
    )
    found = (json.loads(fields) for (fields,) in rows)
    texts = {fields["name"]: fields.get("description") or "" for fields in found}
    return {name: texts[name] for name in sorted(texts) if name.startswith(prefix)}


def observe(database: Database, layouts: Layouts, query: Query) -> Observed:
    with database.snapshot(), undisturbed():
        return _Answer(database, layouts, query).complete()


@dataclass
class _Answer:
    """One query on its way to an answer."""

    database: Database
    layouts: Layouts
    query: Query
    wanted: dict[str, set[int]] = field(default_factory=dict)
    """What is to be shown, by kind."""
    rows: dict[int, Row] = field(default_factory=dict)
    peers: dict[str, dict[str, list[tuple[int, int]]]] = field(default_factory=dict)
    """By kind and relationship, the object and its peer."""
    ids: dict[int, str] = field(default_factory=dict)
    names: dict[str, ObjectKey] = field(default_factory=dict)

    def complete(self) -> Observed:
        found = {name: group for name in self.query.groups if (group := self._group(name))}
        borne = find(self.database, self.layouts, self.query.keys)
        references = find(self.database, self.layouts, self.query.references)
        self._want(borne)
        shown = {
            layout.kind.kind: self._fields(layout)
            for kind in self.wanted
            if (layout := self.layouts.of(kind))
        }
        for kind, what in shown.items():
            self._read(kind, what)
        self._call(references)
        return Observed(
            objects=self._objects(shown),
            groups=found,
            references=self._referred(borne, references),
            names=self.names,
        )

    def _group(self, name: str) -> Group | None:
        """Read a group, and want its members."""
        found = None
        for kind in self.layouts.groups():
            found = (
                found
                or self.database.execute(
                    "SELECT seq, id, fields FROM node WHERE kind = ? AND identity = ?",
                    (kind, dump([name])),
                ).fetchone()
            )
        if found is None:
            return None
        seq, group, fields = found
        members = []
        for member, kind, id_ in self.database.execute(_MEMBERS, (seq, MEMBERSHIP)):
            self.wanted.setdefault(kind, set()).add(member)
            members.append(id_)
        text = json.loads(fields).get("description") or ""
        return Group(id=group, name=name, description=text, members=frozenset(members))

    def _want(self, borne: Found) -> None:
        """Want what bears a key, has an id, or is of a kind that was asked for."""
        for key, seqs in borne.items():
            self.wanted.setdefault(key.kind, set()).update(seqs)
        for kind, seq in self.database.execute(
            "SELECT n.kind, n.seq FROM json_each(?) AS w CROSS JOIN node AS n ON n.id = w.value",
            (dump(list(self.query.ids)),),
        ):
            self.wanted.setdefault(kind, set()).add(seq)
        for kind in self.query.kinds:
            rows = self.database.execute("SELECT seq FROM node WHERE kind = ?", (kind,))
            self.wanted.setdefault(kind, set()).update(seq for (seq,) in rows)

    def _fields(self, layout: Layout) -> Shown:
        """Say which fields to show: those asked for, what identifies, what is mandatory."""
        kind = layout.kind
        whole = (*kind.attributes, *layout.ends) if kind.kind in self.query.kinds else ()
        asked = self.query.fields.get(kind.kind, _NOBODY)
        names = {*whole, *asked, *layout.keyed, *layout.mandatory_ends}
        attributes = {
            name: False if name.endswith(PROTECTED) else kind.attributes[name].default
            for name in names
            if name.removesuffix(PROTECTED) in kind.attributes
        }
        ends = (layout.end(name) for name in sorted(names - attributes.keys()))
        return Shown(attributes, tuple(end for end in ends if end is not None))

    def _read(self, kind: str, shown: Shown) -> None:
        """Read the rows and the relationships of one kind's objects."""
        wanted = dump(sorted(self.wanted[kind]))
        rows = self.database.execute(_ROWS, (wanted,)).fetchall()
        # Parsed as one text, which takes a third of the time.
        identities = json.loads(f"[{','.join(row[2] for row in rows)}]")
        fields = json.loads(f"[{','.join(row[3] for row in rows)}]")
        for (seq, id_, _, _, seeded), parts, own in zip(rows, identities, fields, strict=True):
            self.rows[seq] = Row(id_, ObjectKey(kind, tuple(parts)), own, bool(seeded))
            self.ids[seq] = id_
        peers = self.peers[kind] = {}
        for end in shown.ends:
            found: list[tuple[int, int]] = []
            if end.direction is not Direction.INBOUND:
                found += self.database.execute(_TAILS, (wanted, end.identifier))
            if end.direction is not Direction.OUTBOUND:
                found += self.database.execute(_HEADS, (wanted, end.identifier))
            peers[end.name] = found

    def _call(self, references: Found) -> None:
        """Find out the ids and the names of peers, and of what references mean."""
        related = (pairs for peers in self.peers.values() for pairs in peers.values())
        seqs = {peer for pairs in related for _, peer in pairs}
        seqs |= {seq for found in references.values() for seq in found}
        missing = dump(sorted(seqs - self.rows.keys()))
        for seq, id_, kind, identity in self.database.execute(_CALLED, (missing,)):
            self.ids[seq] = id_
            self.names[id_] = ObjectKey(kind, tuple(json.loads(identity)))

    def _objects(self, shown: Mapping[str, Shown]) -> dict[str, ObservedObject]:
        related = self._relations(shown)
        pools = self._pools()
        found: dict[str, ObservedObject] = {}
        for kind, what in shown.items():
            attributes = what.attributes
            for seq in sorted(self.wanted[kind]):
                id_, key, fields, seeded = self.rows[seq]
                values = {name: fields.get(name, default) for name, default in attributes.items()}
                found[id_] = ObservedObject(
                    id=id_,
                    key=key,
                    attributes=values,
                    relations=related[seq],
                    defaults=_NOBODY.union(values.keys() - fields.keys()),
                    pools=pools.get(seq, {}),
                    seeded=seeded,
                )
        return found

    def _relations(
        self, shown: Mapping[str, Shown]
    ) -> dict[int, dict[str, str | frozenset[str] | None]]:
        found = {seq: what.nothing for kind, what in shown.items() for seq in self.wanted[kind]}
        for kind, what in shown.items():
            for end in what.ends:
                pairs = self.peers[kind][end.name]
                if not end.many:
                    for own, peer in pairs:
                        found[own][end.name] = self.ids[peer]
                    continue
                sets: dict[int, list[str]] = {}
                for own, peer in pairs:
                    sets.setdefault(own, []).append(self.ids[peer])
                for own, ids in sets.items():
                    found[own][end.name] = frozenset(ids)
        return found

    def _pools(self) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        if self.database.execute("SELECT 1 FROM allocation LIMIT 1").fetchone():
            wanted = dump(sorted(self.rows))
            for seq, name, pool in self.database.execute(_POOLS, (wanted,)):
                found.setdefault(seq, {})[name] = pool
        return found

    def _referred(self, borne: Found, references: Found) -> dict[ObjectKey, tuple[str, ...]]:
        """Return what references mean, and keys under which an object is found but not shown."""
        others = {
            key: seqs
            for key, seqs in borne.items()
            if len(seqs) > 1 or self.rows[seqs[0]].key != key
        }
        return {
            key: tuple(self.ids[seq] for seq in seqs)
            for key, seqs in {**others, **references}.items()
        }

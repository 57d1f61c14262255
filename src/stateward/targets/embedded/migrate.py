"""From one schema to the next: what objects hold is brought into the new form where it can be.

Only kinds that changed are gone through, and what is named after them. A server refuses a schema
that existing objects do not conform to. Here they keep what they have until they are written: the
commit that changes the schema is the one that changes the objects, and it is applied in one go.
What cannot be kept, a peer that is none any more, is taken off.
"""

from collections.abc import Iterator
from typing import Any

from stateward.model.schema import LINEAGE, PROTECTED, Relationship
from stateward.schema import values
from stateward.targets.embedded import seeds
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.edges import REMOVE, Edges, edge
from stateward.targets.embedded.keys import Keys
from stateward.targets.embedded.layout import Layout, Layouts
from stateward.targets.embedded.records import Node, Records, dump

_OF_KIND = "SELECT seq FROM node WHERE kind = ?"
_DROP_LINEAGE = (
    "DELETE FROM edge WHERE identifier = ? AND head IN (SELECT seq FROM node WHERE kind = ?)"
)
_UNNAME = (
    "DELETE FROM unique_value WHERE node IN (SELECT value FROM json_each(?))",
    "DELETE FROM alias WHERE node IN (SELECT value FROM json_each(?))",
)


def occupied(database: Database) -> set[str]:
    """Return the kinds that have objects."""
    return {kind for (kind,) in database.execute("SELECT DISTINCT kind FROM node")}


def migrate(database: Database, old: Layouts, new: Layouts) -> None:
    """Bring the tables from one schema to another, within the caller's transaction."""
    migration = _Migration(database, old, new)
    for kind in sorted(migration.changed):
        migration.drop(kind)
    for kind in sorted(migration.changed):
        migration.conform(kind)
    migration.rename()
    seeds.plant(database, new)


class _Migration:
    """One change of schema, kind by kind."""

    def __init__(self, database: Database, old: Layouts, new: Layouts) -> None:
        self._database = database
        self._old = old
        self._new = new
        self._records = Records(database, new)
        self._edges = Edges(self._records)
        present = occupied(database)
        self.changed = {kind for kind in present if old.of(kind) != new.of(kind)}
        self._renamed = set(self.changed)
        pending = list(self.changed)
        while pending:
            for dependent in new.dependents(pending.pop()):
                if dependent.kind in present and dependent.kind not in self._renamed:
                    self._renamed.add(dependent.kind)
                    pending.append(dependent.kind)

    def drop(self, kind: str) -> None:
        """Remove relationships that neither end has any more, and the lineage of what is gone."""
        old, new = self._old.of(kind), self._new.of(kind)
        if old is None or new is None:
            return
        for how in old.by_edge.keys() - new.by_edge.keys():
            self._drop_edges(kind, old.by_edge[how][0])
        for attribute in old.kind.attributes.keys() - new.kind.attributes.keys():
            for what in LINEAGE:
                self._database.execute(_DROP_LINEAGE, (f"{attribute}{what}", kind))

    def _drop_edges(self, kind: str, end: Relationship) -> None:
        rows = [
            edge(seq, end, peer.seq)
            for seq in self._seqs(kind)
            for peer in self._edges.located(self._records.peers(seq, end)).values()
            if self._new.inverse(end, peer.kind) is None
        ]
        self._database.executemany(REMOVE, rows)

    def conform(self, kind: str) -> None:
        """Bring attributes into the new form, and relationships that changed within its bounds."""
        old, new = self._old.of(kind), self._new.of(kind)
        if new is None:
            return
        before = old.kind.attributes if old else {}
        rewritten = before != new.kind.attributes
        ends = [end for end in new.ends.values() if old is None or old.ends.get(end.name) != end]
        for seq in self._seqs(kind):
            if rewritten:
                self._rewrite(self._records.node(seq), new)
            for end in ends:
                self._trim(seq, end)

    def _rewrite(self, node: Node, layout: Layout) -> None:
        fields = dict(_conforming(layout, node.fields))
        if fields != node.fields:
            self._database.execute(
                "UPDATE node SET fields = ? WHERE seq = ?", (dump(fields), node.seq)
            )

    def _trim(self, seq: int, end: Relationship) -> None:
        """Take off peers of a kind that the relationship no longer has, then the newest surplus."""
        peers = self._edges.located(self._records.peers(seq, end))
        wrong = [peer for peer, place in peers.items() if not self._new.allows(end, place.kind)]
        right = sorted(peers.keys() - set(wrong))
        surplus = right[end.max_count :] if end.max_count else []
        rows = [edge(seq, end, peer) for peer in (*wrong, *surplus)]
        self._database.executemany(REMOVE, rows)

    def rename(self) -> None:
        """Work out again what objects are called and what they hold for themselves."""
        keys = Keys(self._records, tolerant=True)
        seqs = [seq for kind in sorted(self._renamed) for seq in self._seqs(kind)]
        for statement in _UNNAME:
            self._database.execute(statement, (dump(seqs),))
        for seq in seqs:
            keys.refresh(seq)

    def _seqs(self, kind: str) -> list[int]:
        return [seq for (seq,) in self._database.execute(_OF_KIND, (kind,))]


def _conforming(layout: Layout, fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield those fields that there still are, in the spelling of what they are now if they fit."""
    for name, value in fields.items():
        attribute = layout.kind.attributes.get(name.removesuffix(PROTECTED))
        if attribute is None:
            continue
        if name.endswith(PROTECTED) or value is None or attribute.read_only:
            yield name, value
            continue
        try:
            yield name, values.normalise(attribute, value)
        except values.Invalid:
            yield name, value

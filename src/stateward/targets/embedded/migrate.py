"""From one schema to the next: what objects hold is brought into the new form, or refused.

Only kinds that changed are gone through, and what is named after them. As on the server, a schema
that existing objects do not conform to is refused as a whole; the caller's transaction undoes it.
"""

from collections.abc import Iterator
from typing import Any

from stateward.errors import Code, TargetRefused
from stateward.model.schema import Relationship
from stateward.schema import values
from stateward.targets.embedded import seeds
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.edges import REMOVE, Edges, edge
from stateward.targets.embedded.keys import Keys
from stateward.targets.embedded.layout import LINEAGE, PROTECTED, Layout, Layouts
from stateward.targets.embedded.records import Node, Records, Refused, dump

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
        """Bring attributes into the new form, and check the relationships that changed."""
        old, new = self._old.of(kind), self._new.of(kind)
        if new is None:
            return
        before = old.kind.attributes if old else {}
        rewritten = before != new.kind.attributes
        ends = [end for end in new.ends.values() if old is None or old.ends.get(end.name) != end]
        for seq in self._seqs(kind):
            node = self._records.node(seq)
            try:
                if rewritten:
                    self._rewrite(node, new)
                for end in ends:
                    self._check(node, end)
            except Refused as refused:
                raise _refusal(f"{node}: {refused.message}", refused.code) from refused

    def _rewrite(self, node: Node, layout: Layout) -> None:
        fields = dict(_conforming(layout, node.fields))
        for name in layout.mandatory_attributes:
            if fields.get(name) is None and not node.seeded:
                raise Refused(Code.MANDATORY, f"{name} would be mandatory, and has no value")
        if fields != node.fields:
            self._database.execute(
                "UPDATE node SET fields = ? WHERE seq = ?", (dump(fields), node.seq)
            )

    def _check(self, node: Node, end: Relationship) -> None:
        peers = self._edges.located(self._records.peers(node.seq, end))
        self._edges.check_count(end, len(peers))
        for peer in peers.values():
            if not self._new.allows(end, peer.kind):
                message = f"{end.name}: {peer.kind} would be no {end.peer} any more"
                raise Refused(Code.WRONG_PEER, message)

    def rename(self) -> None:
        """Work out again what objects are called and what they hold for themselves."""
        keys = Keys(self._records)
        seqs = [seq for kind in sorted(self._renamed) for seq in self._seqs(kind)]
        for statement in _UNNAME:
            self._database.execute(statement, (dump(seqs),))
        for seq in seqs:
            try:
                keys.refresh(seq)
            except Refused as refused:
                raise _refusal(refused.message, refused.code) from refused

    def _seqs(self, kind: str) -> list[int]:
        return [seq for (seq,) in self._database.execute(_OF_KIND, (kind,))]


def _conforming(layout: Layout, fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield those fields that there still are, in the spelling of what they are now."""
    for name, value in fields.items():
        attribute = layout.kind.attributes.get(name.removesuffix(PROTECTED))
        if attribute is None:
            continue
        if name.endswith(PROTECTED) or value is None or attribute.read_only:
            yield name, value
            continue
        try:
            yield name, values.normalise(attribute, value)
        except values.Invalid as error:
            raise Refused(error.code, f"{name}: {error}") from error


def _refusal(reason: str, code: Code) -> TargetRefused:
    return TargetRefused(f"the schema cannot be loaded: {reason}", code=code)

"""Deletes: what goes along by cascade, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stateward.errors import Code
from stateward.model.identity import NodeId
from stateward.model.schema import Direction, Relationship
from stateward.model.state import Hold, Pointer
from stateward.targets.claims import Sort, claims
from stateward.targets.embedded.keys import Keys
from stateward.targets.embedded.layout import MEMBER, Layout
from stateward.targets.embedded.records import Node, Records, dump
from stateward.targets.rules import Refused, is_loose

_HEADS = (
    "SELECT e.identifier, n.seq, n.kind FROM edge AS e CROSS JOIN node AS n ON n.seq = e.head "
    "WHERE e.tail = ?"
)
_TAILS = (
    "SELECT e.identifier, n.seq, n.kind FROM edge AS e CROSS JOIN node AS n ON n.seq = e.tail "
    "WHERE e.head = ?"
)
_REMOVALS = (
    "DELETE FROM edge WHERE head IN (SELECT value FROM json_each(?1))",
    "DELETE FROM edge WHERE tail IN (SELECT value FROM json_each(?1))",
    "DELETE FROM unique_value WHERE node IN (SELECT value FROM json_each(?1))",
    "DELETE FROM alias WHERE node IN (SELECT value FROM json_each(?1))",
    "DELETE FROM allocation WHERE node IN (SELECT value FROM json_each(?1))",
    "DELETE FROM allocation WHERE pool IN (SELECT value FROM json_each(?1))",
    "DELETE FROM reservation WHERE node IN (SELECT value FROM json_each(?1))",
    "DELETE FROM reservation WHERE pool IN (SELECT value FROM json_each(?1))",
    "DELETE FROM node WHERE seq IN (SELECT value FROM json_each(?1))",
)
_FREE = (
    "DELETE FROM reservation WHERE number IS NOT NULL "
    "AND identifier IN (SELECT value FROM json_each(?))"
)
_BURN = "INSERT INTO burned SELECT value FROM json_each(?)"


@dataclass(slots=True)
class Doomed:
    """What a delete takes with it, and the objects that need one of them and would stay."""

    nodes: dict[int, Node] = field(default_factory=dict)
    needing: list[tuple[Node, str, int]] = field(default_factory=list)
    """The object that is needed, by which relationship, and of whom."""


class Deletes:
    """Deletes objects as a whole: rows, relationships, names."""

    def __init__(self, records: Records, keys: Keys) -> None:
        self._records = records
        self._keys = keys
        self._database = records.database

    def delete(self, seq: int) -> None:
        doomed = self._doomed(seq)
        if next((node for node in doomed.nodes.values() if node.seeded), None):
            raise Refused(Code.REJECTED, "Cannot delete default IPAM namespace")
        for node, relationship, peer in doomed.needing:
            needing = self._records.node(peer)
            message = (
                f"Cannot delete {node.kind} '{node.id}'. It is linked to mandatory relationship "
                f"{relationship} on node {needing.kind} '{needing.id}'"
            )
            raise Refused(Code.REJECTED, message)
        followers = self._followers(doomed)
        self._remove(doomed)
        for follower in followers:
            self._keys.refresh(follower)

    def hold(self, seq: int, ours: str) -> Hold | None:
        """Say what stands in the way of deleting an object, if anything does."""
        doomed = self._doomed(seq)
        others = {node.id for other, node in doomed.nodes.items() if other != seq}
        needing = {self._records.node(peer).id for _, _, peer in doomed.needing}
        claimed = self.claims(seq, ours)
        if not (claimed or others or needing):
            return None
        return Hold(
            claims=claimed,
            cascade=tuple(NodeId(id_) for id_ in sorted(others)),
            needed_by=tuple(NodeId(id_) for id_ in sorted(needing)),
        )

    def claims(self, seq: int, ours: str) -> tuple[str, ...]:
        """Say which groups of others claim an object."""
        groups = (self._records.node(group) for group in self._records.peers(seq, MEMBER))
        sorts = {
            str(group.shown("name")): Sort(group.kind, group.shown("group_type"))
            for group in groups
        }
        return claims(sorts, ours)

    def pointers(self, seq: int) -> Iterator[Pointer]:
        """Yield the optional relationships that lead to an object, and that it does not show."""
        own = self._records.node(seq)
        layouts = self._records.layouts
        for end, peer, _ in self._touching(seq):
            node = self._records.node(peer)
            kind = layouts.schema.kinds[node.kind]
            if is_loose(kind, end) and layouts.inverse(end, own.kind) is None:
                yield Pointer(node.id, end.name, end.many)

    def _doomed(self, seq: int) -> Doomed:
        found = Doomed()
        pending = [seq]
        needing = []
        while pending:
            one = pending.pop()
            if one in found.nodes:
                continue
            node = found.nodes[one] = self._records.node(one)
            for end in node.layout.ends.values():
                if end.cascade:
                    pending += self._records.peers(one, end)
            needing += [(node, end.name, peer) for end, peer in self._needing(node)]
        found.needing = [entry for entry in needing if entry[2] not in found.nodes]
        return found

    def _needing(self, node: Node) -> list[tuple[Relationship, int]]:
        """Return the objects that may not be without this one, each with its relationship."""
        return [(end, peer) for end, peer, _ in self._touching(node.seq) if not end.optional]

    def _touching(self, seq: int) -> Iterator[tuple[Relationship, int, Layout]]:
        """Yield every relationship of other objects that an object is a peer in.

        A row does not tell an undirected edge from a directed one, so it is looked up as both,
        and the schema knows which there is.
        """
        for sql, direction in ((_HEADS, Direction.OUTBOUND), (_TAILS, Direction.INBOUND)):
            for identifier, peer, kind in self._database.execute(sql, (seq,)):
                layout = self._records.layouts.of(kind)
                if layout is not None:
                    for way in (direction, Direction.BIDIRECTIONAL):
                        for end in layout.by_edge.get((identifier, way), ()):
                            yield end, peer, layout

    def _followers(self, doomed: Doomed) -> set[int]:
        """Return the survivors that are named after one of the doomed, or hold it for themselves."""
        found = {
            peer
            for node in doomed.nodes.values()
            for end, peer, layout in self._touching(node.seq)
            if end.name in layout.keyed
        }
        return found - doomed.nodes.keys()

    def _remove(self, doomed: Doomed) -> None:
        seqs = dump(list(doomed.nodes))
        ids = dump([node.id for node in doomed.nodes.values()])
        for statement in _REMOVALS:
            self._database.execute(statement, (seqs,))
        self._database.execute(_FREE, (ids,))
        self._database.execute(_BURN, (ids,))
        for node in doomed.nodes.values():
            self._records.drop(node.id)

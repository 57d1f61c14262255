"""Relationships: each is one edge, which both ends show.

The rules are those of the server: a peer that may have one partner only and has one is not taken
from it, and one that must have a partner is not left without.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stateward.errors import Code
from stateward.model.schema import Direction, Relationship
from stateward.targets.embedded.records import Place, Records
from stateward.targets.rules import Refused

ADD = "INSERT OR IGNORE INTO edge VALUES (?, ?, ?)"
REMOVE = "DELETE FROM edge WHERE head = ? AND identifier = ? AND tail = ?"


@dataclass(frozen=True, slots=True)
class Own:
    """The object whose relationships are written."""

    seq: int
    id: str
    kind: str


class Edges:
    """Writes relationships, and says whose names may have changed by that."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._layouts = records.layouts
        self._database = records.database

    def resolve(self, end: Relationship, ids: Iterable[str]) -> dict[int, Place]:
        """Return the objects that ids mean, if they may be peers on this end."""
        found: dict[int, Place] = {}
        for id_ in ids:
            place = self._records.place(id_)
            if place is None:
                message = f"{end.name}: Unable to find the node {id_} / {end.peer} in the database."
                raise Refused(Code.UNRESOLVED, message)
            if not self._layouts.allows(end, place.kind):
                allowed = list(self._layouts.schema.concrete(end.peer))
                message = f"{end.name}: {place.kind} - {id_} cannot be added to relationship, "
                raise Refused(Code.WRONG_PEER, f"{message}must be of type: {allowed}")
            found[place.seq] = place
        return found

    def check_count(self, end: Relationship, count: int) -> None:
        if end.max_count and count > end.max_count:
            message = f"{end.name}: Too many relationships, max {end.max_count}"
            raise Refused(Code.CONSTRAINT, message)
        least = max(end.min_count, int(end.mandatory))
        if count < least:
            raise Refused(Code.MANDATORY, f"{end.name}: Too few relationships, min {least}")

    def add(self, own: Own, end: Relationship, peers: dict[int, Place]) -> set[int]:
        """Add peers that are not there yet; returns those whose names may change."""
        self._check_added(end, peers)
        self._database.executemany(ADD, [edge(own.seq, end, peer) for peer in peers])
        return self._renamed(end, peers)

    def remove(self, own: Own, end: Relationship, peers: dict[int, Place]) -> set[int]:
        """Remove peers that are there; returns those whose names may change."""
        self._check_removed(end, peers)
        self._database.executemany(REMOVE, [edge(own.seq, end, peer) for peer in peers])
        return self._renamed(end, peers)

    def replace(self, own: Own, end: Relationship, peers: dict[int, Place]) -> set[int]:
        """Make these the peers; returns the others whose names may change."""
        self.check_count(end, len(peers))
        old = self._records.peers(own.seq, end)
        gone = self.located(old - peers.keys())
        touched = self.remove(own, end, gone) if gone else set()
        fresh = {seq: place for seq, place in peers.items() if seq not in old}
        return touched | self.add(own, end, fresh)

    def located(self, seqs: Iterable[int]) -> dict[int, Place]:
        found = self._records.places(seqs)
        return {seq: Place(seq, kind) for seq, (_, kind) in found.items()}

    def _check_added(self, end: Relationship, peers: dict[int, Place]) -> None:
        for place in peers.values():
            inverse = self._layouts.inverse(end, place.kind)
            if inverse is None or not inverse.max_count:
                continue
            count = len(self._records.peers(place.seq, inverse)) + 1
            if count > inverse.max_count:
                raise Refused(
                    Code.CONSTRAINT, self._count(end, place, inverse, count, "maximum of")
                )

    def _check_removed(self, end: Relationship, peers: dict[int, Place]) -> None:
        for place in peers.values():
            inverse = self._layouts.inverse(end, place.kind)
            if inverse is None or not (inverse.mandatory or inverse.min_count):
                continue
            least = max(inverse.min_count, 1)
            count = len(self._records.peers(place.seq, inverse)) - 1
            if count < least:
                raise Refused(
                    Code.MANDATORY, self._count(end, place, inverse, count, "no fewer than")
                )

    def _count(
        self, end: Relationship, place: Place, inverse: Relationship, count: int, which: str
    ) -> str:
        """Say that the other end would have too many peers, or too few."""
        node = self._records.node(place.seq)
        bound = inverse.max_count if which == "maximum of" else max(inverse.min_count, 1)
        return (
            f"{end.name}: Node {node.id} ({node}) has {count} peers for {end.identifier}, "
            f"{which} {bound} allowed"
        )

    def _renamed(self, end: Relationship, peers: dict[int, Place]) -> set[int]:
        """Return the peers that are named after what they are related to on the other end."""
        found = set()
        for place in peers.values():
            inverse = self._layouts.inverse(end, place.kind)
            layout = self._layouts.of(place.kind)
            if inverse is not None and layout is not None and inverse.name in layout.keyed:
                found.add(place.seq)
        return found


def edge(own: int, end: Relationship, peer: int) -> tuple[int, str, int]:
    """Return the row that stands for a relationship."""
    if end.direction is Direction.BIDIRECTIONAL:
        return min(own, peer), end.identifier, max(own, peer)
    if end.direction is Direction.OUTBOUND:
        return own, end.identifier, peer
    return peer, end.identifier, own

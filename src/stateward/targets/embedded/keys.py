"""What an object is called and what it holds for itself: identity, aliases, unique values.

All three are worked out from the object's values and its peers, and kept beside them so that they
can be looked up. ``Keys.refresh`` brings them up to date, and those of what is named after it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stateward.errors import Code
from stateward.model.schema import Path
from stateward.schema import paths, values
from stateward.targets.embedded.layout import Layout, Paths
from stateward.targets.embedded.records import Node, Records, dump, shown, spelled
from stateward.targets.rules import Refused

_PEER_SEPARATOR = "__"


@dataclass(slots=True)
class Subject:
    """An object to be named, which need not have a row yet."""

    id: str
    layout: Layout
    fields: Mapping[str, Any]
    peer: Callable[[str], int | None]
    """Gives the peer of a relationship with one."""


class Keys:
    """Works out names and unique values, and keeps them.

    Where it is ``tolerant``, a unique value stays with whoever holds it, and nothing is refused.
    """

    def __init__(self, records: Records, *, tolerant: bool = False) -> None:
        self._records = records
        self._tolerant = tolerant
        self._database = records.database

    def identity(self, subject: Subject) -> tuple[str, ...]:
        """Return the parts of an identity."""
        found = paths.name(subject.layout.kind, lambda path: self._part(subject, path))
        return found or (subject.id,)

    def aliases(self, subject: Subject) -> set[tuple[str, str]]:
        """Return the further names, each with the scope it is one in."""
        found = set()
        for rule in subject.layout.aliases:
            parts = [self._part(subject, path) for path in rule.paths]
            names = [values.spell(part) for part in parts if part is not None]
            if names:
                found.add((rule.scope, spelled(names)))
        return found

    def uniques(self, subject: Subject) -> dict[str, str]:
        """Return the values that nobody else may have, by the constraint's scope.

        No value is a value like any other: the server takes it for equal to itself. A peer that
        is not there is not, which the server's schemas do not allow to begin with.
        """
        found = {}
        for rule in subject.layout.uniques:
            parts = [self._held(subject, path) for path in rule.paths]
            if not self._lacks_peer(rule.paths, parts):
                found[rule.scope] = dump(parts)
        return found

    def subject(self, node: Node) -> Subject:
        def peer(name: str) -> int | None:
            end = node.layout.ends.get(name)
            return self._records.peer(node.seq, end) if end else None

        return Subject(node.id, node.layout, node.fields, peer)

    def hold(self, seq: int, subject: Subject, uniques: Mapping[str, str]) -> None:
        """Reserve unique values for an object, or refuse."""
        for rule in subject.layout.uniques:
            value = uniques.get(rule.scope)
            if value is None:
                continue
            entry = (rule.scope, value, seq)
            done = self._database.execute(
                "INSERT OR IGNORE INTO unique_value VALUES (?, ?, ?)", entry
            )
            if not done.rowcount and not self._tolerant:
                raise Refused(Code.UNIQUE, self._violated(rule.label, rule.scope, value))

    def name(self, seq: int, aliases: Iterable[tuple[str, str]]) -> None:
        self._database.executemany(
            "INSERT INTO alias VALUES (?, ?, ?)", [(*alias, seq) for alias in aliases]
        )

    def refresh(self, seq: int) -> None:
        """Bring one object's names and unique values up to date, and what is named after it."""
        pending = [seq]
        seen: set[int] = set()
        while pending:
            one = pending.pop()
            if one not in seen:
                seen.add(one)
                node = self._records.node(one)
                if self._renewed(node):
                    pending += self.followers(node, None)

    def followers(self, node: Node, attribute: str | None) -> set[int]:
        """Return what is named after an attribute of an object, or after its identity."""
        found: set[int] = set()
        for dependent in self._records.layouts.dependents(node.kind):
            if dependent.attribute == attribute:
                peers = self._records.peers(node.seq, dependent.relationship)
                places = self._records.places(peers)
                found |= {peer for peer in peers if places[peer][1] == dependent.kind}
        return found

    def _renewed(self, node: Node) -> bool:
        """Bring an object's row up to date and tell whether its identity is another now."""
        subject = self.subject(node)
        self._renew_uniques(node, subject)
        if node.layout.aliases:
            self._database.execute("DELETE FROM alias WHERE node = ?", (node.seq,))
            self.name(node.seq, self.aliases(subject))
        identity = self.identity(subject)
        if identity == node.identity:
            return False
        self._database.execute(
            "UPDATE node SET identity = ? WHERE seq = ?", (spelled(identity), node.seq)
        )
        return True

    def _renew_uniques(self, node: Node, subject: Subject) -> None:
        new = self.uniques(subject)
        old = dict(
            self._database.execute(
                "SELECT scope, value FROM unique_value WHERE node = ?", (node.seq,)
            )
        )
        if new != old:
            self._database.execute("DELETE FROM unique_value WHERE node = ?", (node.seq,))
            self.hold(node.seq, subject, new)

    def _part(self, subject: Subject, path: Path) -> Any:
        """Return one part of a name: an attribute, or what a peer shows or is called."""
        if path.relationship is None:
            return shown(subject.layout, subject.fields, path.attribute or "")
        seq = subject.peer(path.relationship)
        if seq is None:
            return None
        peer = self._records.node(seq)
        if path.attribute is None:
            return _PEER_SEPARATOR.join(peer.identity)
        return peer.shown(path.attribute)

    def _held(self, subject: Subject, path: Path) -> Any:
        """Return one part of a unique value. Of a peer only who it is counts, as on the server."""
        if path.relationship is None:
            return shown(subject.layout, subject.fields, path.attribute or "")
        return subject.peer(path.relationship)

    def _lacks_peer(self, paths: Paths, parts: list[Any]) -> bool:
        return any(
            path.relationship and part is None for path, part in zip(paths, parts, strict=True)
        )

    def _violated(self, label: str, scope: str, value: str) -> str:
        (holder,) = self._database.execute(
            "SELECT node FROM unique_value WHERE scope = ? AND value = ?", (scope, value)
        ).fetchone()
        node = self._records.node(holder)
        return f"Violates uniqueness constraint '{label}': held by {node} ({node.id})"

"""Mutations: each is carried out whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from stateward.errors import Code
from stateward.model.mutation import (
    Allocation,
    Create,
    Delete,
    Enrol,
    Mutation,
    Peers,
    Refusal,
    Relate,
    Update,
)
from stateward.model.schema import OBJECT_TEMPLATE, Attribute
from stateward.targets import rules
from stateward.targets.embedded import fields
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.deletes import Deletes
from stateward.targets.embedded.edges import ADD, REMOVE, Edges, Own, edge
from stateward.targets.embedded.keys import Keys, Subject
from stateward.targets.embedded.layout import (
    MEMBER,
    Layout,
    Layouts,
)
from stateward.targets.embedded.pools import Pools
from stateward.targets.embedded.records import Node, Place, Records, dump, spelled
from stateward.targets.embedded.seeds import DEFAULT_NAMESPACE
from stateward.targets.rules import Refused

_INSERT = (
    "INSERT OR IGNORE INTO node (id, kind, identity, fields) "
    "SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM burned WHERE id = ?1)"
)

Related = Mapping[str, dict[int, Place]]


class Mutations:
    """Carries out mutations on a database, within the caller's transaction."""

    def __init__(self, database: Database, layouts: Layouts) -> None:
        self._database = database
        self._layouts = layouts
        self.records = Records(database, layouts)
        self.keys = Keys(self.records)
        self.edges = Edges(self.records)
        self.deletes = Deletes(self.records, self.keys)
        self.pools = Pools(self.records, self._make)

    def apply(self, mutations: Sequence[Mutation]) -> list[Refusal | None]:
        self.records.forget()
        return [self._one(mutation) for mutation in mutations]

    def _one(self, mutation: Mutation) -> Refusal | None:
        self._database.execute("SAVEPOINT mutation")
        try:
            self._carry_out(mutation)
        except Refused as refused:
            return self._undone(refused.refusal)
        except UnicodeEncodeError as error:
            message = f"{error.object!r} is no text: it has no UTF-8"
            return self._undone(Refusal(code=Code.TYPE, message=message))
        self._database.execute("RELEASE mutation")
        return None

    def _undone(self, refusal: Refusal) -> Refusal:
        self._database.execute("ROLLBACK TO mutation")
        self._database.execute("RELEASE mutation")
        self.records.forget()
        return refusal

    def _carry_out(self, mutation: Mutation) -> None:
        match mutation:
            case Create():
                self._create(mutation)
            case Update():
                self._update(mutation)
            case Relate():
                self._relate(mutation)
            case Enrol():
                self._enrol(mutation)
            case Delete():
                place = self.records.place(mutation.id)
                if place is not None:
                    self._check_kind(mutation.id, mutation.kind, place)
                    self.deletes.delete(place.seq)

    def _create(self, mutation: Create) -> int:
        layout = self._layout(mutation.kind)
        rules.check_id(mutation.id)
        drawn: dict[str, Allocation] = {}

        def draw(attribute: Attribute, allocation: Allocation) -> Any:
            drawn[attribute.name] = allocation
            return self.pools.number(attribute, allocation, mutation.id, layout)

        templated = bool(mutation.relations.get(OBJECT_TEMPLATE))
        found = fields.created(layout, mutation.attributes, draw, templated=templated)
        related = self._related(layout, mutation.id, mutation.relations, drawn)
        if layout.namespace and not related.get(layout.namespace):
            related[layout.namespace] = self._default_namespace()
        if not templated:
            _check_related(layout, related)
        seq = self._insert(mutation.id, layout, found, related)
        self._relate_new(Own(seq, mutation.id, mutation.kind), layout, related)
        self._join(seq, mutation.groups)
        for name, allocation in drawn.items():
            self.pools.record(seq, name, allocation)
        return seq

    def _insert(self, id_: str, layout: Layout, found: dict[str, Any], related: Related) -> int:
        def peer(name: str) -> int | None:
            return next(iter(related.get(name, ())), None)

        subject = Subject(id_, layout, found, peer)
        identity = self.keys.identity(subject)
        row = (id_, layout.kind.kind, spelled(identity), dump(found))
        done = self._database.execute(_INSERT, row)
        if not done.rowcount:
            raise Refused(Code.CONSTRAINT, f"id: {id_} is already in use")
        seq = done.lastrowid or 0
        self.keys.hold(seq, subject, self.keys.uniques(subject))
        if layout.aliases:
            self.keys.name(seq, self.keys.aliases(subject))
        return seq

    def _relate_new(self, own: Own, layout: Layout, related: Related) -> None:
        touched: set[int] = set()
        for name, peers in related.items():
            end = layout.end(name)
            if end is not None and peers:
                touched |= self.edges.add(own, end, peers)
        for seq in touched:
            self.keys.refresh(seq)

    def _join(self, seq: int, groups: Iterable[str]) -> None:
        """Make an object a member. Nothing is named after its members: no more is to be done."""
        rows = [edge(seq, MEMBER, group) for group in self.edges.resolve(MEMBER, groups)]
        self._database.executemany(ADD, rows)

    def _related(
        self,
        layout: Layout,
        id_: str,
        relations: Mapping[str, Peers | Allocation],
        drawn: dict[str, Allocation],
    ) -> dict[str, dict[int, Place]]:
        """Return the peers that relationships are given, each by its name."""
        found: dict[str, dict[int, Place]] = {}
        for name, given in relations.items():
            end = rules.writable_end(layout.kind, name, layout.end(name))
            if isinstance(given, Allocation):
                drawn[name] = given
                place = self.pools.peer(name, given, id_)
                found[name] = {place.seq: place}
            else:
                ids = (given,) if isinstance(given, str) else given or ()
                found[name] = self.edges.resolve(end, ids)
            self.edges.check_count(end, len(found[name]))
        return found

    def _update(self, mutation: Update) -> None:
        node = self._node(mutation.id, mutation.kind)
        drawn: dict[str, Allocation] = {}

        def draw(attribute: Attribute, allocation: Allocation) -> Any:
            drawn[attribute.name] = allocation
            return self.pools.number(attribute, allocation, node.id, node.layout)

        for name, given in (*mutation.attributes.items(), *mutation.relations.items()):
            asked = given.pool if isinstance(given, Allocation) else None
            self.pools.release(node.seq, node.id, name, asked)
        found = fields.updated(node.layout, node.fields, mutation.attributes, draw)
        relations = {
            name: given
            for name, given in mutation.relations.items()
            if given or name != node.layout.namespace
        }
        related = self._related(node.layout, node.id, relations, drawn)
        touched = self._write(node, found)
        own = Own(node.seq, node.id, node.kind)
        for name, peers in related.items():
            end = node.layout.end(name)
            if end is not None:
                touched |= self.edges.replace(own, end, peers)
                touched |= {node.seq} if name in node.layout.keyed else set()
        for seq in touched:
            self.keys.refresh(seq)
        for name, allocation in drawn.items():
            self.pools.record(node.seq, name, allocation)

    def _write(self, node: Node, found: dict[str, Any]) -> set[int]:
        """Write changed attributes; returns the objects whose names may have changed by that."""
        if found == node.fields:
            return set()
        changed = {
            name
            for name in found.keys() | node.fields.keys()
            if found.get(name, _ABSENT) != node.fields.get(name, _ABSENT)
        }
        self._database.execute("UPDATE node SET fields = ? WHERE seq = ?", (dump(found), node.seq))
        touched = {node.seq} if changed & node.layout.keyed else set()
        for name in changed:
            touched |= self.keys.followers(node, name)
        return touched

    def _relate(self, mutation: Relate) -> None:
        node = self._node(mutation.id, mutation.kind)
        name = mutation.relationship
        end = rules.writable_end(node.layout.kind, name, node.layout.end(name))
        own = Own(node.seq, node.id, node.kind)
        old = self.records.peers(node.seq, end)
        added = self.edges.resolve(end, mutation.add)
        alive = [id_ for id_ in mutation.remove if self.records.place(id_)]
        removed = self.edges.resolve(end, alive)
        gone = {seq: place for seq, place in removed.items() if seq in old and seq not in added}
        fresh = {seq: place for seq, place in added.items() if seq not in old}
        if not end.many and fresh and old - gone.keys():
            message = f"'{end.name}' is a cardinality-one relationship and already has a peer"
            raise Refused(Code.CONSTRAINT, message)
        if gone or fresh:
            self.edges.check_count(end, len(old - gone.keys() | fresh.keys()))
        touched = self.edges.remove(own, end, gone) | self.edges.add(own, end, fresh)
        touched |= {node.seq} if end.name in node.layout.keyed else set()
        for seq in touched:
            self.keys.refresh(seq)

    def _enrol(self, mutation: Enrol) -> None:
        place = self.records.place(mutation.id)
        if place is None and not mutation.join:
            return
        node = self._node(mutation.id, mutation.kind)
        self._join(node.seq, mutation.join)
        left = (self.records.place(group) for group in mutation.leave)
        rows = [edge(node.seq, MEMBER, group.seq) for group in left if group]
        self._database.executemany(REMOVE, rows)

    def _make(self, kind: str, attributes: dict[str, Any], namespace: int) -> Place:
        """Make the object that a pool gives out."""
        layout = self._layout(kind)
        id_ = str(uuid4())
        row = self._database.execute("SELECT id FROM node WHERE seq = ?", (namespace,)).fetchone()
        relations = {layout.namespace: row[0]} if layout.namespace else {}
        given = {name: value for name, value in attributes.items() if value is not None}
        made = Create(id=id_, kind=kind, attributes=given, relations=relations)
        return Place(self._create(made), kind)

    def _default_namespace(self) -> dict[int, Place]:
        place = self.records.place(DEFAULT_NAMESPACE)
        return {place.seq: place} if place else {}

    def _layout(self, kind: str) -> Layout:
        layout = self._layouts.of(kind)
        if layout is None:
            raise rules.no_objects(self._layouts.schema, kind)
        return layout

    def _node(self, id_: str, kind: str) -> Node:
        place = self.records.place(id_)
        if place is None:
            message = f"Unable to find the node {id_} / {kind} in the database."
            raise Refused(Code.UNRESOLVED, message)
        self._check_kind(id_, kind, place)
        return self.records.node(place.seq)

    def _check_kind(self, id_: str, kind: str, place: Place) -> None:
        if place.kind != kind:
            message = f"Node with id {id_} exists, but it is a {place.kind}, not {kind}"
            raise Refused(Code.UNRESOLVED, message)


_ABSENT = object()


def _check_related(layout: Layout, related: Related) -> None:
    for name in layout.mandatory_ends:
        if not related.get(name):
            raise rules.missing(name, layout.kind)

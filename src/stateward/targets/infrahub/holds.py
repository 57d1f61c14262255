"""What stands in the way of deletes: claims, what goes along, and who cannot be without.

The server refuses or cascades without saying so beforehand. It is worked out from the schema here,
and from the peers that the objects have.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from stateward.model.identity import NodeId
from stateward.model.schema import MEMBER_OF_GROUPS, Kind, Relationship, Schema
from stateward.model.state import Hold
from stateward.targets.claims import Sort, claims
from stateward.targets.infrahub import queries, wire
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.queries import Request

_GROUP_KINDS = frozenset({"Group", "Profile"})
_OF_A_GROUP = f"id __typename ... on {queries.GROUP} {{ name {{ value }} group_type {{ value }} }}"
_GROUPS = f"{MEMBER_OF_GROUPS} {{ edges {{ node {{ {_OF_A_GROUP} }} }} }}"
"""Asks for the groups that an object is in."""
_LOT = 500


@dataclass(slots=True)
class _Node:
    """One object that a delete would reach."""

    kind: str
    cascade: set[str] = field(default_factory=set)
    needed_by: set[str] = field(default_factory=set)
    groups: dict[str, Sort] = field(default_factory=dict)
    """The groups it is in, by their names."""


@dataclass(slots=True)
class Holds:
    """Looks at objects that are to be deleted, and at all that would go along."""

    client: Client
    schema: Schema
    ours: str
    nodes: dict[str, _Node] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    async def of(self, ids: Collection[str]) -> dict[str, Hold]:
        await self._kinds_of(ids)
        pending = {node for node in ids if node in self.kinds}
        wanted = set(pending)
        while pending:
            await self._look(pending)
            reached = {peer for node in pending for peer in self.nodes[node].cascade}
            pending = reached - self.nodes.keys()
        found = ((node, self._hold(node)) for node in sorted(wanted))
        return {node: hold for node, hold in found if hold is not None}

    async def claims(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Look at nothing but the groups that objects are in."""
        await self._kinds_of(ids)
        there = sorted(node for node in ids if node in self.kinds)
        for start in range(0, len(there), _LOT):
            await self._look_at_groups(there[start : start + _LOT])
        found = {node: claims(own.groups, self.ours) for node, own in self.nodes.items()}
        return {node: own for node, own in found.items() if own}

    async def _look_at_groups(self, ids: Collection[str]) -> None:
        """Ask for the groups of objects of any kinds, all of them in one request."""
        request = Request()
        with wire.understood():
            for kind, own in self._by_kind(ids).items():
                if MEMBER_OF_GROUPS in self.schema.kinds[kind].relationships:
                    passed = request.given(own, "ID")
                    alias = f"k{len(request.parts)}"
                    request.add(alias, kind, f"ids: {passed}", f"node {{ id {_GROUPS} }}")
        if not request.parts:
            return
        answer = await self.client.query(request.text, request.variables)
        with wire.understood():
            for index in range(len(request.parts)):
                for node in wire.nodes(answer[f"k{index}"]):
                    self._take(self.nodes[node["id"]], node, ())

    def _by_kind(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Sort objects by their kinds, to be looked at."""
        found: dict[str, list[str]] = {}
        for node in sorted(ids):
            self.nodes[node] = _Node(self.kinds[node])
            found.setdefault(self.kinds[node], []).append(node)
        return found

    async def _kinds_of(self, ids: Iterable[str]) -> None:
        request = Request()
        queries.add_kinds_of(request, sorted(ids))
        answer = await self.client.query(request.text, request.variables)
        with wire.understood():
            self.kinds |= wire.kinds(wire.found_by_id(answer))

    async def _look(self, ids: Collection[str]) -> None:
        by_kind = self._by_kind(ids)
        with wire.understood():
            kinds = {kind: self.schema.kinds[kind] for kind in by_kind}
        for kind, own in by_kind.items():
            for start in range(0, len(own), _LOT):
                await self._look_at(kinds[kind], own[start : start + _LOT])

    async def _look_at(self, kind: Kind, ids: list[str]) -> None:
        ends = [end for end in kind.relationships.values() if self._matters(end)]
        distant = list(self._distant(kind))
        request = Request()
        passed = request.given(ids, "ID")
        request.add("own", kind.kind, f"ids: {passed}", f"node {{ {self._selection(kind, ends)} }}")
        for index, (other, end) in enumerate(distant):
            peer = "node { id __typename }"
            peer = f"edges {{ {peer} }}" if end.many else peer
            asked = f"node {{ id {end.name} {{ {peer} }} }}"
            request.add(f"k{index}", other, f"{end.name}__ids: {passed}", asked)
        answer = await self.client.query(request.text, request.variables)
        with wire.understood():
            for node in wire.nodes(answer["own"]):
                self._take(self.nodes[node["id"]], node, ends)
            for index, (_, end) in enumerate(distant):
                for node in wire.nodes(answer[f"k{index}"]):
                    for needed in wire.peer_nodes(end, node[end.name]):
                        if needed["id"] in self.nodes:
                            self.nodes[needed["id"]].needed_by.add(node["id"])

    def _selection(self, kind: Kind, ends: Iterable[Relationship]) -> str:
        found = ["id"]
        for end in ends:
            peer = "node { id __typename }"
            found.append(f"{end.name} {{ {f'edges {{ {peer} }}' if end.many else peer} }}")
        if MEMBER_OF_GROUPS in kind.relationships:
            found.append(_GROUPS)
        return " ".join(found)

    def _matters(self, end: Relationship) -> bool:
        """Tell whether peers on an end may go along with an object, or may need it."""
        if end.kind in _GROUP_KINDS or end.name == MEMBER_OF_GROUPS:
            return False
        return end.cascade or any(self._needs(end, peer) for peer in self._concrete(end.peer))

    def _needs(self, end: Relationship, peer: str) -> bool:
        inverse = self.schema.inverse(end, peer)
        return inverse is not None and not inverse.optional

    def _concrete(self, peer: str) -> tuple[str, ...]:
        return self.schema.concrete(peer)

    def _distant(self, kind: Kind) -> Iterator[tuple[str, Relationship]]:
        """Yield mandatory relationships with a kind that its own objects do not show."""
        own = {(end.identifier, end.direction) for end in kind.relationships.values()}
        for other in self.schema.kinds.values():
            if other.is_generic:
                continue
            for end in other.relationships.values():
                points_here = end.peer == queries.NODE or self.schema.is_a(kind.kind, end.peer)
                shown = (end.identifier, end.direction.opposite) in own
                if not end.optional and points_here and not shown and end.kind not in _GROUP_KINDS:
                    yield other.kind, end

    def _take(self, own: _Node, node: wire.Node, ends: Iterable[Relationship]) -> None:
        for end in ends:
            for peer in wire.peer_nodes(end, node[end.name]):
                self.kinds[peer["id"]] = peer["__typename"]
                if end.cascade:
                    own.cascade.add(peer["id"])
                if self._needs(end, peer["__typename"]):
                    own.needed_by.add(peer["id"])
        for group in wire.nodes(node.get(MEMBER_OF_GROUPS, {"edges": []})):
            sort = Sort(group["__typename"], group["group_type"]["value"])
            own.groups[str(group["name"]["value"])] = sort

    def _hold(self, node: str) -> Hold | None:
        doomed: set[str] = set()
        pending = [node]
        while pending:
            one = pending.pop()
            if one not in doomed:
                doomed.add(one)
                pending += self.nodes[one].cascade
        needing = {peer for one in doomed for peer in self.nodes[one].needed_by} - doomed
        claimed = claims(self.nodes[node].groups, self.ours)
        others = doomed - {node}
        if not (claimed or others or needing):
            return None
        return Hold(
            claims=claimed,
            cascade=tuple(NodeId(own) for own in sorted(others)),
            needed_by=tuple(NodeId(own) for own in sorted(needing)),
        )

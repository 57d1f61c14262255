"""Who leads to an object without its showing it: a delete clears that, and the server does not say."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from stateward.model.schema import Kind, Relationship, Schema
from stateward.model.state import Pointer
from stateward.targets.infrahub import queries, wire
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.queries import Request
from stateward.targets.infrahub.shapes import peer_id
from stateward.targets.rules import is_loose

_LOT = 500


@dataclass(frozen=True, slots=True)
class Pointers:
    """Looks for the optional relationships that lead to some objects."""

    client: Client
    schema: Schema

    async def of(self, ids: Collection[str]) -> dict[str, list[Pointer]]:
        request = Request()
        queries.add_kinds_of(request, sorted(ids))
        answer = await self.client.query(request.text, request.variables)
        by_kind: dict[str, list[str]] = {}
        with wire.understood():
            for node in wire.found_by_id(answer):
                by_kind.setdefault(node["__typename"], []).append(node["id"])
            kinds = {kind: self.schema.kinds[kind] for kind in sorted(by_kind)}
        found: dict[str, list[Pointer]] = {}
        for name, kind in kinds.items():
            if ends := list(self._leading_to(kind)):
                own = by_kind[name]
                for start in range(0, len(own), _LOT):
                    await self._look(own[start : start + _LOT], ends, found)
        return found

    async def _look(
        self,
        ids: Sequence[str],
        ends: Sequence[tuple[str, Relationship]],
        found: dict[str, list[Pointer]],
    ) -> None:
        request = Request()
        passed = request.given(ids, "ID")
        for index, (kind, end) in enumerate(ends):
            each = f"node {{ {peer_id(end, self.schema.generics)} }}"
            ids_of = f"edges {{ {each} }}" if end.many else each
            asked = f"node {{ id {end.name} {{ {ids_of} }} }}"
            request.add(f"k{index}", kind, f"{end.name}__ids: {passed}", asked)
        answer = await self.client.query(request.text, request.variables)
        wanted = frozenset(ids)
        with wire.understood():
            for index, (_, end) in enumerate(ends):
                for node in wire.nodes(answer[f"k{index}"]):
                    for peer in wire.peer_nodes(end, node[end.name]):
                        if peer["id"] in wanted:
                            pointer = Pointer(node["id"], end.name, end.many)
                            found.setdefault(peer["id"], []).append(pointer)

    def _leading_to(self, kind: Kind) -> Iterator[tuple[str, Relationship]]:
        """Yield the relationships of all kinds that may lead to one that does not show them."""
        for other in self.schema.kinds.values():
            for end in () if other.is_generic else other.relationships.values():
                leads = end.peer == queries.NODE or self.schema.is_a(kind.kind, end.peer)
                if leads and is_loose(other, end) and self.schema.inverse(end, kind.kind) is None:
                    yield other.kind, end

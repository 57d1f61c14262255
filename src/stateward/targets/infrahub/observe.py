"""Reading: groups, members, and what bears a name, in a handful of requests however many there are.

Ids are listed first and then read by kind, in lots: a list that is read page by page would not
stay the same while somebody writes.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stateward.heap import undisturbed
from stateward.model.identity import ObjectKey
from stateward.model.schema import Schema
from stateward.model.state import Group, Observed, ObservedObject
from stateward.ports import Query
from stateward.schema import paths
from stateward.targets.infrahub import pools, queries, recall, wire
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.lots import SEARCHES, lots, packed
from stateward.targets.infrahub.membership import Listing, Membership
from stateward.targets.infrahub.queries import Lookup, Request
from stateward.targets.infrahub.recall import Forms
from stateward.targets.infrahub.seen import Seen
from stateward.targets.infrahub.shapes import Shape, shape
from stateward.targets.infrahub.wire import understood

_IDS = 5000
"""Ids in one request that asks for little of each."""


@dataclass(slots=True)
class Observation:
    """One query on its way to an answer."""

    client: Client
    schema: Schema
    """The schema in force: what the answer is spelled in."""
    there: Schema
    """What the server has now: what can be asked for."""
    query: Query
    seen: Seen | None = None
    """What may be relied on, where nothing shows that it has changed."""
    listing: Listing | None = None
    """The groups, where they were listed just before."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The kind of each object that is to be shown, by its id."""
    objects: dict[str, ObservedObject] = field(default_factory=dict)
    found: dict[str, Group] = field(default_factory=dict)
    references: dict[ObjectKey, tuple[str, ...]] = field(default_factory=dict)
    names: dict[str, ObjectKey] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    """When groups and objects were changed last, as far as it was told."""
    _membership: Membership | None = None
    _unconfirmed: Mapping[str, ObservedObject] = field(default_factory=dict)
    """Objects as they were read: what pools say of them is asked for each time."""

    async def complete(self) -> Observed:
        await self._groups()
        await self._ids()
        await self._whole_kinds()
        await self._members()
        await self._read(self.kinds)
        await self._keys()
        await self._pools()
        await self._references()
        await self._names()
        # What was deleted after the groups were read is in none of them.
        there = self.objects.keys()
        groups = {n: replace(own, members=own.members & there) for n, own in self.found.items()}
        return Observed(
            objects=self.objects, groups=groups, references=self.references, names=self.names
        )

    async def _groups(self) -> None:
        if not self.query.groups:
            return
        names = list(self.query.groups)
        membership = Membership(self.client, names, self.listing)
        if self.seen is not None and not await membership.look(self.seen):
            self.seen, membership = None, Membership(self.client, names)
        if self.seen is None:
            await membership.read()
        self.kinds |= membership.kinds
        self.changed |= membership.told
        self.found = membership.groups
        self._membership = membership

    async def _members(self) -> None:
        """Take over what is as it was seen, and read again what new objects point at."""
        if self._membership is None or self.seen is None:
            return
        with undisturbed():
            standing = recall.standing(self.seen, self._membership, self._forms)
        self.objects |= standing
        await self._read(self._membership.kinds)
        new = [own for node, own in self.objects.items() if node not in self.seen.kinds]
        for node in {peer for own in new for peer in own.peers()} & standing.keys():
            del self.objects[node]

    def sighting(self, schema: str, now: float) -> Seen | None:
        """Return what the next look may rely on, once this one is complete."""
        if self._membership is None:
            return None
        with undisturbed():
            return recall.sighting(
                self.seen,
                self._membership,
                self._unconfirmed,
                self.changed,
                self._forms,
                schema=schema,
                now=now,
            )

    async def _ids(self) -> None:
        """Find out of which kinds the ids are that were asked for."""
        wanted = [own for own in self.query.ids if own not in self.kinds]
        nodes = await self._by_id(wanted, queries.add_kinds_of)
        with understood():
            self.kinds |= wire.kinds(nodes)

    async def _whole_kinds(self) -> None:
        wanted = [kind for kind in self.query.kinds if self._askable(kind)]
        for some in lots(wanted, 20):
            request = Request()
            for index, kind in enumerate(some):
                among = queries.among(request, self.there.kinds[kind], self.query.among)
                request.add(f"k{index}", kind, among, "node { id }")
            answer = await self._ask(request)
            with understood():
                for index, kind in enumerate(some):
                    self.kinds |= {node["id"]: kind for node in wire.nodes(answer[f"k{index}"])}

    def _askable(self, kind: str) -> bool:
        known = self.there.kinds.get(kind)
        return known is not None and not known.is_generic and kind in self.schema.kinds

    async def _read(self, kinds: Mapping[str, str]) -> None:
        """Read objects, several kinds in one request where there are few of each."""
        wanted: dict[str, list[str]] = {}
        for node, kind in kinds.items():
            if node not in self.objects and self._askable(kind):
                wanted.setdefault(kind, []).append(node)
        found = packed(wanted, lambda kind: self._shape(kind).lists)
        await asyncio.gather(*(self._read_lot(own) for own in found))

    async def _read_lot(self, lot: Mapping[str, Sequence[str]]) -> None:
        request = Request()
        shapes = [self._shape(kind) for kind in lot]
        for index, (own, ids) in enumerate(zip(shapes, lot.values(), strict=True)):
            filters = f"ids: {request.given(ids, 'ID')}"
            metadata = queries.MADE_BY if own.whole else queries.CHANGED
            selection = f"{metadata} node {{ {own.selection} }}"
            request.add(f"k{index}", own.kind.kind, filters, selection)
        answer = await self._ask(request)
        with understood():
            for index, own in enumerate(shapes):
                self.changed |= wire.changed(answer[f"k{index}"])
                for edge in wire.edges(answer[f"k{index}"]):
                    found = wire.observed(own, edge)
                    self.objects[found.id] = found

    @property
    def _forms(self) -> Forms:
        return Forms(lambda kind: self._shape(kind) if self._askable(kind) else None)

    def _shape(self, kind: str) -> Shape:
        return shape(
            self.schema.kinds[kind],
            self.there.kinds[kind],
            self.query.fields.get(kind, ()),
            pooled=self.query.pooled.get(kind, ()),
            whole=kind in self.query.kinds,
            generics=self.there.generics,
        )

    async def _keys(self) -> None:
        """Find what bears the names that no object shown so far bears, and read it."""
        shown = {own.key for own in self.objects.values()}
        wanted = [key for key in self.query.keys if key not in shown]
        found = await self._find(wanted)
        fresh = {node: key.kind for key, ids in found.items() for node in ids}
        await self._read(fresh)
        for key, ids in found.items():
            # What was deleted between the two requests is not there.
            borne = {own.key for node in ids if (own := self.objects.get(node))}
            if len(ids) > 1 or borne - {key}:
                self.references[key] = ids

    async def _pools(self) -> None:
        """Find out whether the pools that attributes name still hold what they gave."""
        self._unconfirmed = self.objects
        named = pools.asked(self.objects.values())
        if named:
            answer = await self._ask(pools.request(named))
            with understood():
                held = {pool: wire.peers(answer[f"p{n}"]) for n, pool in enumerate(named)}
            self.objects = {id_: pools.confirmed(own, held) for id_, own in self.objects.items()}

    async def _references(self) -> None:
        """Find out what is meant by names; what is shown already is not looked for."""
        for key, ids in _bearers(self.objects.values(), set(self.query.references)).items():
            self.references.setdefault(key, ids)
        wanted = {
            key: queries.meant(self.there, key)
            for key in self.query.references
            if key not in self.references
        }
        found = await self._find(dict.fromkeys(own for keys in wanted.values() for own in keys))
        for key, keys in wanted.items():
            if ids := tuple(node for own in keys for node in found.get(own, ())):
                self.references[key] = ids

    async def _find(self, keys: Collection[ObjectKey]) -> dict[ObjectKey, tuple[str, ...]]:
        """Return the objects that answer to each key; the first way that leads anywhere counts."""
        found: dict[ObjectKey, tuple[str, ...]] = {}
        pending = queries.by_kind(keys)
        depth = 0
        while pending:
            round_ = dict(self._lookups(pending, depth))
            found |= await self._look_up(round_.values())
            pending = {
                kind: left
                for kind in round_
                if (left := [key for key in pending[kind] if key not in found])
            }
            depth += 1
        return found

    def _lookups(
        self, pending: Mapping[str, list[ObjectKey]], depth: int
    ) -> Iterator[tuple[str, Lookup]]:
        """Yield the search of each kind's next way, for the kinds that have one more."""
        for kind, keys in pending.items():
            known = self.there.kinds.get(kind)
            searches = queries.lookups(known, paths.references(known), keys) if known else []
            if depth < len(searches):
                yield kind, searches[depth]

    async def _look_up(self, searches: Collection[Lookup]) -> dict[ObjectKey, tuple[str, ...]]:
        possible = [(own, filters) for own in searches if (filters := own.filters(self.there))]
        found: dict[ObjectKey, tuple[str, ...]] = {}
        for answer in await asyncio.gather(*map(self._search, lots(possible, SEARCHES))):
            found |= answer
        return found

    async def _search(
        self, searches: Sequence[tuple[Lookup, str]]
    ) -> dict[ObjectKey, tuple[str, ...]]:
        request = Request()
        for index, (own, filters) in enumerate(searches):
            request.add(f"k{index}", own.kind, filters, own.selection())
        answer = await self._ask(request)
        found: dict[ObjectKey, tuple[str, ...]] = {}
        with understood():
            for index, (own, _) in enumerate(searches):
                wanted = set(own.keys)
                for node in wire.nodes(answer[f"k{index}"]):
                    key = ObjectKey(own.kind, wire.named(own.way, node))
                    if key in wanted:
                        found[key] = (*found.get(key, ()), node["id"])
        return found

    async def _names(self) -> None:
        """Find out what the peers of what is shown are called."""
        ids = {node for own in self.objects.values() for node in own.peers()}
        ids |= {node for found in self.references.values() for node in found}
        missing = sorted(ids - self.objects.keys() - {group.id for group in self.found.values()})
        nodes = await self._by_id(missing, queries.add_names_of)
        with understood():
            for node in nodes:
                called = node["hfid"] or [node["display_label"] or node["id"]]
                self.names[node["id"]] = ObjectKey(node["__typename"], tuple(map(str, called)))

    async def _by_id(
        self, ids: list[str], add: Callable[[Request, Sequence[str]], None]
    ) -> list[wire.Node]:
        """Ask the same of many objects, whatever they are."""
        found: list[wire.Node] = []
        for some in lots(ids, _IDS):
            request = Request()
            add(request, some)
            answer = await self._ask(request)
            with understood():
                found += wire.found_by_id(answer)
        return found

    async def _ask(self, request: Request) -> Mapping[str, Any]:
        return await self.client.query(request.text, request.variables)


def _bearers(
    objects: Iterable[ObservedObject], wanted: Collection[ObjectKey]
) -> dict[ObjectKey, tuple[str, ...]]:
    """Return the ids of the objects that bear some of the keys."""
    found: dict[ObjectKey, tuple[str, ...]] = {}
    for own in objects:
        if own.key in wanted:
            found[own.key] = (*found.get(own.key, ()), own.id)
    return found

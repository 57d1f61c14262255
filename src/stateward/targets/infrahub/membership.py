"""Tracking groups and who is in them: read anew, or only where something has changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from stateward.model.schema import PARENT
from stateward.model.state import Group
from stateward.targets.infrahub import queries, wire
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.queries import Request
from stateward.targets.infrahub.seen import Seen


@dataclass(frozen=True, slots=True)
class Listing:
    """The groups whose names start with something, as they were a moment ago."""

    prefix: str
    answer: Mapping[str, Any]

    @classmethod
    async def of(cls, client: Client, prefix: str) -> Self:
        return cls(prefix, await client.query(queries.groups_by_prefix(prefix)))

    @property
    def descriptions(self) -> dict[str, str]:
        """Their descriptions by their names."""
        with wire.understood():
            found = {
                node["name"]["value"]: node["description"]["value"] or ""
                for node in wire.nodes(self.answer["groups"])
            }
            return {name: found[name] for name in sorted(found) if name.startswith(self.prefix)}

    def covers(self, names: Iterable[str]) -> bool:
        return all(name.startswith(self.prefix) for name in names)


@dataclass(slots=True)
class Membership:
    """The groups of some names, with their members."""

    client: Client
    names: list[str]
    listing: Listing | None = None
    """What was listed just before: it need not be asked for again."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The kind of each member, by its id."""
    told: dict[str, str] = field(default_factory=dict)
    """When groups and objects were changed, as far as it was told."""
    _groups: dict[str, Group] = field(default_factory=dict)
    """By id; their members are below."""
    _members: dict[str, set[str]] = field(default_factory=dict)
    """By the group's id, without groups."""
    _above: dict[str, str] = field(default_factory=dict)
    """The group that a group stands below."""

    async def read(self) -> None:
        """Read all of it."""
        request = Request()
        queries.add_groups_whole(request, self.names)
        answer = await self._ask(request)
        self._take_names(answer)
        self._take_members(answer)

    async def look(self, seen: Seen) -> bool:
        """Read what has changed; says whether all else can be relied on."""
        wanted = set(self.names)
        known = {own.id: own for own in seen.groups.values() if own.name in wanted}
        if not known:
            return False
        listing = self.listing if self.listing and self.listing.covers(self.names) else None
        request = Request()
        if listing is None:
            queries.add_groups(request, self.names)
        queries.add_changes_in(request, sorted(known), seen.since)
        if seen.outside:
            queries.add_changes_among(request, seen.outside, seen.since)
        # Whoever asks time and again whether anything has changed lets others go first.
        answer = await self.client.query(request.text, request.variables, polling=True)
        # Who joined a group after it was listed is missed here, and found by its stamp in the next look.
        self._take_names(answer if listing is None else listing.answer)
        with wire.understood():
            self.told |= wire.changed(answer["changed"])
            self.told |= wire.changed(answer["outside"]) if seen.outside else {}
            for edge in wire.edges(answer["children"]):
                self._take_child(edge, edge["node"][PARENT]["node"]["id"])
            count = int(answer["all"]["count"])
        if known.keys() - self._groups.keys():
            return False
        await self._list(self._recall(seen))
        return len({node for id_ in known for node in self._members[id_]}) == count

    def _recall(self, seen: Seen) -> list[str]:
        """Take over the members of groups that are as they were; return the others."""
        others = []
        for id_, group in self._groups.items():
            before = seen.groups.get(group.name)
            if before is None or before.id != id_ or self.told[id_] != seen.changed.get(id_):
                others.append(id_)
            else:
                self._members[id_] = set(before.members)
                self.kinds |= {node: seen.kinds[node] for node in before.members}
        return others

    def _take_names(self, answer: Mapping[str, Any]) -> None:
        wanted = set(self.names)
        with wire.understood():
            changed = wire.changed(answer["groups"])
            for node in wire.nodes(answer["groups"]):
                name, text = node["name"]["value"], node["description"]["value"] or ""
                group = Group(id=node["id"], name=name, description=text, members=frozenset())
                if name in wanted:
                    self._groups[group.id] = group
                    self.told[group.id] = changed[group.id]

    async def _list(self, groups: Iterable[str]) -> None:
        """Read who is in groups."""
        ids = list(groups)
        if not ids:
            return
        request = Request()
        queries.add_members(request, ids)
        self._members |= {id_: set() for id_ in ids}
        self._take_members(await self._ask(request))

    def _take_members(self, answer: Mapping[str, Any]) -> None:
        with wire.understood():
            for group in wire.nodes(answer["groups"]):
                members = wire.nodes(group["members"])
                self.kinds |= wire.kinds(members)
                self._members[group["id"]] = {node["id"] for node in members}
                for edge in wire.edges(group["children"]):
                    self._take_child(edge, group["id"])

    def _take_child(self, edge: Mapping[str, Any], parent: str) -> None:
        """Note a group below one of ours: groups are no members of groups to the server."""
        child = edge["node"]
        self.told[child["id"]] = str(edge["node_metadata"]["updated_at"])
        self._above[child["id"]] = parent
        if child["id"] not in self._groups:
            self.kinds |= wire.kinds([child])

    @property
    def plain(self) -> dict[str, Group]:
        """The groups by name, without the groups among their members."""
        return {
            own.name: replace(own, members=frozenset(self._members[id_]))
            for id_, own in self._groups.items()
        }

    @property
    def groups(self) -> dict[str, Group]:
        """The groups by name; a group below one is a member of it, and of those above in turn."""
        members = {id_: set(own) for id_, own in self._members.items()}
        for child in self._above.keys() - self._groups.keys():
            group: str | None = self._above[child]
            while group is not None and child not in members[group]:
                members[group].add(child)
                group = self._above.get(group)
        return {
            own.name: replace(own, members=frozenset(members[id_]))
            for id_, own in self._groups.items()
        }

    async def _ask(self, request: Request) -> Mapping[str, Any]:
        return await self.client.query(request.text, request.variables)

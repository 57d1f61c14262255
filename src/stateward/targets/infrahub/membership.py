"""Tracking groups and who is in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.model.schema import MEMBER_OF_GROUPS
from stateward.model.state import Group
from stateward.targets.infrahub import queries, wire
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.queries import Request
from stateward.targets.infrahub.shapes import PARENT


@dataclass(slots=True)
class Membership:
    """The groups of some names, with their members."""

    client: Client
    names: list[str]
    groups: dict[str, Group] = field(default_factory=dict)
    """By name."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The kind of each member, by its id."""
    _members: dict[str, set[str]] = field(default_factory=dict)
    """By the group's id."""

    async def read(self) -> None:
        request = Request()
        queries.add_groups(request, self.names)
        answer = await self._ask(request)
        with wire.understood():
            nodes = wire.nodes(answer["groups"])
            self._members = {node["id"]: set() for node in nodes}
        if self._members:
            await self._list()
        for node in nodes:
            name, text = node["name"]["value"], node["description"]["value"] or ""
            own = frozenset(self._members[node["id"]])
            self.groups[name] = Group(id=node["id"], name=name, description=text, members=own)

    async def _list(self) -> None:
        request = Request()
        queries.add_members(request, list(self._members))
        answer = await self._ask(request)
        with wire.understood():
            for node in wire.nodes(answer["members"]):
                self.kinds[node["id"]] = node["__typename"]
                for group in wire.peers(node[MEMBER_OF_GROUPS]):
                    if group in self._members:
                        self._members[group].add(node["id"])
            self._take_groups(wire.nodes(answer["children"]))

    def _take_groups(self, children: list[wire.Node]) -> None:
        """Take groups below ours for members of ours, and of those that ours are below in turn."""
        above = {node["id"]: node[PARENT]["node"]["id"] for node in children}
        for node in children:
            if node["id"] in self._members:
                continue
            self.kinds[node["id"]] = node["__typename"]
            group = above[node["id"]]
            while group is not None:
                self._members[group].add(node["id"])
                group = above.get(group)

    async def _ask(self, request: Request) -> Mapping[str, Any]:
        return await self.client.query(request.text, request.variables)

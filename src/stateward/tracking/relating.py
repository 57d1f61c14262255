"""Peers that are added to a relationship, or taken out of it, while the others stay."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stateward.errors import Code, ConfigError, TargetRefused
from stateward.model.identity import NodeId
from stateward.model.plan import Action, Change, FieldChange, Plan
from stateward.ports import Query
from stateward.tracking.node import Node
from stateward.tracking.sharing import shared
from stateward.tracking.work import Work


@dataclass(slots=True)
class Relating:
    """Writes single peers of to-many relationships, and memberships."""

    work: Work

    async def relate(
        self, node: str, name: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and remove peers; what is as asked already is not written. Returns what was."""
        query = Query(ids=[node])
        found = (await self.work.session.observe(query)).objects.get(node)
        if found is None:
            raise TargetRefused(f"{node}: there is no such object", code=Code.NOT_FOUND)
        kind = self.work.session.schema.kinds[found.key.kind]
        relationship = kind.relationships.get(name)
        if relationship is None or not relationship.many or relationship.read_only:
            message = f"{kind.kind}: {name}: no relationship with many peers"
            raise ConfigError(message, code=Code.UNKNOWN_FIELD)
        query = Query(ids=[node], fields={kind.kind: frozenset((name,))})
        observed = await self.work.session.observe(query)
        held: Any = observed.objects[node].relations[name] or frozenset()
        new = (held | frozenset(add)) - frozenset(remove)
        fields = (FieldChange(name, _named(held), _named(new)),) if new != held else ()
        changes = await self._changes(node, found.key, fields)
        await self._carry(changes)
        self.work.membership.used.add(node)
        if not changes:
            self.work.tally.unchanged(found.key)
        return bool(fields)

    async def _changes(self, node: str, key: Any, fields: tuple[FieldChange, ...]) -> list[Change]:
        ours = node in self.work.membership.members
        if ours and not fields:
            return []
        merged = frozenset(own.name for own in fields)
        change = Change(
            action=Action.UPDATE if ours else Action.ADOPT,
            unit=self.work.unit,
            key=key,
            node=node,
            fields=fields,
            merged=merged,
            adopted=not ours,
        )
        return await shared(self.work, [change])

    async def enrol(self, nodes: Iterable[str], *, owned: bool) -> None:
        """Make objects members. What the script owns is deleted when it is not used any more."""
        wanted = list(dict.fromkeys(nodes))
        observed = await self.work.session.observe(Query(ids=wanted))
        for node in wanted:
            if node not in observed.objects:
                raise TargetRefused(f"{node}: there is no such object", code=Code.NOT_FOUND)
        changes = [
            Change(
                action=Action.ADOPT,
                unit=self.work.unit,
                key=observed.objects[node].key,
                node=node,
                adopted=not owned,
            )
            for node in wanted
            if node not in self.work.membership.members
        ]
        await self._carry(changes if owned else await shared(self.work, changes))
        self.work.membership.used.update(wanted)

    async def leave(self, nodes: Iterable[str]) -> None:
        """End memberships; the objects stay."""
        members = self.work.membership.members
        await self._carry(
            [
                Change(action=Action.RELEASE, unit=self.work.unit, key=members[node], node=node)
                for node in dict.fromkeys(nodes)
                if node in members
            ]
        )

    async def _carry(self, changes: list[Change]) -> None:
        plan = Plan(target=self.work.target.name, schema="", revisions={}, changes=tuple(changes))
        ledger = await self.work.carry(plan, changes)
        ledger.demand()


def id_of(node: Node | str) -> str:
    return node.id if isinstance(node, Node) else node


def ids_of(nodes: Iterable[Node | str]) -> list[str]:
    return [id_of(own) for own in nodes]


def _named(ids: frozenset[str]) -> frozenset[NodeId]:
    return frozenset(NodeId(node) for node in ids)

"""The one way to write: changes as mutations, journaled before and after, counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from stateward.errors import Code
from stateward.model.identity import Reference
from stateward.model.mutation import Create, Delete, Mutation, Refusal, Update
from stateward.model.plan import Action, Change, Secret
from stateward.model.unit import ADOPTED, Stamp
from stateward.ports import Journal, Mandate, Session
from stateward.tracking import remains
from stateward.tracking.bringing import Bringing
from stateward.tracking.entries import Entries, Written
from stateward.tracking.mandate import UNLIMITED
from stateward.tracking.mutations import UnknownPeer, Writer, at_first, later

GROUP_KIND = "CoreStandardGroup"
INTERNAL = {"group_type": "internal"}
"""Groups that are for tools: what is in one is somebody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one change: refused with the target's own reason, or done."""

    change: Change
    refusal: Refusal | None


class GroupShape(NamedTuple):
    """The kind of a tracking group, and what its description says."""

    kind: str
    description: str


@dataclass(slots=True)
class Tracking:
    """Writes the changes of one round to one target.

    Must not be used again after ``TargetUnavailable``: what happened is not known then.
    """

    session: Session
    journal: Journal
    ids: dict[Reference, str]
    group_of: Callable[[str], str]
    new_id: Callable[[], str]
    groups: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    """Mutations sent, the schema included."""
    written: Counter[str] = field(default_factory=Counter)
    """Mutations sent for each unit."""
    runs: dict[str, str] = field(default_factory=dict)
    """The id of each unit's run, which is begun in the journal before anything is written."""
    mandate: Mandate = UNLIMITED
    """What every write needs."""
    made_as: Mapping[str, GroupShape] = field(default_factory=dict)
    """What the groups of sessions are made as, by unit, where they are not there any more."""
    _entries: Entries = field(init=False)
    _bringing: Bringing = field(default_factory=Bringing)

    def __post_init__(self) -> None:
        self._entries = Entries(self.runs, self.ids, self.groups, self.group_of)

    async def load_schema(self) -> None:
        self.mandate.check()
        self.writes += 1
        await self.session.load_schema()

    def has_group(self, unit: str, *, adopts: bool) -> bool:
        name = self.group_of(unit)
        return name in self.groups and (not adopts or name + ADOPTED in self.groups)

    async def stamp(self, stamps: Mapping[str, Stamp]) -> dict[str, Refusal]:
        """Write on units' tracking groups how far they are; a group that is not there is made.

        Returns what was refused, by unit.
        """
        ours = self.mandate.term
        return await self._groups(
            {
                unit: self._group(unit, replace(own, term=max(own.term, ours)))
                for unit, own in stamps.items()
            }
        )

    async def keep_group(
        self, unit: str, kind: str, attributes: Mapping[str, Any]
    ) -> dict[str, Refusal]:
        """Write on the tracking group of a session; one that is not there is made."""
        name = self.group_of(unit)
        known = self.groups.get(name)
        if known is not None:
            return await self._groups({unit: Update(id=known, kind=kind, attributes=attributes)})
        values = {"name": name, **attributes}
        return await self._groups({unit: Create(id=self.new_id(), kind=kind, attributes=values)})

    async def open_adopted(self, units: Sequence[str]) -> dict[str, Refusal]:
        """Make the groups of what was there before units claimed it."""
        return await self._groups({unit: self._adopted_group(unit) for unit in units})

    def _group(self, unit: str, stamp: Stamp) -> Create | Update:
        name = self.group_of(unit)
        if name in self.groups:
            values = {"description": str(stamp)}
            return Update(id=self.groups[name], kind=GROUP_KIND, attributes=values)
        shape = self.made_as.get(unit, GroupShape(GROUP_KIND, str(stamp)))
        values = {"name": name, "description": shape.description, **INTERNAL}
        return Create(id=self.new_id(), kind=shape.kind, attributes=values)

    def _adopted_group(self, unit: str) -> Create:
        name = self.group_of(unit)
        values = {
            "name": name + ADOPTED,
            "description": f"Objects of {name} that existed before: released, never deleted.",
            **INTERNAL,
        }
        parent = {"parent": self.groups[name]}
        return Create(id=self.new_id(), kind=GROUP_KIND, attributes=values, relations=parent)

    async def _groups(self, wanted: Mapping[str, Create | Update]) -> dict[str, Refusal]:
        self.written.update(wanted.keys())
        answers = await self._send(list(wanted.values()))
        refused: dict[str, Refusal] = {}
        for (unit, mutation), refusal in zip(wanted.items(), answers, strict=True):
            if refusal is not None:
                refused[unit] = refusal
            elif isinstance(mutation, Create):
                self.groups[mutation.attributes["name"]] = mutation.id
        return refused

    async def remove_groups(self, units: Sequence[str]) -> dict[str, Refusal]:
        """Delete the groups of units that are gone and have no member left."""
        deletes = [
            (unit, Delete(id=self.groups.pop(name), kind=GROUP_KIND))
            for unit in units
            for name in (self.group_of(unit) + ADOPTED, self.group_of(unit))
            if name in self.groups
        ]
        self.written.update(unit for unit, _ in deletes)
        answers = await self._send([delete for _, delete in deletes])
        return {
            unit: refusal
            for (unit, _), refusal in zip(deletes, answers, strict=True)
            if refusal is not None
        }

    async def remember(self, changes: Sequence[Change]) -> None:
        """Read what is to be deleted or released, before any of it is, for the record."""
        nodes = {own.node for own in changes if own.node is not None}
        found = await remains.read(self.session, nodes)
        groups = {self.group_of(own.unit) for own in changes}
        groups |= {name + ADOPTED for name in groups}
        self._entries.remains |= await remains.with_members(self.session, found, groups)
        self._entries.going |= {
            own.node for own in changes if own.action is Action.DELETE and own.node is not None
        }

    async def apply(self, changes: Sequence[Change]) -> list[Result]:
        """Carry out changes that do not need each other, in one request."""
        there = await self._bringing.look(self.session, changes, self.ids)
        for change in changes:
            if change.action is Action.CREATE:
                self.ids[change.key] = there.get(change.key) or change.node or self.new_id()
        results = await self._carry_out(changes, self._writer().mutations, at_first)
        for result in results:
            if result.refusal is not None and result.change.action is Action.CREATE:
                del self.ids[result.change.key]  # so that nothing is pointed at it
            elif result.refusal is None:
                self._bringing.made(result.change)
        return results

    async def apply_deferred(self, changes: Sequence[Change]) -> list[Result]:
        """Write the fields that were left out of objects because of a cycle."""
        return await self._carry_out(changes, self._writer().deferred, later)

    def _writer(self) -> Writer:
        return Writer(
            schema=self.session.schema,
            ids=self.ids,
            groups=self.groups,
            group_of=self.group_of,
            brought=self._bringing.keys,
        )

    async def _carry_out(
        self,
        changes: Sequence[Change],
        spell: Callable[[Change], list[Mutation]],
        written: Written,
    ) -> list[Result]:
        spelled: list[list[Mutation]] = []
        refused: dict[int, Refusal] = {}
        for index, change in enumerate(changes):
            try:
                spelled.append(spell(change))
            except UnknownPeer as error:
                refused[index] = _unknown_peer(error)
                spelled.append([])
        started = self._entries.started(changes, written)
        await self.journal.record(started)
        # The rest of a change rests on its first mutation: what could not be enrolled is not ours
        # to write to.
        await self._send_parts(changes, [own[:1] for own in spelled], refused)
        await self._send_parts(changes, [own[1:] for own in spelled], refused)
        refused = {index: _masked(own, changes[index]) for index, own in refused.items()}
        await self.journal.record(self._entries.ended(started, refused))
        return [
            Result(change=change, refusal=refused.get(index))
            for index, change in enumerate(changes)
        ]

    async def _send_parts(
        self,
        changes: Sequence[Change],
        parts: Sequence[Sequence[Mutation]],
        refused: dict[int, Refusal],
    ) -> None:
        """Send a part of each change that nothing of was refused so far."""
        going = [
            (index, own) for index, part in enumerate(parts) if index not in refused for own in part
        ]
        self.written.update(changes[index].unit for index, _ in going)
        answers = await self._send([own for _, own in going])
        for (index, _), refusal in zip(going, answers, strict=True):
            if refusal is not None:
                refused.setdefault(index, refusal)

    async def skip(self, skipped: Sequence[tuple[Change, str]]) -> None:
        """Write down changes that are not even tried, and why."""
        await self.journal.record(self._entries.skipped(skipped))

    async def _send(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        if not mutations:
            return ()
        self.mandate.check()
        self.writes += len(mutations)
        return await self.session.apply(mutations)


def _unknown_peer(error: UnknownPeer) -> Refusal:
    return Refusal(code=Code.UNRESOLVED, message=f"{error} was not made")


def _masked(refusal: Refusal, change: Change) -> Refusal:
    """Take the secrets of a change out of the target's words, which may repeat them."""
    message = refusal.message
    for own in change.fields:
        if isinstance(own.new, Secret) and own.new.value:
            message = message.replace(str(own.new.value), str(own.new))
    return replace(refusal, message=message)

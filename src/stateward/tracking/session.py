"""The one way to write: changes as mutations, journaled before and after, counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stateward.errors import Code
from stateward.model.identity import Reference
from stateward.model.mutation import Create, Delete, Mutation, Refusal, Update
from stateward.model.plan import Action, Change
from stateward.model.run import Entry, EntryState
from stateward.model.unit import ADOPTED, Stamp
from stateward.ports import Journal, Session
from stateward.tracking.mutations import UnknownPeer, Writer

GROUP_KIND = "CoreStandardGroup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one change: refused with the target's own reason, or done."""

    change: Change
    refusal: Refusal | None


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
    """The id of each unit's run."""
    _count: int = 0

    async def load_schema(self) -> None:
        self.writes += 1
        await self.session.load_schema()

    def has_group(self, unit: str, *, adopts: bool) -> bool:
        name = self.group_of(unit)
        return name in self.groups and (not adopts or name + ADOPTED in self.groups)

    async def open_group(self, unit: str, stamp: Stamp, *, adopts: bool) -> Refusal | None:
        """Make a unit's tracking group if there is none, and write down what is attempted."""
        name = self.group_of(unit)
        refusal = await self._group(unit, name, str(stamp), None)
        if adopts and refusal is None and name + ADOPTED not in self.groups:
            description = f"Objects of {name} that existed before: released, never deleted."
            refusal = await self._group(unit, name + ADOPTED, description, self.groups[name])
        return refusal

    async def _group(
        self, unit: str, name: str, description: str, parent: str | None
    ) -> Refusal | None:
        if name in self.groups:
            values = {"description": description}
            change: Mutation = Update(id=self.groups[name], kind=GROUP_KIND, attributes=values)
        else:
            values = {"name": name, "description": description, "group_type": "internal"}
            change = Create(
                id=self.new_id(),
                kind=GROUP_KIND,
                attributes=values,
                relations={"parent": parent} if parent else {},
            )
        self.written[unit] += 1
        (refusal,) = await self._send([change])
        if refusal is None:
            self.groups[name] = change.id
        return refusal

    async def stamp(self, unit: str, stamp: Stamp) -> None:
        """Write down that a revision is applied."""
        await self._group(unit, self.group_of(unit), str(stamp), None)

    async def remove_group(self, unit: str) -> None:
        """Delete the groups of a unit that is gone and has no member left."""
        names = [self.group_of(unit) + ADOPTED, self.group_of(unit)]
        deletes = [
            Delete(id=self.groups.pop(name), kind=GROUP_KIND)
            for name in names
            if name in self.groups
        ]
        self.written[unit] += len(deletes)
        await self._send(deletes)

    async def apply(self, changes: Sequence[Change]) -> list[Result]:
        """Carry out changes that do not need each other, in one request."""
        for change in changes:
            if change.action is Action.CREATE:
                self.ids[change.key] = change.node or self.new_id()
        return await self._carry_out(changes, self._writer().mutations)

    async def apply_deferred(self, changes: Sequence[Change]) -> list[Result]:
        """Write the fields that were left out of objects because of a cycle."""
        return await self._carry_out(changes, self._writer().deferred)

    def _writer(self) -> Writer:
        return Writer(
            schema=self.session.schema, ids=self.ids, groups=self.groups, group_of=self.group_of
        )

    async def _carry_out(
        self, changes: Sequence[Change], spell: Callable[[Change], list[Mutation]]
    ) -> list[Result]:
        mutations: list[Mutation] = []
        spans: list[tuple[Change, int]] = []
        unspelled: dict[int, Refusal] = {}
        for index, change in enumerate(changes):
            try:
                own = spell(change)
            except UnknownPeer as error:
                unspelled[index] = _unknown_peer(error)
                own = []
            mutations.extend(own)
            self.written[change.unit] += len(own)
            spans.append((change, len(own)))
        first = self._count
        self._count += len(changes)
        await self._record(changes, first, EntryState.STARTED, {})
        answers = iter(await self._send(mutations))
        results = []
        for index, (change, count) in enumerate(spans):
            refusals = [next(answers) for _ in range(count)]
            refusal = unspelled.get(index) or next((own for own in refusals if own), None)
            results.append(Result(change=change, refusal=refusal))
        failed = {index: own.refusal for index, own in enumerate(results) if own.refusal}
        await self._record(changes, first, EntryState.APPLIED, failed)
        return results

    async def skip(self, changes: Sequence[Change], reason: str) -> None:
        """Write down changes that are not even tried."""
        first = self._count
        self._count += len(changes)
        await self.journal.record(
            [
                self._entry(change, first + index, EntryState.SKIPPED, reason)
                for index, change in enumerate(changes)
            ]
        )

    async def _record(
        self,
        changes: Sequence[Change],
        first: int,
        state: EntryState,
        failed: Mapping[int, Refusal],
    ) -> None:
        await self.journal.record(
            [
                self._entry(change, first + index, EntryState.FAILED, failed[index].message)
                if index in failed
                else self._entry(change, first + index, state, "")
                for index, change in enumerate(changes)
            ]
        )

    def _entry(self, change: Change, index: int, state: EntryState, detail: str) -> Entry:
        return Entry(
            run=self.runs[change.unit],
            index=index,
            state=state,
            action=change.action,
            key=change.key,
            node=change.node or self.ids.get(change.key),
            detail=detail,
        )

    async def _send(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        if not mutations:
            return ()
        self.writes += len(mutations)
        return await self.session.apply(mutations)


def _unknown_peer(error: UnknownPeer) -> Refusal:
    return Refusal(code=Code.UNRESOLVED, message=f"{error} was not made")

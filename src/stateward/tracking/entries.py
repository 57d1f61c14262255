"""Changes in the words of the journal: what is about to be done, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.model.identity import ObjectKey, Reference
from stateward.model.mutation import Refusal
from stateward.model.plan import PRUNING, Action, Change, FieldChange
from stateward.model.run import Entry, EntryState
from stateward.model.state import Pointer
from stateward.model.unit import ADOPTED
from stateward.tracking.remains import Remains, without_groups

Written = Callable[[Change], tuple[FieldChange, ...]]
"""Says which fields of a change are written now: some may be written later."""


@dataclass(slots=True)
class Entries:
    """Numbers the changes of a round and spells them for the journal."""

    runs: Mapping[str, str]
    """The id of each unit's run."""
    ids: Mapping[Reference, str]
    groups: Mapping[str, str]
    """The ids of the tracking groups, by name."""
    group_of: Callable[[str], str]
    remains: dict[str, Remains] = field(default_factory=dict)
    """What stood there of what is to be deleted or released, by id."""
    going: set[str] = field(default_factory=set)
    """The ids of what has a delete of its own."""
    _spared: dict[str, list[Entry]] = field(default_factory=dict)
    """What deletes clear of objects that are to go themselves, by the ids of these: it matters only
    where they stay after all."""
    _count: int = 0

    def started(self, changes: Sequence[Change], written: Written) -> list[Entry]:
        """Return an entry for each change, in order, and then for what goes along with deletes."""
        entries = [
            self._entry(own, EntryState.STARTED, self._fields(own, written)) for own in changes
        ]
        along = [one for own in entries for one in self._along(own)]
        deletes = [own for own in entries if own.action is Action.DELETE]
        loosened = [one for own in (*deletes, *along) for one in self._loosened(own)]
        return [*entries, *along, *loosened]

    def ended(self, started: Sequence[Entry], refused: Mapping[int, Refusal]) -> list[Entry]:
        """Return what came of it; ``refused`` goes by the position of a change."""
        failed = {started[at].index: refusal.message for at, refusal in refused.items()}
        for node, own in self._spared.items():
            self._spared[node] = [one for one in own if one.along not in failed]
        entries = [_ended(own, failed) for own in started]
        staying = [own for own in started if own.index in failed]
        return [*entries, *(one for own in staying for one in self._stays(own))]

    def skipped(self, skipped: Sequence[tuple[Change, str]]) -> list[Entry]:
        """Return entries for changes that are not even tried, and why."""
        entries = [
            replace(self._entry(change, EntryState.SKIPPED, ()), detail=reason)
            for change, reason in skipped
        ]
        return [*entries, *(one for own in entries for one in self._stays(own))]

    def _stays(self, entry: Entry) -> Iterator[Entry]:
        """Yield what an object that was to be deleted has lost by other deletes, now that it stays."""
        if entry.action is not Action.DELETE or entry.along is not None or entry.node is None:
            return
        self.going.discard(entry.node)
        for own in self._spared.pop(entry.node, ()):
            yield replace(own, index=self._next(), state=EntryState.APPLIED)

    def _entry(self, change: Change, state: EntryState, fields: tuple[FieldChange, ...]) -> Entry:
        return Entry(
            run=self.runs[change.unit],
            index=self._next(),
            state=state,
            action=change.action,
            key=change.key,
            node=change.node or self.ids.get(change.key),
            fields=fields,
            unit=change.unit if change.giver is not None else None,
            giver=change.giver,
            adopted=change.adopted or self._was_adopted(change),
            marks=change.marks,
            foreign=change.foreign or self._was_foreign(change),
            undoes=change.undoes,
        )

    def _next(self) -> int:
        self._count += 1
        return self._count - 1

    def _was_adopted(self, change: Change) -> bool:
        known = self.remains.get(change.node or "")
        if known is None or change.action not in PRUNING:
            return False
        return self.groups.get(self.group_of(change.unit) + ADOPTED) in known.groups

    def _was_foreign(self, change: Change) -> bool:
        known = self.remains.get(change.node or "")
        if known is None or change.action is not Action.DELETE:
            return False
        return self.groups.get(self.group_of(change.unit)) not in known.groups

    def _fields(self, change: Change, written: Written) -> tuple[FieldChange, ...]:
        if change.action is not Action.DELETE:
            return written(change)
        return self._stood(change.node or "", change.unit)

    def _stood(self, node: str, unit: str) -> tuple[FieldChange, ...]:
        known = self.remains.get(node)
        group = self.group_of(unit)
        return without_groups(known.fields, (group, group + ADOPTED)) if known else ()

    def _along(self, entry: Entry) -> Iterator[Entry]:
        """Yield what a delete takes along, each object once."""
        known = self.remains.get(entry.node or "") if entry.action is Action.DELETE else None
        if known is None:
            return
        for node in known.along:
            victim = self.remains.get(node)
            if victim is None or node in self.going:
                continue
            self.going.add(node)
            yield replace(
                entry,
                index=self._next(),
                key=victim.key,
                node=node,
                fields=victim.fields,
                adopted=False,
                foreign=False,
                along=entry.index,
                undoes=(),
            )

    def _loosened(self, entry: Entry) -> Iterator[Entry]:
        """Yield what a delete clears of others, where they stay."""
        known = self.remains.get(entry.node or "")
        for key, pointer in known.pointers if known is not None else ():
            goes = pointer.node in self.going
            found = replace(
                entry,
                index=-1 if goes else self._next(),
                action=Action.UPDATE,
                key=key,
                node=pointer.node,
                fields=(cleared(pointer, entry.key),),
                unit=None,
                giver=None,
                adopted=False,
                foreign=False,
                along=entry.index if entry.along is None else entry.along,
                undoes=(),
            )
            if goes:
                self._spared.setdefault(pointer.node, []).append(found)
            else:
                yield found


def cleared(pointer: Pointer, key: ObjectKey) -> FieldChange:
    """Return what a delete does to a relationship that leads to an object: its part, of many."""
    if pointer.many:
        return FieldChange(pointer.name, frozenset((key,)), frozenset())
    return FieldChange(pointer.name, key, None)


def _ended(own: Entry, failed: Mapping[int, str]) -> Entry:
    index = own.index if own.along is None else own.along
    state = EntryState.FAILED if index in failed else EntryState.APPLIED
    return replace(own, state=state, detail=failed.get(index, ""), fields=(), undoes=())

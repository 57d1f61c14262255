"""What runs did to each object in all, from their recorded changes in their order."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, NamedTuple

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Action, Undone
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
from stateward.model.schema import Kind, Schema
from stateward.model.state import FromPool
from stateward.planning.compare import references

_COUNTS = frozenset({EntryState.APPLIED, EntryState.STARTED, EntryState.FAILED})
"""What may have had an effect: of a change that failed or was cut short, a part may stand."""


class Membership(NamedTuple):
    """What an object was to a unit before and after: adopted or not; None is no member of it."""

    before: bool | None
    after: bool | None


@dataclass(slots=True)
class Effect:
    """One object, before and after some runs."""

    node: str
    key: ObjectKey
    """What it was called last."""
    unit: str
    """The unit whose run changed it last."""
    made: bool = False
    gone: bool = False
    foreign: bool = False
    """Whether it was made again for what nobody had: it is no member."""
    again: bool = False
    """Whether it was deleted, and made again under this id."""
    former: frozenset[str] = frozenset()
    """The ids that it had before."""
    made_with: frozenset[str] = frozenset()
    """The fields that it was made again with."""
    joined_again: frozenset[str] = frozenset()
    """The units that it came to when it was made again: they may have had it before."""
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Before and after."""
    doubtful: set[str] = field(default_factory=set)
    """Fields that were to be written, and of which nobody knows whether they were."""
    loosened: dict[str, frozenset[Reference]] = field(default_factory=dict)
    """Peers that a relationship lost because they were deleted."""
    holders: dict[str, Membership] = field(default_factory=dict)
    """The units that it joined or left."""
    changes: list[Undone] = field(default_factory=list)
    """The recorded changes that it is made of."""
    unless_deleted: "Effect | None" = None
    """The same without its deletes, where nobody knows whether these happened."""

    @property
    def passing(self) -> bool:
        """Whether it came and went: there was no such object before, and there is none after."""
        return self.made and self.gone

    @property
    def joined(self) -> list[str]:
        """The units that have it since, and had not before."""
        return [
            unit
            for unit, own in self.holders.items()
            if own.before is None and own.after is not None
        ]

    @property
    def left(self) -> list[str]:
        """The units that had it before, and have it no more."""
        return [
            unit
            for unit, own in self.holders.items()
            if own.before is not None and own.after is None
        ]

    def take(self, record: Record, change: RecordedChange, kind: Kind | None) -> None:
        """Add what a change did; of a relationship that is shared it tells what came and went.

        ``kind`` is None where the target has no such kind any more.
        """
        uncertain = change.action is Action.DELETE and change.state is not EntryState.APPLIED
        if uncertain and not self.made:
            self.unless_deleted = self.unless_deleted or deepcopy(self)
        elif self.unless_deleted is not None:
            self.unless_deleted.take(record, change, kind)
        self.key, self.unit = change.key, record.opening.subject
        self.changes.append(Undone(record.id, change.index))
        if change.along is not None and change.action is Action.UPDATE:
            self._loosen(change)
            return
        if uncertain and self.made:
            return  # whether it is still there is looked up, as for all that was made
        self._hold(change, change.unit or self.unit)
        for own in change.fields:
            known = self.fields.get(own.name)
            before = self._with_lost(own.name, own.old) if known is None else known[0]
            after = own.new
            if known is not None and kind is not None and kind.is_shared(own.name):
                came, went = _difference(own.old, own.new)
                after = frozenset(references(known[1])) - went | came
            self.fields[own.name] = before, after
            if change.state is not EntryState.APPLIED:
                self.doubtful.add(own.name)

    def _hold(self, change: RecordedChange, unit: str) -> None:
        """Take note of what a change means for whose it is."""
        match change.action:
            case Action.CREATE if not self.changes[1:]:
                self.made, self.foreign = True, change.foreign
                if not change.foreign:
                    self._belong(unit, None, after=change.adopted)
            case Action.DELETE:
                self.gone = True
                # Whose the others were is told by the groups they were in.
                if change.along is None and not change.foreign:
                    self._belong(unit, before=change.adopted, after=None)
            case Action.ADOPT:
                before = not change.adopted if change.marks else None
                self._belong(unit, before, after=change.adopted)
            case Action.MOVE:
                self._belong(unit, None, after=change.adopted)
                if change.giver is not None:
                    self._belong(change.giver, before=change.adopted, after=None)
            case Action.RELEASE:
                self._belong(unit, before=change.adopted, after=None)
            case _:
                pass

    def replace(self, before: "Effect") -> None:
        """Take over what is recorded of an object that was deleted before this was made for it."""
        self.made, self.again = False, True
        self.former = before.former | {before.node}
        self.made_with = frozenset(self.fields)
        after = {name: new for name, (_, new) in self.fields.items()}
        self.fields = {name: (old, after.get(name)) for name, (old, _) in before.fields.items()} | {
            name: own for name, own in self.fields.items() if name not in before.fields
        }
        self.loosened = {
            name: before.loosened.get(name, frozenset()) | self.loosened.get(name, frozenset())
            for name in (*before.loosened, *self.loosened)
        }
        self.joined_again = frozenset(self.holders.keys() - before.holders.keys())
        holders = dict(before.holders)
        for unit, now in self.holders.items():
            known = holders.get(unit, now)
            holders[unit] = Membership(known.before, now.after)
        self.holders = holders
        self.changes = [*before.changes, *self.changes]

    def rename(self, names: Mapping[str, ObjectKey]) -> None:
        """Call peers by their keys that have other ids by now."""
        self.fields = {
            name: (_renamed(old, names), _renamed(new, names))
            for name, (old, new) in self.fields.items()
        }
        self.loosened = {name: _renamed(own, names) for name, own in self.loosened.items()}

    def _belong(self, unit: str, before: bool | None, after: bool | None) -> None:
        known = self.holders.get(unit)
        self.holders[unit] = Membership(before if known is None else known.before, after)

    def _with_lost(self, name: str, old: Any) -> Any:
        """Return what a relationship had before peers of it were deleted."""
        lost = self.loosened.get(name)
        if not lost:
            return old
        return old | lost if isinstance(old, frozenset) else next(iter(lost))

    def _loosen(self, change: RecordedChange) -> None:
        for own in change.fields:
            lost = frozenset(references(own.old))
            self.loosened[own.name] = self.loosened.get(own.name, frozenset()) | lost
            if own.name in self.fields:
                before, after = self.fields[own.name]
                if isinstance(after, frozenset):
                    after -= lost
                self.fields[own.name] = before, None if after in lost else after


def effects(records: Iterable[Record], schema: Schema) -> dict[str, Effect]:
    """Put the changes of runs together, by the objects' ids; what was taken back is left out.

    What came and went is among it: others are recorded to have led to it.

    The runs come in their order, those of one round beside each other. Of a rollback of them that
    is one of them, only what it did counts: all else is as the runs left it that it was about.
    """
    records = tuple(records)
    ids = {own.id for own in records}
    begun = [own for own in records if ids.intersection(own.opening.undoes)]
    rollbacks = {own.id for own in begun}
    undone = {one for own in begun for change in own.changes for one in change.undoes}
    found: dict[str, Effect] = {}
    for record, change in in_order(records):
        if record.id in rollbacks and change.action is not Action.CREATE:
            counts = change.state is EntryState.APPLIED
        else:
            counts = change.state in _COUNTS or Undone(record.id, change.index) in undone
        if change.node is not None and counts:
            new = Effect(change.node, change.key, record.opening.subject)
            kind = schema.kinds.get(change.key.kind)
            found.setdefault(change.node, new).take(record, change, kind)
    kept = _made_once(found)
    names = {node: own.key for own in kept.values() for node in own.former}
    for own in kept.values() if names else ():
        for one in (own, own.unless_deleted):
            if one is not None:
                one.rename(names)
    return kept


def _renamed(value: Any, names: Mapping[str, ObjectKey]) -> Any:
    if isinstance(value, frozenset):
        return frozenset(_renamed(own, names) for own in value)
    if isinstance(value, FromPool):
        return replace(value, pool=_renamed(value.pool, names))
    return names.get(value.id, value) if isinstance(value, NodeId) else value


def _difference(old: Any, new: Any) -> tuple[frozenset[Reference], frozenset[Reference]]:
    """Return the peers that came, and those that went."""
    before, after = frozenset(references(old)), frozenset(references(new))
    return after - before, before - after


def in_order(records: Iterable[Record]) -> Iterator[tuple[Record, RecordedChange]]:
    """Yield the changes as they happened: the runs of a round number theirs together."""
    for _, together in groupby(records, key=lambda own: own.round):
        found = [(own, change) for own in together for change in own.changes]
        yield from sorted(found, key=lambda own: own[1].index)


def _made_once(found: Mapping[str, Effect]) -> dict[str, Effect]:
    """Put objects together that were deleted and made again: what stood first is what counts.

    What somebody made again in between, and what was deleted once more, is part of the first.
    """
    first: dict[ObjectKey, Effect] = {}
    kept: dict[str, Effect] = {}
    for own in found.values():
        before = None if own.passing else first.get(own.key)
        if before is not None and own.gone:
            before.changes += own.changes
            continue
        if before is not None and own.made:
            del kept[before.node]
            own.replace(before)
        if (own.gone or own.again) and not own.passing:
            first[own.key] = own
        kept[own.node] = own
    return kept

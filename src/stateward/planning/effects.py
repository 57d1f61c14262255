"""What runs did to each object in all, from their recorded changes in their order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from stateward.model.identity import ObjectKey, Reference
from stateward.model.plan import Action, Undone
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
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

    def take(self, record: Record, change: RecordedChange) -> None:
        self.key, self.unit = change.key, record.opening.subject
        self.changes.append(Undone(record.id, change.index))
        if change.along is not None and change.action is Action.UPDATE:
            self._loosen(change)
            return
        self._hold(change, change.unit or self.unit)
        for own in change.fields:
            before = self.fields[own.name][0] if own.name in self.fields else own.old
            self.fields[own.name] = before, own.new
            if change.state is not EntryState.APPLIED:
                self.doubtful.add(own.name)

    def _hold(self, change: RecordedChange, unit: str) -> None:
        """Take note of what a change means for whose it is."""
        match change.action:
            case Action.CREATE if not self.changes[1:]:
                self.made = True
                self._belong(unit, None, after=False)
            case Action.DELETE:
                self.gone = True
                if change.along is None:  # whose the others were is told by the groups they were in
                    self._belong(unit, before=False, after=None)
            case Action.ADOPT:
                self._belong(unit, None, after=change.adopted)
            case Action.MOVE:
                self._belong(unit, None, after=change.adopted)
                if change.giver is not None:
                    self._belong(change.giver, before=change.adopted, after=None)
            case Action.RELEASE:
                self._belong(unit, before=change.adopted, after=None)
            case _:
                pass

    def _belong(self, unit: str, before: bool | None, after: bool | None) -> None:
        known = self.holders.get(unit)
        self.holders[unit] = Membership(before if known is None else known.before, after)

    def _loosen(self, change: RecordedChange) -> None:
        for own in change.fields:
            lost = frozenset(references(own.old))
            self.loosened[own.name] = self.loosened.get(own.name, frozenset()) | lost
            if own.name in self.fields:
                before, after = self.fields[own.name]
                left = after - lost if isinstance(after, frozenset) else None
                self.fields[own.name] = before, left


def effects(records: Iterable[Record]) -> dict[str, Effect]:
    """Put the changes of runs together, by the objects' ids; what was taken back is left out.

    The runs come in their order, those of one round beside each other.
    """
    found: dict[str, Effect] = {}
    for record, change in _in_order(records):
        if change.node is not None and change.state in _COUNTS:
            new = Effect(change.node, change.key, record.opening.subject)
            found.setdefault(change.node, new).take(record, change)
    return _made_once({node: own for node, own in found.items() if not (own.made and own.gone)})


def _in_order(records: Iterable[Record]) -> Iterator[tuple[Record, RecordedChange]]:
    """Yield the changes as they happened: the runs of a round number theirs together."""
    for _, together in groupby(records, key=lambda own: own.round):
        found = [(own, change) for own in together for change in own.changes]
        yield from sorted(found, key=lambda own: own[1].index)


def _made_once(found: dict[str, Effect]) -> dict[str, Effect]:
    """Leave out objects that somebody made again in between, and that were deleted once more.

    What stood there before is what the first delete took away.
    """
    first: dict[ObjectKey, Effect] = {}
    kept: dict[str, Effect] = {}
    for node, own in found.items():
        known = first.setdefault(own.key, own) if own.gone else own
        if known is own:
            kept[node] = own
        else:
            known.changes += own.changes
    return kept

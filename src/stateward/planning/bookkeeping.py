"""What recorded runs say of who has what: the last word on each object and unit."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from stateward.model.inventory import Book, Booked
from stateward.model.plan import Action
from stateward.model.record import Record, RecordedChange, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.planning.effects import in_order

_HAPPENED = frozenset({EntryState.APPLIED, EntryState.UNDONE})
"""What came about. What was undone is followed by the change that undid it."""
_TAKES = frozenset({Action.DELETE, Action.RELEASE, Action.MOVE})
"""What takes an object from a unit."""


def book(records: Iterable[Record]) -> Book:
    """Go through the runs of one source on one target, oldest first.

    What was to take an object from a unit and was refused leaves it there. Of all else that failed or
    was cut short nobody knows: it proves nothing, and takes away what was proved before.
    """
    found = tuple(records)
    keeping = _Keeping()
    for record, change in in_order(found):
        if change.node is not None and change.action is not Action.UPDATE:
            keeping.take(record, change, change.node)
    applied: dict[str, tuple[str, str]] = {}
    first: dict[str, Record] = {}
    for own in found:
        subject = own.opening.subject
        first.setdefault(subject, own)
        applied.pop(subject, None)
        if own.opening.kind is RunKind.ROUND and own.outcome == Outcome.APPLIED:
            applied[subject] = own.id, own.opening.revision
    return Book(
        belongs=keeping.belongs,
        doubtful=frozenset(keeping.doubtful),
        applied=applied,
        latest={own.opening.subject: own.opening.revision for own in found},
        # Where its group said something before the first run that is known, there were others.
        whole=frozenset(unit for unit, own in first.items() if not own.opening.before),
    )


@dataclass(slots=True)
class _Keeping:
    """Keeps the last word on each unit and object."""

    belongs: dict[tuple[str, str], Booked] = field(default_factory=dict)
    doubtful: set[tuple[str, str]] = field(default_factory=set)

    def take(self, record: Record, change: RecordedChange, node: str) -> None:
        unit = change.unit or record.opening.subject
        happened = change.state in _HAPPENED
        refused = change.state is EntryState.FAILED and change.action in _TAKES
        if refused or change.state is EntryState.SKIPPED:
            return
        if change.action is Action.DELETE and happened:
            self._forget(*(own for own in (*self.belongs, *self.doubtful) if own[1] == node))
            return
        if change.giver is not None and change.action is Action.MOVE:
            self._forget((change.giver, node), doubtful=not happened)
        self._forget((unit, node), doubtful=not happened)
        joins = change.action in {Action.CREATE, Action.ADOPT, Action.MOVE}
        if joins and happened and not change.foreign:
            self.belongs[unit, node] = Booked(key=change.key, adopted=change.adopted, run=record.id)

    def _forget(self, *known: tuple[str, str], doubtful: bool = False) -> None:
        for own in known:
            self.belongs.pop(own, None)
        (self.doubtful.update if doubtful else self.doubtful.difference_update)(known)

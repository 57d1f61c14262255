"""What recorded runs say of who has what: the last word on each object and unit."""

from collections.abc import Iterable

from stateward.model.inventory import Book, Booked
from stateward.model.plan import Action
from stateward.model.record import Record, RecordedChange, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.planning.effects import in_order

_HAPPENED = frozenset({EntryState.APPLIED, EntryState.UNDONE})
"""What came about. What was undone is followed by the change that undid it."""


def book(records: Iterable[Record]) -> Book:
    """Go through the runs of one source on one target, oldest first.

    Of a change that failed or was cut short nobody knows: it proves nothing, and takes away what was
    proved before.
    """
    found = tuple(records)
    belongs: dict[tuple[str, str], Booked] = {}
    for record, change in in_order(found):
        if change.node is not None:
            _take(belongs, record, change, change.node)
    applied: dict[str, tuple[str, str]] = {}
    for own in found:
        applied.pop(own.opening.subject, None)
        if own.opening.kind is RunKind.ROUND and own.outcome == Outcome.APPLIED:
            applied[own.opening.subject] = own.id, own.opening.revision
    return Book(
        belongs=belongs,
        applied=applied,
        latest={own.opening.subject: own.opening.revision for own in found},
    )


def _take(
    belongs: dict[tuple[str, str], Booked], record: Record, change: RecordedChange, node: str
) -> None:
    unit = change.unit or record.opening.subject
    if change.action is Action.UPDATE or change.state is EntryState.SKIPPED:
        return
    if change.action is Action.DELETE and change.state in _HAPPENED:
        for known in [own for own in belongs if own[1] == node]:
            del belongs[known]
        return
    if change.giver is not None and change.action is Action.MOVE:
        belongs.pop((change.giver, node), None)
    belongs.pop((unit, node), None)
    joins = change.action in {Action.CREATE, Action.ADOPT, Action.MOVE}
    if joins and change.state in _HAPPENED and not change.foreign:
        belongs[unit, node] = Booked(key=change.key, adopted=change.adopted, run=record.id)

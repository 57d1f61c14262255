"""Which units are taken back together: what one of them did cannot be taken back without the others.

They gave each other objects or values that only one can have, or one refers to what would go, or
would have to refer again to what another one deleted, or both declare what was changed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Action, Change
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
from stateward.planning.compare import references

Drag = tuple[str, str]
"""Where the first unit is taken back, the second one has to be as well."""


def together(
    units: Collection[str], planned: Sequence[Change], records: Iterable[Record]
) -> frozenset[str]:
    """Return the units that go along where some are taken back, these included.

    ``planned`` is what the last of the rounds was to do, ``records`` what all of them did.
    """
    drags: dict[str, set[str]] = {}
    for own, other in (*_planned(planned), *_recorded(list(records))):
        drags.setdefault(own, set()).add(other)
    found: set[str] = set()
    pending = list(units)
    while pending:
        unit = pending.pop()
        if unit not in found:
            found.add(unit)
            pending.extend(drags.get(unit, ()))
    return frozenset(found)


def _planned(changes: Sequence[Change]) -> Iterator[Drag]:
    makers: dict[ObjectKey, set[str]] = {}
    for change in changes:
        makers.setdefault(change.key, set()).add(change.unit)
    for change in changes:
        for key in change.needs:
            for unit in makers.get(key, ()):
                yield unit, change.unit
        for unit in change.shared:
            yield from ((change.unit, unit), (unit, change.unit))


def _recorded(records: Sequence[Record]) -> Iterator[Drag]:
    done = [
        (own.opening.subject, change)
        for own in records
        for change in own.changes
        if change.state is not EntryState.SKIPPED
    ]
    wanted: dict[str | None, set[str]] = {}
    """The units that were to change an object, whether they got to that or not."""
    for own in records:
        for change in own.changes:
            if change.along is None:
                wanted.setdefault(change.node, set()).add(own.opening.subject)
    made = _names(done, Action.CREATE)
    gone = _names(done, Action.DELETE)
    for unit, change in done:
        if change.giver is not None:
            taker = change.unit or unit
            yield from ((taker, change.giver), (change.giver, taker))
        if change.along is not None:  # it was cleared of what was deleted
            yield from ((other, unit) for other in wanted.get(change.node, ()))
        for field in change.fields:
            for maker in _of(field.new, made):
                yield maker, unit
            for deleter in _of(field.old, gone):
                yield unit, deleter


def _names(done: Iterable[tuple[str, RecordedChange]], action: Action) -> dict[Reference, set[str]]:
    """Return the units that made or deleted objects, by all that these are referred to by."""
    found: dict[Reference, set[str]] = {}
    for unit, change in done:
        if change.action is action:
            found.setdefault(change.key, set()).add(unit)
            if change.node is not None:
                found.setdefault(NodeId(change.node), set()).add(unit)
    return found


def _of(value: object, units: Mapping[Reference, set[str]]) -> Iterator[str]:
    for reference in references(value) if units else ():
        yield from units.get(reference, ())

"""From links of the chain to what one reads: a run with its changes, each as it last stood."""

import json
from collections.abc import Iterable
from dataclasses import replace

from stateward.model.chain import Link, LinkType
from stateward.model.record import Record, RecordedChange
from stateward.model.run import Entry, EntryState
from stateward.stores import codec


def fold(links: Iterable[Link], undone: Iterable[Record] = ()) -> Record | None:
    """Return the run that some links are about, given its rollbacks; None without a beginning."""
    record: Record | None = None
    changes: dict[int, RecordedChange] = {}
    for link in links:
        body = json.loads(link.body)
        if link.type == LinkType.BEGIN:
            record = Record(opening=codec.opening(link.run, body), started=link.at)
        elif link.type == LinkType.ENTRIES:
            for own in body["entries"]:
                entry = codec.entry(link.run, own, record.opening.undoes if record else ())
                changes[entry.index] = _step(changes.get(entry.index), entry, link.at)
        elif link.type == LinkType.FINISH and record is not None:
            record = replace(
                record, finished=link.at, outcome=body["outcome"], error=body.get("error", "")
            )
    if record is None:
        return None
    by = list(undone)
    for index in _taken_back(record.id, by) & changes.keys():
        changes[index] = replace(changes[index], state=EntryState.UNDONE)
    return replace(
        record,
        changes=tuple(changes[index] for index in sorted(changes)),
        undone_by=tuple(own.id for own in by),
    )


def _step(known: RecordedChange | None, entry: Entry, at: str) -> RecordedChange:
    if known is not None:
        node, detail = entry.node or known.node, entry.detail or known.detail
        return replace(known, state=entry.state, node=node, detail=detail, ended=at)
    done = entry.state is not EntryState.STARTED
    return RecordedChange(
        index=entry.index,
        action=entry.action,
        key=entry.key,
        node=entry.node,
        state=entry.state,
        fields=entry.fields,
        unit=entry.unit,
        giver=entry.giver,
        adopted=entry.adopted,
        marks=entry.marks,
        foreign=entry.foreign,
        along=entry.along,
        undoes=entry.undoes,
        detail=entry.detail,
        started=at,
        ended=at if done else "",
    )


def _taken_back(run: str, rollbacks: Iterable[Record]) -> set[int]:
    """Return the changes that a rollback took back and that no rollback of it has made again."""
    return {
        undone.at
        for rollback in rollbacks
        for own in rollback.changes
        if own.state is EntryState.APPLIED
        for undone in own.undoes
        if undone.run == run
    }

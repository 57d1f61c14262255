"""The end of a run that nobody lived to end: what became of what it had under way, written down."""

from collections.abc import Iterable
from dataclasses import replace

from stateward.model.record import Record, RecordedChange
from stateward.model.run import Entry
from stateward.planning.effects import effects
from stateward.planning.settling import settle, under_way
from stateward.ports import Journal, Session, Trail
from stateward.tracking.querying import query_of


async def interrupted(trail: Trail, journal: Journal, target: str, group: str) -> list[Record]:
    """Return the runs of scripts with a group whose process died, where nobody else has the group."""
    found = [await trail.run(run) for run in await journal.unfinished(target)]
    return [own for own in found if own.is_of(group)]


async def outlast(session: Session, journal: Journal, runs: Iterable[str]) -> None:
    """Wait until what runs had under way when their processes died has ended in the target.

    What is looked at earlier would be done a second time.
    """
    ids = {node for run in runs for node in await journal.under_way(run)}
    if ids:
        await session.settle(ids)


async def close(
    session: Session, journal: Journal, record: Record, *, outcome: str, why: str
) -> Record:
    """Find out what became of what was under way, and write that down, then that the run has ended.

    Returns the run as it is recorded from then on. The target is only read, and not at all where
    nothing was under way.
    """
    settled: dict[int, RecordedChange] = {}
    if changes := under_way(record):
        found = effects([replace(record, changes=changes)], session.schema)
        about = query_of(found, [record.opening.group], session.schema)
        now = await session.observe(about)
        settled = {own.index: own for own in settle(record, session.schema, now)}
    if settled:
        await journal.record([_entry(record.id, own) for own in settled.values()])
    await journal.finish(record.id, outcome, why)
    changes = tuple(settled.get(own.index, own) for own in record.changes)
    return replace(record, outcome=outcome, error=why, changes=changes)


def _entry(run: str, change: RecordedChange) -> Entry:
    return Entry(
        run=run,
        index=change.index,
        state=change.state,
        action=change.action,
        key=change.key,
        node=change.node,
        detail=change.detail,
    )

"""Which runs are taken back together: all that brought a commit about, in every unit.

And what rollbacks had done already that did not come to their end.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple

from stateward.errors import Code, ConfigError
from stateward.model.plan import Action
from stateward.model.record import INTERRUPTED, ON_ERROR, Opening, Record, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.model.unit import TRACKING, Stamp
from stateward.ports import Trail


class Place(NamedTuple):
    """What tells the runs of a unit on a target from all others."""

    subject: str
    group: str
    target: str


_FIRST = 4
"""Runs of a unit that are looked at first: most of them had come through before."""
_NEWEST = 20
"""Runs of a unit that are looked through: rollbacks that were cut short, one after the other."""


def of_commit(
    found: Sequence[Record], commit: str, target: str, source: str | None
) -> tuple[Record, ...]:
    """Return the runs that brought a commit about on a target, oldest first.

    ``found`` are the runs of what begins like the commit, newest first. What a round did once all
    of a unit was through is left out: it undid what others had changed, and is no part of the commit.
    Raises ``ConfigError`` where it cannot be told which runs are meant.
    """
    runs = [own for own in found if own.opening.target == target and source_of(own)]
    if source is not None:
        runs = [own for own in runs if source_of(own) == source]
    _one({own.opening.revision for own in runs}, commit, "commits begin so: give more of it")
    _one({source_of(own) or "" for own in runs}, commit, "sources have it: give --source")
    by_unit: dict[str, list[Record]] = {}
    for own in runs:
        by_unit.setdefault(own.opening.subject, []).append(own)
    known = {own.id: own for own in runs}
    restored = [own[0] for own in by_unit.values() if _restores(own[0], known)]
    if restored:
        run = restored[0]
        raise ConfigError(
            f"{commit}: was taken back, and run {run.id} took that back: it is what stands now:"
            f" `stateward rollback {run.id[:8]} --round`",
            code=Code.NO_SUCH_RUN,
        )
    taken = {own.id for unit in by_unit.values() for own in _about(unit)}
    if not taken:
        message = f"{commit}: no run on {target} brought it about: see `stateward history`"
        raise ConfigError(message, code=Code.NO_SUCH_RUN)
    return tuple(own for own in reversed(runs) if own.id in taken)


async def with_begun(trail: Trail, records: Sequence[Record]) -> tuple[Record, ...]:
    """Return runs and the rollbacks of them that nobody lived to end: oldest first.

    What these had done is taken into account then, so that another rollback ends it. That holds
    only while nothing else has happened to the unit: then what stands is no longer theirs.
    """
    known = {own.id for own in records}
    begun: list[Record] = []
    for subject in {own.opening.subject: own for own in records if own.undone_by}.values():
        for run in await trail.runs(subject.opening.subject, limit=_NEWEST):
            if not _same(run, subject.opening) or run.id in known:
                continue
            if run.opening.kind is RunKind.SESSION and run.outcome and not run.changes:
                continue  # a script that did nothing: it failed, or was held back
            if not _was_cut_short(run) or not known.issuperset(run.opening.undoes[:1]):
                break  # the first is the run of its own unit
            begun.append(run)
    begun.sort(key=lambda own: own.started)
    for own in begun:  # a later one may be about an earlier one as well
        known |= {own.id} if known.issuperset(own.opening.undoes) else set()
    return (*records, *(own for own in begun if own.id in known))


async def attempts(trail: Trail, record: Record) -> list[Record]:
    """Return a round's run of a unit and those right before it that nobody lived to end.

    Oldest first. They said that what they do is taken back where something fails, and were cut
    short, or died after something had failed and before that was taken back: with the last one they
    are one attempt. Any other run of the unit ends the search: what came before that stands.
    """
    runs: list[Record] = []
    async for one in _runs(trail, record.opening):
        if not runs and one.id != record.id:
            continue  # what came after it
        if runs and not (_was_in_vain(one) or _was_left(one)):
            break
        runs.append(one)
    return [one for one in reversed(runs) if not _was_in_vain(one)] or [record]


async def _runs(trail: Trail, of: Opening | Place) -> AsyncIterator[Record]:
    """Yield a unit's runs on a target, newest first: those of others may be in the journal, too."""
    limit, seen = _FIRST, set[str]()
    while True:
        found = await trail.runs(of.subject, limit=limit)
        for own in found:
            if own.id not in seen and _same(own, of):
                yield own
        if len(found) < limit:
            return
        seen |= {own.id for own in found}
        limit *= 4


def _same(own: Record, of: Opening | Place) -> bool:
    return (own.opening.group, own.opening.target) == (of.group, of.target)


def _was_in_vain(run: Record) -> bool:
    """Tell whether a run is a rollback that was cut short before it did anything."""
    applied = any(change.state is EntryState.APPLIED for change in run.changes)
    return _was_cut_short(run) and not applied


def _was_left(run: Record) -> bool:
    """Tell whether what a round did was to be taken back if something failed, and nobody saw to it.

    What stayed since somebody needs it is no failure, nor is what waited for another unit.
    """
    if not run.opening.takes_back:
        return False
    refused = run.outcome == Outcome.FAILED and any(
        own.state is EntryState.FAILED and own.action is not Action.DELETE for own in run.changes
    )
    return refused or _has_no_end(run)


async def given_up(trail: Trail, unit: str, group: str, target: str) -> list[Record]:
    """Return what a rollback was about that a failure led to and that nobody lived to end.

    Runs of all of its units, oldest first; nothing where the newest run of the unit is another one.
    Raises ``ConfigError`` where one of them is not kept any more.
    """
    run = await anext(_runs(trail, Place(unit, group, target)), None)
    if run is None or run.opening.cause.trigger != ON_ERROR or not _was_cut_short(run):
        return []
    rollbacks = await trail.together(run)
    about = dict.fromkeys(one for own in rollbacks for one in own.opening.undoes)
    return in_their_order([await trail.run(one) for one in about])


def in_their_order(records: Iterable[Record]) -> list[Record]:
    """Return runs oldest first, those of one round beside each other."""
    return sorted(records, key=lambda own: (own.started, own.round))


def _was_cut_short(run: Record) -> bool:
    return run.opening.kind is RunKind.ROLLBACK and _has_no_end(run)


def _has_no_end(run: Record) -> bool:
    return not run.outcome or run.error.startswith(INTERRUPTED)


def instance_of(record: Record) -> str | None:
    """Return the instance that a run belongs to; None for what scripts do."""
    group = record.opening.group
    return group.split("/", 2)[1] if group.startswith(TRACKING) else None


def source_of(record: Record) -> str | None:
    """Return the source that a run belongs to; None for what scripts do."""
    group = record.opening.group
    return group.split("/", 3)[2] if group.startswith(TRACKING) else None


def _one(names: set[str], commit: str, several: str) -> None:
    if len(names) > 1:
        message = f"{commit}: several {several}: {', '.join(sorted(names))}"
        raise ConfigError(message, code=Code.NO_SUCH_RUN)


def _about(runs: Sequence[Record]) -> Iterable[Record]:
    """Yield, newest first, the rounds that led a unit from what it was to the commit.

    The same commit may have been reached before, from another one: that is another story.
    """
    start: str | None = None
    began = False
    for own in runs:
        applied = Stamp.parse(own.opening.before).applied
        if own.opening.kind is not RunKind.ROUND or applied == own.opening.revision:
            continue
        if began and applied != start:
            return
        start, began = applied, True
        yield own


def _restores(run: Record, known: Mapping[str, Record]) -> bool:
    """Tell whether a run took a rollback back, so that what it had undone stands again."""
    depth = 0
    own: Record | None = run
    while own is not None and own.opening.kind is RunKind.ROLLBACK:
        depth += 1
        own = known.get(own.opening.undoes[0]) if own.opening.undoes else None
    return depth > 0 and depth % 2 == 0

"""What taking runs back needs: their records, the target they were on, and what units allow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from stateward.engine.history import History
from stateward.errors import ConfigError
from stateward.model.record import Cause, Record
from stateward.model.unit import Stamp, UnitSettings
from stateward.ports import Target, Trail
from stateward.settings import UnitOverrides, read_unit
from stateward.stores.journal import KeptJournal
from stateward.tracking.choosing import instance_of, of_commit, source_of
from stateward.tracking.rollback import Rollback
from stateward.wiring import Invocation, Setup, set_up
from stateward.wiring.history import MANUAL, journal, login_user
from stateward.wiring.place import Place, find
from stateward.wiring.targets import open_configured


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What is to be taken back: a run, all runs of its round, or what brought a commit about."""

    run: str | None = None
    round: bool = False
    commit: str | None = None
    source: str | None = None

    def check(self) -> None:
        """Raise ``ConfigError`` for what means nothing, or two things at once."""
        if (self.run is None) is (self.commit is None):
            raise ConfigError("give either a run, or --commit with the commit to take back")
        if self.round and self.run is None:
            raise ConfigError("--round: is that of a run: give the run, or leave it out")
        if self.source is not None and self.commit is None:
            raise ConfigError("--source: goes with --commit: a run has its own, leave it out")


@asynccontextmanager
async def rollback(
    meant: Meant, *, repo: str | None, config: str | None, target: str | None
) -> AsyncIterator[tuple[Rollback, Sequence[Record]]]:
    """Open what taking runs back needs; raises ``ConfigError`` where there are no such runs."""
    meant.check()
    place = find(repo, config)
    async with journal(place.state, place.configuration.state.retention) as own:
        records = await chosen(meant, own, _target(place, target, place.instance, meant.source))
        instance = instance_of(records[0]) or place.instance
        where = _target_of(records[0], place, target, instance)
        setup = _setup(records[0], repo, config)
        actor = place.environment.actor or login_user()
        yield await undoing(records, place, setup, where, own, actor), records


async def chosen(meant: Meant, trail: Trail, target: Target) -> Sequence[Record]:
    """Return the runs that are meant, oldest first."""
    if meant.commit is not None:
        found = await trail.runs(revision=meant.commit)
        return of_commit(found, meant.commit, target.name, meant.source)
    record = await trail.run(meant.run or "")
    return await trail.together(record) if meant.round else [record]


async def undoing(
    records: Sequence[Record],
    place: Place,
    setup: Setup | None,
    target: Target,
    journal: KeptJournal,
    actor: str,
) -> Rollback:
    """Return what takes runs back; ``setup`` is that of their source, where that is configured."""
    usual = read_unit(None, UnitOverrides(), place.configuration.defaults)[0]
    found = await _settings(records, setup)
    return Rollback(
        target=target,
        journal=journal,
        trail=journal,
        new_id=lambda: str(uuid4()),
        cause=Cause(trigger=MANUAL, actor=actor),
        settings=lambda unit: found.get(unit, usual),
    )


def _target(place: Place, named: str | None, instance: str, source: str | None) -> Target:
    """Open the target of a source as an instance: what that left there is its own."""
    own = next((one.target for one in place.configuration.sources if one.name == source), None)
    return open_configured(place, own, named, instance)


def _target_of(record: Record, place: Place, named: str | None, instance: str) -> Target:
    """Open the target that a run was on, where that is configured; else the usual one."""
    sources, source = place.configuration.sources, source_of(record)
    if named is not None or any(one.name == source for one in sources):
        return _target(place, named, instance, source)
    for own in place.configuration.targets:
        found = open_configured(place, own, None, instance)
        if found.name == record.opening.target:
            return found
    return open_configured(place, None, None, instance)


async def _settings(records: Sequence[Record], setup: Setup | None) -> dict[str, UnitSettings]:
    """Return what the units' settings were at the revision, as far as they can be read.

    A directory that the revision removed had its settings at the revision before.
    """
    if setup is None:
        return {}
    history = History(setup.loader().look_back)
    found: dict[str, UnitSettings] = {}
    for own in (own.opening for own in records if own.opening.revision):
        for stamp in (Stamp(applied=own.revision), Stamp.parse(own.before)):
            settings = await history.settings(own.subject, stamp)
            if settings is not None:
                found.setdefault(own.subject, settings)
    return found


def _setup(record: Record, repo: str | None, config: str | None) -> Setup | None:
    """Return the setup of the source that a run belongs to; None where it is not configured."""
    source = source_of(record)
    if source is None:
        return None
    try:
        return set_up(Invocation(repo=repo, config=config, source=source))
    except ConfigError:
        return None

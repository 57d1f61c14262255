"""What taking a run back needs: the record, the target that it was on, and what its unit allows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from stateward.engine.history import History
from stateward.errors import ConfigError
from stateward.model.record import Cause, Record
from stateward.model.unit import TRACKING, Stamp, UnitSettings
from stateward.ports import Journal, Target
from stateward.settings import UnitOverrides, read_unit
from stateward.tracking.rollback import Rollback
from stateward.wiring import Invocation, Setup, set_up
from stateward.wiring.history import MANUAL, journal, login_user
from stateward.wiring.place import Place, find
from stateward.wiring.targets import open_target


@asynccontextmanager
async def rollback(
    prefix: str, *, repo: str | None, config: str | None, target: str | None
) -> AsyncIterator[tuple[Rollback, Record]]:
    """Open what taking a run back needs; raises ``ConfigError`` where there is no such run."""
    place = find(repo, config)
    async with journal(place.state, place.configuration.state.retention) as own:
        record = await own.run(prefix)
        setup = _setup(record, repo, config)
        actor = place.environment.actor or login_user()
        yield await undoing(record, place, setup, _target(place, target), own, actor), record


async def undoing(
    record: Record, place: Place, setup: Setup | None, target: Target, journal: Journal, actor: str
) -> Rollback:
    """Return what takes a run back; ``setup`` is that of its source, where that is configured."""
    return Rollback(
        target=target,
        journal=journal,
        new_id=lambda: str(uuid4()),
        cause=Cause(trigger=MANUAL, actor=actor),
        settings=await _settings(place, record, setup),
    )


def _target(place: Place, named: str | None) -> Target:
    url = named or place.environment.target
    return open_target(url, place.configuration.target, place.home, place.kept)


async def _settings(place: Place, record: Record, setup: Setup | None) -> UnitSettings:
    """Return what the unit's settings were at the revision; else what holds for any unit."""
    if setup is not None and record.opening.revision:
        history = History(setup.loader().load)
        stamp = Stamp(applied=record.opening.revision)
        found = await history.settings(record.opening.subject, stamp)
        if found is not None:
            return found
    return read_unit(None, UnitOverrides(), place.configuration.defaults)[0]


def source_of(record: Record) -> str | None:
    """Return the source that a run belongs to; None for what scripts do."""
    group = record.opening.group
    return group.split("/", 3)[2] if group.startswith(TRACKING) else None


def _setup(record: Record, repo: str | None, config: str | None) -> Setup | None:
    """Return the setup of the source that a run belongs to; None where it is not configured."""
    source = source_of(record)
    if source is None:
        return None
    try:
        return set_up(Invocation(repo=repo, config=config, source=source))
    except ConfigError:
        return None

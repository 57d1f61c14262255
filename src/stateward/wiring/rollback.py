"""What taking a run back needs: the record, the target that it was on, and what its unit allows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from stateward.engine.history import History
from stateward.errors import ConfigError
from stateward.model.record import Cause, Record
from stateward.model.unit import TRACKING, Stamp, UnitSettings
from stateward.ports import Target
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
        yield (
            Rollback(
                target=_target(place, target),
                journal=own,
                new_id=lambda: str(uuid4()),
                cause=Cause(trigger=MANUAL, actor=place.environment.actor or login_user()),
                settings=await _settings(place, record, repo, config),
            ),
            record,
        )


def _target(place: Place, named: str | None) -> Target:
    url = named or place.environment.target
    return open_target(url, place.configuration.target, place.home)


async def _settings(
    place: Place, record: Record, repo: str | None, config: str | None
) -> UnitSettings:
    """Return what the unit's settings were at the revision; else what holds for any unit."""
    setup = _setup(record, repo, config)
    if setup is not None and record.opening.revision:
        history = History(setup.loader())
        stamp = Stamp(applied=record.opening.revision)
        found = await history.settings(record.opening.subject, stamp)
        if found is not None:
            return found
    return read_unit(None, UnitOverrides(), place.configuration.defaults)[0]


def _setup(record: Record, repo: str | None, config: str | None) -> Setup | None:
    """Return the setup of the source that a run belongs to; None where it is not configured."""
    group = record.opening.group
    if not group.startswith(TRACKING):
        return None
    _, _, source, _ = group.split("/", 3)
    try:
        setup = set_up(Invocation(repo=repo, config=config, source=source))
    except ConfigError:
        return None
    return setup

"""What has drifted: as a daemon has kept it, or looked at now, with nothing written."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stateward.engine.drift import Writers, drift
from stateward.errors import Code, ConfigError
from stateward.model.drift import SourceDrift, UnitDrift
from stateward.model.plan import Plan, UnitState
from stateward.model.status import Overview
from stateward.model.unit import Ignore
from stateward.reporting.status import is_late
from stateward.wiring import (
    Invocation,
    Setup,
    place,
    planner,
    put_together,
    set_up,
    set_up_all,
)

_UNTOLD = {
    UnitState.SUSPENDED: "it is suspended",
    UnitState.HELD: "a rollback holds it as it is",
    UnitState.STALLED: "its files cannot be compared: see `stateward plan`",
    UnitState.WAITING: "it waits for another unit: see `stateward plan`",
}
_OTHERS = "what its files say was not applied yet: see `stateward plan`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of what drift is to be told."""

    invocation: Invocation
    units: Collection[str] = ()
    """Units, by name; none is all of them."""
    now: bool = False


async def drifted(asked: Asked) -> Sequence[SourceDrift]:
    """Return what is known; where no daemon has kept anything, it is looked at now."""
    found = [] if asked.now else await _kept(asked.invocation)
    if not found:
        found = [await _looked(own) for own in set_up_all(asked.invocation)]
    if asked.units:
        found = _chosen(found, asked.units)
    return found


async def _kept(invocation: Invocation) -> list[SourceDrift]:
    where = place.find(invocation.repo, invocation.config)
    statuses = where.state.statuses()
    try:
        overviews = await statuses.overviews()
    finally:
        await statuses.close()
    wanted = invocation.source
    return [_as_kept(own) for own in overviews if wanted in {None, own.source.source}]


def _as_kept(own: Overview) -> SourceDrift:
    source = own.source
    units, unknown = dict[str, UnitDrift](), dict[str, str]()
    for unit in own.units:
        if unit.drift is not None:
            units[unit.unit] = unit.drift
        elif unit.at is None or unit.applied is None or unit.succeeded is None:
            unknown[unit.unit] = "it was not looked at yet"
        else:
            units[unit.unit] = UnitDrift(revision=unit.applied, at=unit.succeeded)
    return SourceDrift(
        source=source.source,
        target=source.target,
        revision=source.revision,
        units=units,
        unknown=unknown,
        kept=True,
        late=is_late(source, time.time()),
    )


async def _looked(setup: Setup) -> SourceDrift:
    """Plan as ``stateward plan`` does, and tell drift from what a commit asks for."""
    wired = put_together(setup, setup.target())
    writers = Writers()
    async with planner(wired) as round_:
        plan = await round_.plan(wired.revision, writers.look)
    now = time.time()
    found = {unit: drift(plan, unit, writers.found, at=now) for unit in plan.units}
    return SourceDrift(
        source=setup.source.name,
        target=plan.target,
        revision=next(iter(plan.revisions.values())),
        units={unit: own for unit, own in found.items() if own is not None},
        unknown=dict(_unknown(plan, found)),
    )


def _unknown(plan: Plan, found: Mapping[str, UnitDrift | None]) -> Iterator[tuple[str, str]]:
    for unit, own in plan.units.items():
        if found[unit] is None:
            yield unit, _UNTOLD.get(own.state, _OTHERS)


async def ignored(
    invocation: Invocation, found: Iterable[SourceDrift]
) -> Mapping[tuple[str, str], Sequence[Ignore]]:
    """Return what Git says now is left alone in each unit that has drifted, by source and unit."""
    said: dict[tuple[str, str], Sequence[Ignore]] = {}
    for own in found:
        drifted = [unit for unit, one in own.units.items() if one.objects]
        if drifted:
            loader = set_up(replace(invocation, source=own.source)).loader()
            settings = (await loader.load(invocation.revision)).settings
            for unit in drifted:
                known = settings.get(unit) or loader.read_settings(unit, None)[0]
                said[own.source, unit] = known.ignore
    return said


def _chosen(found: Iterable[SourceDrift], units: Collection[str]) -> list[SourceDrift]:
    """Leave what was asked for; raises ``ConfigError`` for a unit that is none."""
    sources = list(found)
    known = {unit for own in sources for unit in (*own.units, *own.unknown)}
    for unit in units:
        if unit not in known:
            message = f"{unit}: there is no such unit: there are {', '.join(sorted(known))}"
            raise ConfigError(message, code=Code.NO_SUCH_UNIT)
    return [
        replace(
            own,
            units={unit: one for unit, one in own.units.items() if unit in units},
            unknown={unit: why for unit, why in own.unknown.items() if unit in units},
        )
        for own in sources
    ]

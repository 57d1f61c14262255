"""Windows: when rounds may change a unit, by cron, and until when they may not.

A window begins whenever its schedule says so on the clock of its time zone, and lasts for as long
as it says by any clock: also over the hour that is left out or comes twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from stateward.model.status import Pause, Why
from stateward.model.unit import Window, WindowKind

_FIELDS = 5
_AMBIGUOUS = timedelta(hours=3)
"""How far to look around a moment: no clock is set back by more."""
_MOST_STEPS = 1000
"""Beginnings and ends that are looked at to find an opening; after that it is looked for later."""


def check_schedule(schedule: str) -> str:
    """Return a schedule of five fields as it is; raises ``ValueError`` for any other."""
    try:
        if len(schedule.split()) == _FIELDS:
            CronSim(schedule, datetime(2000, 1, 1, tzinfo=UTC))
            return schedule
        message = "wrong number of fields"
    except CronSimError as error:
        message = str(error)[:1].lower() + str(error)[1:]
    raise ValueError(f"{message}: expected cron's five fields, such as '0 22 * * MON-FRI'")


def check_zone(name: str) -> str:
    """Return the name of a time zone; raises ``ValueError`` for what is none."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "no such time zone: expected a name such as UTC or Europe/Amsterdam"
        raise ValueError(message) from error


@lru_cache(maxsize=256)
def pause(windows: tuple[Window, ...], now: float) -> Pause | None:
    """Say until when windows keep rounds from a unit; None where they are open.

    It is open while no window denies it and, where any windows allow it, one of these does.
    """
    if _is_open(windows, now):
        return None
    moment = now
    for _ in range(_MOST_STEPS):
        moment = min(_next(own, moment) for own in windows)
        if _is_open(windows, moment):
            break
    return Pause(why=Why.WINDOW, message="outside its windows", until=moment)


def _is_open(windows: tuple[Window, ...], now: float) -> bool:
    allowing = [own for own in windows if own.kind is WindowKind.ALLOW]
    denied = any(_end(own, now) for own in windows if own.kind is WindowKind.DENY)
    return not denied and (not allowing or any(_end(own, now) for own in allowing))


def _next(window: Window, now: float) -> float:
    """Return when a window that is open ends, and one that is not begins."""
    return _end(window, now) or next(own for own in _starts(window, now) if own > now)


def _end(window: Window, now: float) -> float | None:
    """Return when a window that is open at a moment ends; None where it is not."""
    last = next((own for own in _starts(window, now, back=True) if own <= now), None)
    end = None if last is None else last + window.duration
    return end if end is not None and end > now else None


def _starts(window: Window, around: float, *, back: bool = False) -> Iterator[float]:
    """Yield when a window begins, from a little before a moment on, or from a little after it back.

    A clock that is set back shows one hour twice: which of both is meant is told by the moment.
    """
    margin = _AMBIGUOUS if back else -_AMBIGUOUS
    begin = datetime.fromtimestamp(around, ZoneInfo(window.time_zone)) + margin
    for own in CronSim(window.schedule, begin, reverse=back):
        yield own.timestamp()

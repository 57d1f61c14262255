"""When windows are open, to the second, on any clock."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stateward.daemon import windows
from stateward.model.unit import Window, WindowKind


def window(schedule: str, duration: float, zone: str = "UTC", kind: str = "allow") -> Window:
    return Window(kind=WindowKind(kind), schedule=schedule, duration=duration, time_zone=zone)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def until(moment: str, *said: Window) -> str | None:
    """Return until when it is closed at a moment; None where it is open."""
    found = windows.pause(said, at(moment))
    if found is None:
        return None
    assert found.until is not None
    return datetime.fromtimestamp(found.until, UTC).strftime("%Y-%m-%dT%H:%M:%S")


NIGHT = window("0 22 * * *", 3600)
WEEKDAYS = window("0 22 * * MON-FRI", 8 * 3600)
FREEZE = window("0 0 24 12 *", 3 * 86400, kind="deny")


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        ("2026-11-27T21:59:59", "2026-11-27T22:00:00"),
        ("2026-11-27T22:00:00", None),
        ("2026-11-27T22:59:59", None),
        ("2026-11-27T23:00:00", "2026-11-28T22:00:00"),
    ],
)
def test_it_is_open_from_its_first_second_to_its_last(moment: str, closed: str | None) -> None:
    assert until(moment, NIGHT) == closed


def test_a_part_of_a_second_before_is_before() -> None:
    found = windows.pause((NIGHT,), at("2026-11-27T22:00:00") - 0.001)
    assert found is not None
    assert found.until == at("2026-11-27T22:00:00")


def test_without_windows_it_is_always_open() -> None:
    assert until("2026-11-27T12:00:00") is None


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        ("2026-11-28T05:59:59", None),  # a Saturday, in Friday's night
        ("2026-11-28T06:00:00", "2026-11-30T22:00:00"),
    ],
)
def test_a_night_goes_on_into_the_next_day(moment: str, closed: str | None) -> None:
    assert until(moment, WEEKDAYS) == closed


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        ("2026-12-23T12:00:00", None),
        ("2026-12-24T00:00:00", "2026-12-27T00:00:00"),
        ("2026-12-26T23:59:59", "2026-12-27T00:00:00"),
        ("2026-12-27T00:00:00", None),
    ],
)
def test_what_denies_alone_leaves_all_else_open(moment: str, closed: str | None) -> None:
    assert until(moment, FREEZE) == closed


def test_what_denies_wins() -> None:
    assert until("2026-12-24T22:30:00", NIGHT, FREEZE) == "2026-12-27T22:00:00"


def test_any_that_allows_is_enough() -> None:
    noon = window("0 12 * * *", 60)
    assert until("2026-11-27T12:00:30", NIGHT, noon) is None
    assert until("2026-11-27T12:01:00", NIGHT, noon) == "2026-11-27T22:00:00"


def test_what_denies_until_the_window_is_over_waits_for_the_next() -> None:
    late = window("30 21 * * *", 2 * 3600, kind="deny")
    wide = window("0 22 * * *", 2 * 3600)
    assert until("2026-11-27T22:00:00", wide, late) == "2026-11-27T23:30:00"
    assert until("2026-11-27T22:00:00", NIGHT, window("30 21 27 * *", 7200, kind="deny")) == (
        "2026-11-28T22:00:00"
    )


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        # Summer: two hours before UTC. Winter: one.
        ("2026-07-01T19:59:59", "2026-07-01T20:00:00"),
        ("2026-07-01T20:00:00", None),
        ("2026-12-01T20:59:59", "2026-12-01T21:00:00"),
        ("2026-12-01T21:00:00", None),
    ],
)
def test_it_goes_by_the_clock_of_its_place(moment: str, closed: str | None) -> None:
    assert until(moment, window("0 22 * * *", 3600, "Europe/Amsterdam")) == closed


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        # Clocks go from 2:00 to 3:00 at 01:00 UTC: what begins at 2:30 begins at 3:00.
        ("2026-03-29T00:59:59", "2026-03-29T01:00:00"),
        ("2026-03-29T01:00:00", None),
        ("2026-03-29T01:59:59", None),
        ("2026-03-29T02:00:00", "2026-03-30T00:30:00"),
    ],
)
def test_what_begins_in_the_hour_that_is_left_out_begins_after_it(
    moment: str, closed: str | None
) -> None:
    assert until(moment, window("30 2 * * *", 3600, "Europe/Amsterdam")) == closed


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        # Clocks go from 3:00 to 2:00 at 01:00 UTC: 2:30 is at 00:30 and at 01:30.
        ("2026-10-25T00:29:59", "2026-10-25T00:30:00"),
        ("2026-10-25T00:30:00", None),
        ("2026-10-25T01:10:00", None),
        ("2026-10-25T01:29:59", None),
        ("2026-10-25T01:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_what_begins_in_the_hour_that_comes_twice_begins_once(
    moment: str, closed: str | None
) -> None:
    assert until(moment, window("30 2 * * *", 3600, "Europe/Amsterdam")) == closed


def test_one_that_never_opens_is_looked_at_again() -> None:
    always = window("* * * * *", 3600, kind="deny")
    found = until("2026-11-27T12:00:00", NIGHT, always)
    assert found is not None
    assert found > "2026-11-27T12:00:00"


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0 22 * *", "wrong number of fields"),
        ("0 0 22 * * *", "wrong number of fields"),
        ("61 * * * *", "bad minute"),
        ("0 22 30 2 *", "bad day-of-month"),
        ("@daily", "wrong number of fields"),
    ],
)
def test_a_schedule_that_is_none_is_told(schedule: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        windows.check_schedule(schedule)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime"])
def test_a_zone_that_is_none_is_told(name: Any) -> None:
    with pytest.raises(ValueError, match="no such time zone"):
        windows.check_zone(name)

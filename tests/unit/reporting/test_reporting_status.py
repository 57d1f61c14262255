"""What a person sees at a glance, and what programs read."""

from dataclasses import replace

import pytest

from stateward.model.command import Command, Verb
from stateward.model.drift import UnitDrift
from stateward.model.status import Condition, Overview, Pause, Reason, SourceStatus, Status, Why
from stateward.reporting import status as rendering
from stateward.reporting.typed import ROUND

NOW = 1_800_000_000.0
REVISION = "0123456789abcdef" * 2
SOURCE = SourceStatus(
    target="sqlite:///t.db", source="network", at=NOW - 12, every=60, revision=REVISION
)
READY = Status(
    unit="objects/base",
    condition=Condition.READY,
    since=NOW - 7265,
    attempted=REVISION,
    applied=REVISION,
    at=NOW - 100,
    next=NOW + 500,
    reason=Reason.INTERVAL,
)
WAITING = Status(
    unit="objects/site-ams",
    condition=Condition.WAITING,
    since=NOW - 65,
    attempted=REVISION,
    message="SW1408 waiting: waits for unit objects/base, which it depends on and which is not ready",
    next=NOW + 18,
    reason=Reason.RETRY,
    failures=3,
)
STALLED = Status(
    unit="x",
    condition=Condition.STALLED,
    since=NOW,
    applied=REVISION,
    message="x/a.yml:3:7: SW1307 enum: no\nsuch value",
)


def text(*units: Status, source: SourceStatus = SOURCE) -> str:
    return rendering.as_text([Overview(source=source, units=units)], NOW)


def test_says_how_each_unit_stands_why_on_what_and_until_when() -> None:
    assert text(READY, WAITING, STALLED) == (
        "network  0123456789ab, looked at 12s ago  →  sqlite:///t.db\n"
        "UNIT              STATE    SINCE     APPLIED       NEXT\n"
        "objects/base      ready    2h1m ago  0123456789ab  in 8m20s: drift\n"
        "objects/site-ams  waiting  1m5s ago  never         in 18s: retry, 3 in a row\n"
        "    SW1408 waiting: waits for unit objects/base,"
        " which it depends on and which is not ready\n"
        "x                 stalled  now       0123456789ab  with a commit\n"
        "    x/a.yml:3:7: SW1307 enum: no\\nsuch value\n"
        "3 units: 1 ready, 1 waiting, 1 stalled.\n"
    )


def test_says_what_keeps_rounds_from_a_unit_and_until_when() -> None:
    pause = Pause(why=Why.SUSPENDED, message="by ada: a move", until=NOW + 3600)
    found = text(replace(READY, pause=pause), replace(STALLED, pause=replace(pause, until=None)))
    assert "objects/base  suspended  2h1m ago  0123456789ab  in 1h: goes on\n" in found
    assert "    suspended by ada: a move until 2027-01-15T09:00:00.000+00:00\n" in found
    assert "x             suspended  now       0123456789ab  when resumed\n" in found
    assert "    suspended by ada: a move\n" in found


def test_a_pause_that_is_over_is_none() -> None:
    pause = Pause(why=Why.SUSPENDED, message="by ada", until=NOW)
    assert text(replace(READY, pause=pause)) == text(READY)


def test_says_what_a_blocked_prune_is_approved_by() -> None:
    found = text(replace(READY, condition=Condition.BLOCKED, blocked="0123456789abcdef" * 4))
    line = "    to let exactly these go, once: stateward approve objects/base 0123456789ab\n"
    assert f"    {ROUND.meanwhile}\n{line}" in found


def test_says_what_of_a_blocked_prune_tells_most() -> None:
    details = ("2 NetDevice", "at commit 0 of A\x1b[2J: x", "- NetDevice/a", "- NetDevice/b")
    own = replace(READY, condition=Condition.BLOCKED, message="2 of 2", details=details)
    found = text(own)
    shown = ("2 of 2", "2 NetDevice", r"at commit 0 of A\x1b[2J: x", *details[2:])
    assert "".join(f"    {line}\n" for line in shown) in found
    assert "approve" not in found  # a protected kind is among them
    document = rendering.as_json([Overview(source=SOURCE, units=(own,))], NOW)
    assert document["sources"][0]["units"]["objects/base"]["details"] == list(details)


def test_names_the_source_where_there_are_several() -> None:
    own = replace(READY, condition=Condition.BLOCKED, blocked="0123456789abcdef" * 4, unit="a b")
    both = [Overview(source=replace(SOURCE, source=name), units=(own,)) for name in ("x", "y z")]
    found = rendering.as_text(both, NOW, ("--config", "c.yaml"))
    assert "once: stateward approve --config c.yaml --source x 'a b' 0123456789ab\n" in found
    assert "once: stateward approve --config c.yaml --source 'y z' 'a b' 0123456789ab\n" in found


def test_says_how_much_has_drifted_and_where_to_look() -> None:
    drift = UnitDrift(revision=REVISION, at=NOW - 65, objects=2, fields=1)
    found = text(replace(READY, condition=Condition.DRIFTED, drift=drift))
    assert "    drift: 2 objects, 1 field, found 1m5s ago: stateward drift objects/base\n" in found
    mended = replace(READY, drift=replace(drift, mended=True))
    assert "found 1m5s ago, set back at once: stateward drift objects/base\n" in text(mended)
    (source,) = rendering.as_json([Overview(source=SOURCE, units=(mended,))], NOW)["sources"]
    assert source["units"]["objects/base"]["drift"] == {
        "objects": 2,
        "fields": 1,
        "found": "2027-01-15T07:58:55.000+00:00",
        "mended": True,
    }


@pytest.mark.parametrize(("at", "late"), [(NOW - 180, False), (NOW - 181, True)])
def test_says_whether_anybody_takes_up_what_was_told(at: float, late: bool) -> None:
    command = Command(id="1", verb=Verb.SUSPEND, source="network", actor="ada", at=NOW)
    overview = Overview(source=replace(SOURCE, at=at))
    assert ("no daemon seems to be running" in rendering.told(command, [overview], NOW)) is late


def test_says_what_is_wrong_with_the_source() -> None:
    wrong = replace(SOURCE, error="SW2004 fetch: no route", revision=None)
    found = text(source=wrong)
    assert "network  no revision seen, looked at 12s ago" in found
    assert "  cannot be looked at: SW2004 fetch: no route\n" in found
    assert found.endswith("0 units: none.\n")


@pytest.mark.parametrize(("ago", "late"), [(180, False), (181, True)])
def test_says_where_nobody_seems_to_be_at_work(ago: float, late: bool) -> None:
    found = text(READY, source=replace(SOURCE, at=NOW - ago))
    assert ("no daemon seems to be running: it should look every 1m" in found) is late


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [(0, "0s"), (59.4, "59s"), (60, "1m"), (3600, "1h"), (3605, "1h"), (90061, "1d1h"), (-5, "0s")],
)
def test_spells_a_time_briefly(seconds: float, spelled: str) -> None:
    assert f"in {spelled}: drift" in text(replace(READY, next=NOW + seconds)) or seconds <= 0


def test_what_is_overdue_is_due() -> None:
    assert "  due: drift\n" in text(replace(READY, next=NOW - 5))


def test_programs_read_the_same() -> None:
    (source,) = rendering.as_json([Overview(source=SOURCE, units=(WAITING,))], NOW)["sources"]
    units = source.pop("units")
    assert source == {
        "source": "network",
        "target": "sqlite:///t.db",
        "revision": REVISION,
        "error": None,
        "refused": None,
        "leader": None,
        "looked": "2027-01-15T07:59:48.000+00:00",
        "late": False,
    }
    assert units == {
        "objects/site-ams": {
            "state": "waiting",
            "since": "2027-01-15T07:58:55.000+00:00",
            "attempted": REVISION,
            "applied": None,
            "outcome": None,
            "message": WAITING.message,
            "run": None,
            "at": None,
            "succeeded": None,
            "failures": 3,
            "next": "2027-01-15T08:00:18.000+00:00",
            "reason": "retry",
            "blocked": None,
            "details": [],
            "drift": None,
            "pause": None,
        }
    }

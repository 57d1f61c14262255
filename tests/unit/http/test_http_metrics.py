"""Numbers: what they say after rounds, what goes with a unit, and that the docs name all of them."""

import re
from pathlib import Path

import pytest
from answering import Desk, asking
from prometheus_client.parser import text_string_to_metric_families

from desks import tags
from rounds import objects
from stateward.instruments import Step
from stateward.model.command import Command, Verb
from stateward.model.mutation import Delete, Update
from stateward.model.status import Condition

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
TARGET = "https://infrahub.example?branch=main"
ABOUT = {"source", "unit", "action", "state", "outcome", "revision", "target", "version"}
"""What numbers are told by: never an object."""
UNIT = {"source": "default", "unit": "a"}


async def told(desk: Desk) -> dict[str, list[tuple[dict[str, str], float]]]:
    async with asking(*desk.metrics.routes(desk.view)) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for own in family.samples:
            found.setdefault(own.name, []).append((own.labels, own.value))
    return found


async def value(desk: Desk, name: str, **labels: str) -> float | None:
    return next((own for at, own in (await told(desk)).get(name, []) if at == labels), None)


async def test_a_unit_is_told_as_its_rounds_left_it(desk: Desk) -> None:
    await desk.turn(a=tags("red", "blue"), b=tags("green"))
    desk.now += 600
    await desk.turn()
    found = {
        name: own for name, rows in (await told(desk)).items() for at, own in rows if at == UNIT
    }
    assert found == {
        "stateward_unit_ready": 1,
        "stateward_unit_stalled": 0,
        "stateward_unit_fighting": 0,
        "stateward_unit_drifted": 0,
        "stateward_unit_prune_blocked": 0,
        "stateward_unit_last_success_timestamp_seconds": 1600,
        "stateward_unit_failures": 0,
        "stateward_unit_objects": 2,
        "stateward_unit_survivors": 0,
        "stateward_unit_rounds_total": 2,
        "stateward_unit_noop_rounds_total": 1,
        "stateward_unit_taken_back_rounds_total": 0,
        "stateward_unit_writes_total": 4,
    }
    assert await value(desk, "stateward_unit_changes_total", **UNIT, action="create") == 2
    assert await value(desk, "stateward_units", source="default", state="ready") == 2


async def test_a_unit_that_waits_has_not_failed(desk: Desk) -> None:
    await desk.turn(a=objects("NetCheck", {"name": "all", "query": "missing"}))
    desk.now += 600
    await desk.turn()
    board = desk.tender.board
    assert (board.statuses["a"].condition, board.statuses["a"].failures) == (Condition.WAITING, 2)
    assert await value(desk, "stateward_unit_failures", **UNIT) == 0


async def test_a_unit_that_somebody_suspended_is_counted_as_that(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    known = {"id": "one", "source": "default", "actor": "ada", "at": desk.now}
    await desk.tender.heed([Command(verb=Verb.SUSPEND, unit="a", **known)])
    assert await value(desk, "stateward_units", source="default", state="suspended") == 1
    assert await value(desk, "stateward_units", source="default", state="ready") == 0


async def test_a_unit_that_is_wrong_keeps_what_was_good(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    desk.now += 60
    await desk.turn(a="kind: Object\nspec: [")
    assert await value(desk, "stateward_unit_stalled", **UNIT) == 1
    assert await value(desk, "stateward_unit_ready", **UNIT) == 0
    assert await value(desk, "stateward_unit_last_success_timestamp_seconds", **UNIT) == 1000
    assert await value(desk, "stateward_unit_objects", **UNIT) == 1


async def test_a_unit_that_is_gone_takes_its_numbers_along(desk: Desk) -> None:
    await desk.turn(a=tags("red"), b=tags("blue"))
    desk.shop.commit({"b/x.yml": tags("blue"), "a/.stateward.yaml": "limits: {deletes: 0}"})
    desk.tender.tended.reconciler.round.scope = desk.shop.round(allow_deletes=5).scope
    await desk.turn()
    desk.shop.commit({"b/x.yml": tags("blue")})
    await desk.turn()
    assert not any(at.get("unit") == "a" for rows in (await told(desk)).values() for at, _ in rows)


async def test_drift_is_counted_for_the_units_that_have_any(desk: Desk) -> None:
    described = objects("BuiltinTag", {"name": "red", "description": "ours"}, {"name": "blue"})
    await desk.turn(a=described, b=tags("green"))
    red = await desk.shop.find("BuiltinTag", "red")
    blue = await desk.shop.find("BuiltinTag", "blue")
    mine = Update(id=red.id, kind="BuiltinTag", attributes={"description": "mine"})
    await desk.shop.do(mine, Delete(id=blue.id, kind="BuiltinTag"))
    desk.now += 600
    await desk.turn()
    found = await told(desk)
    assert found["stateward_unit_drifted_objects"] == [(UNIT, 2)]
    assert found["stateward_unit_drifted_fields"] == [(UNIT, 1)]
    desk.now += 600
    await desk.turn()
    assert "stateward_unit_drifted_objects" not in await told(desk)


async def test_sources_and_the_queue_are_told(desk: Desk) -> None:
    await desk.turn(a=tags("red"), b=tags("blue"))
    desk.now += 5
    await desk.tender.look(0)
    assert await value(desk, "stateward_source_up", source="default") == 1
    assert await value(desk, "stateward_source_looked_timestamp_seconds", source="default") == 1005
    assert await value(desk, "stateward_source_looks_total", source="default", outcome="ok") == 2
    assert await value(desk, "stateward_source_revision_info", source="default", revision="r1") == 1
    assert await value(desk, "stateward_queue_depth", source="default") == 0
    assert await value(desk, "stateward_queue_scheduled", source="default") == 2
    desk.now += 600
    assert await value(desk, "stateward_queue_depth", source="default") == 2
    await desk.tender.work()
    assert await value(desk, "stateward_round_seconds_count", source="default") == 2
    waited = await value(desk, "stateward_queue_wait_seconds_sum", source="default")
    assert waited == pytest.approx(5 + 600 - 570)  # halfway into the tenth that it may be early


async def test_requests_are_counted_by_how_they_were_answered(desk: Desk) -> None:
    for status in (200, 200, 503):
        with desk.metrics.step(Step.REQUEST, {"target": TARGET, "kind": "read", "status": status}):
            pass
    with (
        pytest.raises(TimeoutError),
        desk.metrics.step(Step.REQUEST, {"target": TARGET, "kind": "write"}),
    ):
        raise TimeoutError
    rows = (await told(desk))["stateward_target_requests_total"]
    assert {(at["kind"], at["outcome"]): count for at, count in rows} == {
        ("read", "2xx"): 2,
        ("read", "5xx"): 1,
        ("write", "none"): 1,
    }
    desk.rest = 3.0
    assert await value(desk, "stateward_target_resting", target=desk.shop.target.name) == 1


async def test_what_is_not_tended_any_more_is_forgotten(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    desk.metrics.only([desk.shop.target.name], ["another"])
    assert await value(desk, "stateward_round_seconds_count", source="default") is None


async def test_a_name_that_is_no_text_breaks_nothing(desk: Desk) -> None:
    await desk.turn(**{"a\udcff\n": tags("red")})
    rows = (await told(desk))["stateward_unit_ready"]
    assert rows == [({"source": "default", "unit": "a\\udcff\n"}, 0)]  # no group may be called so


async def test_the_documentation_names_every_number_and_no_other(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    text = desk.metrics.written(desk.view.targets(), desk.view.seen(), "")[0].decode()
    labels = {name for own in re.findall(r"{(.*)}", text) for name in re.findall(r'(\w+)="', own)}
    assert labels == {*ABOUT, "le"}
    kinds = dict(re.findall(r"^# TYPE (stateward_\w+) (\w+)$", text, re.MULTILINE))
    listed = dict(re.findall(r"^\| `(stateward_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE))
    assert listed == kinds

"""Exit codes: of several that apply the first of 1, 3, 4, 2 wins."""

from typing import Any

import pytest

from stateward.cli import exits
from stateward.errors import Code, Problem, Severity
from stateward.model.drift import SourceDrift, UnitDrift
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Blocked, Change, Plan, UnitPlan, UnitState
from stateward.model.run import Outcome, Report, Run
from stateward.model.unit import Stamp

CHANGE = Change(action=Action.CREATE, unit="a", key=ObjectKey("NetDevice", ("d1",)))
BLOCKED = Blocked(unit="a", reason="", figures={}, going=(), digest="")
ERROR = Problem(code=Code.TYPE, message="is wrong")
WARNING = Problem(code=Code.TYPE, message="is odd", severity=Severity.WARNING)


def plan(state: UnitState = UnitState.READY, stamp: Stamp | None = None, **given: Any) -> Plan:
    unit = UnitPlan(unit="a", group="a", state=state, stamp=stamp)
    return Plan(target="t", schema="s", revisions={}, units={"a": unit}, **given)


def report(outcome: Outcome = Outcome.APPLIED, writes: int = 1) -> Report:
    run = Run(id="", unit="a", revision="r1", outcome=outcome)
    return Report(digest="", writes=writes, runs=(run,))


CASES = [
    pytest.param(plan(), 0, id="nothing"),
    pytest.param(plan(problems=(WARNING,)), 0, id="warning"),
    pytest.param(plan(UnitState.SUSPENDED), 0, id="suspended"),
    pytest.param(plan(problems=(ERROR,)), 1, id="error"),
    pytest.param(plan(blocked=(BLOCKED,)), 3, id="blocked"),
    pytest.param(plan(UnitState.WAITING), 4, id="waiting"),
    pytest.param(plan(UnitState.WAITING, blocked=(BLOCKED,)), 3, id="blocked-and-waiting"),
    pytest.param(
        plan(UnitState.WAITING, blocked=(BLOCKED,), problems=(ERROR,)), 1, id="error-and-all"
    ),
]


@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize(("own", "code"), CASES)
def test_plan_without_changes(own: Plan, code: int, *, detailed: bool) -> None:
    assert exits.of_plan(own, detailed=detailed) == code


@pytest.mark.parametrize(
    "own",
    [plan(changes=(CHANGE,)), plan(loads_schema=True), plan(stamp=Stamp(applied="r1"))],
    ids=["change", "schema", "upkeep"],
)
@pytest.mark.parametrize(("detailed", "code"), [(False, 0), (True, 2)])
def test_plan_that_would_write(own: Plan, code: int, *, detailed: bool) -> None:
    assert exits.of_plan(own, detailed=detailed) == code


@pytest.mark.parametrize(("own", "code"), CASES[3:])
def test_plan_that_would_write_and_is_hindered(own: Plan, code: int) -> None:
    hindered = Plan(
        target="t",
        schema="s",
        revisions={},
        units=own.units,
        blocked=own.blocked,
        problems=own.problems,
        changes=(CHANGE,),
    )
    assert exits.of_plan(hindered, detailed=True) == code


@pytest.mark.parametrize(
    ("detailed", "writes", "code"),
    [(False, 1, 0), (True, 1, 2), (True, 0, 0), (False, 0, 0)],
    ids=["written", "written-in-detail", "nothing-in-detail", "nothing"],
)
def test_report(writes: int, code: int, *, detailed: bool) -> None:
    own = report(writes=writes)
    assert exits.of_report(plan(changes=(CHANGE,)), own, detailed=detailed) == code


@pytest.mark.parametrize(("own", "_code"), CASES)
def test_report_of_a_failure_is_1_whatever_the_plan_said(own: Plan, _code: int) -> None:
    assert exits.of_report(own, report(Outcome.FAILED), detailed=True) == 1


@pytest.mark.parametrize(("own", "code"), CASES[3:])
def test_report_of_what_was_hindered(own: Plan, code: int) -> None:
    assert exits.of_report(own, report(), detailed=True) == code


@pytest.mark.parametrize(
    ("detailed", "objects", "code"), [(True, 1, 2), (True, 0, 0), (False, 1, 0)]
)
def test_drift(objects: int, code: int, *, detailed: bool) -> None:
    units = {"a": UnitDrift(revision="r1", at=0, objects=objects)}
    found = SourceDrift(source="s", target="t", revision="r1", units=units, unknown={"b": "?"})
    assert exits.of_drift([found], detailed=detailed) == code

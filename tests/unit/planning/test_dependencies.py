"""Units that come after other units, as their settings say."""

import pytest

from stateward.errors import Code, Problem
from stateward.model.plan import UnitState
from unit.builders import (
    codes,
    device,
    held,
    messages,
    plan,
    told,
    unit,
)
from unit.planning.plan_levels import levels

MISTAKE = Problem(code=Code.YAML, message="bad indentation")


def test_changes_come_after_those_of_the_unit_depended_on() -> None:
    found = plan([unit("a", device("d"), depends_on=("b",)), unit("b", device("e"))])
    assert levels(found) == [["create NetDevice/e"], ["create NetDevice/d"]]


def test_change_is_skipped_where_anything_of_the_unit_depended_on_fails() -> None:
    found = plan([unit("a", device("d"), depends_on=("b",)), unit("b", device("e"))])
    assert [own.unit for own in found.changes] == ["b", "a"]
    assert [str(need) for need in found.changes[1].needs] == ["/b"]


def test_dependency_reaches_through_a_unit_without_changes() -> None:
    units = [
        unit("a", device("d"), depends_on=("b",)),
        unit("b", device("m"), depends_on=("c",)),
        unit("c", device("e")),
    ]
    found = plan(units, held("b", device("m")))
    assert told(found) == ["create NetDevice/e [c]", "create NetDevice/d [a]"]
    assert levels(found) == [["create NetDevice/e"], ["create NetDevice/d"]]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"problems": (MISTAKE,)}, id="stalled"),
        pytest.param(
            {"problems": (Problem(code=Code.ENUM, message="x", subject="NetDevice/e"),)},
            id="stalled in one object",
        ),
    ],
)
def test_unit_waits_for_one_that_is_not_ready(given: dict[str, object]) -> None:
    found = plan([unit("a", device("d"), depends_on=("b",)), unit("b", device("e"), **given)])
    assert told(found) == []
    assert found.units["a"].state is UnitState.WAITING
    assert "waits for unit b" in messages(found)


def test_unit_does_not_wait_for_one_that_is_suspended() -> None:
    units = [unit("a", device("d"), depends_on=("b",)), unit("b", device("e"), suspend=True)]
    assert told(plan(units)) == ["create NetDevice/d"]


def test_waiting_is_passed_on_along_the_dependencies() -> None:
    units = [
        unit("a", device("d"), depends_on=("b",)),
        unit("b", device("m"), depends_on=("c",)),
        unit("c", problems=(MISTAKE,)),
        unit("z", device("z")),
    ]
    assert told(plan(units)) == ["create NetDevice/z"]


def test_waiting_unit_deletes_nothing() -> None:
    units = [unit("a", device("d"), depends_on=("b",)), unit("b", problems=(MISTAKE,))]
    found = plan(units, held("a", device("d"), device("dropped")))
    assert told(found) == []
    assert found.units["a"].stamp is None


def test_dependency_on_a_unit_that_is_not_there_is_an_error() -> None:
    found = plan([unit("a", device("d"), depends_on=("nowhere",))])
    assert codes(found) == ["configuration"]
    assert "dependsOn: nowhere: no such unit" in messages(found)
    assert found.units["a"].state is UnitState.STALLED


def test_dependencies_in_a_circle_stall_all_that_are_on_it() -> None:
    units = [
        unit("a", device("d"), depends_on=("b",)),
        unit("b", device("e"), depends_on=("a",)),
        unit("c", device("f")),
    ]
    found = plan(units)
    assert told(found) == ["create NetDevice/f"]
    assert [own.unit for own in found.problems] == ["a", "b"]
    assert "a → b → a" in messages(found) or "b → a → b" in messages(found)


def test_deletes_come_last_whatever_depends_on_what() -> None:
    units = [unit("a", device("d"), depends_on=("b",)), unit("b", device("e"))]
    found = plan(units, held("b", device("e"), device("dropped")))
    assert levels(found) == [["create NetDevice/d"], ["delete NetDevice/dropped"]]

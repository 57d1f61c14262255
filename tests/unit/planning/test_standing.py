"""What is left out of a round: what is wrong, what waits, and what refers to it."""

import pytest

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import UnitState
from stateward.model.state import DesiredObject, FromPool
from unit.builders import (
    UnitCase,
    cable,
    codes,
    device,
    external,
    held,
    interface,
    key,
    messages,
    obj,
    plan,
    server,
    site,
    tag,
    told,
    unit,
)

MISTAKE = Problem(code=Code.YAML, message="bad indentation")
ELSEWHERE = key("LocationSite", "ams")


def refers(reference: ObjectKey | NodeId, **given: object) -> UnitCase:
    """Return a unit with a device that refers to what no unit declares, and another one."""
    own = device("d", site=reference)
    return unit("a", own, device("e"), externals=(external(reference, own, "site"),), **given)


def wrong(name: str) -> Problem:
    """Return a problem with one device."""
    return Problem(code=Code.ENUM, message="no such role", subject=f"NetDevice/{name}")


def test_mistake_stalls_its_unit_and_no_other() -> None:
    found = plan([unit("a", device("d"), problems=(MISTAKE,)), unit("b", device("e"))])
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].state is UnitState.STALLED
    assert found.units["b"].state is UnitState.READY


def test_warning_stalls_nothing() -> None:
    warning = Problem(code=Code.RANGE_PADDING, message="01", severity=Severity.WARNING)
    found = plan([unit("a", device("d"), problems=(warning,))])
    assert told(found) == ["create NetDevice/d"]
    assert found.units["a"].state is UnitState.READY


def test_mistake_in_one_object_leaves_out_that_object_alone() -> None:
    found = plan([unit("a", device("d"), device("e"), problems=(wrong("d"),))])
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].withheld == 1


def test_unit_of_which_something_is_left_out_is_not_noted_as_applied() -> None:
    found = plan([unit("a", device("d"), device("e"), problems=(wrong("d"),))])
    stamp = found.units["a"].stamp
    assert stamp is not None
    assert (stamp.applied, stamp.attempted) == ("r0", ("r1",))


@pytest.mark.parametrize(
    ("given", "state"),
    [
        pytest.param({"suspend": True}, UnitState.SUSPENDED, id="suspended"),
        pytest.param({"selected": False}, UnitState.SUSPENDED, id="not asked for"),
    ],
)
def test_unit_that_is_left_alone_is_not_changed(given: dict[str, bool], state: UnitState) -> None:
    found = plan([unit("a", device("d"), **given)])
    assert found.is_empty
    assert found.units["a"].state is state


def test_reference_to_what_the_target_holds_is_fine() -> None:
    found = plan([refers(ELSEWHERE)], held("", site("ams")))
    assert codes(found) == []
    assert "create NetDevice/d" in told(found)


def test_reference_to_what_is_nowhere_is_an_error_at_its_place() -> None:
    found = plan([refers(ELSEWHERE)])
    assert codes(found) == ["unresolved"]
    assert told(found) == []
    assert str(found.problems[0].location) == "file.yml:1:1"


def test_reference_by_an_id_that_is_nowhere_is_an_error() -> None:
    assert codes(plan([refers(NodeId("5f0c"))])) == ["unresolved"]


def test_reference_by_an_id_that_the_target_holds_is_fine() -> None:
    found = plan([refers(NodeId("LocationSite/ams"))], held("", site("ams")))
    assert codes(found) == []


def test_reference_to_a_generic_finds_the_object_of_any_kind() -> None:
    found = plan([refers(key("LocationGeneric", "ams"))], held("", site("ams")))
    assert codes(found) == []


def test_reference_that_two_objects_answer_to_is_ambiguous() -> None:
    there = held("", site("ams"), obj("LocationCountry", "ams", name="ams"))
    found = plan([refers(key("LocationGeneric", "ams"))], there)
    assert codes(found) == ["ambiguous"]
    assert "LocationCountry/ams, LocationSite/ams" in messages(found)


def test_reference_to_what_git_dropped_is_an_error() -> None:
    found = plan([refers(ELSEWHERE), unit("b", device("f"))], held("b", site("ams"), device("f")))
    assert "unresolved" in codes(found)
    assert "no unit declares LocationSite/ams any more" in messages(found)


def test_reference_to_what_git_dropped_and_somebody_keeps_is_fine() -> None:
    found = plan([refers(ELSEWHERE), unit("b", prune=False)], held("b", site("ams")))
    assert codes(found) == []


def check(name: str, **given: object) -> UnitCase:
    query = key("CoreGraphQLQuery", "query")
    own = obj("NetCheck", name, name=name, query=query)
    return unit("a", own, device("e"), externals=(external(query, own, "query"),), **given)


def test_reference_to_what_the_server_makes_on_import_waits() -> None:
    found = plan([check("c")])
    assert codes(found) == ["waiting"]
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].state is UnitState.WAITING


def test_reference_into_a_unit_that_cannot_be_read_waits_for_it() -> None:
    broken = unit("b", problems=(MISTAKE,), unread=("- name: ams: x",))
    found = plan([refers(ELSEWHERE), broken])
    assert "waits for unit b, which cannot be read" in messages(found)
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].state is UnitState.WAITING


def test_reference_to_what_no_unreadable_file_mentions_stalls_one_object_alone() -> None:
    broken = unit("b", problems=(MISTAKE,), unread=("- name: fra: x",))
    found = plan([refers(ELSEWHERE), broken])
    assert codes(found) == ["unresolved", "yaml"]
    assert told(found) == ["create NetDevice/e"]


STALLED = unit("b", site("ams"), tag("t"), problems=(MISTAKE,))


@pytest.mark.parametrize(
    "referrer",
    [
        pytest.param(device("d", site=ELSEWHERE), id="by a relationship to one"),
        pytest.param(device("d", tags=frozenset({key("BuiltinTag", "t")})), id="to many"),
        pytest.param(device("d", rack_unit=FromPool(pool=ELSEWHERE)), id="by a pool"),
        pytest.param(server("s", address=FromPool(pool=ELSEWHERE)), id="to what a pool gives"),
    ],
)
def test_object_waits_for_what_a_stalled_unit_was_to_make(referrer: DesiredObject) -> None:
    found = plan([unit("a", referrer, device("e")), STALLED])
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].state is UnitState.WAITING
    assert "waits for" in messages(found)


def test_object_does_not_wait_for_what_is_there_already() -> None:
    found = plan([unit("a", device("d", site=ELSEWHERE)), STALLED], held("b", site("ams")))
    assert told(found) == ["create NetDevice/d"]


def test_waiting_follows_references_to_the_end() -> None:
    chain = [device("d", site=ELSEWHERE), interface("d", "eth0"), cable("c", "d"), device("e")]
    found = plan([unit("a", *chain), STALLED])
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].withheld == 3


def test_many_that_wait_for_one_object_are_told_of_once() -> None:
    many = [device(f"d{number}", line=number + 1, site=ELSEWHERE) for number in range(5)]
    found = plan([unit("a", *many), STALLED])
    assert [own.code for own in found.problems if own.unit == "a"] == [Code.WAITING]
    assert "NetDevice/d0 and 4 more: wait for LocationSite/ams" in messages(found)


def test_object_that_exists_waits_with_its_change_and_nothing_behind_it_waits() -> None:
    units = [unit("a", device("d", site=ELSEWHERE), interface("d", "eth0")), STALLED]
    found = plan(units, held("a", device("d")))
    assert told(found) == ["create NetInterface/d/eth0"]


def test_member_that_waits_is_not_taken_for_dropped() -> None:
    found = plan([unit("a", device("d", site=ELSEWHERE)), STALLED], held("a", device("d")))
    assert told(found) == []


def test_problem_of_no_unit_leaves_every_unit_in_place() -> None:
    warning = Problem(code=Code.LAST_APPLIED_UNKNOWN, message="lost", severity=Severity.WARNING)
    found = plan([unit("a", device("d"))], problems=(warning,))
    assert told(found) == ["create NetDevice/d"]
    assert codes(found) == ["last-applied-unknown"]


def conflict(name: str) -> Problem:
    return Problem(code=Code.OWNED_TWICE, message="declared twice", subject=f"NetDevice/{name}")


def contested() -> list[UnitCase]:
    """Return two units that declare one device in different ways, and one device each beside."""
    return [
        unit("a", device("d", role="leaf"), device("e"), problems=(conflict("d"),)),
        unit("b", device("d", role="spine"), device("f"), problems=(conflict("d"),)),
    ]


def test_ownership_conflict_stalls_one_object_in_both_units() -> None:
    found = plan(contested())
    assert told(found) == ["create NetDevice/e [a]", "create NetDevice/f [b]"]
    assert {own.state for own in found.units.values()} == {UnitState.STALLED}


def test_contested_object_that_exists_is_left_as_it_is() -> None:
    found = plan(contested(), held("a", device("d", comment="x")))
    assert told(found) == ["create NetDevice/e [a]", "create NetDevice/f [b]"]


def test_ownership_conflict_is_none_where_the_configuration_names_the_owner() -> None:
    found = plan(contested(), owners=lambda own: "b" if own == key("NetDevice", "d") else None)
    assert codes(found) == []
    assert "create NetDevice/d [b]" in told(found)

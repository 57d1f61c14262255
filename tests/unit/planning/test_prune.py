"""What a unit gives up: objects to delete, to release, or to keep."""

import pytest

from stateward.errors import Code, Problem
from stateward.model.identity import NodeId
from stateward.model.plan import UnitState
from stateward.model.state import DesiredObject, Hold
from unit.builders import (
    asset,
    codes,
    device,
    held,
    interface,
    key,
    messages,
    obj,
    plan,
    tag,
    told,
    unit,
)

KEPT = device("kept")
MISTAKE = Problem(code=Code.YAML, message="bad indentation")


def dropped(*objects: object, **given: object) -> list[str]:
    """Return what is done about members that are not declared any more."""
    there = held("a", KEPT, *objects)  # type: ignore[arg-type]
    return told(plan([unit("a", KEPT, **given)], there))


def test_member_that_git_dropped_is_deleted() -> None:
    assert dropped(device("d")) == ["delete NetDevice/d"]


def test_stranger_is_never_deleted() -> None:
    assert told(plan([unit("a", KEPT)], [*held("a", KEPT), *held("", device("d"))])) == []


def test_adopted_object_is_released_and_stays() -> None:
    there = [*held("a", KEPT), *held("a", device("d"), adopted=True)]
    assert told(plan([unit("a", KEPT)], there)) == ["release NetDevice/d"]


def test_object_that_any_unit_had_adopted_is_released_by_all() -> None:
    there = [*held("a", KEPT), *held("a b", device("d"), adopted=True)]
    found = plan([unit("a", KEPT), unit("b", device("e"))], there)
    assert [own.action for own in found.changes if own.key == key("NetDevice", "d")] == [
        "release",
        "release",
    ]


def test_object_that_another_tool_claims_is_released_and_stays() -> None:
    holds = {"NetDevice/d": Hold(claims=("generator",))}
    found = plan([unit("a", KEPT)], held("a", KEPT, device("d")), holds=holds)
    assert told(found) == ["release NetDevice/d"]


def test_shared_object_goes_with_the_last_unit_that_declares_it() -> None:
    there = held("a b", device("d"))
    found = plan([unit("a", device("d")), unit("b")], there)
    assert [(own.action, own.unit) for own in found.changes] == [("release", "b")]
    found = plan([unit("a"), unit("b")], there, allow_deletes=1)
    assert [(own.action, own.unit) for own in found.changes] == [("delete", "a")]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"prune": False}, id="prune is off"),
        pytest.param({"protect": ("NetDevice/*",)}, id="a pattern protects it"),
        pytest.param({"protect": ("NetDevice/d",)}, id="its name protects it"),
    ],
)
def test_settings_keep_what_git_dropped(settings: dict[str, object]) -> None:
    found = plan([unit("a", KEPT, **settings)], held("a", KEPT, device("d")))
    assert told(found) == []
    assert found.units["a"].kept == 1
    assert found.units["a"].keeps


def test_pattern_protects_only_what_it_matches() -> None:
    found = dropped(device("core-1"), device("leaf-1"), protect=("NetDevice/core-*",))
    assert found == ["delete NetDevice/leaf-1"]


def test_protection_of_one_holder_keeps_the_object_for_it_alone() -> None:
    units = [unit("a", KEPT, prune=False), unit("b", device("e"))]
    found = plan(units, [*held("a", KEPT), *held("a b", device("d")), *held("b", device("e"))])
    assert [(own.action, own.unit) for own in found.changes] == [("release", "b")]


def test_directory_that_is_gone_gives_up_all_and_its_group() -> None:
    found = plan([unit("a", vanished=True)], held("a", device("d")), allow_deletes=1)
    assert told(found) == ["delete NetDevice/d"]
    assert found.units["a"].leaves


def test_directory_that_is_gone_keeps_its_group_while_something_is_kept() -> None:
    found = plan([unit("a", vanished=True, prune=False)], held("a", device("d")))
    assert told(found) == []
    assert not found.units["a"].leaves


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"problems": (MISTAKE,)}, id="its files are wrong"),
        pytest.param({"suspend": True}, id="it is suspended"),
        pytest.param({"selected": False}, id="it was not asked for"),
    ],
)
def test_unit_that_may_not_be_changed_deletes_nothing(given: dict[str, object]) -> None:
    assert dropped(device("d"), **given) == []


def test_object_with_a_mistake_still_counts_as_declared() -> None:
    wrong = Problem(code=Code.ENUM, message="no such role", subject="NetDevice/d")
    found = plan(
        [unit("a", device("d", role="x"), device("e"), problems=(wrong,))], held("a", device("d"))
    )
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].withheld == 1
    assert found.units["a"].state is UnitState.STALLED


def unread(*texts: str, **given: object) -> list[str]:
    """Return what happens to a dropped asset while files of another unit cannot be read."""
    units = [unit("a", KEPT), unit("b", unread=texts, problems=(MISTAKE,), **given)]
    return told(plan(units, held("a", KEPT, asset("old", "s1", node="the-id"))))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("- {name: old, serial: x", id="its name"),
        pytest.param("- name: new\n  serial: s1: x", id="its unique value"),
        pytest.param("- id: the-id\n  name: [", id="its id"),
        pytest.param("- name: o[1-2]\n  expand_range: true\n  [", id="a range may mean anything"),
        pytest.param('- name: "\\x6fld', id="an escape may mean anything"),
        pytest.param("", id="nothing is known of it"),
    ],
)
def test_what_an_unreadable_file_may_declare_is_not_deleted(text: str) -> None:
    assert unread(text) == []


def test_what_no_unreadable_file_can_mean_is_deleted() -> None:
    assert unread("- {name: other, serial: s2") == ["delete NetAsset/old"]


@pytest.mark.parametrize(
    ("member", "text"),
    [
        pytest.param(device("it's"), "- name: 'it''s", id="a quote may be doubled"),
        pytest.param(interface("kept", "eth0"), "- name: eth0: x", id="a parent is not repeated"),
        pytest.param(device("two words"), "- name: two\n    words: x", id="a line may be folded"),
    ],
)
def test_name_that_need_not_stand_in_a_file_as_it_is_counts(
    member: DesiredObject, text: str
) -> None:
    units = [unit("a", KEPT), unit("b", unread=(text,), problems=(MISTAKE,))]
    assert told(plan(units, held("a", KEPT, member))) == []


def test_object_that_may_have_moved_is_said_to_be_kept() -> None:
    units = [unit("a", KEPT), unit("b", unread=("- name: old: x",), problems=(MISTAKE,))]
    found = plan(units, held("a", KEPT, device("old")))
    assert codes(found) == ["yaml", "may-have-moved"]
    assert "unit b cannot be read" in messages(found)


def hold(**others: tuple[str, ...]) -> dict[str, Hold]:
    given = {name: tuple(NodeId(own) for own in ids) for name, ids in others.items()}
    return {"NetDevice/d": Hold(**given)}


PORT = interface("d", "eth0")


@pytest.mark.parametrize(
    ("reason", "holds"),
    [
        pytest.param(
            "deleting it would delete NetInterface/d/eth0",
            hold(cascade=("NetInterface/d/eth0",)),
            id="cascade",
        ),
        pytest.param(
            "NetInterface/d/eth0 cannot be without it",
            hold(needed_by=("NetInterface/d/eth0",)),
            id="needed",
        ),
    ],
)
def test_delete_that_would_hurt_something_foreign_is_not_tried(
    reason: str, holds: dict[str, Hold]
) -> None:
    found = plan([unit("a", KEPT)], [*held("a", KEPT, device("d")), *held("", PORT)], holds=holds)
    assert told(found) == []
    assert codes(found) == ["survivor"]
    (survivor,) = found.units["a"].survivors
    assert survivor.key == key("NetDevice", "d")
    assert reason in survivor.reason
    assert found.units["a"].keeps


@pytest.mark.parametrize("relation", ["cascade", "needed_by"])
def test_what_goes_along_does_not_hold_a_delete_back(relation: str) -> None:
    found = plan(
        [unit("a", KEPT)],
        held("a", KEPT, device("d"), PORT),
        holds=hold(**{relation: ("NetInterface/d/eth0",)}),
    )
    assert told(found) == ["delete NetInterface/d/eth0", "delete NetDevice/d"]


def test_what_relies_on_a_survivor_survives_as_well() -> None:
    holds = {
        "NetDevice/d": Hold(needed_by=(NodeId("NetDevice/e"),)),
        "NetDevice/e": Hold(cascade=(NodeId("NetAsset/foreign"),)),
    }
    there = [*held("a", KEPT, device("d"), device("e")), *held("", asset("foreign", "1"))]
    found = plan([unit("a", KEPT)], there, holds=holds)
    assert told(found) == []
    assert {str(own.key) for own in found.units["a"].survivors} == {"NetDevice/d", "NetDevice/e"}


def test_what_is_pointed_elsewhere_in_the_same_plan_holds_nothing_back() -> None:
    cable = obj("NetCable", "c", name="c", device=key("NetDevice", "kept"))
    there = obj("NetCable", "c", name="c", device=key("NetDevice", "d"))
    found = plan(
        [unit("a", KEPT, cable)],
        held("a", KEPT, device("d"), there),
        holds=hold(needed_by=("NetCable/c",)),
    )
    assert told(found) == ["update NetCable/c device", "delete NetDevice/d"]
    assert found.changes[1].needs == (key("NetCable", "c"),)


def test_object_without_a_hold_is_deleted() -> None:
    assert dropped(tag("t")) == ["delete BuiltinTag/t"]

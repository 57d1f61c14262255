"""Objects that change their unit or their name, and stay what they are."""

import pytest

from stateward.model.plan import UnitState
from unit.builders import (
    asset,
    codes,
    device,
    external,
    fields,
    held,
    interface,
    key,
    messages,
    plan,
    told,
    unit,
)

OLD, NEW = key("NetDevice", "old"), key("NetDevice", "new")


def test_object_that_one_unit_drops_and_another_declares_moves() -> None:
    found = plan([unit("a", device("e")), unit("b", device("d"))], held("a", device("d")))
    assert "move NetDevice/d [b] from a" in told(found)
    assert not any(own.action == "delete" for own in found.changes)


def test_moved_object_keeps_its_id() -> None:
    found = plan([unit("a"), unit("b", device("d"))], held("a", device("d", node="the-id")))
    assert [own.node for own in found.changes] == ["the-id"]


def test_moved_object_is_changed_in_the_same_step() -> None:
    found = plan([unit("a"), unit("b", device("d", role="spine"))], held("a", device("d")))
    assert told(found) == ["move NetDevice/d from a role"]


def test_object_moves_out_of_a_directory_that_is_gone() -> None:
    found = plan([unit("a", vanished=True), unit("b", device("d"))], held("a", device("d")))
    assert told(found) == ["move NetDevice/d from a"]
    assert found.units["a"].leaves


def test_adopted_object_stays_adopted_where_it_moves_to() -> None:
    there = held("a", device("d"), adopted=True)
    found = plan([unit("a"), unit("b", device("d"))], there)
    assert [(own.action, own.adopted) for own in found.changes] == [("move", True)]


@pytest.mark.parametrize("giver", [{"suspend": True}, {"selected": False}])
def test_object_of_a_unit_that_may_not_be_changed_is_shared_instead(giver: dict[str, bool]) -> None:
    found = plan([unit("a", **giver), unit("b", device("d"))], held("a", device("d")))
    assert [(own.action, own.unit, own.giver) for own in found.changes] == [("adopt", "b", None)]


def test_object_whose_new_unit_may_not_be_changed_stays_with_the_old_one() -> None:
    found = plan(
        [unit("a", device("e")), unit("b", device("d"), suspend=True)],
        held("a", device("d"), device("e")),
    )
    assert told(found) == []
    assert found.units["a"].keeps


def test_each_unit_that_takes_has_a_giver_of_its_own() -> None:
    units = [unit("a"), unit("b"), unit("c", device("d")), unit("e", device("d"))]
    found = plan(units, held("a b", device("d")))
    assert told(found) == ["move NetDevice/d [c] from a", "move NetDevice/d [e] from b"]


def test_giver_that_nobody_takes_from_releases_after_the_move() -> None:
    found = plan([unit("a"), unit("b"), unit("c", device("d"))], held("a b", device("d")))
    assert told(found) == ["move NetDevice/d [c] from a", "release NetDevice/d [b]"]
    assert found.changes[1].needs == (key("NetDevice", "d"),)


def test_hint_of_a_rename_keeps_the_object() -> None:
    found = plan([unit("a", device("new"), moved={OLD: NEW})], held("a", device("old")))
    assert told(found) == ["update NetDevice/new name"]
    assert fields(found)["name"] == ("old", "new")


def test_renamed_object_may_change_its_unit_as_well() -> None:
    found = plan([unit("a"), unit("b", device("new"), moved={OLD: NEW})], held("a", device("old")))
    assert told(found) == ["move NetDevice/new from a name"]


def test_what_is_named_after_a_renamed_object_follows_it() -> None:
    found = plan(
        [unit("a", device("new"), interface("new", "eth0"), moved={OLD: NEW})],
        held("a", device("old"), interface("old", "eth0")),
    )
    assert told(found) == ["update NetDevice/new name"]


def test_hint_may_stay_after_it_was_followed() -> None:
    found = plan([unit("a", device("new"), moved={OLD: NEW})], held("a", device("new")))
    assert told(found) == []
    assert codes(found) == []


def test_hint_about_nothing_that_is_there_makes_a_new_object() -> None:
    found = plan([unit("a", device("new"), moved={OLD: NEW})])
    assert told(found) == ["create NetDevice/new"]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        pytest.param(NEW, "is still declared", id="the old name is still declared"),
        pytest.param(key("NetAsset", "new"), "the kinds differ", id="into another kind"),
    ],
)
def test_hint_that_makes_no_sense_is_an_error(new: object, reason: str) -> None:
    objects = [device("old"), device("new"), asset("new", "1")]
    found = plan([unit("a", *objects, moved={OLD: new})], held("a", device("old")))
    assert codes(found) == ["moved-hint"]
    assert reason in messages(found)
    assert found.units["a"].state is UnitState.STALLED


def test_object_that_takes_over_a_unique_value_is_the_dropped_one_renamed() -> None:
    found = plan([unit("a", asset("new", "s1"))], held("a", asset("old", "s1")))
    assert told(found) == ["update NetAsset/new name"]


def test_unique_value_of_an_object_that_stays_renames_nothing() -> None:
    found = plan([unit("a", asset("old", "s2"), asset("new", "s1"))], held("a", asset("old", "s1")))
    assert told(found) == ["update NetAsset/old serial", "create NetAsset/new"]


def test_unique_values_that_two_new_objects_take_over_rename_nothing() -> None:
    one = asset("one", "s1")
    other = asset("other", "s1")
    there = held("a", asset("old", "s1"))
    assert "update" not in {own.action for own in plan([unit("a", one, other)], there).changes}


def test_unique_value_of_a_stranger_renames_nothing() -> None:
    found = plan([unit("a", asset("new", "s1"))], held("", asset("old", "s1")))
    assert told(found) == []
    assert codes(found) == ["unique"]


def test_reference_to_the_old_name_of_a_renamed_object_is_mended_by_a_person() -> None:
    referrer = device("e", buddy=OLD)
    found = plan(
        [
            unit("a", device("new"), moved={OLD: NEW}),
            unit("b", referrer, externals=(external(OLD, referrer, "buddy"),)),
        ],
        held("a", device("old")),
    )
    assert codes(found) == ["unresolved"]
    assert "renamed to NetDevice/new" in messages(found)

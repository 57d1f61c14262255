"""What one object only can have, and passes from one to another within a plan."""

import pytest

from stateward.errors import Code, Problem
from unit.builders import (
    asset,
    codes,
    device,
    held,
    interface,
    key,
    obj,
    plan,
    told,
    unit,
)
from unit.planning.plan_levels import deferred, levels

PORT = key("NetInterface", "d", "eth0")


def test_unique_value_is_taken_after_it_is_given_up() -> None:
    found = plan(
        [unit("a", asset("x", "new"), asset("y", "passed-on"))],
        held("a", asset("x", "passed-on"), asset("y", "old")),
    )
    assert levels(found) == [["update NetAsset/x"], ["update NetAsset/y"]]


def test_unique_value_is_taken_after_its_holder_is_deleted() -> None:
    found = plan(
        [unit("a", asset("y", "passed-on"))],
        held("a", asset("x", "passed-on"), asset("y", "old")),
    )
    assert levels(found) == [["delete NetAsset/x"], ["update NetAsset/y"]]


def test_what_has_to_go_before_the_holder_of_a_unique_value_goes_early_too() -> None:
    port = interface("x", "eth0")
    renamed = device("y", node="the-id")
    found = plan(
        [unit("a", obj("NetDevice", "x", name="x", node="the-id"))],
        held("a", device("x"), port, renamed),
    )
    assert levels(found) == [
        ["delete NetInterface/x/eth0"],
        ["delete NetDevice/x"],
        ["update NetDevice/x"],
    ]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        pytest.param("", "unique", id="of nobody's"),
        pytest.param("b", "waiting", id="of a unit that drops it, and is suspended"),
    ],
)
def test_unique_value_that_nobody_gives_up_in_this_round(units: str, expected: str) -> None:
    found = plan(
        [unit("a", asset("y", "taken"), device("d")), unit("b", suspend=True)],
        [*held("a", asset("y", "old")), *held(units, asset("x", "taken"))],
    )
    assert codes(found) == [expected]
    assert told(found) == ["create NetDevice/d"]


def test_unique_value_that_a_withheld_object_is_to_give_up_is_waited_for() -> None:
    wrong = Problem(code=Code.ENUM, message="no such field", subject="NetAsset/x")
    found = plan(
        [unit("a", asset("x", "new"), asset("y", "passed-on"), problems=(wrong,))],
        held("a", asset("x", "passed-on"), asset("y", "old")),
    )
    assert set(codes(found)) == {"enum", "waiting"}
    assert told(found) == []


def test_unique_value_of_a_withheld_object_that_goes_on_having_it_is_a_problem() -> None:
    wrong = Problem(code=Code.ENUM, message="no such field", subject="NetAsset/x")
    silent = obj("NetAsset", "x", name="x")
    found = plan(
        [unit("a", silent, asset("y", "taken"), problems=(wrong,))],
        held("a", asset("x", "taken"), asset("y", "old")),
    )
    assert set(codes(found)) == {"enum", "unique"}


def test_values_that_are_unique_together_are_taken_when_one_of_them_changes() -> None:
    devices = [device("d"), device("e")]
    found = plan(
        [unit("a", *devices, interface("e", "eth0", node="the-id"))],
        held("a", *devices, interface("d", "eth0", node="the-id"), interface("e", "eth0")),
    )
    assert levels(found) == [["delete NetInterface/e/eth0"], ["update NetInterface/e/eth0"]]


def test_unique_value_that_settings_keep_in_place_is_a_problem() -> None:
    found = plan(
        [unit("a", asset("y", "taken")), unit("b", prune=False, suspend=True)],
        [*held("a", asset("y", "old")), *held("b", asset("x", "taken"))],
    )
    assert codes(found) == ["unique"]


def test_swap_of_unique_values_sets_one_of_them_aside() -> None:
    found = plan(
        [unit("a", asset("x", "2"), asset("y", "1"))],
        held("a", asset("x", "1"), asset("y", "2")),
    )
    assert codes(found) == []
    assert len(levels(found)) == 2
    (first, second) = found.changes
    assert (first.deferred, second.deferred) == ({"serial"}, frozenset())
    assert dict(first.parked)["serial"] not in {"1", "2"}


def test_chain_of_hand_overs_is_done_from_its_end() -> None:
    found = plan(
        [unit("a", asset("x", "2"), asset("y", "3"), asset("z", "4"))],
        held("a", asset("x", "1"), asset("y", "2"), asset("z", "3")),
    )
    assert levels(found) == [["update NetAsset/z"], ["update NetAsset/y"], ["update NetAsset/x"]]


def test_place_at_a_peer_for_one_is_taken_after_it_is_left() -> None:
    ports = [interface("d", "eth0"), interface("d", "eth1")]
    found = plan(
        [
            unit(
                "a",
                device("d", uplink=key("NetInterface", "d", "eth1")),
                device("e", uplink=PORT),
                *ports,
            )
        ],
        held("a", device("d", uplink=PORT), device("e"), *ports),
    )
    assert levels(found) == [["update NetDevice/d"], ["update NetDevice/e"]]


def test_swap_of_places_is_done_by_clearing_one_first() -> None:
    ports = [interface("d", "eth0"), interface("d", "eth1")]
    other = key("NetInterface", "d", "eth1")
    found = plan(
        [unit("a", device("d", uplink=other), device("e", uplink=PORT), *ports)],
        held("a", device("d", uplink=PORT), device("e", uplink=other), *ports),
    )
    assert len(levels(found)) == 2
    assert list(deferred(found).values()) == [{"uplink"}]

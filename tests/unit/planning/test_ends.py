"""The two ends of a relationship, and what a change at one of them means for the other."""

from stateward.model.identity import NodeId
from stateward.model.plan import Action
from stateward.model.state import DesiredObject, Hold
from unit.builders import (
    asset,
    cable,
    codes,
    device,
    fields,
    held,
    interface,
    key,
    plan,
    told,
    unit,
)
from unit.planning.plan_levels import levels

PORT, OTHER = key("NetInterface", "d", "eth0"), key("NetInterface", "d", "eth1")


def lists(name: str, *ports: object) -> DesiredObject:
    """Return a device that lists its interfaces."""
    return device(name, interfaces=frozenset(ports))


def test_peer_that_is_deleted_is_not_taken_off_a_list_first() -> None:
    there = held("a", lists("d", PORT), interface("d", "eth0"))
    found = plan([unit("a", lists("d"))], there)
    assert told(found) == ["delete NetInterface/d/eth0"]


def test_list_is_written_with_the_peer_that_is_deleted_still_on_it() -> None:
    there = held("a", lists("d", PORT), interface("d", "eth0"))
    found = plan([unit("a", lists("d", OTHER), interface("d", "eth1"))], there)
    assert fields(found)["interfaces"] == (frozenset({PORT}), frozenset({PORT, OTHER}))
    assert told(found)[-1] == "delete NetInterface/d/eth0"


def test_other_fields_are_written_although_the_list_is_left_alone() -> None:
    there = held("a", lists("d", PORT), interface("d", "eth0"))
    want = device("d", role="spine", interfaces=frozenset())
    assert told(plan([unit("a", want)], there)) == [
        "update NetDevice/d role",
        "delete NetInterface/d/eth0",
    ]


def test_adoption_goes_on_although_its_only_field_is_left_alone() -> None:
    there = [*held("b", lists("d", PORT)), *held("a", interface("d", "eth0"), device("kept"))]
    found = plan([unit("a", device("kept"), lists("d")), unit("b", lists("d"))], there)
    actions = {own.action for own in found.changes if own.key == key("NetDevice", "d")}
    assert actions == {Action.ADOPT}
    assert codes(found) == []


def test_peer_turns_to_its_new_partner_before_the_old_one_lets_go() -> None:
    port = interface("d", "eth0", node="port")
    want = interface("e", "eth0", node="port")
    there = held("a", device("d", interfaces=frozenset({NodeId("port")})), device("e"), port)
    found = plan([unit("a", lists("d"), device("e"), want)], there)
    assert levels(found)[0] == ["update NetInterface/e/eth0"]


def test_place_that_a_deleted_object_holds_is_taken_afterwards() -> None:
    there = held("a", device("gone", uplink=PORT), device("e"), device("d"), interface("d", "eth0"))
    want = [device("e", uplink=PORT), device("d"), interface("d", "eth0")]
    found = plan([unit("a", *want)], there)
    assert levels(found) == [["delete NetDevice/gone"], ["update NetDevice/e"]]


def test_what_cannot_be_without_the_holder_is_pointed_elsewhere_before_it_goes() -> None:
    holds = {"NetDevice/gone": Hold(needed_by=(NodeId("NetCable/c"),))}
    there = held(
        "a",
        device("gone", uplink=PORT),
        device("e"),
        device("d"),
        interface("d", "eth0"),
        cable("c", "gone"),
    )
    want = [device("e", uplink=PORT), device("d"), interface("d", "eth0"), cable("c", "d")]
    assert levels(plan([unit("a", *want)], there, holds=holds)) == [
        ["update NetCable/c"],
        ["delete NetDevice/gone"],
        ["update NetDevice/e"],
    ]


def test_place_is_taken_after_an_object_of_two_units_has_left_it() -> None:
    there = held("a", device("d", uplink=PORT), device("e"), *interfaces())
    want = [device("d", uplink=OTHER), *interfaces()]
    found = plan([unit("a", *want, device("e", uplink=PORT)), unit("b", *want)], there)
    first, second = levels(found)
    assert "update NetDevice/d" in first
    assert second == ["update NetDevice/e"]


def test_value_is_taken_after_an_object_of_two_units_has_left_it() -> None:
    there = held("a", asset("x", "old"), asset("y", "its-own"))
    want = asset("x", "new")
    found = plan([unit("a", want, asset("y", "old")), unit("b", want)], there)
    assert codes(found) == []
    assert levels(found)[-1] == ["update NetAsset/y"]


def interfaces() -> list[DesiredObject]:
    return [interface("d", "eth0"), interface("d", "eth1")]

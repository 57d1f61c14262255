"""A relationship that is declared at its other end from now on is kept as it is."""

from stateward.model.plan import Default
from unit.builders import device, fields, group, held, interface, key, plan, tag, told, unit

LEAF, UPLINK = key("NetDevice", "d"), key("NetInterface", "d", "e")
TAG, GROUP = key("BuiltinTag", "t"), key("CoreStandardGroup", "g")


def test_list_whose_peers_name_the_object_themselves_is_not_cleared() -> None:
    there = [device("d", interfaces=frozenset({UPLINK})), interface("d", "e")]
    was = device("d", interfaces=frozenset({UPLINK}))
    now = unit("a", device("d"), interface("d", "e"))
    assert told(plan([now], held("a", *there), formerly=[was])) == []


def test_only_the_peers_that_are_declared_nowhere_are_taken_off_a_list() -> None:
    both = frozenset({UPLINK, key("NetInterface", "d", "f")})
    there = [device("d", interfaces=both), interface("d", "e"), interface("d", "f")]
    was = device("d", interfaces=both)
    now = [unit("a", device("d"), interface("d", "e"))]
    found = plan(now, [*held("a", *there[:2]), *held("", there[2])], formerly=[was])
    assert fields(found) == {"interfaces": (both, frozenset({UPLINK}))}


def test_peer_that_names_the_object_in_its_list_keeps_it() -> None:
    there = [device("d", uplink=UPLINK), interface("d", "e", uplink_of=LEAF)]
    was = interface("d", "e", uplink_of=LEAF)
    now = unit("a", device("d", uplink=UPLINK), interface("d", "e"))
    assert told(plan([now], held("a", *there), formerly=[was])) == []


def test_peer_that_names_the_object_in_another_unit_keeps_it() -> None:
    there = [*held("a", device("d", uplink=UPLINK)), *held("b", interface("d", "e"))]
    was = device("d", uplink=UPLINK)
    now = [unit("a", device("d")), unit("b", interface("d", "e", uplink_of=LEAF))]
    assert told(plan(now, there, formerly=[was])) == ["update NetInterface/d/e uplink_of"]


def test_peer_that_names_another_object_now_is_let_go() -> None:
    there = [
        *held("a", device("d", uplink=UPLINK), device("other")),
        *held("a", interface("d", "e", uplink_of=LEAF)),
    ]
    was = device("d", uplink=UPLINK)
    now = unit(
        "a",
        device("d"),
        device("other"),
        interface("d", "e", uplink_of=key("NetDevice", "other")),
    )
    assert fields(plan([now], there, formerly=[was]))["uplink"] == (UPLINK, Default(None))


def test_member_that_names_its_group_itself_stays_a_member() -> None:
    there = [
        *held("a", group("g", members=frozenset({TAG}))),
        *held("a", tag("t", member_of_groups=frozenset({GROUP}))),
    ]
    was = group("g", members=frozenset({TAG}))
    now = unit("a", group("g"), tag("t", member_of_groups=frozenset({GROUP})))
    assert told(plan([now], there, formerly=[was])) == []

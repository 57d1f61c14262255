"""What of a prune is told first, and how it is said."""

from collections.abc import Mapping

from stateward.model.commit import Commit
from stateward.model.identity import NodeId
from stateward.model.plan import Blocked
from stateward.model.state import Hold
from stateward.planning import telling
from unit.builders import cable, device, held, interface, limits, plan, unit


def pruned(*names: str, holds: Mapping[str, Hold] | None = None, protected: str = "") -> Blocked:
    """Plan to delete devices, the first with two cables and the second with two interfaces."""
    there = [device(name) for name in names]
    cables = [cable("c1", names[0]), cable("c2", names[0])]
    ports = [interface(names[1], "e0"), interface(names[1], "e1"), interface(names[1], "e2")]
    kinds = [own for own in (protected,) if own]
    case = unit("a", limits=limits(0, 0, *kinds), may_empty=True)
    (found,) = plan([case], held("a", *there, *cables, *ports), holds=holds or {}).blocked
    return found


def test_what_others_refer_to_comes_first_then_names() -> None:
    found = pruned("z", "y", "x")
    assert [str(own) for own in found.objects[:3]] == ["NetDevice/y", "NetDevice/z", "NetCable/c1"]
    assert [own.referring for own in found.going[:3]] == [3, 2, 0]


def test_what_takes_others_along_comes_before_what_few_refer_to() -> None:
    ports = tuple(NodeId(f"NetInterface/y/e{number}") for number in range(3))
    found = pruned("z", "y", holds={"NetDevice/z": Hold(cascade=ports)})
    assert [(str(own.key), own.along, own.referring) for own in found.going[:2]] == [
        ("NetDevice/z", 3, 2),
        ("NetDevice/y", 0, 3),
    ]


def test_what_goes_along_and_refers_is_one_object() -> None:
    ports = tuple(NodeId(f"NetInterface/y/e{number}") for number in range(3))
    holds = {
        "NetDevice/y": Hold(cascade=ports),
        "NetDevice/z": Hold(cascade=(*ports, NodeId("NetDevice/y"))),
    }
    found = pruned("z", "y", holds=holds)
    assert [str(own) for own in found.objects[:2]] == ["NetDevice/z", "NetDevice/y"]


def test_what_is_protected_comes_before_all_else() -> None:
    found = pruned("z", "y", protected="NetCable")
    assert [str(own) for own in found.objects[:3]] == ["NetCable/c1", "NetCable/c2", "NetDevice/y"]
    assert [own.protected for own in found.going[:3]] == [True, True, False]


def test_kinds_are_counted_the_most_first() -> None:
    assert pruned("z", "y").kinds == [("NetInterface", 3), ("NetCable", 2), ("NetDevice", 2)]


def test_ten_objects_are_named_and_the_others_counted() -> None:
    commit = Commit(id="0123456789abcdef", author="Ada <a@b.c>", subject="Less")
    found = list(telling.lines(pruned(*(f"d{number}" for number in range(10))), commit, " there"))
    assert found[:2] == [
        "10 NetDevice, 3 NetInterface, 2 NetCable",
        "at commit 0123456789ab of Ada <a@b.c>: Less",
    ]
    assert len([own for own in found if own.startswith("- ")]) == 10
    assert found[-1] == "… and 5 more there"


def test_few_objects_are_named_all() -> None:
    assert not any("more" in own for own in telling.lines(pruned("z", "y"), None))


def test_many_kinds_are_not_listed_all() -> None:
    found = pruned("z", "y")
    kinds = [
        found.going[0]._replace(key=found.going[0].key._replace(kind=f"K{n}")) for n in range(9)
    ]
    many = Blocked(unit="a", reason="", figures={}, going=tuple(kinds), digest="")
    assert next(telling.lines(many, None)).endswith("1 K7, and 1 more kinds")

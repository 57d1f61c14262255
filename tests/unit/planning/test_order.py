"""The order of changes."""

from dataclasses import replace

import pytest

from unit.builders import (
    cable,
    codes,
    device,
    held,
    interface,
    key,
    messages,
    obj,
    plan,
    server,
    site,
    tag,
    team,
    told,
    twin,
    unit,
)
from unit.planning.plan_levels import deferred, levels

AMS = key("LocationSite", "ams")
PORT = key("NetInterface", "d", "eth0")


@pytest.mark.parametrize(
    "referrer",
    [
        pytest.param(device("d", site=AMS), id="optional"),
        pytest.param(team("t", "ams"), id="mandatory, to many"),
    ],
)
def test_object_comes_after_what_it_refers_to(referrer: object) -> None:
    found = plan([unit("a", referrer), unit("b", site("ams"))])  # type: ignore[arg-type]
    assert levels(found)[0] == ["create LocationSite/ams"]
    assert len(levels(found)) == 2


def test_changes_that_do_not_need_each_other_share_a_level() -> None:
    found = plan([unit("a", tag("x"), tag("y"), site("ams"))])
    assert len(levels(found)) == 1


class TestAddresses:
    """They come after the prefixes: a server that writes both at once may miss which belong."""

    PREFIX = obj("IpamPrefix", "10.0.0.0/24", "default")
    ADDRESS = obj("IpamAddress", "10.0.0.1/24", "default")

    def test_come_after_prefixes_of_any_unit(self) -> None:
        found = plan([unit("a", self.ADDRESS, tag("x")), unit("b", self.PREFIX)])
        assert levels(found) == [
            ["create BuiltinTag/x", "create IpamPrefix/10.0.0.0/24/default"],
            ["create IpamAddress/10.0.0.1/24/default"],
        ]

    def test_do_without_a_prefix_that_fails(self) -> None:
        found = plan([unit("a", self.ADDRESS, self.PREFIX)])
        assert all(own.needs == () for own in found.changes)

    def test_alone_share_a_level_with_all_others(self) -> None:
        assert len(levels(plan([unit("a", self.ADDRESS, tag("x"))]))) == 1

    def test_defer_nothing_that_prefixes_wait_for(self) -> None:
        rack = obj("IpamRack", "r", primary=self.ADDRESS.key)
        racked = obj("IpamRacked", "10.0.0.0/24", "default", rack=rack.key)
        for unit_of_rack in "az":
            found = plan([unit("m", self.ADDRESS, racked), unit(unit_of_rack, rack)])
            assert [own.key.kind for own in found.changes] == [
                "IpamAddress",
                "IpamRack",
                "IpamRacked",
            ]
            assert deferred(found) == {}

    def test_circle_is_told_without_what_nobody_wrote(self) -> None:
        routed = obj(
            "IpamRouted", "10.0.0.0/24", "default", gateway=key("IpamOwned", "o", "default")
        )
        owned = obj("IpamOwned", "o", "default", network=routed.key)
        found = plan([unit("a", routed, owned, self.ADDRESS)])
        assert "make one of the references optional" in messages(found)
        assert "dependsOn" not in messages(found)

    def test_come_before_a_prefix_that_cannot_be_without_one(self) -> None:
        needing = obj("IpamRouted", "10.0.0.0/24", "default", gateway=self.ADDRESS.key)
        found = plan([unit("a", self.ADDRESS, needing)])
        assert [own.key.kind for own in found.changes] == ["IpamAddress", "IpamRouted"]
        assert not any(own.deferred for own in found.changes)


def test_chain_of_references_has_a_level_for_each_link() -> None:
    found = plan([unit("a", cable("c", "d"), device("d", site=AMS), site("ams"))])
    assert levels(found) == [
        ["create LocationSite/ams"],
        ["create NetDevice/d"],
        ["create NetCable/c"],
    ]


def test_change_names_what_it_needs() -> None:
    found = plan([unit("a", interface("d", "eth0"), device("d"))])
    assert found.changes[1].needs == (key("NetDevice", "d"),)


def test_reference_to_what_exists_needs_nothing() -> None:
    found = plan([unit("a", device("d", site=AMS), site("ams"))], held("a", site("ams")))
    assert found.changes[0].needs == ()


def test_update_comes_after_the_create_that_it_refers_to() -> None:
    found = plan([unit("a", device("d", site=AMS), site("ams"))], held("a", device("d")))
    assert levels(found) == [["create LocationSite/ams"], ["update NetDevice/d"]]


def test_deletes_come_last_and_releases_before_them() -> None:
    there = [*held("a", device("gone")), *held("a", device("kept"), adopted=True)]
    found = plan([unit("a", device("new"))], there)
    assert levels(found) == [
        ["create NetDevice/new"],
        ["release NetDevice/kept"],
        ["delete NetDevice/gone"],
    ]


def test_objects_are_deleted_before_what_they_cannot_be_without() -> None:
    there = held("a", device("kept"), device("d"), interface("d", "eth0"), cable("c", "d"))
    found = plan([unit("a", device("kept"))], there)
    assert levels(found) == [
        ["delete NetCable/c", "delete NetInterface/d/eth0"],
        ["delete NetDevice/d"],
    ]


def test_optional_reference_gives_deletes_no_order() -> None:
    there = held("a", device("kept"), device("d", buddy=key("NetDevice", "e")), device("e"))
    assert len(levels(plan([unit("a", device("kept"))], there))) == 1


def test_cycle_is_cut_where_a_reference_is_optional() -> None:
    found = plan([unit("a", device("d", uplink=PORT), interface("d", "eth0"))])
    assert told(found) == ["create NetDevice/d", "create NetInterface/d/eth0"]
    assert deferred(found) == {"NetDevice/d": {"uplink"}}


def test_cycle_of_optional_references_is_cut_once() -> None:
    pair = [device("d", buddy=key("NetDevice", "e")), device("e", buddy=key("NetDevice", "d"))]
    found = plan([unit("a", *pair)])
    assert len(levels(found)) == 2
    assert len(deferred(found)) == 1


def test_reference_to_oneself_is_written_in_a_second_step() -> None:
    found = plan([unit("a", device("d", buddy=key("NetDevice", "d")))])
    assert deferred(found) == {"NetDevice/d": {"buddy"}}


def test_cycle_across_units_is_cut_as_well() -> None:
    found = plan([unit("a", device("d", uplink=PORT)), unit("b", interface("d", "eth0"))])
    assert told(found) == ["create NetDevice/d [a]", "create NetInterface/d/eth0 [b]"]


def test_cycle_of_mandatory_references_is_a_problem_that_shows_the_path() -> None:
    found = plan([unit("a", twin("x", "y"), twin("y", "x"), device("d"))])
    assert codes(found) == ["cycle", "cycle"]
    assert "NetTwin/x → NetTwin/y → NetTwin/x" in messages(found)
    assert told(found) == ["create NetDevice/d"]


def test_what_refers_to_a_mandatory_cycle_waits_without_being_blamed() -> None:
    found = plan([unit("a", twin("x", "y"), twin("y", "x"), twin("z", "x"))])
    assert told(found) == []
    blamed = {own.subject for own in found.problems if own.code.slug == "cycle"}
    assert blamed == {"NetTwin/x", "NetTwin/y"}
    assert "NetTwin/z: waits for NetTwin/x" in messages(found)


def test_mandatory_cycle_of_what_exists_is_no_problem() -> None:
    pair = [twin("x", "y"), twin("y", "x")]
    assert codes(plan([unit("a", *pair)], held("a", *pair))) == []


def test_mandatory_cycle_of_what_is_dropped_can_be_deleted() -> None:
    there = held("a", device("kept"), twin("x", "y"), twin("y", "x"))
    found = plan([unit("a", device("kept"))], there)
    assert sorted(told(found)) == ["delete NetTwin/x", "delete NetTwin/y"]


def test_units_that_depend_on_each_other_by_objects_and_by_settings_are_named() -> None:
    units = [
        unit("a", device("d", buddy=None), depends_on=("b",)),
        unit("b", interface("d", "eth0")),
    ]
    found = plan(units)
    assert "unit b" in messages(found)
    assert "take one dependsOn out" in messages(found)
    assert told(found) == []


def test_order_within_a_level_is_by_unit_and_name() -> None:
    found = plan([unit("b", tag("y"), tag("x")), unit("a", tag("z"))])
    assert told(found) == [
        "create BuiltinTag/z [a]",
        "create BuiltinTag/x [b]",
        "create BuiltinTag/y [b]",
    ]


def test_what_is_made_from_a_template_waits_for_all_of_it() -> None:
    template = key("TemplateNetServer", "T")
    whole = obj("TemplateNetServer", "T", template_name="T")
    card = obj("TemplateNetCard", "T", "c", template_name="c", server=template)
    made = server("s", object_template=template)
    found = plan([unit("a", whole, card), unit("b", made)])
    assert levels(found) == [
        ["create TemplateNetServer/T"],
        ["create TemplateNetCard/T/c"],
        ["create NetServer/s"],
    ]
    there = held("a", whole, replace(card, attributes={"template_name": "c", "name": "old"}))
    found = plan(
        [
            unit("a", whole, replace(card, attributes={"template_name": "c", "name": "new"})),
            unit("b", made),
        ],
        there,
    )
    assert levels(found) == [["update TemplateNetCard/T/c"], ["create NetServer/s"]]

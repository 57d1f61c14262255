"""Which fields of an object are to change."""

from typing import Any

import pytest

from stateward.model.identity import NodeId
from stateward.model.plan import Default
from stateward.model.state import DesiredObject
from stateward.model.unit import Ignore
from unit.builders import (
    asset,
    device,
    fields,
    group,
    held,
    key,
    obj,
    plan,
    server,
    site,
    tag,
    told,
    unit,
)


def difference(want: DesiredObject, have: DesiredObject, **given: Any) -> dict[str, Any]:
    """Return what is to be changed of a member, before and after."""
    beside = given.pop("beside", ())
    return fields(plan([unit("a", want)], [*held("a", have), *beside], **given))


@pytest.mark.parametrize(
    "there",
    [
        pytest.param({"role": "spine"}, id="an attribute with a default"),
        pytest.param({"comment": "by hand"}, id="an optional attribute"),
        pytest.param({"site": key("LocationSite", "ams")}, id="a relationship to one"),
        pytest.param({"tags": frozenset({key("BuiltinTag", "t")})}, id="a relationship to many"),
        pytest.param({"comment__is_protected": True}, id="metadata"),
    ],
)
def test_field_that_is_not_declared_is_left_alone(there: dict[str, Any]) -> None:
    assert difference(device("d"), device("d", **there)) == {}


@pytest.mark.parametrize(
    ("declared", "there", "expected"),
    [
        pytest.param({"comment": "x"}, {"comment": "x"}, {}, id="equal text"),
        pytest.param(
            {"comment": "x"}, {"comment": "y"}, {"comment": ("y", "x")}, id="another text"
        ),
        pytest.param({"comment": ""}, {}, {"comment": (None, "")}, id="empty text is not unset"),
        pytest.param({"role": "leaf"}, {}, {}, id="what the default is already"),
        pytest.param({"rack_unit": 1}, {"rack_unit": 1.0}, {}, id="one number, two types"),
        pytest.param({"rack_unit": 0}, {}, {"rack_unit": (None, 0)}, id="zero is not unset"),
    ],
)
def test_declared_value_is_written_where_it_differs(
    declared: dict[str, Any], there: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert difference(device("d", **declared), device("d", **there)) == expected


@pytest.mark.parametrize(
    ("declared", "there", "expected"),
    [
        pytest.param(True, False, (False, True), id="true is not false"),
        pytest.param(False, None, (None, False), id="false is not unset"),
    ],
)
def test_boolean_is_written_where_it_differs(declared: Any, there: Any, expected: Any) -> None:
    want, have = server("s", spare=declared), server("s", spare=there)
    assert difference(want, have) == {"spare": expected}


@pytest.mark.parametrize(("declared", "there"), [(True, 1), (0, False), (1.0, 1)])
def test_value_that_a_server_takes_for_the_same_is_not_written(declared: Any, there: Any) -> None:
    assert difference(server("s", slots=declared), server("s", slots=there)) == {}


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        pytest.param("comment", {"comment": "x"}, ("x", Default(None)), id="to nothing"),
        pytest.param("comment", {}, None, id="nothing is there"),
        pytest.param("role", {"role": "spine"}, ("spine", Default("leaf")), id="to the default"),
        pytest.param("role", {}, None, id="the default shows"),
        pytest.param("role", {"role": "leaf"}, None, id="what was set is the default"),
        pytest.param(
            "site",
            {"site": key("LocationSite", "x")},
            (NodeId("LocationSite/x"), None),
            id="no peer",
        ),
        pytest.param("site", {}, None, id="no peer is there"),
    ],
)
def test_null_unsets(name: str, there: dict[str, Any], expected: Any) -> None:
    found = difference(device("d", **{name: None}), device("d", **there))
    assert found == ({} if expected is None else {name: expected})


ams = key("LocationSite", "ams")
red, blue = key("BuiltinTag", "red"), key("BuiltinTag", "blue")
PEERS = held("", site("ams"), site("fra"), tag("red"), tag("blue"), group("ours"), group("theirs"))


@pytest.mark.parametrize(
    ("before", "there", "expected"),
    [
        pytest.param({"comment": "x"}, {"comment": "x"}, ("x", Default(None)), id="to nothing"),
        pytest.param({"comment": "x"}, {"comment": "y"}, ("y", Default(None)), id="after drift"),
        pytest.param({"comment": "x"}, {}, None, id="nothing is there"),
        pytest.param(
            {"role": "spine"}, {"role": "spine"}, ("spine", Default("leaf")), id="default"
        ),
        pytest.param({"role": "leaf"}, {"role": "leaf"}, None, id="the default is there"),
        pytest.param({"role": "spine"}, {}, None, id="the default shows"),
        pytest.param({"site": ams}, {"site": ams}, (ams, Default(None)), id="one peer"),
        pytest.param({"site": ams}, {}, None, id="the peer is gone"),
        pytest.param(
            {"tags": frozenset({red})},
            {"tags": frozenset({red, blue})},
            (frozenset({red, blue}), Default(frozenset())),
            id="all peers",
        ),
        pytest.param(
            {"comment__is_protected": True},
            {"comment__is_protected": True},
            (True, Default(False)),
            id="protection",
        ),
    ],
)
def test_field_that_git_dropped_is_reset(
    before: dict[str, Any], there: dict[str, Any], expected: Any
) -> None:
    found = difference(
        device("d"), device("d", **there), formerly=[device("d", **before)], beside=PEERS
    )
    (name,) = (own.replace("__", ".") for own in before)
    assert found == ({} if expected is None else {name: expected})


@pytest.mark.parametrize("name", ["comment__source", "comment__owner"])
def test_lineage_that_cannot_be_taken_away_stays(name: str) -> None:
    lineage = {name: key("LocationSite", "ams")}
    have = device("d", comment="x", **lineage)
    found = difference(device("d", comment="x"), have, formerly=[have], beside=PEERS)
    assert found == {}


def test_field_that_another_writer_set_is_not_reset() -> None:
    have = device("d", comment="by hand", rack_unit=4)
    found = difference(device("d"), have, formerly=[device("d", comment="ours")])
    assert list(found) == ["comment"]


def test_nothing_is_reset_where_the_last_applied_revision_is_unknown() -> None:
    assert difference(device("d"), device("d", comment="x", role="spine"), formerly=[]) == {}


def test_value_that_cannot_be_unset_stays() -> None:
    serial = asset("d", "1")
    assert difference(obj("NetAsset", "d", name="d"), serial, formerly=[serial]) == {}


def test_value_that_the_server_makes_is_not_reset() -> None:
    assert difference(server("s"), server("s", given="x"), formerly=[server("s", given="x")]) == {}


def test_renamed_object_is_reset_by_what_its_old_name_declared() -> None:
    moved = {key("NetDevice", "old"): key("NetDevice", "new")}
    found = plan(
        [unit("a", device("new"), moved=moved)],
        held("a", device("old", comment="x")),
        formerly=[device("old", comment="x")],
    )
    assert fields(found)["comment"] == ("x", Default(None))


def test_adopted_stranger_keeps_what_an_earlier_declaration_said() -> None:
    found = plan(
        [unit("a", device("d"))],
        held("", device("d", comment="x")),
        formerly=[device("d", comment="x")],
    )
    assert told(found) == ["adopt NetDevice/d"]


@pytest.mark.parametrize(
    ("declared", "there", "expected"),
    [
        pytest.param({red}, {red, blue}, ({red, blue}, {red}), id="an extra peer goes"),
        pytest.param({red, blue}, {red}, ({red}, {red, blue}), id="a missing peer comes"),
        pytest.param(set(), {red}, ({red}, set()), id="an empty set clears"),
        pytest.param({red, blue}, {blue, red}, None, id="equal sets"),
        pytest.param({NodeId("BuiltinTag/red")}, {red}, None, id="equal by id"),
        pytest.param(set(), set(), None, id="both empty"),
    ],
)
def test_peers_are_compared_as_sets(declared: Any, there: Any, expected: Any) -> None:
    want, have = (device("d", tags=frozenset(own)) for own in (declared, there))
    found = difference(want, have, beside=PEERS)
    assert found == ({} if expected is None else {"tags": tuple(map(frozenset, expected))})


def test_relationship_to_what_is_made_in_the_same_plan_is_written() -> None:
    found = plan(
        [unit("a", device("d", site=key("LocationSite", "new")), site("new"))],
        held("a", device("d")),
    )
    assert fields(found)["site"] == (None, key("LocationSite", "new"))


ours, theirs = key("CoreStandardGroup", "ours"), key("CoreStandardGroup", "theirs")
old = key("CoreStandardGroup", "old")


@pytest.mark.parametrize(
    ("declared", "before", "there", "expected"),
    [
        pytest.param({ours}, None, {theirs}, {ours, theirs}, id="what is declared is added"),
        pytest.param({ours}, {ours}, {ours, theirs}, None, id="what others add stays"),
        pytest.param({ours}, {ours, old}, {ours, old, theirs}, {ours, theirs}, id="dropped"),
        pytest.param(None, {ours}, {ours, theirs}, {theirs}, id="none is declared any more"),
        pytest.param(None, {ours}, {theirs}, None, id="somebody took it out before us"),
        pytest.param({ours}, None, {ours, old}, None, id="nothing known of before"),
    ],
)
def test_shared_relationship_is_merged(
    declared: Any, before: Any, there: Any, expected: Any
) -> None:
    want, past, have = (
        device("d", **({} if own is None else {"member_of_groups": frozenset(own)}))
        for own in (declared, before, there)
    )
    found = difference(want, have, formerly=[past], beside=[*PEERS, *held("", group("old"))])
    after = {name: new for name, (_, new) in found.items()}
    assert after == ({} if expected is None else {"member_of_groups": frozenset(expected)})


def test_tracking_group_is_no_group_that_an_object_is_compared_by() -> None:
    tracking = NodeId("stateward/default/default/a")
    have = device("d", member_of_groups=frozenset({tracking, ours}))
    want = device("d", member_of_groups=frozenset({ours, theirs}))
    found = difference(want, have, beside=PEERS)
    assert found == {"member_of_groups": (frozenset({ours}), frozenset({ours, theirs}))}


def test_ignored_field_is_left_alone_on_what_exists() -> None:
    ignore = (Ignore(kind="NetDevice", fields=frozenset({"role"})),)
    want = device("d", role="spine", comment="x")
    found = plan([unit("a", want, ignore=ignore)], held("a", device("d")))
    assert list(fields(found)) == ["comment"]


def test_created_object_gets_what_is_declared_and_nothing_that_is_unset() -> None:
    ignore = (Ignore(kind="NetDevice", fields=frozenset({"role"})),)
    want = device("d", role="spine", comment=None, tags=frozenset(), site=None)
    found = plan([unit("a", want, ignore=ignore)])
    assert fields(found) == {"name": (None, "d"), "role": (None, "spine")}

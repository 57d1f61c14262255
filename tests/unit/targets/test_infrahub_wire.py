"""What the server answers, as the values of the model."""

from dataclasses import replace
from typing import Any

import pytest

from stateward.model.identity import ObjectKey
from stateward.model.schema import Path, Schema
from stateward.targets.infrahub import wire
from stateward.targets.infrahub.shapes import Shape, shape
from targets import changed, schema

DEVICE = "SuiteDevice"


@pytest.fixture(scope="module")
def suite() -> Schema:
    return schema()


def value(given: Any, **more: Any) -> dict[str, Any]:
    return {"value": given, "is_default": False, **more}


def edge(made_by: str | None = "person", **fields: Any) -> dict[str, Any]:
    stamp = {"created_by": {"id": made_by} if made_by else None}
    return {"node_metadata": stamp, "node": {"id": "n1", **fields}}


def of_device(suite: Schema, *asked: str, pooled: tuple[str, ...] = ()) -> Shape:
    kind = suite.kinds[DEVICE]
    generics = {name for name, own in suite.kinds.items() if own.is_generic}
    return shape(kind, kind, asked, pooled=pooled, generics=generics)


SITE = {"node": {"id": "s1"}}


def test_object_is_shown_with_its_fields(suite: Schema) -> None:
    own = of_device(suite, "comment", "tags", "uplink", "active")
    found = wire.observed(
        own,
        edge(
            name=value("leaf"),
            comment={"value": None, "is_default": True},
            active=value(given=False),
            site=SITE,
            uplink={"node": None},
            tags={"edges": [{"node": {"id": "t1"}}, {"node": None}, {"node": {"id": "t2"}}]},
        ),
    )
    assert found.key == ObjectKey(DEVICE, ("leaf",))
    assert found.attributes == {"name": "leaf", "comment": None, "active": False}
    assert found.defaults == {"comment"}
    assert found.relations == {"site": "s1", "uplink": None, "tags": {"t1", "t2"}}
    assert not found.pools


def test_peers_that_may_be_of_several_kinds_are_asked_for_theirs(suite: Schema) -> None:
    """Asked for the id alone of a peer in a hierarchy, the server fails."""
    found = of_device(suite, "site", "uplink", "tags").selection
    assert "site { node { id __typename } }" in found
    assert "uplink { node { id } }" in found
    assert "tags { edges { node { id } } }" in found
    ends = suite.kinds[DEVICE].relationships
    below = replace(
        suite.kinds[DEVICE],
        relationships={**ends, "uplink": replace(ends["uplink"], kind="Hierarchy")},
    )
    found = shape(below, below, ["uplink"], generics=()).selection
    assert "uplink { node { id __typename } }" in found


def test_metadata_is_shown_under_dotted_names(suite: Schema) -> None:
    own = of_device(suite, "name.is_protected", "name.source", "name.owner")
    name = value("leaf", is_protected=True, source={"id": "a1", "__typename": "X"}, owner=None)
    found = wire.observed(own, edge(name=name, site=SITE))
    assert found.attributes["name.is_protected"] is True
    assert (found.relations["name.source"], found.relations["name.owner"]) == ("a1", None)
    for part in ("is_protected", "source { id __typename }", "owner { id __typename }"):
        assert part in own.selection


def test_pool_is_told_from_another_source(suite: Schema) -> None:
    own = of_device(suite, "ports", "uplink", pooled=("ports", "uplink", "comment"))
    pool = {"id": "p1", "__typename": "CoreNumberPool"}
    person = {"id": "a1", "__typename": "CoreAccount"}
    from_pool = {"node": {"id": "i1"}, "properties": {"source": pool}}
    found = wire.observed(
        own, edge(name=value("leaf"), site=SITE, ports=value(3, source=person), uplink=from_pool)
    )
    assert found.pools == {"uplink": "p1"}
    found = wire.observed(
        own,
        edge(
            name=value("leaf"),
            site=SITE,
            ports=value(3, source=pool),
            uplink={"node": None, "properties": {"source": None}},
        ),
    )
    assert found.pools == {"ports": "p1"}


def test_pool_is_asked_for_only_where_it_matters(suite: Schema) -> None:
    assert "source" not in of_device(suite, "ports", "uplink").selection
    assert "source" in of_device(suite, "ports", pooled=("ports",)).selection


@pytest.mark.parametrize(
    ("made_by", "seeded"), [("__system__", True), ("person", False), (None, False)]
)
def test_server_made_what_it_came_with(suite: Schema, made_by: str, *, seeded: bool) -> None:
    tag = suite.kinds["BuiltinTag"]
    assert (
        wire.observed(shape(tag, tag, generics=()), edge(made_by, name=value("x"))).seeded is seeded
    )


def test_server_did_not_come_with_what_a_pool_made(suite: Schema) -> None:
    address = suite.kinds["SuiteAddress"]
    place = {"node": {"id": "ns", "name": {"value": "default"}}}
    made = edge("__system__", address=value("10.0.0.1/24"), ip_namespace=place)
    found = wire.observed(shape(address, address, generics=()), made)
    assert not found.seeded
    assert found.key.hfid == ("10.0.0.1/24", "default")


def test_what_the_server_does_not_have_yet_is_its_default(suite: Schema) -> None:
    def grow(kinds: dict[str, Any]) -> None:
        kinds["Device"]["attributes"].append({"name": "tier", "kind": "Number", "default_value": 3})
        kinds["Device"]["human_friendly_id"] = ["name__value", "tier__value"]

    grown = changed(grow).kinds[DEVICE]
    own = shape(grown, suite.kinds[DEVICE], ["tier"], generics=())
    assert "tier" not in own.selection
    found = wire.observed(own, edge(name=value("leaf"), site=SITE))
    assert found.attributes["tier"] == 3
    assert found.defaults == {"tier"}
    assert found.key.hfid == ("leaf", "3")


def test_names_are_spelled_as_the_server_spells_them(suite: Schema) -> None:
    setting, slot = suite.kinds["SuiteSetting"], suite.kinds["SuiteSlot"]
    none = {"value": None, "is_default": True}
    found = wire.observed(
        shape(setting, setting, generics=()), edge(name=value("mtu"), variant=none)
    )
    assert found.key.hfid == ("mtu", "None")
    fields = {"name": value("bay"), "number": value(3), "rear": value(given=True)}
    assert wire.observed(shape(slot, slot, generics=()), edge(**fields)).key.hfid == (
        "bay",
        "3",
        "True",
    )


def test_object_of_no_name_is_called_by_a_constraint_or_by_its_id(suite: Schema) -> None:
    note = suite.kinds["SuiteNote"]
    nothing = {"value": None, "is_default": True}
    found = wire.observed(shape(note, note, generics=()), edge(title=value("plans"), topic=nothing))
    assert found.key.hfid == ("plans",)
    found = wire.observed(shape(note, note, generics=()), edge(title=nothing, topic=nothing))
    assert found.key.hfid == ("n1",)


def test_node_is_named_through_a_peer() -> None:
    way = (Path("device", None), Path("site", "name"), Path(None, "name"))
    node = {
        "id": "n1",
        "name": {"value": "eth0"},
        "device": {"node": {"id": "d1", "hfid": ["leaf", "1"]}},
        "site": {"node": {"id": "s1", "name": {"value": "ams"}}},
    }
    assert wire.named(way, node) == ("leaf__1", "ams", "eth0")
    node |= {"device": {"node": {"id": "d1", "hfid": None}}, "site": {"node": None}}
    assert wire.named(way, node) == ("d1", "None", "eth0")


def test_nodes_by_id_are_taken_from_wherever_they_are() -> None:
    answer = {
        "CoreNode": {"edges": [{"node": {"id": "n1"}}, {"node": None}]},
        "CoreGroup": {"edges": [{"node": {"id": "g1"}}]},
    }
    assert [node["id"] for node in wire.found_by_id(answer)] == ["n1", "g1"]


@pytest.mark.parametrize("answer", [None, {}, {"edges": None}, {"edges": [{}]}])
def test_another_answer_than_was_asked_for_raises(answer: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        wire.nodes(answer)


def test_last_writers_are_named_where_the_server_says_so() -> None:
    def by(node: str, who: dict[str, str | None] | None) -> dict[str, Any]:
        return {"node_metadata": {"updated_at": "noon", "updated_by": who}, "node": {"id": node}}

    answer = {
        "CoreNode": {
            "edges": [
                by("n1", {"id": "a1", "display_label": "Eve"}),
                by("n2", {"id": "a2", "display_label": None}),
                by("n3", None),
            ]
        },
        "CoreGroup": {"edges": [by("g1", {"id": "a1", "display_label": "Eve"})]},
    }
    assert wire.writers(answer) == {
        "n1": ("Eve", "noon"),
        "n2": ("a2", "noon"),
        "g1": ("Eve", "noon"),
    }

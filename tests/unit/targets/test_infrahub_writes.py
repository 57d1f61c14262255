"""Mutations as the server takes them."""

from collections.abc import Mapping
from typing import Any

import pytest

from stateward.model.mutation import (
    RESET,
    Allocation,
    Create,
    Delete,
    Enrol,
    Mutation,
    Relate,
    Update,
)
from stateward.model.schema import Schema
from stateward.targets.infrahub import writes
from stateward.targets.infrahub.lineage import UNSIGNED
from stateward.targets.infrahub.writes import Operation
from targets import schema

DEVICE, GROUP = "SuiteDevice", "CoreStandardGroup"


@pytest.fixture(scope="module")
def suite() -> Schema:
    return schema()


def spelled(suite: Schema, mutation: Mutation) -> list[Operation]:
    attributes: Mapping[str, Any] = getattr(mutation, "attributes", {})
    return writes.operations(suite, mutation, attributes, UNSIGNED)


def test_create_joins_its_groups_in_the_same_mutation(suite: Schema) -> None:
    made = Create(
        id="n1",
        kind=DEVICE,
        attributes={"name": "leaf"},
        relations={"site": "s1", "tags": frozenset({"t2", "t1"}), "uplink": None},
        groups=("g1", "g2"),
    )
    (own,) = spelled(suite, made)
    assert (own.name, own.input_type) == ("SuiteDeviceCreate", "SuiteDeviceCreateInput")
    assert own.data == {
        "id": "n1",
        "name": {"value": "leaf"},
        "site": {"id": "s1"},
        "tags": [{"id": "t1"}, {"id": "t2"}],
        "member_of_groups": [{"id": "g1"}, {"id": "g2"}],
    }


def test_groups_among_the_fields_come_first_and_none_twice(suite: Schema) -> None:
    relations = {"member_of_groups": frozenset({"g1", "g3"})}
    (own,) = spelled(suite, Create(id="n1", kind=DEVICE, relations=relations, groups=("g1", "g2")))
    assert own.data["member_of_groups"] == [{"id": "g1"}, {"id": "g3"}, {"id": "g2"}]


def test_update_clears_what_is_given_as_nothing(suite: Schema) -> None:
    (own,) = spelled(
        suite,
        Update(
            id="n1",
            kind=DEVICE,
            attributes={"comment": None, "label": RESET},
            relations={"uplink": None, "tags": None, "neighbours": frozenset()},
        ),
    )
    assert own.name == "SuiteDeviceUpdate"
    assert own.data == {
        "id": "n1",
        "comment": {"value": None},
        "label": {"is_default": True},
        "uplink": None,
        "tags": [],
        "neighbours": [],
    }


def test_metadata_goes_beside_the_value_or_alone(suite: Schema) -> None:
    (own,) = spelled(
        suite,
        Update(
            id="n1",
            kind=DEVICE,
            attributes={"name": "leaf", "name.is_protected": True, "label.is_protected": False},
            relations={"name.source": "a1", "comment.owner": "a2"},
        ),
    )
    assert own.data == {
        "id": "n1",
        "name": {"value": "leaf", "is_protected": True, "source": "a1"},
        "label": {"is_protected": False},
        "comment": {"owner": "a2"},
    }


def test_pools_are_asked_by_their_id(suite: Schema) -> None:
    given = Allocation(pool="p1", identifier="shared")
    (own,) = spelled(
        suite,
        Update(
            id="n1",
            kind="SuiteTenant",
            attributes={"number": Allocation(pool="p2")},
            relations={"address": given},
        ),
    )
    assert own.data["number"] == {"from_pool": {"id": "p2"}}
    assert own.data["address"] == {"from_pool": {"id": "p1", "identifier": "shared"}}
    (own,) = spelled(suite, Update(id="n1", kind=DEVICE, relations={"tags": given, "site": "s1"}))
    assert own.data["tags"] == [{"from_pool": {"id": "p1", "identifier": "shared"}}]


def test_peers_are_added_at_once_and_removed_one_by_one(suite: Schema) -> None:
    found = spelled(
        suite, Relate(id="n1", kind=DEVICE, relationship="tags", add=("a", "b"), remove=("c", "d"))
    )
    assert [(own.name, own.data["name"]) for own in found] == [
        ("RelationshipAdd", "tags"),
        ("RelationshipRemove", "tags"),
        ("RelationshipRemove", "tags"),
    ]
    assert [own.data["nodes"] for own in found] == [
        [{"id": "a"}, {"id": "b"}],
        [{"id": "c"}],
        [{"id": "d"}],
    ]
    assert [own.removes for own in found] == [False, True, True]


def test_object_joins_before_it_leaves(suite: Schema) -> None:
    found = spelled(suite, Enrol(id="n1", kind=DEVICE, join=("g1", "g2"), leave=("g3",)))
    assert [(own.name, own.data["id"], own.data["name"]) for own in found] == [
        ("RelationshipAdd", "n1", "member_of_groups"),
        ("RelationshipRemove", "n1", "member_of_groups"),
    ]


def test_group_is_put_below_a_group(suite: Schema) -> None:
    assert "member_of_groups" not in suite.kinds[GROUP].relationships
    (made,) = spelled(suite, Create(id="n1", kind=GROUP, groups=("g1",)))
    assert made.data == {"id": "n1", "parent": {"id": "g1"}}

    (joined,) = spelled(suite, Enrol(id="n1", kind=GROUP, join=("g1", "g2"), leave=("g3",)))
    assert (joined.name, joined.data) == (f"{GROUP}Update", {"id": "n1", "parent": {"id": "g1"}})
    (left,) = spelled(suite, Enrol(id="n1", kind=GROUP, leave=("g2",)))
    assert (left.name, left.data["id"], left.data["name"]) == (
        "RelationshipRemove",
        "g2",
        "children",
    )


def test_nothing_to_do_is_nothing_to_send(suite: Schema) -> None:
    assert spelled(suite, Enrol(id="n1", kind=DEVICE)) == []
    assert spelled(suite, Relate(id="n1", kind=DEVICE, relationship="tags")) == []


def test_document_numbers_what_it_holds(suite: Schema) -> None:
    mutations: list[Mutation] = [
        Delete(id="n1", kind=DEVICE),
        Relate(id="n2", kind=DEVICE, relationship="tags", add=("t1",)),
    ]
    found = [own for mutation in mutations for own in spelled(suite, mutation)]
    text, variables = writes.document(found)
    assert text == (
        "mutation($d0: DeleteInput!, $d1: RelationshipNodesInput!) { "
        "m0: SuiteDeviceDelete(data: $d0) { ok } m1: RelationshipAdd(data: $d1) { ok } }"
    )
    assert variables == {
        "d0": {"id": "n1"},
        "d1": {"id": "n2", "name": "tags", "nodes": [{"id": "t1"}]},
    }
    assert found[0].removes

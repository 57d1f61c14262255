"""What is looked at before a mutation is sent, and how values are spelled for sending."""

from typing import Any

import pytest

from stateward.errors import Code
from stateward.model.mutation import RESET, Allocation, Create, Delete, Enrol, Relate, Update
from stateward.model.schema import Schema
from stateward.targets.infrahub.checks import check
from stateward.targets.rules import Refused
from targets import new_id, schema

DEVICE = "SuiteDevice"


@pytest.fixture(scope="module")
def suite() -> Schema:
    return schema()


def device(**fields: Any) -> Create:
    attributes = {"name": "leaf", **fields.pop("attributes", {})}
    relations = {"site": "s1", **fields.pop("relations", {})}
    made = {"id": new_id(), "kind": DEVICE, "attributes": attributes, "relations": relations}
    return Create(**(made | fields))


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        pytest.param("ports", "48", 48, id="number"),
        pytest.param("ports", 48.0, 48, id="whole-fraction"),
        pytest.param("comment", 5, "5", id="text"),
        pytest.param("mac", "aabb.ccdd.eeff", "AA:BB:CC:DD:EE:FF", id="mac"),
        pytest.param("address", "10.0.0.1", "10.0.0.1/32", id="address"),
        pytest.param("label", RESET, RESET, id="reset"),
        pytest.param("label", None, None, id="nothing"),
        pytest.param("ports", Allocation(pool="p1"), Allocation(pool="p1"), id="from-a-pool"),
        pytest.param("label.is_protected", 1, True, id="protection"),
        pytest.param("label.is_protected", RESET, False, id="protection-taken-back"),
    ],
)
def test_values_are_spelled_as_the_schema_asks(
    suite: Schema, name: str, given: Any, sent: Any
) -> None:
    assert check(suite, device(attributes={name: given}))[name] == sent
    update = Update(id="n1", kind=DEVICE, attributes={name: given})
    assert check(suite, update) == {name: sent}


@pytest.mark.parametrize(
    ("mutation", "code", "said"),
    [
        pytest.param(device(kind="SuiteNothing"), Code.UNKNOWN_KIND, "SuiteNothing", id="kind"),
        pytest.param(
            device(kind="SuiteLocation"), Code.GENERIC_KIND, "SuiteLocation", id="generic"
        ),
        pytest.param(Delete(id="n1", kind="SuiteNo"), Code.UNKNOWN_KIND, "SuiteNo", id="delete"),
        pytest.param(device(id="leaf-1"), Code.TYPE, "leaf-1", id="id"),
        pytest.param(device(attributes={"colour": 1}), Code.UNKNOWN_FIELD, "colour", id="field"),
        pytest.param(device(attributes={"given": "me"}), Code.READ_ONLY, "given", id="read-only"),
        pytest.param(device(attributes={"ports": 5.5}), Code.TYPE, "ports", id="fraction"),
        pytest.param(device(attributes={"role": "core"}), Code.ENUM, "role", id="choice"),
        pytest.param(device(attributes={"name": None}), Code.MANDATORY, "name", id="null"),
        pytest.param(device(attributes={"name": RESET}), Code.MANDATORY, "name", id="reset"),
        pytest.param(device(relations={"site": None}), Code.MANDATORY, "site", id="no-peer"),
        pytest.param(device(relations={"friends": None}), Code.UNKNOWN_FIELD, "friends", id="end"),
        pytest.param(
            device(relations={"colour.source": "a1"}), Code.UNKNOWN_FIELD, "colour", id="lineage"
        ),
        pytest.param(
            Update(id="n1", kind=DEVICE, attributes={"name": None}),
            Code.MANDATORY,
            "name",
            id="update-to-null",
        ),
        pytest.param(
            Relate(id="n1", kind=DEVICE, relationship="friends", add=("n2",)),
            Code.UNKNOWN_FIELD,
            "friends",
            id="relate",
        ),
    ],
)
def test_what_the_server_would_refuse_is_not_sent(
    suite: Schema, mutation: Create | Update | Relate | Delete, code: Code, said: str
) -> None:
    with pytest.raises(Refused) as caught:
        check(suite, mutation)
    assert caught.value.refusal.code == code
    assert said in caught.value.refusal.message


def test_template_stands_for_what_is_mandatory(suite: Schema) -> None:
    bare = Create(id=new_id(), kind=DEVICE, relations={"object_template": "t1"})
    assert check(suite, bare) == {}


def test_namespace_is_filled_in_by_the_server(suite: Schema) -> None:
    prefix = {"prefix": "10.0.0.0/24"}
    assert check(suite, Create(id=new_id(), kind="SuitePrefix", attributes=prefix)) == prefix


def test_update_need_not_name_what_is_mandatory(suite: Schema) -> None:
    assert check(suite, Update(id="n1", kind=DEVICE, relations={"name.source": "a1"})) == {}


def test_groups_are_joined_by_whatever_it_is(suite: Schema) -> None:
    assert check(suite, device(relations={"member_of_groups": frozenset({"g1"})}))
    for kind in (DEVICE, "CoreStandardGroup"):
        assert check(suite, Enrol(id="n1", kind=kind, join=("g1",))) == {}


def test_refusal_repeats_no_value_of_a_secret(suite: Schema) -> None:
    with pytest.raises(Refused) as caught:
        check(suite, device(attributes={"password": {"hunter2": 1}}))
    assert "hunter2" not in caught.value.refusal.message

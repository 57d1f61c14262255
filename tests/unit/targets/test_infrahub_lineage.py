"""Whose values are, as it is written along with them."""

from typing import Any

import pytest

from stateward.model.mutation import RESET, Allocation, Create, Enrol, Relate, Update
from stateward.model.schema import Schema
from stateward.targets.infrahub import writes
from stateward.targets.infrahub.lineage import Lineage
from targets import schema

DEVICE, GROUP = "SuiteDevice", "CoreStandardGroup"
ALL = {"source": "me", "owner": "me", "is_protected": True}
OF_PEERS = {f"_relation__{name}": own for name, own in ALL.items()}
EVERYTHING = Lineage(source=True, owner=True, protect=True)


@pytest.fixture(scope="module")
def suite() -> Schema:
    return schema()


def sent(suite: Schema, mutation: Any, lineage: Lineage = EVERYTHING) -> Any:
    """Return the input of what is sent for a mutation."""
    attributes = getattr(mutation, "attributes", {})
    (own,) = writes.operations(suite, mutation, attributes, lineage.signature("me"))
    return own.data


def update(
    declared: frozenset[str] = frozenset(),
    relations: dict[str, Any] | None = None,
    **attributes: Any,
) -> Update:
    names = {name.replace("__", "."): own for name, own in attributes.items()}
    relations = {name.replace("__", "."): own for name, own in (relations or {}).items()}
    return Update(id="n1", kind=DEVICE, attributes=names, relations=relations, metadata=declared)


@pytest.mark.parametrize(
    ("lineage", "beside"),
    [
        pytest.param(Lineage(), {}, id="nothing"),
        pytest.param(Lineage(source=True), {"source": "me"}, id="source"),
        pytest.param(Lineage(owner=True), {"owner": "me"}, id="owner"),
        pytest.param(EVERYTHING, ALL, id="everything"),
    ],
)
def test_what_is_wanted_goes_with_values(
    suite: Schema, lineage: Lineage, beside: dict[str, Any]
) -> None:
    made = Create(id="n1", kind=DEVICE, attributes={"name": "leaf"}, metadata=frozenset())
    assert sent(suite, made, lineage)["name"] == {"value": "leaf", **beside}
    assert sent(suite, update(comment="x"), lineage)["comment"] == {"value": "x", **beside}


def test_what_is_no_declared_field_is_left_alone(suite: Schema) -> None:
    """Tracking groups, their stamps and memberships are not what anybody declared."""
    group = Create(id="g1", kind=GROUP, attributes={"name": "ours"})
    assert sent(suite, group) == {"id": "g1", "name": {"value": "ours"}}
    stamp = Update(id="g1", kind=GROUP, attributes={"description": "applied"})
    assert sent(suite, stamp) == {"id": "g1", "description": {"value": "applied"}}
    made = Create(id="n1", kind=DEVICE, groups=("g1",), metadata=frozenset())
    assert sent(suite, made)["member_of_groups"] == [{"id": "g1"}]
    joined = Enrol(id="n1", kind=DEVICE, join=("g1",))
    assert sent(suite, joined)["nodes"] == [{"id": "g1"}]
    shared = Relate(id="n1", kind=DEVICE, relationship="member_of_groups", add=("g2",))
    assert sent(suite, shared)["nodes"] == [{"id": "g2"}]


def test_declared_group_is_an_object_like_any_other(suite: Schema) -> None:
    group = Create(
        id="g2", kind=GROUP, attributes={"name": "theirs"}, groups=("g1",), metadata=frozenset()
    )
    assert sent(suite, group) == {
        "id": "g2",
        "name": {"value": "theirs", **ALL},
        "parent": {"id": "g1"},
    }


@pytest.mark.parametrize("part", ["source", "owner", "is_protected"])
def test_declared_metadata_win_whether_they_change_or_not(suite: Schema, part: str) -> None:
    declared = frozenset({f"comment.{part}"})
    unchanged = sent(suite, update(declared, comment="x", label="y"))
    assert part not in unchanged["comment"]
    assert unchanged["label"] == {"value": "y", **ALL}
    theirs = {part: False if part == "is_protected" else "them"}
    if part == "is_protected":
        changed = sent(suite, update(declared, comment="x", comment__is_protected=False))
    else:
        changed = sent(suite, update(declared, {f"comment__{part}": "them"}, comment="x"))
    assert changed["comment"].items() >= theirs.items()


def test_what_somebody_else_owns_is_not_protected_from_them(suite: Schema) -> None:
    found = sent(suite, update(frozenset({"comment.owner"}), comment="x"))["comment"]
    assert found == {"value": "x", "source": "me"}


def test_metadata_alone_bring_no_others(suite: Schema) -> None:
    declared = frozenset({"comment.owner"})
    found = sent(suite, update(declared, {"comment__owner": "them"}))
    assert found == {"id": "n1", "comment": {"owner": "them"}}


def test_pool_stays_the_source_of_what_it_gave(suite: Schema) -> None:
    """By the source it is told that nothing has to be allocated any more."""
    pool = Allocation(pool="p1")
    beside = {name: own for name, own in ALL.items() if name != "source"}
    given = sent(suite, update(ports=pool))["ports"]
    assert given == {"from_pool": {"id": "p1"}, **beside}
    address = Update(id="t1", kind="SuiteTenant", relations={"address": pool}, metadata=frozenset())
    assert sent(suite, address)["address"] == {
        "from_pool": {"id": "p1"},
        **{f"_relation__{name}": own for name, own in beside.items()},
    }


@pytest.mark.parametrize("nothing", [None, RESET])
def test_what_is_given_up_is_free_for_everybody(suite: Schema, nothing: Any) -> None:
    assert sent(suite, update(comment=nothing))["comment"]["is_protected"] is False
    assert sent(suite, update(comment=nothing))["comment"].keys() & {"source", "owner"} == set()
    kept = sent(suite, update(frozenset({"comment.is_protected"}), comment=nothing))
    assert "is_protected" not in kept["comment"]
    unprotected = Lineage(source=True, owner=True)
    assert "is_protected" not in sent(suite, update(comment=nothing), unprotected)["comment"]


def test_relationships_have_metadata_of_their_own(suite: Schema) -> None:
    found = sent(
        suite, update(relations={"site": "s1", "tags": frozenset({"t2", "t1"}), "uplink": None})
    )
    assert found == {
        "id": "n1",
        "site": {"id": "s1", **OF_PEERS},
        "tags": [{"id": "t1", **OF_PEERS}, {"id": "t2", **OF_PEERS}],
        "uplink": None,
    }


def test_other_groups_are_shared_and_nobodys(suite: Schema) -> None:
    made = Create(
        id="n1",
        kind=DEVICE,
        relations={"member_of_groups": frozenset({"g2"})},
        groups=("g1",),
        metadata=frozenset(),
    )
    assert sent(suite, made)["member_of_groups"] == [{"id": "g2"}, {"id": "g1"}]

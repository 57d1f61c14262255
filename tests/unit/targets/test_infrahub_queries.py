"""What is asked of the server: the texts, and what narrows a search."""

import json

import pytest

from stateward.model.identity import ObjectKey
from stateward.model.schema import Kind, Path, Schema
from stateward.schema import paths
from stateward.targets.infrahub import queries
from stateward.targets.infrahub.queries import Lookup, Request
from targets import schema


@pytest.fixture(scope="module")
def suite() -> Schema:
    return schema()


def lookup(suite: Schema, kind: str, *keys: tuple[str, ...]) -> Lookup:
    known = suite.kinds[kind]
    wanted = [ObjectKey(kind, parts) for parts in keys]
    return queries.lookups(known, paths.references(known), wanted)[0]


def test_request_passes_what_is_long_beside_its_text() -> None:
    request = Request()
    queries.add_members(request, ["g1", "g2"])
    queries.add_kinds_of(request, ["a"])
    assert request.variables == {"v0": ["g1", "g2"], "v1": ["a"]}
    assert request.text.startswith("query($v0: [ID], $v1: [ID]) {")
    assert "groups: CoreGroup(ids: $v0)" in request.text


def test_request_for_some_of_a_kind_names_their_texts_and_peers(suite: Schema) -> None:
    request = Request()
    among = {"name": ["b", "a"], "site": ["s1"], "tags": ["t1"]}
    filters = queries.among(request, suite.kinds["SuiteDevice"], among)
    assert filters == "name__values: $v0, site__ids: $v1, tags__ids: $v2"
    assert request.variables == {"v0": ["a", "b"], "v1": ["s1"], "v2": ["t1"]}
    assert request.types == {"v0": "[String]", "v1": "[ID]", "v2": "[ID]"}


def test_request_for_whole_lists_passes_nothing() -> None:
    request = Request()
    request.add("k0", "SuiteSite", "", "node { id }")
    assert request.text == "query { k0: SuiteSite { edges { node { id } } } }"


def test_objects_asked_for_by_id_may_be_groups() -> None:
    request = Request()
    queries.add_names_of(request, ["a"])
    for kind in ("CoreNode", "CoreGroup"):
        assert f"{kind}: {kind}(ids: $v0)" in request.text


@pytest.mark.parametrize("prefix", ["stateward/i/", 'with "quotes"', "back\\slash", "é😀"])
def test_prefix_is_quoted(prefix: str) -> None:
    asked = queries.groups_by_prefix(prefix)
    assert f"name__value: {json.dumps(prefix)}, partial_match: true" in asked


def test_every_group_is_asked_for_without_a_prefix() -> None:
    assert "groups: CoreGroup { edges" in queries.groups_by_prefix("")


def test_reference_to_a_generic_without_names_means_its_heirs(suite: Schema) -> None:
    owner = queries.meant(suite, ObjectKey("LineageOwner", ("ada",)))
    assert ObjectKey("CoreAccount", ("ada",)) in owner
    assert ObjectKey("CoreAccountGroup", ("ada",)) in owner
    named = ObjectKey("SuiteLocation", ("ams",))
    assert queries.meant(suite, named) == [named]
    unknown = ObjectKey("SuiteNone", ("ams",))
    assert queries.meant(suite, unknown) == [unknown]


def test_names_are_narrowed_part_by_part(suite: Schema) -> None:
    found = lookup(suite, "SuiteInterface", ("leaf", "eth0"), ("spine", "eth0"))
    assert found.filters(suite) == 'device__name__values: ["leaf", "spine"], name__values: ["eth0"]'
    assert "device { node { id name { value } } }" in found.selection()


def test_numbers_and_truths_are_passed_as_such(suite: Schema) -> None:
    found = lookup(suite, "SuiteSlot", ("bay", "3", "True"), ("bay", "-4", "False"))
    asked = found.filters(suite)
    assert asked is not None
    assert "number__values: [3, -4]" in asked or "number__values: [-4, 3]" in asked
    assert "rear__values: [false, true]" in asked


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(("bay", "three", "True"), id="no-number"),
        pytest.param(("bay", "1e3", "True"), id="a-number-in-another-spelling"),
        pytest.param(("bay", "²", "True"), id="no-digit"),
        pytest.param(("bay", "3", "yes"), id="no-truth"),
        pytest.param(("bay", "9" * 20, "True"), id="larger-than-any"),
    ],
)
def test_nobody_is_called_what_cannot_be(suite: Schema, parts: tuple[str, ...]) -> None:
    assert lookup(suite, "SuiteSlot", parts).filters(suite) is None


def test_part_that_may_be_nothing_narrows_nothing(suite: Schema) -> None:
    found = lookup(suite, "SuiteSetting", ("mtu", "None"), ("mtu", "jumbo"))
    assert found.filters(suite) == 'name__values: ["mtu"]'


def test_keys_are_looked_up_the_way_they_fit(suite: Schema) -> None:
    kind = suite.kinds["SuiteSlot"]
    whole, short = ObjectKey(kind.kind, ("bay", "3", "True")), ObjectKey(kind.kind, ("label",))
    found = queries.lookups(kind, paths.references(kind), [whole, short])
    assert [(own.way, own.keys) for own in found] == [
        (kind.hfid, (whole,)),
        ((Path(None, "label"),), (short,)),
    ]


def test_peer_is_named_by_itself_where_no_attribute_is() -> None:
    kind = Kind(kind="X", uniqueness=((Path("device", None), Path(None, "name")),))
    key = ObjectKey("X", ("leaf", "eth0"))
    (found,) = queries.lookups(kind, paths.references(kind), [key])
    assert "device { node { id hfid } }" in found.selection()
    assert "name { value }" in found.selection()


def test_keys_are_sorted_by_kind() -> None:
    first, second, third = ObjectKey("A", ("1",)), ObjectKey("B", ("2",)), ObjectKey("A", ("3",))
    assert queries.by_kind([first, second, third]) == {"A": [first, third], "B": [second]}

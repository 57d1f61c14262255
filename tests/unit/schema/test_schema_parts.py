"""Parts of JSON values: how they are spelled, where two values differ, and what is kept."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stateward.schema import parts
from stateward.schema.parts import Part

NAMES = st.sampled_from(["a", "b", "c/d", "~"])
VALUES = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from(["x", ""]) | st.lists(st.integers(0, 1)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=3)
PARTS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=3)
_NONE = object()


def at(value: Any, part: Part) -> Any:
    for name in part:
        if not isinstance(value, dict) or name not in value:
            return _NONE
        value = value[name]
    return value


def bare(value: Any, part: Part) -> Any:
    """Return a value without a part, and without what holds nothing else."""
    if not isinstance(value, dict) or part[0] not in value:
        return value
    name, *rest = part
    inner = bare(value[name], tuple(rest)) if rest else {}
    others = {own: found for own, found in value.items() if own != name}
    return others if inner == {} else {**others, name: inner}


@given(st.lists(st.text(), min_size=1).map(tuple))
def test_every_part_has_a_pointer_that_leads_to_it(part: Part) -> None:
    assert parts.read(parts.spelled(part)) == part


@pytest.mark.parametrize(
    ("pointer", "part"),
    [("/a", ("a",)), ("/a/b", ("a", "b")), ("/a~1b/~0", ("a/b", "~")), ("/~01", ("~1",)),
     ("/", ("",)), ("/0", ("0",))],
)  # fmt: skip
def test_pointers_are_read_as_the_standard_says(pointer: str, part: Part) -> None:
    assert parts.read(pointer) == part


@pytest.mark.parametrize("pointer", ["", "a", "a/b", "$.a", "/~", "/a~2"])
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        parts.read(pointer)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ["/b"]),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, ["/a/y"]),
        ({"a": [1]}, {"a": [1, 2]}, ["/a"]),
        ({"a": {"x": 1}}, {"a": 1}, ["/a"]),
        ({}, {"b/c": 1}, ["/b~1c"]),
        ([1], [2], [""]),
    ],
)
def test_the_smallest_parts_that_differ_are_found(one: Any, other: Any, found: list[str]) -> None:
    assert [parts.spelled(own) for own in parts.differing(one, other)] == found


@given(VALUES, VALUES)
def test_two_values_differ_somewhere_or_are_equal(one: Any, other: Any) -> None:
    assert bool(list(parts.differing(one, other))) is (one != other)


@given(MAPPINGS, VALUES, PARTS)
def test_what_is_kept_is_as_it_was_and_the_rest_as_it_is_wanted(
    want: dict[str, Any], have: Any, given_: list[Part]
) -> None:
    for part in given_:  # what is wanted in place of a mapping leaves no room
        held = [at(want, part[:n]) for n in range(len(part))]
        assume(all(own is _NONE or isinstance(own, dict) for own in held))
    found = parts.kept(want, have, given_)
    for part in given_:
        assert at(found, part) == at(have, part)
    for part in given_:
        found, want = bare(found, part), bare(want, part)
    assert found == want


@given(VALUES, VALUES, PARTS)
def test_what_was_kept_once_stays(want: Any, have: Any, given_: list[Part]) -> None:
    found = parts.kept(want, have, given_)
    assert parts.kept(want, found, given_) == found


@pytest.mark.parametrize(
    ("want", "have", "found"),
    [
        (None, {"seen": 1, "ours": 2}, {"seen": 1}),
        (None, {"ours": 2}, None),
        (None, None, None),
        ({"ours": 3, "seen": 0}, None, {"ours": 3}),
        ([1], {"seen": 1}, [1]),
    ],
    ids=["nothing is wanted", "nothing is kept", "nothing at all", "nothing there", "no room"],
)
def test_at_the_edges(want: Any, have: Any, found: Any) -> None:
    assert parts.kept(want, have, [("seen",)]) == found


@pytest.mark.parametrize(
    ("have", "found"),
    [
        ({"a": {"seen": 1, "ours": 2}}, {"a": {"seen": 1}}),
        ({"a": {}}, {"a": None}),
        (None, {"a": None}),
    ],
)
def test_nothing_is_wanted_around_a_part(have: Any, found: Any) -> None:
    assert parts.kept({"a": None}, have, [("a", "seen")]) == found

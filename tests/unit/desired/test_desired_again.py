"""What is read from an earlier revision on is what is read anew."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from desired_files import object_of, schema, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from stateward.desired.load import Reading, UnitFiles, read, read_again

UNITS = ("a", "b", "c")
_NUMBER = st.integers(0, 1)
_WORD = st.sampled_from(["x", "y"])


def _called(letter: str) -> st.SearchStrategy[str]:
    return _NUMBER.map(lambda number: f"{letter}{number}")


def _item(kind: str, must: Mapping[str, Any], may: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(dict(must), optional=dict(may)))


_PORT = st.tuples(_called("d"), _called("e")).map(list)
ITEMS = st.one_of(
    _item("LabCable", {"name": _called("c")}, {"colour": _WORD, "ends": st.lists(_PORT, max_size=2)}),
    _item("LabSticker", {"name": _WORD, "cable": _called("c")}, {}),
    _item("LabBadge", {"name": _WORD, "cable": _called("c"), "code": _WORD}, {}),
    _item(
        "LabDevice",
        {"name": _called("d"), "site": st.just("r0")},
        {
            "label": _WORD,
            "serial": _WORD,
            "ports": st.sampled_from([1, 2, "none"]),
            "spare": _PORT,
            "uplinks": st.lists(_called("d"), max_size=2),
            "interfaces": st.lists(
                st.fixed_dictionaries({"name": _called("e")}, optional={"speed": _NUMBER}), max_size=2
            ).map(lambda data: {"kind": "LabInterface", "data": data}),
        },
    ),
    _item("LabRegion", {"name": st.just("r0")}, {"index": _NUMBER}),
    _item("LabInterface", {"name": _called("e"), "device": _called("d")}, {"speed": _NUMBER}),
    _item("LabSlot", {"name": _WORD, "port": _PORT}, {}),
    _item("LabNote", {"title": _WORD}, {"topic": _WORD, "page": _NUMBER}),
    _item("LabLetter", {"title": _WORD}, {}),
    _item("LabHint", {}, {"first": _WORD, "second": _WORD}),
    _item("LabScrap", {"text": _WORD}, {"device": _called("d")}),
    _item("LabTeam", {"name": _WORD, "devices": st.lists(_called("d"), max_size=2)}, {}),
)  # fmt: skip
CONTENTS = st.lists(ITEMS, max_size=4)


def files(items: list[tuple[str, Any]]) -> UnitFiles:
    """Return a unit of a file for each item, as JSON, which is YAML."""
    return unit(
        *(
            json.dumps({"kind": "Object", "spec": {"kind": kind, "data": [data]}})
            for kind, data in items
        )
    )


@given(st.fixed_dictionaries(dict.fromkeys(UNITS, CONTENTS)), st.data())
@settings(max_examples=200)
def test_is_the_same_whatever_was_changed(first: dict[str, list[Any]], data: st.DataObject) -> None:
    units = {name: files(items) for name, items in first.items()}
    reading = read(units, schema())
    for _ in range(3):
        name = data.draw(st.sampled_from(UNITS))
        first[name] = data.draw(edits(first[name]))
        units = {**units, name: files(first[name])}
        anew = read(units, schema())
        again = read_again(reading, units)
        if again is not None:
            assert again.desired == anew.desired
        reading = again or anew


@st.composite
def edits(draw: st.DrawFn, items: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Another content, or the same with one field dropped, or of another value."""
    if not items or draw(st.integers(0, 4)) == 0:
        return draw(CONTENTS)
    place = draw(st.integers(0, len(items) - 1))
    kind, fields = items[place]
    name = draw(st.sampled_from(sorted({*fields, "label", "speed", "page"})))
    others = {own: value for own, value in fields.items() if own != name}
    value = draw(st.sampled_from([..., "x", "y", 0, 1, ["d0"], "d1", "c1", None]))
    own = others if value is ... else {**others, name: value}
    return [*items[:place], (kind, own), *items[place + 1 :]]


DEVICE = ("LabDevice", {"name": "d0", "site": "r0", "label": "x"})
REGION = ("LabRegion", {"name": "r0"})
CABLE = ("LabCable", {"name": "c0", "colour": "red"})
STICKER = ("LabSticker", {"name": "s", "cable": "c0"})


def before(**units: list[tuple[str, Any]]) -> tuple[Reading, dict[str, UnitFiles]]:
    given_ = {name: files(items) for name, items in units.items()}
    return read(given_, schema()), given_


def changed(own: tuple[str, Any], **fields: Any) -> tuple[str, Any]:
    return own[0], {**own[1], **fields}


def test_a_value_that_nobody_leans_on_is_read_alone() -> None:
    reading, units = before(a=[REGION], b=[DEVICE])
    again = read_again(reading, {**units, "b": files([changed(DEVICE, label="y")])})
    assert again is not None
    assert object_of(again.desired.units["b"], "LabDevice/d0").attributes["label"] == "y"
    assert again.objects["a"] is reading.objects["a"]


def test_what_is_wrong_with_others_is_said_again() -> None:
    reading, units = before(a=[changed(DEVICE, name="d1", made="x")], b=[DEVICE], c=[REGION])
    again = read_again(reading, {**units, "b": files([changed(DEVICE, label="y")])})
    assert again is not None
    assert [own.code.slug for own in again.desired.units["a"].problems] == ["read-only"]


@pytest.mark.parametrize(
    ("units", "unit_", "items"),
    [
        pytest.param({"a": [DEVICE]}, "b", [REGION], id="a-new-unit"),
        pytest.param({"a": [REGION], "b": [DEVICE]}, "b", [changed(DEVICE, name="d1")], id="a-name"),
        pytest.param({"a": [CABLE], "b": [STICKER]}, "a", [changed(CABLE, colour="x")], id="a-lent-value"),
        pytest.param({"a": [DEVICE], "b": [DEVICE]}, "b", [changed(DEVICE, label="y")], id="a-shared-name"),
        pytest.param({"a": [STICKER], "b": [REGION]}, "b", [changed(REGION, index=1)], id="what-waits"),
    ],
)  # fmt: skip
def test_all_is_read_where_more_may_have_changed(
    units: dict[str, list[Any]], unit_: str, items: list[Any]
) -> None:
    reading, given_ = before(**units)
    assert read_again(reading, {**given_, unit_: files(items)}) is None


def test_a_unit_that_is_gone_is_more() -> None:
    reading, units = before(a=[REGION], b=[DEVICE])
    assert read_again(reading, {"a": units["a"]}) is None

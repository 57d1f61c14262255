"""Field values as they are shown, and names that mean harm."""

import json
from typing import Any

import pytest
from shown_plans import CANARY, HOSTILE, MARKUP, problem

from stateward.errors import Code, Location, Problem, Severity
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Default, Secret
from stateward.model.state import FromPool
from stateward.reporting import values

RED, ETH0 = ObjectKey("BuiltinTag", ("red",)), ObjectKey("NetPort", ("d1", "e0"))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        ("x", "x"),
        (0, 0),
        (False, False),
        (1.5, 1.5),
        (ETH0, ["d1", "e0"]),
        (NodeId("n1"), "n1"),
        (frozenset({ETH0, RED}), [["d1", "e0"], ["red"]]),
        (frozenset(), []),
        (frozenset({RED, NodeId("n1")}), [["red"], "n1"]),
        (Default("leaf"), "leaf"),
        (Default(RED), ["red"]),
        (Secret("s"), "(sensitive)"),
        (Secret(None), "(sensitive)"),
        (Default(Secret("s")), "(sensitive)"),
        (FromPool(pool=RED), {"from_pool": ["red"], "identifier": None}),
        (FromPool(pool=NodeId("p"), identifier="i"), {"from_pool": "p", "identifier": "i"}),
        (["a", {"b": RED}], ["a", {"b": ["red"]}]),
        ({1: ("a",)}, {"1": ["a"]}),
    ],
)
def test_programs_are_given_plain_data(value: Any, plain: Any) -> None:
    assert values.plain(value) == plain
    json.dumps(values.plain(value))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unset"),
        ("x", '"x"'),
        ("", '""'),
        ("ü", '"ü"'),
        (0, "0"),
        (False, "false"),
        (ETH0, "d1/e0"),
        (NodeId("n1"), "n1"),
        (frozenset({ETH0, RED}), "[d1/e0, red]"),
        (frozenset(), "[]"),
        (Default("leaf"), '"leaf" (default)'),
        (Secret("s"), "(sensitive)"),
        (FromPool(pool=RED), "from pool BuiltinTag/red"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
    ],
)
def test_people_are_shown_one_line(value: Any, shown: str) -> None:
    assert values.shown(value) == shown


@pytest.mark.parametrize("value", ["x" * 100, ["x" * 10] * 10, frozenset({ObjectKey("K", ("y" * 99,))})])  # fmt: skip
def test_long_values_are_cut(value: Any) -> None:
    shown = values.shown(value, 20)
    assert len(shown) == 20
    assert shown.endswith("…")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: [text],
        lambda text: {text: text},
        lambda text: ObjectKey("Kind", (text,)),
        NodeId,
        lambda text: frozenset({ObjectKey("Kind", (text,))}),
        Default,
        lambda text: FromPool(pool=ObjectKey("Pool", (text,))),
    ],
    ids=["text", "list", "map", "key", "id", "set", "default", "pool"],
)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_value_can_forge_a_line_or_steer_a_terminal(wrap: Any, text: str) -> None:
    assert values.shown(wrap(text)).isprintable()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_can_forge_a_line_or_steer_a_terminal(text: str) -> None:
    safe = values.safe(text)
    assert safe.isprintable()
    safe.encode()
    assert safe.startswith("a")


@pytest.mark.parametrize("text", ["plain", "ü 日本", "a|b`c", "\\n"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert values.safe(text) == text


def test_different_texts_do_not_look_alike() -> None:
    texts = [*HOSTILE.values(), *MARKUP.values()]
    assert len({values.safe(own) for own in texts}) == len(texts)


@pytest.mark.parametrize("text", [*MARKUP.values(), *HOSTILE.values()], ids=[*MARKUP, *HOSTILE])
def test_cell_holds_data_and_no_markup(text: str) -> None:
    cell = values.cell(text)
    bare = cell.replace("\\\\", "")
    for mark in "|`<*_[":
        assert bare.count(mark) == bare.count(f"\\{mark}")
    assert cell.isprintable()


@pytest.mark.parametrize(
    "value",
    [Secret(CANARY), Default(Secret(CANARY)), [Secret(CANARY)], {"a": Secret(CANARY)}],
    ids=["alone", "default", "list", "map"],
)
def test_secret_is_never_shown(value: Any) -> None:
    told = (values.plain(value), values.shown(value), str(value), repr(value))
    assert CANARY not in repr(told)


class TestProblem:
    def test_has_its_code_and_place(self) -> None:
        own = problem("is wrong", subject="NetDevice/leaf1", severity=Severity.WARNING)
        assert values.problem(own) == {
            "code": "SW1306",
            "name": "type",
            "severity": "warning",
            "message": "is wrong",
            "unit": "a",
            "object": "NetDevice/leaf1",
            "file": "a/1.yml",
            "line": 3,
            "column": 5,
        }

    def test_may_have_no_place(self) -> None:
        found = values.problem(Problem(code=Code.SCHEMA, message="is wrong"))
        assert [found[own] for own in ("unit", "object", "file", "line", "column")] == [None] * 5

    @pytest.mark.parametrize(
        ("location", "place"),
        [(None, None), (Location("f", 1, 2), {"file": "f", "line": 1, "column": 2})],
        ids=["none", "some"],
    )
    def test_place_is_file_line_and_column(self, location: Location | None, place: Any) -> None:
        assert values.place(location) == place

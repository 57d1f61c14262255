"""The envelope: what is asked of a document and of a block, and where it says so."""

from typing import Any

import pytest
from desired_files import documents, shown

from stateward.desired import notes as noting
from stateward.desired import ranges
from stateward.desired.envelope import Block, Reader, boolean, entries
from stateward.desired.notes import Enough, Notes, Page
from stateward.desired.ranges import Allowance
from stateward.errors import Code, Severity
from stateward.model.document import Map, Word

RANGED = "kind: Object\nspec:\n  kind: K\n  parameters: {expand_range: true}\n  data: "


def read(text: str) -> tuple[Block | None, list[str], list[str]]:
    """Return the block of a document, the places of the problems, and their messages."""
    notes = Notes("u")
    (doc,) = documents(text)
    block = Reader(Page("u.yml", notes)).document(doc)
    assert all(own.unit == "u" for own in notes.problems)
    return block, shown(notes.problems), [own.message for own in notes.problems]


def items(data: str, parameters: str = "{expand_range: true}") -> list[dict[str, Any]]:
    text = f"kind: Object\nspec:\n  kind: K\n  parameters: {parameters}\n  data: {data}\n"
    block, _, _ = read(text)
    assert block is not None
    return [dict(item) for item in block.items]


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("{kind: Object, spec: {kind: K, data: [{a: 1}, {}]}}", "K", 2),
        ("{kind: Object, spec: {kind: K, data: []}}", "K", 0),
        ("{kind: Object, spec: {kind: K, data: null}}", "K", 0),
        ("{kind: Object, spec: {kind: K}}", "K", 0),
        ("{kind: Object, spec: {kind: K, parameters: null}}", "K", 0),
        ("{kind: Menu, spec: {data: [{a: 1}]}}", "CoreMenuItem", 1),
        ("{kind: Menu, spec: {kind: K, data: [{a: 1}]}}", "K", 1),
        ("{kind: Object, apiVersion: infrahub.app/v1, metadata: {x: 1}, version: 1, spec: {kind: K}}", "K", 0),
    ],
)  # fmt: skip
def test_what_is_read(text: str, kind: str, count: int) -> None:
    block, problems, _ = read(text)
    assert not problems
    assert block is not None
    assert (block.kind, len(block.items)) == (kind, count)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: Object\napiVersion: infrahub.app/v2\nspec: {kind: K}", "2:13 envelope"),
        ("kind: Object\napiVersion:\nspec: {kind: K}", "2:12 envelope"),
        ("# x\nkind: Object\n", "2:1 spec"),
        ("kind: Object\nspec:\n", "2:6 spec"),
        ("kind: Object\nspec: [1]", "2:7 spec"),
        ("kind: Object\nspec: {}", "2:7 spec"),
        ("kind: Object\nspec: {data: []}", "2:8 spec"),
        ("kind: Object\nspec: {kind: 5}", "2:14 spec"),
        ("kind: Object\nspec: {kind: [K]}", "2:14 spec"),
    ],
)
def test_documents_that_cannot_be_read(text: str, problem: str) -> None:
    block, problems, _ = read(text)
    assert block is None
    assert problems == [problem]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("{kind: K, data: {a: 1}}", "2:23 spec"),
        ("{kind: K, data: x}", "2:23 spec"),
        ("{kind: K, data: [x]}", "2:24 spec"),
        ("{kind: K, data: [{}, [1], {}]}", "2:28 spec"),
        ("{kind: K, data: [null]}", "2:24 spec"),
        ("{kind: K, parameters: true}", "2:29 spec"),
        ("{kind: K, parameters: {expand_range: 1}}", "2:44 spec"),
        ("{kind: K, parameters: {expand_range: 'true'}}", "2:44 spec"),
        ("{kind: K, parameters: {expand_range: null}}", "2:44 spec"),
        ("{kind: K, parameters: {expand_ranges: true}}", "2:30 spec?"),
        ("{kind: K, parameters: {strategy: normal}}", "2:30 spec?"),
        ("{kind: K, strategy: range_expand}", "2:17 stale-strategy?"),
        ("{kind: K, dta: []}", "2:17 spec?"),
    ],
)
def test_blocks_with_something_wrong(spec: str, problem: str) -> None:
    block, problems, _ = read(f"kind: Object\nspec: {spec}")
    assert block is not None
    assert problems == [problem]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", 3), ("yes", 3), ("On", 3), ("false", 1), ("no", 1), ("OFF", 1)],
)
def test_whether_ranges_expand(value: str, expected: int) -> None:
    assert len(items("[{name: 'e[1-3]'}]", f"{{expand_range: {value}}}")) == expected


def test_ranges_of_several_fields_are_taken_side_by_side() -> None:
    found = items("[{name: 'e[1-3]', label: 'port [a-c]', other: x, more: {name: 'e[1-3]'}, n: 1}]")
    assert [(own["name"], own["label"], own["other"]) for own in found] == [
        ("e1", "port a", "x"),
        ("e2", "port b", "x"),
        ("e3", "port c", "x"),
    ]
    assert {own["more"]["name"] for own in found} == {"e[1-3]"}


def test_expanded_items_know_where_their_fields_stand() -> None:
    block, _, _ = read(
        "kind: Object\nspec:\n  kind: K\n  parameters: {expand_range: true}\n"
        "  data:\n    - name: '[1-2]'\n      b: 1\n"
    )
    assert block is not None
    assert [(own.value_mark("name") >> 20, own.value_mark("b") >> 20) for own in block.items] == [
        (6, 7),
        (6, 7),
    ]


@pytest.mark.parametrize(
    ("data", "problems", "count"),
    [
        ("[{a: '[1-3]', b: '[1-2]'}]", ["5:14 range"], 0),
        ("[{b: x, a: '[1-200000]'}]", ["5:20 range"], 0),
        ("[{a: '[1-1000][1-1000]'}]", ["5:14 range"], 0),
        ("[{a: '[01-02]'}]", ["5:14 range-padding?"], 2),
        ("[{a: 'see [1,a_b]'}]", ["5:14 range?"], 1),
        ("[{a: '[1-zz]'}]", ["5:14 range?"], 1),
        ("[{a: '[1-2]', b: '[0-01]'}]", ["5:26 range-padding?"], 2),
    ],
)
def test_ranges_with_something_wrong(data: str, problems: list[str], count: int) -> None:
    block, found, messages = read(RANGED + data)
    assert found == problems
    assert block is not None
    assert len(block.items) == count
    assert not any("a_b" in message or "zz" in message for message in messages)


def test_ranges_that_multiply_use_up_the_allowance() -> None:
    notes = Notes("u")
    reader = Reader(Page("u.yml", notes), Allowance(10_000))
    (doc,) = documents(RANGED + str([{"a": "[1-9]", "b": {"c": ["x", 1]}}] * 10))
    block = reader.document(doc)
    assert block is not None
    assert len(block.items) == 45
    assert shown(notes.problems)[0].endswith("range")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "item",
    [f"{{a: '[1-99999]', b: '{'x' * 100_000}'}}", f"{{a: '{'x' * 100_000}[1-99999]'}}"],
    ids=["copied", "in-the-text"],
)
def test_long_texts_are_not_multiplied(item: str) -> None:
    block, problems, _ = read(f"{RANGED}[{item}]")
    assert block is not None
    assert not block.items
    assert [own.split()[1] for own in problems] == ["range"]


def test_keys_beside_data() -> None:
    notes = Notes("u")
    (doc,) = documents("kind: K\ndata: []\ndefault: 1\nstrategy: x\nparameters: {}\n")
    Reader(Page("u.yml", notes)).inline_keys(doc.root)
    assert shown(notes.problems) == ["3:1 stray-key?", "4:1 stale-strategy?"]


def test_warnings_of_one_sort_are_not_listed_without_end() -> None:
    notes = Notes("u")
    page = Page("u.yml", notes)
    for line in range(1, 301):
        page.warn(Code.STRAY_KEY, f"key {line}", line << 20 | 1)
        notes.warn(Code.STRAY_KEY, "there", documents("a: 1", "other.yml")[0].location())
    page.warn(Code.SPEC, "another sort", 1 << 20 | 1)
    assert len(notes.problems) == 201
    assert {own.severity for own in notes.problems} == {Severity.WARNING}
    last = [own for own in notes.problems if own.code is Code.STRAY_KEY][-2:]
    assert all("further ones in this file" in own.message for own in last)


def test_problems_that_stall_one_object_are_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "_MOST_ERRORS", 3)
    notes = Notes("u")
    for number in range(5):
        notes.take(noting.problem(Code.UNIQUE, "x", None, unit="u", subject=f"K/{number}"))
        notes.take(noting.problem(Code.MANDATORY, "x", None, unit="u"))
    assert [own.code for own in notes.problems].count(Code.UNIQUE) == 5
    assert [own.message for own in notes.problems if own.code is Code.MANDATORY] == [
        "x",
        "x",
        "x (further ones in this file are not listed)",
    ]


def test_a_file_with_very_many_errors_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "_MOST_ERRORS", 3)
    notes = Notes("u")
    (doc,) = documents("{kind: Object, spec: {kind: K, data: [1, 2, 3, 4, 5]}}")
    with pytest.raises(Enough):
        Reader(Page("u.yml", notes)).document(doc)
    assert [own.code for own in notes.problems] == [Code.SPEC] * 4
    assert "more than 3 errors" in notes.problems[-1].message


def test_messages_are_one_short_line() -> None:
    found = noting.problem(Code.SPEC, "a\nb\x1b[31m\u202e" + "x" * 5_000, None)
    assert found.message.startswith(r"a\nb\x1b[31m\u202ex")
    assert len(found.message) < 600


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), (Word("yes"), True), (Word("Off"), False), ("yes", None), (1, None), (None, None)],
)  # fmt: skip
def test_true_and_false(value: object, expected: bool | None) -> None:
    assert boolean(value) is expected


def test_entries_of_a_mapping_with_merged_ones() -> None:
    (doc,) = documents("a: &x {k: 1}\nb: {l: 2, <<: *x}")
    found = doc.root["b"]
    assert isinstance(found, Map)
    assert [
        (key, value, at >> 20, value_at >> 20) for key, value, at, value_at in entries(found)
    ] == [
        ("l", 2, 2, 2),
        ("k", 1, 1, 1),
    ]


def test_the_limits_are_what_they_are_said_to_be() -> None:
    assert ranges.MAX_EXPANSION * 200 < Allowance().left < ranges.MAX_EXPANSION * 1000

"""YAML and JSON as object files are read: the 1.2 core schema, with positions and limits."""

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stateward.desired import documents
from stateward.desired.documents import MAX_BYTES, dump, parse
from stateward.errors import Code
from stateward.model.document import SpelledFloat, SpelledInt, Word


def root(text: str) -> Any:
    found, problems = parse("f.yml", text.encode())
    assert not problems
    (document,) = found
    return document.root


def wrong(data: str | bytes) -> tuple[Code, str, str]:
    """Return the code, the place and the message of the one problem of a file."""
    encoded = data.encode() if isinstance(data, str) else data
    (problem,) = parse("f.yml", encoded)[1]
    at = problem.location
    assert at is not None
    return problem.code, f"{at.line}:{at.column}", problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("12:30:45", "12:30:45"),
        ("22:22", "22:22"),
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("-0x1F", "-0x1F"),
        ("0xG", "0xG"),
        ("0x", "0x"),
        ("+.nan", "+.nan"),
        ("1e", "1e"),
        (".", "."),
        ("+", "+"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("tRue", "tRue"),
        ("nULL", "nULL"),
        ("y", "y"),
        ("<<", "<<"),
        ("=", "="),
        ('"1"', "1"),
        ("'true'", "true"),
        ("|\n  1\n", "1\n"),
        (">-\n  a\n  b\n", "a b"),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("42", 42),
        ("-7", -7),
        ("0", 0),
        ("0.5", 0.5),
        ("-1.5", -1.5),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("! 5", "5"),
        ("!!str 5", "5"),
        ("!<tag:yaml.org,2002:str> no", "no"),
        ("!!map {}", {}),
        ("!!seq []", []),
        ('"\\u00e9\\x41\\/"', "éA/"),
    ],
)
def test_scalars_of_the_core_schema(text: str, value: object) -> None:
    found = root(f"a: {text}")["a"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 10), ("+5", 5), ("0x1F", 31), ("0o17", 15), ("007", 7), ("-0", 0), ("00", 0)],
)
def test_integers_keep_how_they_were_spelled(text: str, value: int) -> None:
    found = root(f"a: {text}")["a"]
    assert isinstance(found, SpelledInt)
    assert (found, found.text) == (value, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("1234e5", 123400000.0),
        ("1234e567", float("inf")),
        (".5", 0.5),
        ("1.", 1.0),
        ("+1.5", 1.5),
        ("1E-2", 0.01),
        ("0.30", 0.3),
        (".INF", float("inf")),
    ],
)
def test_fractions_keep_how_they_were_spelled(text: str, value: float) -> None:
    found = root(f"a: {text}")["a"]
    assert isinstance(found, SpelledFloat)
    assert (found, found.text) == (value, text)


def test_not_a_number_is_one_without_a_value() -> None:
    found = root("a: .NaN")["a"]
    assert found != found  # noqa: PLR0124 - that is what it is
    assert found.text == ".NaN"


@pytest.mark.parametrize("text", ["yes", "No", "ON", "off"])
def test_words_that_were_true_or_false_once(text: str) -> None:
    assert type(root(f"a: {text}")["a"]) is Word
    assert type(root(f'a: "{text}"')["a"]) is str


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{1: a, null: b, true: c, 1.0: d}", {"1": "a", "null": "b", "true": "c", "1.0": "d"}),
        ("? a\n: 1\n? b", {"a": 1, "b": None}),
        ("!!str a: 1", {"a": 1}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
        ('{"a": {"b": [1, 2.5, null, false, "\\ud7ff"]}}', {"a": {"b": [1, 2.5, None, False, "\ud7ff"]}}),
        ('{\n\t"a":\t[\n\t\t1\n\t]\n}', {"a": [1]}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x 1\nb: *x\nc: &x 2\nd: *x", {"a": 1, "b": 1, "c": 2, "d": 2}),
        ("a: &x {k: 1}\nb: {<<: *x, l: 2}", {"a": {"k": 1}, "b": {"k": 1, "l": 2}}),
        ("<<: {a: 1, b: 1}\na: 2", {"a": 2, "b": 1}),
        ("a: 2\n<<: [{a: 1, b: 1}, {b: 3, c: 3}]", {"a": 2, "b": 1, "c": 3}),
        ("<<: {a: 1}\n<<: {a: 2, b: 2}", {"a": 1, "b": 2}),
        ('"<<": 1', {"<<": 1}),
        ("%YAML 1.1\n---\na: yes", {"a": "yes"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a:\t1", {"a": 1}),
    ],
)  # fmt: skip
def test_collections(text: str, expected: object) -> None:
    assert root(text) == expected


def test_merged_fields_stand_where_they_are_written() -> None:
    found = root("a: &x\n  k: 1\nb:\n  l: 2\n  <<: *x\n")["b"]
    assert (found.key_mark("k") >> 20, found.value_mark("l") >> 20) == (2, 4)


def test_positions_are_exact() -> None:
    text = "# é\n'ü': 1\nlist:\n  - a\n  -  {b: 'x'}\n"
    found = root(text)
    document = parse("f.yml", text.encode())[0][0]
    assert str(document.location()) == "f.yml:2:1"
    assert str(document.location(found.value_mark("ü"))) == "f.yml:2:6"
    assert str(document.location(found.key_mark("list"))) == "f.yml:3:1"
    assert [str(document.location(at)) for _, at in found["list"].with_marks()] == [
        "f.yml:4:5",
        "f.yml:5:6",
    ]
    assert str(document.location(found["list"][1].value_mark("b"))) == "f.yml:5:10"
    assert str(document.location(found["list"].mark)) == "f.yml:4:3"


@pytest.mark.parametrize(
    ("data", "code", "at"),
    [
        ("a: !foo b", Code.TAG, "1:4"),
        ("a: !!int 5", Code.TAG, "1:4"),
        ("a: !!python/object/apply:os.system [x]", Code.TAG, "1:4"),
        ("a: !foo {}", Code.TAG, "1:4"),
        ("!foo a: 1", Code.TAG, "1:1"),
        ("a: *x", Code.ALIAS, "1:4"),
        ("a: &x 1\n---\nb: *x", Code.ALIAS, "3:4"),
        ("a: &x [*x]", Code.ALIAS, "1:8"),
        ("a: &x {b: [{c: *x}]}", Code.ALIAS, "1:16"),
        ("<<: &x {a: *x}", Code.ALIAS, "1:12"),
        ("<<: 1", Code.YAML, "1:5"),
        ("<<: [{}, 1]", Code.YAML, "1:5"),
        ("? [a]\n: 1", Code.YAML, "1:3"),
        ("{{ a }}: 1", Code.YAML, "1:1"),
        ("*a : 1", Code.YAML, "1:1"),
        ("a: b: c", Code.YAML, "1:5"),
        ("a: [1\nb: 2", Code.YAML, "2:2"),
        ('a: "x', Code.YAML, "1:6"),
        ("a: 1\n\tb: 2", Code.YAML, "2:1"),
        ("- @x", Code.YAML, "1:3"),
        ("a: %x", Code.YAML, "1:4"),
        ('a: "\\q"', Code.YAML, "1:5"),
        ("a: 1\n... b", Code.YAML, "2:5"),
        ("%YAML 3.0\n---\na: 1", Code.YAML, "1:1"),
        ("a: x\x07y", Code.YAML, "1:5"),
        ("é: 1\nü: x\x00", Code.YAML, "2:5"),
        ("\ufeffa: 1\r\nb: \x1b[31m", Code.YAML, "2:4"),
        ("a: \x7f", Code.YAML, "1:4"),
        (b"a: \xff", Code.ENCODING, "1:4"),
        (b"\xc3\xa9: 1\n\xc3\xa9: \xe9", Code.ENCODING, "2:4"),
        (b"\xef\xbb\xbf\xff", Code.ENCODING, "1:1"),
        (b"\xef\xbb\xbfa: 1\nb: \xff", Code.ENCODING, "2:4"),
        ("a: 1".encode("utf-16"), Code.ENCODING, "1:1"),
        ("a: 1".encode("utf-16-le"), Code.YAML, "1:2"),
        ("a: " + "9" * 401, Code.YAML, "1:4"),
        ("a: 0x" + "f" * 400, Code.YAML, "1:4"),
        ("a: 1." + "0" * 400, Code.YAML, "1:4"),
        ("a: 1\nb:\n  c: 1\n  c: 2", Code.DUPLICATE_KEY, "4:3"),
        ("a: 1\n'a': 2", Code.DUPLICATE_KEY, "2:1"),
        ("{a: 1, a: 1}", Code.DUPLICATE_KEY, "1:8"),
        ("[" * 100_000, Code.DEPTH, "1:1001"),
        ("- " * 100_000, Code.DEPTH, "1:129"),
        ("{a: " * 100_000, Code.DEPTH, "1:257"),
        ("a: 1\n---\nb: 2\n---\nc: [\n", Code.YAML, "6:1"),
    ],
)
def test_what_cannot_be_read_and_where(data: str | bytes, code: Code, at: str) -> None:
    assert wrong(data)[:2] == (code, at)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("a: 1\n\tb: 2", "indent with spaces"),
        ("a: @b", "quote the text"),
        ("a: `b`", "quote the text"),
        ("a: \x00", "control character"),
        ("a: 1\na: 2", "a: given twice in one mapping, first at 1:1: keep one"),
        ("a: *b", "quote the text"),
    ],
)
def test_problems_say_what_to_do(data: str, hint: str) -> None:
    assert hint in wrong(data)[2]


@pytest.mark.parametrize(
    "text", ["*hunter2", "!hunter2", "!hunter2 x", "!!hunter2 x", "@hunter2", "%hunter2"]
)
def test_no_message_quotes_what_may_be_a_secret(text: str) -> None:
    assert "hunter2" not in wrong(f"password: {text}")[2]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a:\n<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> x\n", "2:1"),
        ("a:\n  - b\n<<<<<<< HEAD\n  - c: 1\n", "3:1"),
        ("\ufeffa: é\n<<<<<<< HEAD\nb: 1\n", "2:1"),
        ("a:\r\n<<<<<<< HEAD\r\n  b: 1\r\n", "2:1"),
        ("a: |\n  <<<<<<< HEAD\nb: 1\n<<<<<<< HEAD\nc\n", "4:1"),
    ],
    ids=["block", "list", "bom", "crlf", "the-nearest"],
)
def test_conflict_markers(text: str, at: str) -> None:
    code, place, message = wrong(text)
    assert (code, place) == (Code.YAML, at)
    assert "merge conflict" in message


def test_a_conflict_marker_further_down_is_not_the_reason() -> None:
    code, place, message = wrong("a: [1\nb: 1\n\n<<<<<<< HEAD\n")
    assert (code, place) == (Code.YAML, "2:2")
    assert "merge conflict" not in message


def test_documents_before_an_error_are_kept() -> None:
    found, problems = parse("f.yml", b"a: 1\n---\n---\n# none\n---\nb: 2\n...\n---\nc: @\n")
    assert [(own.root, own.mark >> 20) for own in found] == [({"a": 1}, 1), ({"b": 2}, 6)]
    assert [str(own.location) for own in problems] == ["f.yml:9:4"]


@pytest.mark.parametrize("data", [b"", b"# only\n", b"---\n", b"--- ~\n...\n", b"\xef\xbb\xbf"])
def test_empty_files_have_no_documents(data: bytes) -> None:
    assert parse("f.yml", data) == ((), ())


def test_the_first_of_two_equal_keys_counts_and_all_of_them_are_reported() -> None:
    text = "a: 1\nb: 1\na: 2\nb: 2\na: 3\n"
    found, problems = parse("f.yml", text.encode())
    assert found[0].root == {"a": 1, "b": 1}
    assert [str(own.location) for own in problems] == ["f.yml:3:1", "f.yml:4:1", "f.yml:5:1"]


def test_very_many_duplicates_are_not_all_listed() -> None:
    text = "".join(f"k{number}: 1\n" for number in range(30_000)) * 2
    problems = parse("f.yml", text.encode())[1]
    assert len(problems) == 100
    assert "further keys" in problems[-1].message


class TestLimits:
    def test_size(self) -> None:
        code, _, message = wrong(b"#" * (MAX_BYTES + 1))
        assert code is Code.TOO_LARGE
        assert "8388609 bytes" in message
        assert not parse("f.yml", b"#" * MAX_BYTES)[1]

    @pytest.mark.parametrize(
        "text",
        [
            "a: &a [1, 1, 1, 1]\n"
            + "".join(
                f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n"
                for old, new in pairwise("abcdefgh")
            ),
            f"a: &a [{'1,' * 2000}]\nb: [{'*a,' * 2000}]",
            f"a: &a {{{', '.join(f'k{n}: 1' for n in range(2000))}}}\nb: [{'{<<: *a},' * 2000}]",
        ],
        ids=["laughs", "flat", "merged"],
    )
    def test_aliases_written_out(self, text: str) -> None:
        assert wrong(text)[0] is Code.ALIAS

    def test_values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "_MAX_NODES", 1_000)
        assert not parse("f.yml", b"[" + b"a," * 999 + b"]")[1]
        assert wrong("[" + "a," * 1000 + "]")[0] is Code.TOO_LARGE
        assert wrong("---\n" * 2000)[0] is Code.TOO_LARGE

    def test_the_limit_holds_over_all_documents(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "_MAX_NODES", 1_000)
        one = "a: &a [" + "1," * 100 + "]\nb: [*a, *a, *a]\n"
        assert not parse("f.yml", one.encode())[1]
        assert wrong("---\n".join([one] * 3))[0] is Code.ALIAS

    def test_aliases_cost_no_memory(self) -> None:
        text = f"a: &a {'x' * 50_000}\nb: [{'*a,' * 20_000}]"
        tracemalloc.start()
        try:
            found = root(text)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
        assert len(found["b"]) == 20_000


_TEXTS = st.one_of(
    st.text(),
    st.text("0123456789+-._eExXoabfn:,", max_size=8),
    st.text(" \t\n\r#:-?[]{}&*!|>'\"%@`\\,=<\x85\u2028\u2029\ufeff\x07\x1b\x7f\x00", max_size=8),
    st.sampled_from(
        [
            "",
            "~",
            "null",
            "yes",
            "No",
            "ON",
            "010",
            "1.10",
            "0x1F",
            "0o7",
            "1e3",
            "1234e5",
            "1_000",
            ".inf",
            ".nan",
            "12:30",
            "2026-01-01",
            "<<",
            "=",
            "---",
            "...",
            "- a",
            "a: b",
            "? ",
            "*a",
            "&a",
            "!a",
        ]
    ),
    st.just("x" * 2000),
)
_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**300), 10**300),
        st.floats(allow_nan=False),
        _TEXTS,
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_VALUES.filter(lambda value: value is not None), min_size=1, max_size=3))
@example(["\x85", {"a\nb": ["x \n y", " lead", "trail ", "\ttab", "\r"]}])
@example([{"k": {"": [{}, [], ""]}}])
def test_what_is_dumped_is_read_back(values: list[Any]) -> None:
    found, problems = parse("f.yml", dump(values).encode())
    assert not problems
    assert [own.root for own in found] == values
    assert [_types(own.root) for own in found] == [_types(value) for value in values]


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return next(kind for kind in (bool, int, float, str, type(None)) if isinstance(value, kind))


_JSON_TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029")
)


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9) | _JSON_TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(_JSON_TEXTS, inner),
        max_leaves=12,
    ),
    st.sampled_from([None, 2, "\t"]),
)
def test_json_is_read(value: Any, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    found, problems = parse("f.json", text.encode())
    assert not problems
    assert [own.root for own in found] == [value]


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_nothing_that_stands_in_a_file_is_an_exception(data: bytes) -> None:
    found, problems = parse("f.yml", data)
    lines = (
        data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80")
    )
    for problem in problems:
        assert problem.location is not None
        assert 1 <= problem.location.line <= lines + 2
        assert problem.message.isprintable()
    assert all(own.root is not None for own in found)

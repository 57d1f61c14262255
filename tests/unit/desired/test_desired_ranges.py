"""Ranges mean what they mean to Infrahub, cost a bounded amount, and quote nothing."""

import json
import re
import string
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateward.desired import ranges
from stateward.desired.ranges import MAX_EXPANSION, Allowance, count, expand, is_ranged, oddities
from stateward.errors import Code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ethernet[1-3]", ["Ethernet1", "Ethernet2", "Ethernet3"]),
        ("[3-1]", ["3", "2", "1"]),
        ("[a-c]", ["a", "b", "c"]),
        ("[C-A]", ["C", "B", "A"]),
        ("[1,5,9-10]", ["1", "5", "9", "10"]),
        ("[a,core,3]", ["a", "core", "3"]),
        ("e[1-2]/[0-1]", ["e1/0", "e1/1", "e2/0", "e2/1"]),
        ("[1-1]", ["1"]),
        ("[01-03]", ["1", "2", "3"]),
        ("[Y-a]", ["Y", "Z", "[", "\\", "]", "^", "_", "`", "A"]),
        ("e[a-zz]", ["ea-zz"]),
        ("[1-a]", ["1-a"]),
        ("[1,,2]", ["[1,,2]"]),
        ("[1-2,3-,4]", ["1", "2", "[1-2,3-,4]"]),
        ("[-2]", ["[-2]"]),
        ("[a_b,c]", ["[a_b,c]"]),
        ("[²-³]", ["[²-³]"]),
        (r"\[1-3]", ["[1-3]"]),
        (r"\[[1-2]\]", ["[1]", "[2]"]),
        (r"\[a\][1,2]", ["[a]1", "[a]2"]),
        ("[1-2][x]", ["1[x]", "2[x]"]),
        ("see [a,b] and [c,d]", ["see a and c", "see a and d", "see b and c", "see b and d"]),
        ("\ue000[1-2]\ue001", ["\ue0001\ue001", "\ue0002\ue001"]),
        ("[٣-٤]", ["3", "4"]),
    ],
)
def test_expansion(text: str, expected: list[str]) -> None:
    assert is_ranged(text)
    assert expand(text) == expected
    assert count(text) == len(expected)


@pytest.mark.parametrize(
    "text", ["", "a", "[]", "[a]", "[12]", r"\[1-3\]", "[1 - 3]", "1-3", "[a", "[[[", "[1-3"]
)
def test_no_ranges(text: str) -> None:
    assert not is_ranged(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1-3]", []),
        ("[0-3]", []),
        ("[a,b][1,2]", []),
        ("[02-03]", [Code.RANGE_PADDING]),
        ("[1-03]", [Code.RANGE_PADDING]),
        ("[00-01]", [Code.RANGE_PADDING]),
        ("[a-zz]", [Code.RANGE]),
        ("[1-]", [Code.RANGE]),
        ("[1-a,01-02]", [Code.RANGE_PADDING, Code.RANGE]),
        ("[a_b,c]", [Code.RANGE]),
        ("[1-²]", [Code.RANGE]),
    ],
)
def test_oddities(text: str, expected: list[Code]) -> None:
    assert [code for code, _ in oddities(text)] == expected
    assert text not in "".join(message for _, message in oddities(text))


_PARTS = st.one_of(
    st.integers(0, 12).map(str),
    st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
    st.sampled_from(["a", "b-d", "Z-X"]),
)
_BODIES = st.lists(_PARTS, min_size=2, max_size=3).map(",".join)
_PLAIN = st.text(string.ascii_letters + " /.", max_size=3)


@given(st.lists(st.tuples(_PLAIN, _BODIES), min_size=1, max_size=3), _PLAIN)
def test_brackets_multiply_in_order(pairs: list[tuple[str, str]], end: str) -> None:
    text = "".join(f"{plain}[{body}]" for plain, body in pairs) + end
    plain, body = pairs[0]
    rest = text[len(f"{plain}[{body}]") :]
    following = expand(rest) if is_ranged(rest) else [rest]
    assert expand(text) == [plain + one + more for one in expand(f"[{body}]") for more in following]
    assert count(text) == len(expand(text))


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_range_turned_round(low: int, high: int) -> None:
    assert expand(f"[{low}-{high}]") == expand(f"[{high}-{low}]")[::-1]
    assert len(expand(f"[{low}-{high}]")) == abs(high - low) + 1


@given(st.text("[]\\-,0a1_²٣ b", max_size=12))
def test_any_text_expands_to_something(text: str) -> None:
    if is_ranged(text):
        assert 1 <= len(expand(text)) == count(text)
    assert all(message.isprintable() for _, message in oddities(text))


@pytest.mark.parametrize(
    "text",
    [
        f"[0-{MAX_EXPANSION}]",
        "[1-9999999999999999999]",
        "[1-1000][1-1000]",
        "[1-9]" * 40,
        "[" + "1-99999," * 100_000 + "1]",
        "[" + "a," * (MAX_EXPANSION + 1) + "a]",
    ],
    ids=["long", "huge", "product", "many", "parts", "letters"],
)
def test_too_much(text: str) -> None:
    with pytest.raises(OverflowError):
        count(text)
    with pytest.raises(OverflowError):
        expand(text)


@pytest.mark.parametrize(
    ("text", "ranged"),
    [
        ("[" + "-" * 1_000_000, False),
        ("[" + "1," * 500_000, False),
        ("[" * 1_000_000, False),
        ("[1-" + "9" * 5_000 + "]", True),
        ("[1-2" * 200_000, False),
    ],
    ids=["dashes", "commas", "brackets", "digits", "unclosed"],
)
@pytest.mark.timeout(10)
def test_hostile_texts_take_no_time(text: str, ranged: bool) -> None:
    assert is_ranged(text) is ranged
    assert expand(text) == [text]


def test_an_allowance_is_used_up() -> None:
    allowance = Allowance(10)
    allowance.take(7)
    with pytest.raises(OverflowError):
        allowance.take(4)
    allowance.take(3)
    assert allowance.left == 0


_LAB = sorted(Path("~/.cache/stateward-lab").expanduser().glob("python-*/bin/python"))
_ORACLE = """
import json, re, sys
from infrahub_sdk.spec.range_expansion import MATCH_PATTERN, range_expansion
def expand(text):
    if not re.search(MATCH_PATTERN, text):
        return None
    try:
        return range_expansion(text)
    except (ValueError, TypeError, KeyError):
        return [text]
json.dump([expand(text) for text in json.load(sys.stdin)], sys.stdout)
"""


@pytest.mark.skipif(not _LAB, reason="needs an installed infrahub-sdk")
def test_the_meaning_is_the_sdks() -> None:
    parts = [
        "1-3",
        "3-1",
        "a-c",
        "C-A",
        "a",
        "1",
        "01-03",
        "_",
        "a_b",
        "-",
        "1-",
        "-2",
        "A-c",
        "1-a",
    ]
    parts += ["²-³", "٣-٤", "ab-c", "", "ß-ß"]
    bodies = [f"[{one}{mark}{two}]" for one in parts for two in parts for mark in ",-"]
    texts = [
        start + body + end
        for body in bodies
        for start in ("", r"\[")
        for end in ("", "[1,2]", r"\]")
    ]
    found = subprocess.run(
        [_LAB[-1], "-c", _ORACLE],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [expand(text) if is_ranged(text) else None for text in texts]
    assert ours == json.loads(found.stdout)


def test_escapes_stand_for_nothing_that_a_file_can_hold() -> None:
    for stand_in in (ranges._OPEN, ranges._CLOSE):
        assert not re.match(r"\w", stand_in)
        with pytest.raises(UnicodeEncodeError):
            stand_in.encode()

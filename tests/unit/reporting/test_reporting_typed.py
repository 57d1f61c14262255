"""What people are told to type means, to a shell, what it is about."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown_plans import HOSTILE

from stateward.reporting import typed

_SHELL_TAKES = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=40
)


def read_back(line: str) -> list[str]:
    """Return the words that bash makes of a line."""
    done = subprocess.run(
        ["bash", "--norc", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
    )
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@given(st.lists(_SHELL_TAKES, min_size=1, max_size=3))
def test_shell_reads_the_words_back(words: list[str]) -> None:
    line = typed.line(words)
    assert read_back(line) == ["stateward", *words]
    assert line.isprintable()


@pytest.mark.parametrize("name", [own for own in HOSTILE.values() if "\0" not in own])
def test_names_that_mean_harm_are_read_back_too(name: str) -> None:
    assert read_back(typed.line(["approve", name])) == ["stateward", "approve", name]


def test_plain_words_are_left_as_they_are() -> None:
    assert typed.line(["approve", "objects/ams-1", "0b1"]) == "stateward approve objects/ams-1 0b1"


def test_unit_that_looks_like_an_option_is_no_option() -> None:
    found = typed.Typed(about=("--source", "x")).approving("-unit", "0123456789abcdef")
    assert found == "stateward approve --source x -- -unit 0123456789ab"


def test_value_that_looks_like_an_option_is_none() -> None:
    assert typed.options(rev="-x", worktree=True, unit=None, full=False) == (
        "--rev=-x",
        "--worktree",
    )

"""Ranges in object files: ``Ethernet[1-4]`` under ``parameters: {expand_range: true}``.

The meaning is Infrahub's (infrahub-sdk 1.23): a bracket holds numbers, letters and ranges of
either, several brackets in one text multiply, and all ranged fields of one object must come to
the same number of texts, which are then taken side by side. Zero padding is lost, and a bracket
that is no range after all loses its brackets; Infrahub says neither, so here both are reported.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from stateward.errors import Code

_BRACKET = re.compile(r"\[([\w,-]*)\]")
_ESCAPED = re.compile(r"\\([\[\]])")
_OPEN, _CLOSE = "\udc00", "\udc01"
"""Stand for escaped brackets: no text that was read from a file holds half a surrogate pair."""
MAX_EXPANSION = 100_000
"""How many objects one item may become: more is a slip of the keyboard, or an attack."""
_MAX_GROWTH = 30_000_000
"""How many characters, roughly, the ranges of one unit may come to: some 100,000 objects."""


@dataclass(slots=True)
class Allowance:
    """What the ranges of one unit may still come to: nested ones multiply, and so do aliases."""

    left: int = _MAX_GROWTH

    def take(self, characters: int) -> None:
        """Take from what is left; raises ``OverflowError`` where that is not enough."""
        if characters > self.left:
            raise OverflowError(characters)
        self.left -= characters


def is_ranged(text: str) -> bool:
    """Tell whether Infrahub takes a text for a ranged one. It may find no range in it."""
    return "[" in text and any(_may_be_range(body) for body in _BRACKET.findall(text))


def count(text: str) -> int:
    """Return how many texts ``expand`` would return, without making them."""
    try:
        return prod(len(options) for options in _read(text)[1])
    except ValueError:
        return 1


def expand(text: str) -> list[str]:
    """Return all texts a ranged text stands for, in order.

    Raises ``OverflowError``, as ``count`` does, where they are more than ``MAX_EXPANSION``.
    """
    try:
        pieces, choices = _read(text)
    except ValueError:
        return [text]  # as Infrahub does, escapes and all
    return [
        _show_escaped(pieces[0] + "".join(a + b for a, b in zip(chosen, pieces[1:], strict=True)))
        for chosen in product(*choices)
    ]


def oddities(text: str) -> Iterator[tuple[Code, str]]:
    """Say what a reader of the text would not expect of its expansion, without quoting it."""
    try:
        _read(text)
    except ValueError:
        yield Code.RANGE, "holds no range that can be read: the text stays as it is"
        return
    bodies = [body for body in _BRACKET.findall(_hide_escaped(text)) if _may_be_range(body)]
    ends = [part.partition("-") for body in bodies for part in body.split(",")]
    numbers = [(low, high) for low, _, high in ends if low.isdigit() and high.isdigit()]
    if any(end[0] == "0" and end != "0" for pair in numbers for end in pair):
        yield Code.RANGE_PADDING, "zero padding is lost, [01-03] gives 1, 2, 3: list the numbers"
    if any(dash and not _is_range(low, high) for low, dash, high in ends):
        yield Code.RANGE, "what stands in brackets is not a range, and Infrahub mangles it"


def _read(text: str) -> tuple[list[str], list[Sequence[str]]]:
    """Split a text into what stays and, between, what may be chosen; ``ValueError`` as Infrahub."""
    pieces: list[str] = []
    choices: list[Sequence[str]] = []
    total, end = 1, 0
    hidden = _hide_escaped(text)
    for found in _BRACKET.finditer(hidden):
        if _may_be_range(found[1]):
            pieces.append(hidden[end : found.start()])
            choices.append(_choices(found[1]))
            end = found.end()
            total *= len(choices[-1])
            if total > MAX_EXPANSION:
                raise OverflowError(total)
    return [*pieces, hidden[end:]], choices


def _may_be_range(body: str) -> bool:
    return "-" in body or "," in body


def _choices(body: str) -> Sequence[str]:
    chosen: list[str] = []
    for part in body.split(","):
        low, dash, high = part.partition("-")
        if not part:
            return [f"[{body}]"]
        if not dash and not part.isalnum():
            raise ValueError(part)
        if not dash:
            chosen.append(part)
        elif not low or not high:
            return [*chosen, f"[{body}]"]
        elif low.isdigit() and high.isdigit():
            chosen.extend(str(number) for number in _between(int(low), int(high)))
        elif _is_range(low, high):
            letters = (chr(code) for code in _between(ord(low), ord(high)))
            chosen.extend(letter.upper() if low.isupper() else letter for letter in letters)
        else:
            chosen.append(part)
        if len(chosen) > MAX_EXPANSION:
            raise OverflowError(body)
    return chosen


def _is_range(low: str, high: str) -> bool:
    letters = len(low) == len(high) == 1 and low.isalpha() and high.isalpha()
    return letters or (low.isdigit() and high.isdigit())


def _between(low: int, high: int) -> range:
    if abs(high - low) >= MAX_EXPANSION:
        raise OverflowError(abs(high - low) + 1)
    return range(low, high + 1) if low <= high else range(low, high - 1, -1)


def _hide_escaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: _OPEN if found[1] == "[" else _CLOSE, text)


def _show_escaped(text: str) -> str:
    return text.replace(_OPEN, "[").replace(_CLOSE, "]")

"""Ranges in object files: ``Ethernet[1-4]`` under ``parameters: {expand_range: true}``.

The meaning is Infrahub's (infrahub-sdk 1.23): a bracket holds numbers, letters and ranges of
either, several brackets in one text multiply, and all ranged fields of one object must come to
the same number of texts, which are then taken side by side. Zero padding is lost, and a bracket
that is no range after all loses its brackets; Infrahub says neither, so here both are reported.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import product

_BRACKET = re.compile(r"\[([\w,-]*[-,][\w,-]*)\]")
_ESCAPED = re.compile(r"\\([\[\]])")
_OPEN, _CLOSE = "\ue000", "\ue001"
MAX_EXPANSION = 100_000
"""How many objects one item may become: more is a slip of the keyboard, or an attack."""


def is_ranged(text: str) -> bool:
    return "[" in text and _BRACKET.search(_hide_escaped(text)) is not None


def expand(text: str) -> list[str]:
    """Return all texts a ranged text stands for, in order.

    Raises ``OverflowError`` where they are more than ``MAX_EXPANSION``.
    """
    pieces = _BRACKET.split(_hide_escaped(text))
    choices = [_choices(body) for body in pieces[1::2]]
    total = 1
    for options in choices:
        total *= len(options)
    if total > MAX_EXPANSION:
        raise OverflowError(total)
    return [
        _show_escaped(pieces[0] + "".join(a + b for a, b in zip(chosen, pieces[2::2], strict=True)))
        for chosen in product(*choices)
    ]


def oddities(text: str) -> Iterator[str]:
    """Say what a reader of the text would not expect of its expansion."""
    for body in _BRACKET.findall(_hide_escaped(text)):
        for part in body.split(","):
            low, dash, high = part.partition("-")
            if not dash:
                continue
            if low.isdecimal() and high.isdecimal():
                if low != str(int(low)) or high != str(int(high)):
                    yield f"[{body}]: zero padding is lost: {part} gives {int(low)}, not {low}"
            elif not (len(low) == len(high) == 1 and low.isalpha() and high.isalpha()):
                yield f"[{body}]: {part} is not a range: the brackets are dropped"


def _choices(body: str) -> Sequence[str]:
    chosen: list[str] = []
    for part in body.split(","):
        if not part:
            return [f"[{body}]"]
        low, dash, high = part.partition("-")
        if not dash:
            chosen.append(part)
        elif not low or not high:
            return [*chosen, f"[{body}]"]
        elif low.isdecimal() and high.isdecimal():
            chosen.extend(str(number) for number in _between(int(low), int(high)))
        elif len(low) == len(high) == 1 and low.isalpha() and high.isalpha():
            letters = (chr(code) for code in _between(ord(low), ord(high)))
            chosen.extend(letter.upper() if low.isupper() else letter for letter in letters)
        else:
            chosen.append(part)
    return chosen


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

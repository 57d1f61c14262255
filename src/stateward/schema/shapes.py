"""What a value of a schema file may look like."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from stateward.model.document import Map, Seq
from stateward.schema.patterns import compiled
from stateward.schema.spelling import show

Convert = Callable[[Any], Any]
"""Returns what the value means, or raises ``Wrong``."""

_TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "f", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


class Wrong(ValueError):
    """A value is not what it should be, but may still be good enough to go on with."""

    def __init__(self, reason: str, *, kept: Any = None, mark: int = 0) -> None:
        self.kept = kept
        self.mark = mark
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The keys a mapping may have. Those ignored are the server's own, which it writes itself."""

    keys: Mapping[str, Convert]
    required: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()


def optional(convert: Convert) -> Convert:
    """Allow null, which stands for no value."""
    return lambda value: None if value is None else convert(value)


def anything(value: Any) -> Any:
    return value


def text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None:
        raise Wrong("there is no value")
    raise Wrong(f"{show(value)} is not text: quote it if it is meant to be")


def text_of(
    *,
    most: int,
    least: int = 0,
    pattern: str = "",
    rule: str = "",
    refused: Callable[[str], bool] | None = None,
    keep: bool = True,
) -> Convert:
    """Ask for a text of some length, which may have to match a pattern, put in words as a rule.

    One that breaks the rules is kept where doing without it would only raise further problems.
    """
    rules = re.compile(pattern)

    def convert(value: Any) -> str:
        found = text(value)
        if len(found) < least:
            reason = f"{show(found)} has {len(found)} characters, at least {least} are needed"
            raise Wrong(reason, kept=found)
        if len(found) > most:
            reason = f"{show(found)} has {len(found)} characters, at most {most} are possible"
            raise Wrong(reason, kept=found)
        if pattern and not rules.fullmatch(found):
            raise Wrong(f"{show(found)} {rule}", kept=found if keep else None)
        if refused and refused(found):
            raise Wrong(f"{show(found)} is a word of Python: choose another name", kept=found)
        return found

    return convert


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Wrong("there is no value" if value is None else f"{show(value)} is not true or false")


def whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise Wrong("there is no value" if value is None else f"{show(value)} is not a whole number")


def one_of(*options: str) -> Convert:
    """Ask for one of some words."""

    def convert(value: Any) -> str:
        found = text(value)
        if found in options:
            return found
        close = get_close_matches(found.lower(), [option.lower() for option in options], n=1)
        meant = next((option for option in options if [option.lower()] == close), None)
        hint = f": did you mean {meant}?" if meant else f": it is one of {', '.join(options)}"
        raise Wrong(f"{show(found)} is unknown{hint}")

    return convert


def regex(value: Any) -> str:
    found = text(value)
    try:
        compiled(found)
    except ValueError as error:
        raise Wrong(f"{show(found)} is not a regular expression: {error}") from error
    return found


def sequence(value: Any) -> Seq:
    if isinstance(value, Seq):
        return value
    raise Wrong("there is no value" if value is None else f"{show(value)} is not a list")


def mapping(value: Any) -> Map:
    if isinstance(value, Map):
        return value
    raise Wrong("there is no value" if value is None else f"{show(value)} is not a mapping")


def list_of(convert: Convert) -> Convert:
    """Ask for a list of such values."""

    def each(value: Any) -> tuple[Any, ...]:
        found = []
        for item, mark in sequence(value).with_marks():
            try:
                found.append(convert(item))
            except Wrong as wrong:
                raise Wrong(str(wrong), mark=wrong.mark or mark) from wrong
        return tuple(found)

    return each


texts = list_of(text)

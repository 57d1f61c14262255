"""Attribute values in the server's own form, so that they can be compared as they stand."""

from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from stateward.errors import Code
from stateward.model.schema import Attribute
from stateward.schema.patterns import compiled
from stateward.schema.spelling import SPELLINGS, Invalid, plain, show

__all__ = ["SECRET_KINDS", "Invalid", "normalise", "spell"]

SECRET_KINDS = frozenset({"Password", "HashedPassword"})
"""Attribute kinds whose values are never shown."""

_CHOICES_SHOWN = 12


def normalise(attribute: Attribute, value: Any) -> Any:
    """Return a value as the server would show it; None is no value, and is left to others.

    Raises ``Invalid`` for what the attribute may not have. A normalised value stays as it is.
    """
    if value is None:
        return None
    found = SPELLINGS.get(attribute.kind, plain)(value)
    if (
        attribute.choices
        or attribute.regex is not None
        or attribute.min_length
        or attribute.max_length
        or attribute.kind == "Number"
    ):
        _constrain(attribute, found)
    return found


def spell(value: Any) -> str:
    """Return a normalised value as it stands in a human-friendly id."""
    return str(value)


def _constrain(attribute: Attribute, value: Any) -> None:
    shown = "the value" if attribute.kind in SECRET_KINDS else show(value)
    if attribute.regex is not None:
        for text in value if isinstance(value, list) else (value,):
            _constrain_text(attribute.regex, str(text), shown)
    if isinstance(value, str | list):
        _constrain_length(attribute, len(value), shown)
    if attribute.kind == "Number":
        _constrain_number(attribute, value)
    if attribute.choices and not isinstance(value, list | dict) and value not in attribute.choices:
        raise Invalid(Code.ENUM, f"{shown} is not one of {_one_of(attribute.choices, value)}")


def _constrain_text(regex: str, text: str, shown: str) -> None:
    try:
        # Infrahub matches from the start only, and so do we: `ab` conforms to `a`.
        matches = compiled(regex).match(text)
    except ValueError as error:
        message = f"no value can match, the schema's regex {regex} is broken: {error}"
        raise Invalid(Code.CONSTRAINT, message) from error
    if not matches:
        raise Invalid(Code.CONSTRAINT, f"{shown} does not match the regex {regex}")


def _constrain_length(attribute: Attribute, length: int, shown: str) -> None:
    if attribute.min_length and length < attribute.min_length:
        message = f"{shown} has a length of {length}, the minimum is {attribute.min_length}"
        raise Invalid(Code.CONSTRAINT, message)
    if attribute.max_length and length > attribute.max_length:
        message = f"{shown} has a length of {length}, the maximum is {attribute.max_length}"
        raise Invalid(Code.CONSTRAINT, message)


def _constrain_number(attribute: Attribute, value: int) -> None:
    if attribute.min_value is not None and value < attribute.min_value:
        raise Invalid(Code.CONSTRAINT, f"{value} is below the minimum, {attribute.min_value}")
    if attribute.max_value is not None and value > attribute.max_value:
        raise Invalid(Code.CONSTRAINT, f"{value} is above the maximum, {attribute.max_value}")
    for first, last in _ranges(attribute.excluded_values or ""):
        if first <= value <= last:
            message = f"{value} is among the excluded values, {attribute.excluded_values}"
            raise Invalid(Code.CONSTRAINT, message)


@lru_cache(maxsize=512)
def _ranges(excluded: str) -> tuple[tuple[int, int], ...]:
    """Read ``100,150-200`` as pairs of the first and the last value."""
    ends = [part.split("-") for part in excluded.split(",") if part]
    return tuple((int(end[0]), int(end[-1])) for end in ends)


def _one_of(choices: tuple[Any, ...], value: Any) -> str:
    names = [str(choice) for choice in choices]
    more = f" and {len(names) - _CHOICES_SHOWN} more" if len(names) > _CHOICES_SHOWN else ""
    close = get_close_matches(str(value), names, n=1)
    hint = f": did you mean {close[0]}?" if close else ""
    return ", ".join(names[:_CHOICES_SHOWN]) + more + hint

"""Unquoted scalars as the YAML 1.2 core schema reads them.

Infrahub reads YAML 1.1. Where that differs the text is kept beside the value, or instead of it, so
that an attribute of the right kind still gets what was meant.
"""

import re
from typing import Any

from stateward.model.document import SpelledFloat, SpelledInt, Word

INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_MAY_BE_NUMBER = frozenset("0123456789+-.")
_MAX_DIGITS = 400
_PLAIN: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{
        form: Word(form)
        for word in ("yes", "no", "on", "off")
        for form in (word, word.title(), word.upper())
    },
}


def read(text: str) -> Any:
    """Return the value of an unquoted scalar; raises ``ValueError`` for a number without measure."""
    if text[:1] in _MAY_BE_NUMBER:
        return _number(text)
    return _PLAIN.get(text, text)


def _number(text: str) -> Any:
    if INT.match(text):
        _measure(text)
        value = int(text, 0 if text[:2] in {"0o", "0x"} else 10)
        if str(value) == text:
            return value
        spelled = SpelledInt(value)
        spelled.text = text
        return spelled
    if FLOAT.match(text) or _SPECIAL_FLOAT.match(text):
        _measure(text)
        number = float(text.replace(".", "", 1) if text[-1] in "fFnN" else text)
        if repr(number) == text:
            return number
        spelled_float = SpelledFloat(number)
        spelled_float.text = text
        return spelled_float
    return text


def _measure(text: str) -> None:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits: quote it")

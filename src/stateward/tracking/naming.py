"""What a session's tracking group is called and described as: as the SDK does it, to the letter.

So a group that a script of the SDK made is found again, and the SDK finds ours. Its digest is over
``ujson``'s spelling of the parameters, which is not that of the standard library.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from stateward.errors import Code, ConfigError
from stateward.model.unit import ADOPTED, TRACKING

MOST_DESCRIBED = 4095
"""Characters that a description may have where its schema says nothing: the server's limit."""
_CUT = 5
_BARE = "\x7f"
"""A character that the standard library escapes and ``ujson`` does not."""


def group_name(identifier: str, params: Mapping[str, Any]) -> str:
    """Return the name of the tracking group of an identifier and parameters."""
    if not identifier or not identifier.isprintable():
        raise _refused(f"{identifier!r}: expected a printable name")
    name = f"{identifier}-{_digest(params)}" if params else identifier
    if name.endswith(("/", ADOPTED)):
        raise _refused(f"{identifier}: must not end with a slash, nor with {ADOPTED}")
    if name.startswith(TRACKING):
        raise _refused(f"{identifier}: groups below {TRACKING} belong to directories of Git")
    return name


def describe(params: Mapping[str, Any], most: int | None) -> str:
    """Return a group's description: the parameters, cut where they are more than it holds."""
    text = ", ".join(f"{key}: {value}" for key, value in params.items())
    limit = most or MOST_DESCRIBED
    return text if len(text) <= limit else f"{text[: limit - _CUT]}..."


def _digest(params: Mapping[str, Any]) -> str:
    return hashlib.md5(_spelled(params).encode(), usedforsecurity=False).hexdigest()


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        parts = (json.dumps(own)[1:-1] for own in value.split(_BARE))
        return f'"{_BARE.join(parts)}"'.replace("/", "\\/")
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_spelled(own) for own in value)}]"
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return f"{{{','.join(f'{_spelled(key)}:{_spelled(value[key])}' for key in sorted(value))}}}"
    raise _refused(f"a parameter is a {type(value).__name__}: expected what JSON can hold")


def _number(value: float) -> str:
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise _refused(f"a parameter is {value}: expected a number") from error
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}e{int(power):+d}".replace("e-0", "e-") if exponent else text


def _refused(why: str) -> ConfigError:
    return ConfigError(f"the session's identifier or parameters: {why}", code=Code.SESSION)

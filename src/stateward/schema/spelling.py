"""How the server spells the values of each attribute kind, and which of them it refuses.

The rules are those of Infrahub 1.11.9, with two deviations on purpose: numbers are written as
text where text is asked for (the server refuses a whole batch for one of them), and a fraction
is not a whole number (the server cuts it off).
"""

import json
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from math import isfinite
from typing import Any

from stateward.errors import Code
from stateward.model.document import SpelledFloat, SpelledInt, Word
from stateward.schema.moments import is_moment

_MOST_BYTES = 4092
"""The server's database cannot index a longer text, and the server refuses it."""
_MOST_BYTES_PER_CHARACTER = 4
_MOST_BYTES_OF_A_LIST = 8164
"""So much of a list in an attribute of kind Any can be indexed, each text with its length."""
_BYTES_OF_A_NUMBER, _BYTES_OF_A_LENGTH = 8, 2
_INTEGERS = range(-(2**63), 2**63)
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,30}\s*")
_WORDS = {"yes": True, "on": True, "no": False, "off": False}
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:\[[0-9a-f:.]+\]|[^/?#@:\[\]]+)(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE,
)
_MAC_SPELLINGS = {
    12: re.compile(r"[0-9A-F]{11,12}"),
    6: re.compile(r"[0-9A-F]{5,6}([-:])[0-9A-F]{5,6}"),
    4: re.compile(r"[0-9A-F]{1,4}([-:.])[0-9A-F]{1,4}\1[0-9A-F]{1,4}"),
    2: re.compile(r"[0-9A-F]{1,2}([-:])(?:[0-9A-F]{1,2}\1){4}[0-9A-F]{1,2}"),
}
"""By the number of digits that a group has when it is written in full."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN_HOST = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}/(?:3[0-2]|[12]?[0-9])")
"""An IPv4 address that is spelled as the server spells it: most are, and a match is cheap."""
_SHOWN = 60


class Invalid(ValueError):
    """A value is not one that the attribute may have. The message does not name the attribute."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


def show(value: Any) -> str:
    """Return a value as messages show it: short, and on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _wrong(value: Any, reason: str) -> Invalid:
    return Invalid(Code.TYPE, f"{show(value)} {reason}")


def _whole(text: str) -> str:
    """Return a text that is one: with half a character in it, what was written is never read again."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(Code.TYPE, "half a character is in it: a surrogate without the other one")
    return str(text)


def _text_of_any_length(value: Any) -> str:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, SpelledInt | SpelledFloat):
        return value.text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    hint = ": quote it if it is meant to be" if isinstance(value, bool) else ""
    raise _wrong(value, f"is not text{hint}")


def _text(value: Any) -> str:
    text = _text_of_any_length(value)
    if len(text) * _MOST_BYTES_PER_CHARACTER > _MOST_BYTES:
        size = len(text.encode())
        if size > _MOST_BYTES:
            message = f"the text has {size} bytes, at most {_MOST_BYTES} are possible"
            raise Invalid(Code.CONSTRAINT, message)
    return text


def _number(value: Any) -> int:
    if isinstance(value, bool):
        raise _wrong(value, "is not a number")
    integral = isinstance(value, float) and isfinite(value) and value == int(value)
    digits = isinstance(value, str) and _NUMBER.fullmatch(value)
    if not (isinstance(value, int) or integral or digits):
        raise _wrong(value, "is not a whole number")
    return _in_64_bits(int(value))


def _in_64_bits(number: int) -> int:
    if number not in _INTEGERS:
        raise Invalid(Code.CONSTRAINT, f"{show(number)} does not fit into 64 bits")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Word):
        return _WORDS[value.lower()]
    raise _wrong(value, "is neither true nor false")


def _host(value: Any) -> str:
    text = _quoted(value, "an IP address")
    if _PLAIN_HOST.fullmatch(text):
        return text
    try:
        return ip_interface(text).with_prefixlen
    except ValueError as error:
        raise _wrong(value, "is not an IP address") from error


def _address(value: Any) -> str:
    text = _quoted(value, "an IP address")
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise _wrong(value, "is not an IP address without a prefix length") from error


def _network(value: Any) -> str:
    text = _quoted(value, "an IP network")
    try:
        return ip_network(text).with_prefixlen
    except ValueError as error:
        reason = "is not an IP network"
        if "host bits" in str(error):
            meant = ip_network(text, strict=False).with_prefixlen
            reason += f": host bits are set: did you mean {meant}?"
        raise _wrong(value, reason) from error


def _mac(value: Any) -> str:
    text = _quoted(value, "a MAC address").removesuffix("\n").upper()
    for digits, pattern in _MAC_SPELLINGS.items():
        if found := pattern.fullmatch(text):
            groups = text.split(found[1]) if pattern.groups else [text]
            bare = "".join(group.zfill(digits) for group in groups)
            return ":".join(bare[at : at + 2] for at in range(0, len(bare), 2))
    raise _wrong(value, "is not a MAC address")


def _moment(value: Any) -> str:
    text = _quoted(value, "a date and time")
    if text and not is_moment(text):
        raise _wrong(value, "is not a date and time as in 2026-01-31T12:00:00Z")
    return text


def _url(value: Any) -> str:
    text = _text(_quoted(value, "a URL"))
    local = text.startswith("/") and "://" not in text
    if not (text.isprintable() and (local or _URL.fullmatch(text))):
        raise _wrong(value, "is not a URL: it needs a scheme and a host")
    return text


def _list(value: Any) -> Any:
    found = _parsed(value, empty=[])
    if not isinstance(found, list):
        raise _wrong(value, "is not a list")
    return _plain(found)


def _json(value: Any) -> Any:
    found = _parsed(value, empty={})
    if not isinstance(found, dict | list):
        raise _wrong(value, "is neither a mapping nor a list")
    return _plain(found)


def _anything(value: Any) -> Any:
    """Return what the server's database can keep by itself: it keeps no JSON here."""
    if isinstance(value, list):
        return _alike([_anything_in_a_list(item) for item in value])
    if isinstance(value, float | dict):
        raise _wrong(value, f"{_NOT_KEPT} in an attribute of kind Any")
    return _text(value) if isinstance(value, str) else _anything_in_a_list(value)


_NOT_KEPT = "cannot be kept by the server"


def _anything_in_a_list(value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise _wrong(value, f"{_NOT_KEPT} in a list in an attribute of kind Any")
    found = plain(value)
    return _in_64_bits(found) if type(found) is int else found


def _alike(items: list[Any]) -> list[Any]:
    """Return the items of a list as the server keeps them: all of one type, and not too many."""
    types = {type(item) for item in items}
    if types == {int, float}:
        items = [float(item) for item in items]
    elif len(types) > 1:
        raise Invalid(Code.TYPE, f"a list of several types {_NOT_KEPT} in an attribute of kind Any")
    size = sum(
        len(item.encode()) + _BYTES_OF_A_LENGTH if isinstance(item, str) else _BYTES_OF_A_NUMBER
        for item in items
    )
    if size > _MOST_BYTES_OF_A_LIST:
        message = f"the list has {size} bytes, at most {_MOST_BYTES_OF_A_LIST} are possible"
        raise Invalid(Code.CONSTRAINT, message)
    return items


def _quoted(value: Any, what: str) -> str:
    if isinstance(value, str):
        return str(value)
    raise _wrong(value, f"is not {what}: quote it if it is meant to be")


def _parsed(value: Any, empty: Any) -> Any:
    """Read JSON given as text. The server shows the text again; what is meant is its content."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else empty
    except (ValueError, RecursionError) as error:
        raise _wrong(value, "is not JSON") from error


def _plain(value: Any) -> Any:
    # JSON within a text may be nested much deeper than YAML may be.
    try:
        return plain(value)
    except RecursionError as error:
        raise Invalid(Code.TYPE, "the value is nested too deeply") from error


def plain(value: Any) -> Any:
    """Strip a value of its positions and of its spelling in the file."""
    if isinstance(value, dict):
        return {_whole(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise _wrong(value, "has no JSON form")
        return float(value)
    return int(value) if isinstance(value, SpelledInt) else value


SPELLINGS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("Text", "Dropdown", "Email", "Color", "ID", "File"), _text),
    **dict.fromkeys(("Password", "HashedPassword"), _text),
    "TextArea": _text_of_any_length,
    **dict.fromkeys(("Number", "NumberPool", "Bandwidth"), _number),
    **dict.fromkeys(("Boolean", "Checkbox"), _boolean),
    "IPHost": _host,
    "IPNetwork": _network,
    "IPAddress": _address,
    "MacAddress": _mac,
    "DateTime": _moment,
    "URL": _url,
    "List": _list,
    "JSON": _json,
    "Any": _anything,
}
"""The attribute kinds that Infrahub knows, and what makes a value of each."""

"""What is asked: the parameters and the body of a request, checked by what is said of them.

What is said of them is also what the description of the interface is made of.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from stateward.errors import Code
from stateward.http.answers import Refused

LARGEST = 16 << 10
"""Bytes of a body."""
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is as it should be."""

    path: Mapping[str, Any]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of some form."""

    told: str
    pattern: str = r"^[^\x00-\x1f\x7f]+$"
    most: int = 1024
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": self.pattern, "maxLength": self.most}

    def read(self, given: Any) -> Any:
        right = isinstance(given, str) and len(given) <= self.most
        return given if right and re.fullmatch(self.pattern, given) else None

    def parsed(self, given: str) -> Any:
        return self.read(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A whole number."""

    told: str
    least: int
    most: int
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def read(self, given: Any) -> Any:
        right = isinstance(given, int) and not isinstance(given, bool)
        return given if right and self.least <= given <= self.most else None

    def parsed(self, given: str) -> Any:
        return self.read(int(given)) if re.fullmatch(r"[0-9]{1,9}", given) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Yes or no."""

    told: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, given: Any) -> Any:
        return given if isinstance(given, bool) else None

    def parsed(self, given: str) -> Any:
        return {"true": True, "false": False}.get(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment, as RFC 3339 has it."""

    told: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def read(self, given: Any) -> Any:
        try:
            found = datetime.fromisoformat(given)
            return found.astimezone(UTC) if found.tzinfo is not None else None
        except (ValueError, TypeError, OverflowError):
            return None

    def parsed(self, given: str) -> Any:
        return self.read(given)


Field = Text | Count | Flag | Moment
Fields = Mapping[str, Field]


def query(request: Request, fields: Fields) -> dict[str, Any]:
    """Read the parameters; one that is not known is a mistake."""
    given = request.query_params.multi_items()
    found: dict[str, Any] = {}
    for name, text in given:
        own = fields.get(name)
        if own is None or name in found:
            raise _wrong(name, "no such parameter" if own is None else "is given twice")
        found[name] = _right(name, own, own.parsed(text))
    _complete(found, fields)
    return found


async def body(request: Request, fields: Fields) -> dict[str, Any]:
    """Read the body, which may be left out where nothing in it has to be given."""
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > LARGEST:
            raise Refused(Code.BAD_REQUEST, f"a body has at most {LARGEST >> 10} KiB")
    given: Any = {}
    if raw:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            raise Refused(Code.BAD_REQUEST, f"content-type: {_JSON} is expected")
        given = _parsed(bytes(raw))
    if not isinstance(given, dict):
        raise Refused(Code.BAD_REQUEST, "the body: an object is expected")
    for name, value in given.items():
        if name not in fields:
            raise _wrong(ascii(name), "no such key")
        _right(name, fields[name], fields[name].read(value))
    _complete(given, fields)
    return {name: fields[name].read(value) for name, value in given.items()}


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(Code.BAD_REQUEST, "the body: it is no JSON") from None


def _right(name: str, own: Field, value: Any) -> Any:
    if value is None:
        raise _wrong(name, f"expected {json.dumps(own.schema)}")
    return value


def _complete(found: Mapping[str, Any], fields: Fields) -> None:
    for name, own in fields.items():
        if own.required and name not in found:
            raise _wrong(name, "has to be given")


def _wrong(name: str, why: str) -> Refused:
    return Refused(Code.BAD_REQUEST, f"{name if name.isprintable() else ascii(name)}: {why}")

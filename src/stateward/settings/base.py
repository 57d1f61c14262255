"""What all settings are made of: strict models, times and sizes as people write them, references."""

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

_DURATION_TEXT = r"(\d{1,5}d)?(\d{1,5}h)?(\d{1,6}m)?(\d{1,8}s)?"
_DURATION = re.compile(_DURATION_TEXT)
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
"""Seconds."""


def _named(value: str) -> str:
    if not value or "/" in value or not value.isprintable():
        raise ValueError("a name without slashes is expected")
    return value


Name = Annotated[str, AfterValidator(_named)]


def duration(given: Any) -> timedelta:
    """Read what people write; raises ``ValueError``."""
    if isinstance(given, timedelta):
        return given
    found = _DURATION.fullmatch(given) if isinstance(given, str) and given else None
    if found is None:
        raise ValueError("expected a duration: 90s, 10m, 1h30m, 7d")
    parts = (own for own in found.groups() if own is not None)
    return timedelta(seconds=sum(int(own[:-1]) * _UNITS[own[-1]] for own in parts))


def _spelled(given: timedelta) -> str:
    left = int(given.total_seconds())
    found = ""
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        found += f"{count}{unit}" if count else ""
    return found or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(_spelled),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": f"^{_DURATION_TEXT}$"}),
]
"""A time as people write it: ``90s``, ``10m``, ``1h30m``, ``7d``."""


_SIZE_TEXT = r"[1-9]\d{0,6}(MiB|GiB)"
_SHIFTS = {"MiB": 20, "GiB": 30}


def _size(given: Any) -> int:
    if not isinstance(given, str) or not re.fullmatch(_SIZE_TEXT, given):
        raise ValueError("expected a size: 500MiB, 5GiB")
    return int(given[:-3]) << _SHIFTS[given[-3:]]


def _size_text(given: int) -> str:
    unit = "GiB" if given % (1 << _SHIFTS["GiB"]) == 0 else "MiB"
    return f"{given >> _SHIFTS[unit]}{unit}"


Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(_size_text),
    WithJsonSchema({"type": "string", "pattern": f"^{_SIZE_TEXT}$"}),
]
"""Bytes, as people write them: ``500MiB``, ``5GiB``."""


def _more_than_none(given: timedelta) -> timedelta:
    if not given:
        raise ValueError("expected more than none")
    return given


Limit = Annotated[Duration, AfterValidator(_more_than_none)]
"""A time that something takes, or waits before it is done again."""


class Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class SecretReference(Model):
    """Where a secret is to be found: never the secret itself."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_secret(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            raise ValueError("expected {env: NAME} or {file: path}, never the secret itself")  # noqa: TRY004 - pydantic takes ValueError
        return given

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.env is None) is (self.file is None):
            raise ValueError("give either env or file")
        return self

"""Two writers of one field: what was set back, and what another one changed again each time."""

from dataclasses import dataclass
from typing import NamedTuple

from stateward.model.identity import ObjectKey


class Writer(NamedTuple):
    """Who changed an object last, and when, in the target's words."""

    name: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One field of an object that a look for drift found to be another than Git says."""

    key: ObjectKey
    field: str
    """Empty where the object itself was gone."""
    writer: Writer | None = None
    """Who changed it, as far as the target knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """What had to be set back again and again."""

    key: ObjectKey
    field: str
    count: int
    writer: Writer | None

    def __str__(self) -> str:
        what = f"{self.key}: {self.field}: set back" if self.field else f"{self.key}: made again"
        by = f", last by {self.writer.name} at {self.writer.at}" if self.writer else ""
        return f"{what} {self.count} times, and changed again each time{by}"

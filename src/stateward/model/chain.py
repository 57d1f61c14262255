"""The audit trail as a chain of links, each of which carries a hash over all that came before it."""

from dataclasses import dataclass
from enum import StrEnum

GENESIS = "0" * 64
"""Stands for the hash before the first link."""


class LinkType(StrEnum):
    """What a link is about."""

    BEGIN = "begin"
    ENTRIES = "entries"
    FINISH = "finish"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Link:
    """One record of the chain. The ``body`` is JSON as it stands, down to the last character."""

    number: int
    type: str
    run: str
    at: str
    body: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """An end of the chain: the last link, or the last of those that were dropped."""

    number: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Break:
    """The first link that is wrong, by its number, and what is wrong with it."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of looking at a chain: how many links there are, and where it is broken."""

    links: int
    head: End
    broken: Break | None = None

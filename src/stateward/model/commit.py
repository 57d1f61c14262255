"""What a commit says of itself: words of a repository, which may mean harm and which nobody has checked."""

from dataclasses import dataclass

TRAILER = "Stateward-Allow-Deletes"
"""A line at the end of a commit's message that lets deletes through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, for people who have to decide on it."""

    id: str
    author: str
    """Name and address, whoever they belong to."""
    subject: str
    allows: tuple[str, ...] = ()
    """What its trailers ``Stateward-Allow-Deletes`` say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How much a commit lets the round delete that brings it about."""

    deletes: int
    author: str
    """Whose word it is."""

    def __str__(self) -> str:
        return f"{TRAILER}: {self.deletes} of {self.author!r}"

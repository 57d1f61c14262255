"""What a commit says of itself: words of a repository, which may mean harm and which nobody has checked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, for people who have to decide on it."""

    id: str
    author: str
    """Name and address, whoever they belong to."""
    subject: str

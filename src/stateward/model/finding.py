"""What an examination found: each thing that was looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Whether work can go on: as it is, with something to know, or not."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``advice`` is empty where there is nothing to be done."""

    level: Level
    subject: str
    message: str
    advice: str = ""


def fine(subject: str, message: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, message=message)


def warning(subject: str, message: str, advice: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, message=message, advice=advice)


def wrong(subject: str, message: str, advice: str) -> Finding:
    return Finding(level=Level.ERROR, subject=subject, message=message, advice=advice)

"""A server's words, made fit to be printed: one line, not too long, without our secrets."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

LONGEST = 300
"""Characters of foreign text that are repeated in a message."""


def shown(text: str, hidden: Sequence[str] = ()) -> str:
    """Return foreign text as one printable line without secrets, and not too long."""
    for secret in hidden:
        text = text.replace(secret, "***")
    line = " ".join(text.split())
    short = line if len(line) <= LONGEST else line[:LONGEST] + "…"
    return "".join(char if char.isprintable() else "?" for char in short)


def text(value: Any) -> str:
    """Return a word or a number of the server's; anything larger may be nested without end."""
    return str(value) if isinstance(value, str | int) else "no words"


def bare(url: str) -> str:
    """Return a URL without what may be secret in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is not one"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()

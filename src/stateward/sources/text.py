"""Words that come from a repository or a server, made fit to be printed."""

import re
from collections.abc import Iterable

LONGEST = 300
"""Characters of foreign text that are repeated in a message."""

NAMES_SHOWN = 8

_USERINFO = re.compile(r"(?<=://)[^\s/'\"]*@")
_QUERY = re.compile(r"(?<=[^\s?'\"])\?[^\s'\"]+(?==)[^\s'\"]*")
_EXPLANATIONS = ("hint:", "please make sure", "and the repository exists")
_EXCUSE = "could not read from remote repository"


def shown(name: str) -> str:
    """Return a name that cannot forge a line of output, nor fail to be encoded."""
    own = short(name)
    return own if own.isprintable() else repr(own)


def short(text: str) -> str:
    """Return a text, or its beginning."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(shown(name) for name in names[:NAMES_SHOWN]) + more


def masked(text: str) -> str:
    """Return text without what may be secret in the URLs in it: user, password, parameters."""
    return _QUERY.sub("?…", _USERINFO.sub("", text))


def reason(errors: bytes) -> str:
    """Return what a program said last, in one line: masked, printable, and not too long.

    Git follows an error of ssh with three lines that say nothing: then it is the line before.
    """
    telling = [line for line in _lines(errors) if not line.lower().startswith(_EXPLANATIONS)]
    last = telling[-2:] if telling and _EXCUSE in telling[-1].lower() else telling[-1:]
    return _clean("; ".join(line.removeprefix("fatal: ") for line in last) or "git said nothing")


def told(output: bytes) -> str:
    """Return all that a program said, in one line: masked, printable, and not too long."""
    return _clean("; ".join(_lines(output)))


def _lines(output: bytes) -> list[str]:
    """Return the lines of a program's output that have anything in them."""
    lines = (line.strip() for line in re.split(r"[\r\n]", output.decode("utf-8", "replace")))
    return [line for line in lines if line]


def _clean(words: str) -> str:
    return short("".join(char if char.isprintable() else "?" for char in masked(words)))


def without(errors: bytes, secrets: Iterable[str], *, cut: bool = False) -> bytes:
    """Return what a program said without the secrets in it.

    Where its start was cut off, so is as much more as half a secret could take.
    """
    longest_first = sorted((own.encode() for own in secrets), key=len, reverse=True)
    for own in longest_first:
        errors = errors.replace(own, b"***")
    return errors[len(longest_first[0]) :] if cut and longest_first else errors

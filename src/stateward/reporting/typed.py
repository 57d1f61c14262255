"""Commands for people to type, word for word: a shell reads them back as what they are about."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from stateward.model.command import LEAST_DIGEST

_PROGRAM = "stateward"


def line(words: Iterable[str]) -> str:
    """Return a command line of our own program."""
    return " ".join((_PROGRAM, *(word(own) for own in words)))


def word(text: str) -> str:
    """Return a word as it is typed. What would steer a terminal is spelled in bytes, as bash and zsh read it."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(_spelled(own) for own in text)}'"


def _spelled(char: str) -> str:
    if char in {"\\", "'"}:
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\x{own:02x}" for own in char.encode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How what was asked is typed again, with leave to delete."""

    again: tuple[str, ...] | None = ("apply",)
    """The command that would do it; None where no command would."""
    about: tuple[str, ...] | None = ()
    """The options by which an approval is told what it is about; None where nothing can be approved."""
    meanwhile: str = (
        "if nothing is done: none of it is deleted, everything else goes on,"
        " and every round looks at it again"
    )

    def approving(self, unit: str, digest: str) -> str | None:
        if self.about is None:
            return None
        return line(("approve", *self.about, *_named(unit), digest[:LEAST_DIGEST]))

    def looking(self, unit: str) -> str:
        """Return what shows how a unit has drifted."""
        return line(("drift", *(self.about or ()), *_named(unit)))

    def allowing(self, deletes: int) -> str | None:
        if self.again is None:
            return None
        return line((*self.again, "--allow-deletes", str(deletes)))


def _named(unit: str) -> tuple[str, ...]:
    return ("--", unit) if unit.startswith("-") else (unit,)


ROUND = Typed()
ROLLBACK = "if nothing is done: none of it is deleted, and nothing at all is taken back"
NOWHERE = Typed(
    again=None,
    about=None,
    meanwhile="a round would delete none of it without leave, and everything else would go on",
)
"""For a comparison that is carried out by nobody."""


def options(**given: str | bool | None) -> tuple[str, ...]:
    """Return options as they are typed: those that are given."""
    found: list[str] = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            found.append(option)
        elif isinstance(value, str):
            found += [option, value] if not value.startswith("-") else [f"{option}={value}"]
    return tuple(found)

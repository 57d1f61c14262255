"""What one fetch is given to be let in: read anew each time, and for the run of git alone.

Nothing of it is in an argument or an address, which every process of the machine can see.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stateward.errors import Code, SourceUnavailable

Secret = Callable[[], str]
"""Reads a secret where it is kept; raises ``SourceUnavailable``, never with a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What git is started with. ``hidden`` is what must not be repeated, whoever says it."""

    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


class Access(Protocol):
    """The way to one remote repository.

    Must: give what is valid now, and take back what it had to put on disk.
    Must not: let any other host or path have it.
    """

    def granted(self, private: Path) -> AbstractAsyncContextManager[Grant]:
        """Grant access for one fetch. ``private`` may be made, as a directory, and is removed."""
        ...

    def forget(self) -> None:
        """Take note that what was given last was not accepted."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same for every fetch: nothing at all where anybody may read."""

    grant: Grant = Grant()

    def granted(self, private: Path) -> AbstractAsyncContextManager[Grant]:
        del private
        return nullcontext(self.grant)

    def forget(self) -> None:
        """Have nothing that could be forgotten."""


OPEN = Fixed()


def one_line(name: str, secret: Secret) -> str:
    """Read a secret that is passed on by lines, where another one would say something else."""
    found = secret()
    if not found or not all(char.isprintable() for char in found):
        raise SourceUnavailable(
            f"{name}: is empty, or has line breaks or control characters in it",
            code=Code.SOURCE_CREDENTIALS,
        )
    return found

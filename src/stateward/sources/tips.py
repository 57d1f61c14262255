"""What the names of a remote repository stand for now, asked for once for all who want to know."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from stateward.errors import Code, SourceRefused
from stateward.sources import listing
from stateward.sources.text import shown

ASK = ("ls-remote", "--quiet")
WANTED = ("HEAD", "refs/heads/*", "refs/tags/*")
"""A forge keeps refs of every pull request: they are not asked for."""
_EXPRESSION = re.compile(r"[~^@:]")


@dataclass(slots=True)
class Tips:
    """The answer of one remote repository, for as long as it is new enough."""

    clock: Callable[[], float]
    _known: Mapping[str, str] = field(default_factory=dict)
    _at: float | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, ask: Callable[[], Awaitable[bytes]], max_age: float) -> Mapping[str, str]:
        """Return commits by ref; ask only where the last answer is older than ``max_age``."""
        async with self._turn:
            if self._at is None or self.clock() - self._at >= max_age:
                self._known = _parsed(await ask())
                self._at = self.clock()
            return self._known


def _parsed(output: bytes) -> dict[str, str]:
    lines = (line.split("\t") for line in output.decode(errors="surrogateescape").splitlines())
    return {own[1]: own[0] for own in lines if len(own) == 2 and listing.is_id(own[0])}  # noqa: PLR2004 - an id and a name


def is_plain(revision: str) -> bool:
    """Tell whether a remote can say what a revision is: it knows names, and no expressions."""
    return not _EXPRESSION.search(revision)


def find(tips: Mapping[str, str], revision: str, name: str) -> str:
    """Return the commit that a revision of a repository called ``name`` stands for."""
    if listing.is_id(revision):
        return revision
    for candidate in (f"refs/heads/{revision}", revision, f"refs/tags/{revision}"):
        # What an annotated tag is of stands beside it.
        found = tips.get(f"{candidate}^{{}}") or tips.get(candidate)
        if found is not None:
            return found
    message = f"{name}: no revision {shown(revision)} there any more, or not yet"
    raise SourceRefused(message, code=Code.NO_REVISION)

"""The configuration and the secrets that it refers to, watched for another content."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stateward.daemon.means import Emit
from stateward.daemon.watching import Watched

_QUIET = 1.0
"""Seconds for which files have to stay as they are: who writes one may be half-way through."""


@dataclass(frozen=True, slots=True)
class Configured:
    """The files that a configuration was read from, and what they held then."""

    files: Sequence[Path]
    digest: str
    now: Callable[[], str]
    """Returns the digest of what they hold; it takes a moment."""


@dataclass(slots=True)
class Reloader:
    """Has the configuration read anew when its files hold something else."""

    configured: Configured
    reload: Callable[[], None]
    emit: Emit
    hint: asyncio.Event = field(default_factory=asyncio.Event)
    _every: float | None = None

    @property
    def watched(self) -> Watched:
        def pace(every: float | None) -> None:
            self._every = every

        return Watched(self.hint, pace, self.emit)

    @property
    def places(self) -> frozenset[Path]:
        """The directories of the files, as they are named: links in them are what is swapped."""
        return frozenset(own.parent for own in self.configured.files)

    async def reloading(self) -> None:
        """Look at the files until cancelled; one content is tried once, whatever comes of it."""
        known = self.configured.digest
        self.hint.set()  # what changed after it was read and before it was watched, nobody told
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self.hint.wait()
            except TimeoutError:
                pass
            self.hint.clear()
            found = await asyncio.to_thread(self.configured.now)
            while found != known:
                await asyncio.sleep(_QUIET)
                before, found = found, await asyncio.to_thread(self.configured.now)
                if found == before:
                    known = found
                    self.reload()

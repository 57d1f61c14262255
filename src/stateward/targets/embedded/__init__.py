"""A small Infrahub in one SQLite file: the default target, and the simulator of the tests.

``tables`` describes the file, ``docs/adr/0002-embedded-target.md`` what it simulates and what not.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from stateward.errors import ConfigError
from stateward.model.finding import Finding
from stateward.model.schema import Schema
from stateward.ports import Session
from stateward.targets.embedded.diagnosis import diagnose
from stateward.targets.embedded.session import EmbeddedSession
from stateward.targets.embedded.store import Library
from stateward.targets.lease import held

__all__ = ["EmbeddedTarget"]

_SCHEME = "sqlite:///"


class EmbeddedTarget:
    """A database file, by its URL: ``sqlite:///relative.db`` or ``sqlite:////absolute.db``."""

    batch = 500
    in_flight = 1

    def __init__(self, url: str) -> None:
        path = url.removeprefix(_SCHEME)
        if not url.startswith(_SCHEME) or not path:
            raise ConfigError(f"{url}: not the URL of a database file: use {_SCHEME}<path>")
        self._url = url
        # One name for one file: the lease lies beside it, and the working directory may change.
        self._path = Path(path).resolve()
        self._library = Library()

    @property
    def name(self) -> str:
        return self._url

    @asynccontextmanager
    async def session(
        self, declared: Schema | None, *, write: bool, shared: bool = False
    ) -> AsyncIterator[Session]:
        session = EmbeddedSession(self._path, self._library)
        try:
            await session.open(declared, write=write, shared=shared)
            yield session
        finally:
            await session.close()

    def hold(self, name: str) -> AbstractContextManager[None]:
        return held(self._path.with_name(f"{self._path.name}.leases"), name)

    async def diagnose(
        self, declared: Schema | None, kinds: Collection[str]
    ) -> tuple[Finding, ...]:
        """Look at the file; whoever may write to it may write every kind."""
        del kinds
        return await diagnose(self._path, EmbeddedSession(self._path, self._library), declared)

"""The embedded target's side of ``ports.Session``: every call is one job of the session's thread."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stateward.model.fight import Writer
from stateward.model.mutation import Mutation, Refusal
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed, Pointer
from stateward.ports import Query
from stateward.targets.embedded.store import Library, Store

Result = TypeVar("Result")


class EmbeddedSession:
    """One conversation. SQLite is only ever met in one thread, which this session owns."""

    def __init__(self, path: Path, library: Library) -> None:
        self._store = Store(path, library)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="stateward-embedded")

    @property
    def schema(self) -> Schema:
        return self._store.schema

    @property
    def schema_differs(self) -> bool:
        return self._store.differs

    @property
    def schema_changes(self) -> tuple[str, ...]:
        return self._store.changes

    @property
    def requests(self) -> int:
        return 0

    @property
    def is_new(self) -> bool:
        """Whether there is no file yet, and nothing but what every target comes with is seen."""
        return self._store.is_new

    async def open(self, declared: Schema | None, *, write: bool, shared: bool = False) -> None:
        await self._run(lambda: self._store.open(declared, write=write, shared=shared))

    async def close(self) -> None:
        """Close after what is under way, however often the caller is cancelled meanwhile."""
        closing = asyncio.ensure_future(self._run(self._store.close))
        cancelled = None
        while not closing.done():
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError as error:
                cancelled = error
        self._worker.shutdown(wait=False)
        closing.result()
        if cancelled is not None:
            raise cancelled

    async def groups(self, prefix: str) -> Mapping[str, str]:
        return await self._run(lambda: self._store.groups(prefix))

    async def observe(self, query: Query) -> Observed:
        return await self._run(lambda: self._store.observe(query))

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        return await self._run(lambda: self._store.holds(ids, ours))

    async def claims(self, ids: Collection[str], ours: str) -> Mapping[str, tuple[str, ...]]:
        return await self._run(lambda: self._store.claims(ids, ours))

    async def pointers(self, ids: Collection[str]) -> Mapping[str, Sequence[Pointer]]:
        return await self._run(lambda: self._store.pointers(ids))

    async def writers(self, ids: Collection[str]) -> Mapping[str, Writer]:
        """Nobody has a name here."""
        del ids
        return {}

    async def load_schema(self) -> None:
        await self._run(self._store.load_schema)

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        return await self._run(lambda: self._store.apply(mutations))

    async def settle(self, ids: Collection[str]) -> None:
        """Nothing is under way: what was asked for here has ended with who asked."""
        del ids

    @property
    def aside(self) -> bool:
        return False

    async def conclude(self, *, well: bool) -> None:
        """There is nothing to end: each change took effect when it was made."""
        del well

    async def _run(self, job: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, job)

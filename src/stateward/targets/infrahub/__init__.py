"""A real Infrahub server as a target: one branch of it, over GraphQL."""

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path

from stateward.instruments import UNMEASURED, Instruments
from stateward.model.finding import Finding
from stateward.model.schema import Schema
from stateward.model.unit import Strategy
from stateward.ports import Memory, Session
from stateward.targets.infrahub.aside import aside, prefix_of
from stateward.targets.infrahub.client import Client, new_breaker
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.diagnosis import Diagnosis
from stateward.targets.infrahub.lineage import NO_LINEAGE, Lineage
from stateward.targets.infrahub.recollection import Recollection
from stateward.targets.infrahub.schemas import Library, Schemas
from stateward.targets.infrahub.session import InfrahubSession
from stateward.targets.lease import Lease, held

__all__ = ["InfrahubTarget"]

_PAUSE = 0.5


class InfrahubTarget:
    """A branch of a server. Sessions that write take turns on this machine, by a lock file."""

    def __init__(
        self,
        connection: Connection,
        *,
        batch: int,
        leases: Path,
        strategy: Strategy = Strategy.DIRECT,
        instance: str = "default",
        lineage: Lineage = NO_LINEAGE,
        memory: Memory | None = None,
        instruments: Instruments = UNMEASURED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._strategy = strategy
        self._aside = prefix_of(instance)
        self._lineage = lineage
        self._leases = leases
        self._instruments = instruments
        self._library = Library(memory)
        self._recollection = Recollection(connection.name, memory, clock)
        self._breaker = new_breaker()

    @property
    def name(self) -> str:
        return self._connection.name

    @property
    def batch(self) -> int:
        return self._batch

    @property
    def in_flight(self) -> int:
        return self._connection.in_flight

    @property
    def resting(self) -> float:
        """For how many more seconds it is left alone, since it failed again and again."""
        return self._breaker.resting

    @asynccontextmanager
    async def session(
        self, declared: Schema | None, *, write: bool, shared: bool = False
    ) -> AsyncIterator[Session]:
        lease = self._lease()
        if write:
            self._leases.mkdir(mode=0o700, parents=True, exist_ok=True)
            lease.take(shared=shared)
        try:
            async with AsyncExitStack() as stack:
                throwaway = None
                if write and self._strategy is Strategy.BRANCH:
                    opened = aside(self._aside, self._connection, self._breaker, self._instruments)
                    throwaway = await stack.enter_async_context(opened)
                    await throwaway.clear()
                client = Client(
                    self._connection, breaker=self._breaker, instruments=self._instruments
                )
                schemas = Schemas(
                    await stack.enter_async_context(client), self._connection.branch, self._library
                )
                await schemas.open(declared)
                session = InfrahubSession(
                    client, schemas, write, self._recollection, _PAUSE, self._lineage, throwaway
                )
                stack.push_async_callback(self._recollection.write_down)
                yield session
        finally:
            lease.release()

    def hold(self, name: str) -> AbstractContextManager[None]:
        return held(self._leases, name, self.name)

    async def diagnose(
        self, declared: Schema | None, kinds: Collection[str]
    ) -> tuple[Finding, ...]:
        merges = self._strategy is Strategy.BRANCH
        own = Diagnosis(self._connection, self._lease(), merges=merges, lineage=self._lineage)
        return await own.run(declared, kinds)

    def _lease(self) -> Lease:
        return Lease(self._leases / sha256(self.name.encode()).hexdigest()[:16])

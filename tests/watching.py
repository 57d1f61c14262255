"""A target and a journal that are looked at, and that fail where a test says so."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field

from rounds import Broken
from stateward.errors import TargetUnavailable
from stateward.model.fight import Writer
from stateward.model.mutation import Mutation, Refusal
from stateward.model.record import Cause, Opening
from stateward.model.run import Entry, EntryState, Merge
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed, Pointer
from stateward.ports import Journal, Query, Session, Target

Look = Callable[[Session], Awaitable[None]]


@dataclass
class Fuse:
    """Counts the boundaries of a run, and breaks it at one of them."""

    at: int = -1
    passed: int = 0

    def __call__(self) -> None:
        if self.passed == self.at:
            raise Broken
        self.passed += 1


@dataclass
class Watched:
    """A target whose writes are seen, one mutation at a time."""

    inner: Target
    sent: list[Mutation] = field(default_factory=list)
    schemas: int = 0
    fuse: Fuse = field(default_factory=Fuse)
    refuse: Callable[[Mutation], Refusal | None] = lambda _mutation: None
    lose: Callable[[int], str | None] = lambda _number: None
    """Says of each request, by its number, whether it is lost ``before`` or ``after``."""
    look: Look | None = None
    """Is shown the target after every mutation."""
    writers: Mapping[str, Writer] = field(default_factory=dict)
    """Who changed objects last, where a test says so."""
    batch: int = 2
    in_flight: int = 1
    requests: int = 0
    """How often something was written."""
    looks: int = 0
    """How often something was asked."""
    settled: list[tuple[int, set[str]]] = field(default_factory=list)
    """What was waited for, each time that something was, and how often something was asked by then."""

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def writes(self) -> int:
        return len(self.sent) + self.schemas

    @asynccontextmanager
    async def session(
        self, declared: Schema | None, *, write: bool, shared: bool = False
    ) -> AsyncIterator[Session]:
        async with self.inner.session(declared, write=write, shared=shared) as session:
            yield WatchedSession(session, self)

    def hold(self, name: str) -> AbstractContextManager[None]:
        return self.inner.hold(name)


@dataclass
class WatchedSession:
    inner: Session
    target: Watched

    @property
    def schema(self) -> Schema:
        return self.inner.schema

    @property
    def schema_differs(self) -> bool:
        return self.inner.schema_differs

    @property
    def requests(self) -> int:
        return self.inner.requests

    @property
    def schema_changes(self) -> Sequence[str]:
        return self.inner.schema_changes

    @property
    def aside(self) -> bool:
        return self.inner.aside

    async def conclude(self, *, well: bool) -> Merge | None:
        return await self.inner.conclude(well=well)

    async def groups(self, prefix: str) -> Mapping[str, str]:
        self.target.looks += 1
        return await self.inner.groups(prefix)

    async def observe(self, query: Query) -> Observed:
        self.target.looks += 1
        return await self.inner.observe(query)

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        self.target.looks += 1
        return await self.inner.holds(ids, ours)

    async def claims(self, ids: Collection[str], ours: str) -> Mapping[str, tuple[str, ...]]:
        self.target.looks += 1
        return await self.inner.claims(ids, ours)

    async def pointers(self, ids: Collection[str]) -> Mapping[str, Sequence[Pointer]]:
        self.target.looks += 1
        return await self.inner.pointers(ids)

    async def settle(self, ids: Collection[str]) -> None:
        self.target.settled.append((self.target.looks, set(ids)))
        await self.inner.settle(ids)

    async def writers(self, ids: Collection[str]) -> Mapping[str, Writer]:
        return self.target.writers or await self.inner.writers(ids)

    async def load_schema(self) -> None:
        self.target.fuse()
        await self.inner.load_schema()
        self.target.schemas += 1
        self.target.fuse()

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        lost = self.target.lose(self.target.requests)
        self.target.requests += 1
        if lost == "before":
            raise TargetUnavailable("the connection was reset")
        answers = [await self._one(mutation) for mutation in mutations]
        if lost == "after":
            raise TargetUnavailable("no answer came")
        return answers

    async def _one(self, mutation: Mutation) -> Refusal | None:
        self.target.fuse()
        self.target.sent.append(mutation)
        refusal = self.target.refuse(mutation)
        if refusal is None:
            (refusal,) = await self.inner.apply([mutation])
        if self.target.look is not None:
            await self.target.look(self.inner)
        self.target.fuse()
        return refusal


@dataclass
class MemoryJournal:
    """A journal that is lost with the test."""

    runs: dict[str, str] = field(default_factory=dict)
    """Each run's outcome, empty while it has none."""
    units: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    async def begin(self, openings: Sequence[Opening]) -> None:
        for own in openings:
            self.causes.append(own.cause)
            self.details.append(own.detail)
            self.runs[own.run] = ""
            self.units[own.run] = own.subject

    async def record(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)

    async def finish(self, run: str, outcome: str, error: str = "") -> None:  # noqa: ARG002
        self.runs[run] = outcome

    async def unfinished(self, target: str) -> Sequence[str]:  # noqa: ARG002
        return [run for run, outcome in self.runs.items() if not outcome]

    async def under_way(self, run: str) -> Sequence[str]:
        last = {own.index: own for own in self.entries if own.run == run}
        return [own.node for own in last.values() if own.state is EntryState.STARTED and own.node]


@dataclass
class FusedJournal:
    """A journal whose writes are boundaries at which a run may break."""

    inner: Journal
    fuse: Fuse

    async def begin(self, openings: Sequence[Opening]) -> None:
        self.fuse()
        await self.inner.begin(openings)
        self.fuse()

    async def record(self, entries: Sequence[Entry]) -> None:
        self.fuse()
        await self.inner.record(entries)
        self.fuse()

    async def finish(self, run: str, outcome: str, error: str = "") -> None:
        self.fuse()
        await self.inner.finish(run, outcome, error)
        self.fuse()

    async def unfinished(self, target: str) -> Sequence[str]:
        return await self.inner.unfinished(target)

    async def under_way(self, run: str) -> Sequence[str]:
        return await self.inner.under_way(run)

"""Rounds that are looked at: what was sent, what was refused, what came of each unit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rounds import Workshop
from stateward.errors import Code, TargetUnavailable
from stateward.model.mutation import Create, Delete, Mutation, Refusal, Update
from stateward.model.plan import Plan
from stateward.model.run import Entry, Report, Run
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed
from stateward.model.unit import Stamp, group_name
from stateward.ports import Query, Session, Target

NOT_TODAY = Refusal(code=Code.CONSTRAINT, message="not today")
HELD = Refusal(code=Code.REJECTED, message="somebody needs it")

Refuse = Callable[[Mutation], Refusal | None]


def names(mutation: Mutation) -> str | None:
    """Return what a create calls its object; other mutations name ids only."""
    return mutation.attributes.get("name") if isinstance(mutation, Create) else None


def refuse_making(*unwanted: str) -> Refuse:
    return lambda mutation: NOT_TODAY if names(mutation) in unwanted else None


def refuse_updating(*ids: str) -> Refuse:
    return lambda own: NOT_TODAY if isinstance(own, Update) and own.id in ids else None


def refuse_deleting(*ids: str, refusal: Refusal = HELD) -> Refuse:
    return lambda own: refusal if isinstance(own, Delete) and own.id in ids else None


def group(unit: str) -> str:
    return group_name("default", "default", unit)


def run_of(report: Report, unit: str) -> Run:
    return next(own for own in report.runs if own.unit == unit)


def outcomes(report: Report) -> dict[str, str]:
    return {own.unit: own.outcome.value for own in report.runs}


def told(entries: Sequence[Entry]) -> list[str]:
    """Return journal entries in one line each."""
    return [f"{own.state} {own.action} {own.key}" for own in entries]


async def stamp(shop: Workshop, unit: str) -> Stamp | None:
    async with shop.target.session(None, write=False) as session:
        description = (await session.groups(group(unit))).get(group(unit))
    return None if description is None else Stamp.parse(description)


async def converges(shop: Workshop) -> Plan:
    """Run once more with nothing in the way; then nothing may be left to do."""
    plan, report = await shop.apply()
    assert set(outcomes(report).values()) <= {"applied", "unchanged"}, report
    assert (await shop.plan()).is_empty
    return plan


@dataclass
class Requests:
    """A target that takes note of requests: how large each is, and how many are under way."""

    inner: Target
    batch: int = 2
    in_flight: int = 1
    sizes: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0
    lost: int = -1
    """The number of a request whose connection breaks."""
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        return self.inner.name

    @asynccontextmanager
    async def session(self, declared: Schema | None, *, write: bool) -> AsyncIterator[Session]:
        async with self.inner.session(declared, write=write) as session:
            yield RequestSession(session, self)


@dataclass
class RequestSession:
    inner: Session
    target: Requests

    @property
    def schema(self) -> Schema:
        return self.inner.schema

    @property
    def schema_differs(self) -> bool:
        return self.inner.schema_differs

    @property
    def schema_changes(self) -> Sequence[str]:
        return self.inner.schema_changes

    async def groups(self, prefix: str) -> Mapping[str, str]:
        return await self.inner.groups(prefix)

    async def observe(self, query: Query) -> Observed:
        return await self.inner.observe(query)

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        return await self.inner.holds(ids, ours)

    async def load_schema(self) -> None:
        await self.inner.load_schema()

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        number = len(self.target.sizes)
        self.target.sizes.append(len(mutations))
        self.target.running += 1
        self.target.most = max(self.target.most, self.target.running)
        try:
            if number == self.target.lost:
                raise TargetUnavailable("the connection was reset")
            await asyncio.sleep(0)  # so that whoever wants to come in between can
            async with self.target._one:
                return await self.inner.apply(mutations)
        finally:
            self.target.running -= 1

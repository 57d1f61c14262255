"""Rounds that are looked at: what was sent, what was refused, what came of each unit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rounds import Workshop
from stateward.errors import Code
from stateward.model.mutation import Create, Delete, Mutation, Refusal, Update
from stateward.model.plan import Plan
from stateward.model.run import Entry, Report, Run
from stateward.model.schema import Schema
from stateward.model.unit import Stamp, group_name
from stateward.ports import Session
from watching import Watched, WatchedSession

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
class Requests(Watched):
    """A target that takes note of requests: how large each is, and how many are under way."""

    sizes: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0
    one: asyncio.Lock = field(default_factory=asyncio.Lock)
    slow: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))
    """What a request waits for: by default, for whoever wants to come in between."""

    @asynccontextmanager
    async def session(self, declared: Schema | None, *, write: bool) -> AsyncIterator[Session]:
        async with self.inner.session(declared, write=write) as session:
            yield RequestSession(session, self)


@dataclass
class RequestSession(WatchedSession):
    target: Requests

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        self.target.sizes.append(len(mutations))
        self.target.running += 1
        self.target.most = max(self.target.most, self.target.running)
        try:
            await self.target.slow()
            async with self.target.one:
                return await super().apply(mutations)
        finally:
            self.target.running -= 1

"""Two sessions at once, call by call in any order: it ends as if one had come after the other.

Where scripts disagree about a field, the last to write it has its way, as with any two writers: each
field by itself is as in one of the orders, and all else as in a single one.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crashing import KINDS, PLENTY, SUITE
from properties.judging import content, members, share
from properties.test_session_crashes import LIBRARY
from sessions import Desk
from stateward.model.state import Observed
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget

Wanted = list[tuple[str, dict[str, Any]]]
BOTH = ("one", "two")
NOTES = {"description", "comment"}


@st.composite
def wanted(draw: st.DrawFn, own: str = "") -> Wanted:
    """Draw what a script wants: sites, devices at them, ports, with notes of its ``own``."""
    found: Wanted = []
    for name in sorted(draw(st.sets(st.sampled_from("abc")))):
        found.append(("SuiteSite", {"name": name, "description": f"site {name}{own}"}))
        if draw(st.booleans()):
            found.append(
                ("SuiteDevice", {"name": f"d-{name}", "site": name, "comment": name + own})
            )
            for port in sorted(draw(st.sets(st.sampled_from(("e0", "e1"))))):
                found.append(("SuiteInterface", {"name": port, "device": f"d-{name}"}))
    return found


async def steps(desk: Desk, identifier: str, script: Wanted) -> AsyncIterator[None]:
    """Run a script, and stop after each of its calls."""
    session = desk.client.start_tracking(identifier, delete_unused_nodes=True, limits=PLENTY)
    await session.start()
    yield
    for kind, data in script:
        await session.upsert(kind, data)
        yield
    await session.end()


async def run(desk: Desk, identifier: str, script: Wanted) -> None:
    async for _ in steps(desk, identifier, script):
        pass


async def interleave(desk: Desk, scripts: dict[str, Wanted], order: Iterator[str]) -> None:
    going = {name: steps(desk, name, script) for name, script in scripts.items()}
    while going:
        name = next(order)
        if name in going and await anext(going[name], "over") == "over":
            del going[name]


@contextmanager
def desks() -> Iterator[Desk]:
    with TemporaryDirectory() as directory:
        target = EmbeddedTarget(f"sqlite:///{directory}/target.db")
        target._library = LIBRARY
        yield Desk(target, SUITE, Path(directory) / "state.db")


async def everything(desk: Desk) -> Observed:
    async with desk.watched.inner.session(None, write=False) as session:
        return await session.observe(Query(kinds=KINDS, groups=BOTH))


def looks(found: Observed) -> tuple[Any, Any]:
    return content(found), members(found)


Pair = tuple[Wanted, Wanted]
ORDERS = st.lists(st.sampled_from(BOTH), min_size=4, max_size=24)


@asynccontextmanager
async def after(before: Pair) -> AsyncIterator[Desk]:
    """Have a target on which both scripts have run before."""
    with desks() as desk:
        async with desk.client:
            for name, own in zip(BOTH, before, strict=True):
                await run(desk, name, own)
            yield desk


async def orders(before: Pair, scripts: dict[str, Wanted]) -> list[Observed]:
    """Return what there is after the one and the other, and after the other and the one."""
    found = []
    for order in (BOTH, BOTH[::-1]):
        async with after(before) as desk:
            for name in order:
                await run(desk, name, scripts[name])
            found.append(await everything(desk))
    return found


@share(25)
@given(st.tuples(wanted(), wanted()), st.tuples(wanted(), wanted()), ORDERS)
async def test_ends_as_if_one_had_come_after_the_other(
    before: Pair, wants: Pair, order: list[str]
) -> None:
    scripts = dict(zip(BOTH, wants, strict=True))
    serial = [looks(own) for own in await orders(before, scripts)]
    async with after(before) as desk:
        await interleave(desk, scripts, iter([*order, *BOTH * 40]))
        assert looks(await everything(desk)) in serial
        desk.sent()
        for name in BOTH:
            await run(desk, name, scripts[name])
        assert desk.sent() == []


@share(25)
@given(
    st.tuples(wanted(" of one"), wanted(" of two")),
    st.tuples(wanted(" as one wants"), wanted(" as two wants")),
    ORDERS,
)
async def test_what_they_disagree_about_is_as_one_of_them_wants_it(
    before: Pair, wants: Pair, order: list[str]
) -> None:
    scripts = dict(zip(BOTH, wants, strict=True))
    serial = await orders(before, scripts)
    async with after(before) as desk:
        await interleave(desk, scripts, iter([*order, *BOTH * 40]))
        now = await everything(desk)
        assert (bare(now), members(now)) in [(bare(own), members(own)) for own in serial]
        noted = [notes(own) for own in serial]
        assert all(any(own.get(at) == note for own in noted) for at, note in notes(now).items())
        await run(desk, "one", scripts["one"])
        desk.sent()
        await run(desk, "one", scripts["one"])
        assert desk.sent() == []


def bare(found: Observed) -> Any:
    """Return what there is without the notes on it."""
    return {
        name: ({own: it for own, it in values.items() if own not in NOTES}, relations)
        for name, (values, relations) in content(found).items()
    }


def notes(found: Observed) -> dict[tuple[str, str], Any]:
    return {
        (name, own): values[own]
        for name, (values, _) in content(found).items()
        for own in NOTES & values.keys()
    }

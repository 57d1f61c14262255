"""Two sessions at once, call by call in any order: it ends as if one had come after the other.

What both of them want they want alike. Where scripts disagree about a field, the last to write it
has its way, as with any two writers.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
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


@st.composite
def wanted(draw: st.DrawFn) -> Wanted:
    """Draw what a script wants: sites, devices at them, ports; an object is the same to everybody."""
    found: Wanted = []
    for name in sorted(draw(st.sets(st.sampled_from("abc")))):
        found.append(("SuiteSite", {"name": name, "description": f"site {name}"}))
        if draw(st.booleans()):
            found.append(("SuiteDevice", {"name": f"d-{name}", "site": name, "comment": name}))
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


@share(25)
@given(
    st.tuples(wanted(), wanted()),
    st.tuples(wanted(), wanted()),
    st.lists(st.sampled_from(BOTH), min_size=4, max_size=24),
)
async def test_ends_as_if_one_had_come_after_the_other(
    before: tuple[Wanted, Wanted], after: tuple[Wanted, Wanted], order: list[str]
) -> None:
    scripts = dict(zip(BOTH, after, strict=True))
    serial = []
    for first, second in (BOTH, BOTH[::-1]):
        with desks() as desk:
            async with desk.client:
                for name, own in zip(BOTH, before, strict=True):
                    await run(desk, name, own)
                await run(desk, first, scripts[first])
                await run(desk, second, scripts[second])
                serial.append(looks(await everything(desk)))
    with desks() as desk:
        async with desk.client:
            for name, own in zip(BOTH, before, strict=True):
                await run(desk, name, own)
            await interleave(desk, scripts, iter([*order, *BOTH * 40]))
            assert looks(await everything(desk)) in serial
            desk.sent()
            for name in BOTH:
                await run(desk, name, scripts[name])
            assert desk.sent() == []

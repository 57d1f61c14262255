"""Whatever a script wanted before: run to its end it has what it wants, and then writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crashing import KINDS, PLENTY, SUITE
from properties.judging import content, share
from properties.test_session_crashes import LIBRARY
from sessions import Desk
from stateward.model.state import Observed
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget

Script = list[tuple[str, dict[str, Any]]]
NAMES = ("a", "b", "c")


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Draw what a script wants: sites, devices at them, their ports; every field is said."""
    sites = draw(st.sets(st.sampled_from(NAMES)))
    wanted: Script = [
        ("SuiteSite", {"name": site, "description": draw(st.sampled_from([None, "x", "y"]))})
        for site in sorted(sites)
    ]
    names = draw(st.sets(st.sampled_from(NAMES))) if sites else set[str]()
    couples = draw(st.sets(st.sampled_from([("a", "b"), ("b", "c"), ("a", "c")])))
    for name in sorted(names):
        others = {own for pair in couples if name in pair for own in pair if {*pair} <= names}
        ports = draw(st.sets(st.sampled_from(("e0", "e1"))))
        device = {
            "name": f"d-{name}",
            "site": draw(st.sampled_from(sorted(sites))),
            "mac": draw(st.sampled_from(["aa-bb-cc-dd-ee-ff", "AABB.CCDD.EE00", None])),
            "neighbours": [f"d-{own}" for own in sorted(others - {name})],
        }
        wanted.append(("SuiteDevice", device))
        wanted += [
            ("SuiteInterface", {"name": port, "device": f"d-{name}"}) for port in sorted(ports)
        ]
    return draw(st.permutations(wanted))


@contextmanager
def _desks() -> Iterator[Desk]:
    with TemporaryDirectory() as directory:
        target = EmbeddedTarget(f"sqlite:///{directory}/target.db")
        target._library = LIBRARY
        yield Desk(target, SUITE, Path(directory) / "state.db")


async def _run(desk: Desk, script: Script, *, batched: bool) -> int:
    """Run a script; return how much it wrote."""
    session = desk.client.start_tracking("site", delete_unused_nodes=True, limits=PLENTY)
    async with session:
        if batched:
            batch = session.batch()
            for kind, data in script:
                batch.upsert(kind, data)
            await batch.execute()
        else:
            order = ("SuiteSite", "SuiteDevice", "SuiteInterface")
            without = [(kind, {**data, "neighbours": []}) for kind, data in script if "mac" in data]
            for kind, data in sorted((*without, *script), key=lambda own: order.index(own[0])):
                await session.upsert(kind, data)
    return session.report.writes


async def _everything(desk: Desk) -> Observed:
    async with desk.watched.inner.session(None, write=False) as session:
        return await session.observe(Query(kinds=KINDS, groups=["site"]))


@share(40)
@given(st.lists(scripts(), max_size=2), scripts())
async def test_what_was_wanted_before_does_not_matter(before: list[Script], script: Script) -> None:
    with _desks() as desk, _desks() as alone:
        async with desk.client, alone.client:
            for own in before:
                await _run(desk, own, batched=True)
            await _run(desk, script, batched=True)
            await _run(alone, script, batched=True)
            assert content(await _everything(desk)) == content(await _everything(alone))
            assert await _run(desk, script, batched=True) == 0


@share(20)
@given(scripts())
async def test_one_by_one_is_the_same_as_together(script: Script) -> None:
    with _desks() as desk, _desks() as other:
        async with desk.client, other.client:
            await _run(desk, script, batched=True)
            await _run(other, script, batched=False)
            assert content(await _everything(desk)) == content(await _everything(other))
            assert await _run(other, script, batched=True) == 0

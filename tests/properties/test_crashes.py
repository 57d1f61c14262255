"""A run that dies anywhere is made up for by the next one, with nothing lost or doubled."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.dying import killed
from properties.judging import PLENTY, content, everything, ids, members, share
from properties.test_ownership import Orphans
from properties.worlds import Revision, revisions, workshop
from rounds import Broken, Workshop, objects
from stateward.model.run import EntryState, Outcome
from stateward.stores.sqlite import SqliteJournal
from watching import Fuse, FusedJournal, Watched

FIRST = {
    "base/tags.yml": objects("BuiltinTag", {"name": "red"}, {"name": "blue"}),
    "east/devices.yml": objects(
        "NetDevice",
        {"name": "d1", "comment": "a", "tags": ["red"], "member_of_groups": ["crew"]},
        {"name": "d2", "buddy": "d1"},
    ),
    "east/groups.yml": objects("CoreStandardGroup", {"name": "crew"}),
    "west/cables.yml": objects("NetCable", {"name": "c1", "device": "d2"}),
    "gone/asset.yml": objects("NetAsset", {"name": "a1", "serial": "s"}),
}
SECOND = {
    "base/tags.yml": objects("BuiltinTag", {"name": "red", "description": "x"}),
    "east/devices.yml": objects(
        "NetDevice",
        {"name": "d1", "role": "spine", "buddy": "d3"},
        {"name": "d3", "buddy": "d1", "interfaces": {"data": [{"name": "e0"}]}},
    ),
    "east/groups.yml": objects("CoreStandardGroup", {"name": "crew"}),
    "west/cables.yml": objects("NetCable", {"name": "c1", "device": "d3"}),
    "west/asset.yml": objects("NetAsset", {"name": "a2", "serial": "s"}),
}
"""From the one to the other: everything that can happen to an object, and a unit that goes."""


async def _broken_at(shop: Workshop, at: int) -> bool:
    """Run until the fuse blows; say whether it did."""
    fuse = Fuse(at)
    journal = SqliteJournal(shop.state)
    try:
        watched = Watched(shop.target, fuse=fuse, look=Orphans())
        await shop.apply(target=watched, journal=FusedJournal(journal, fuse), allow_deletes=PLENTY)
    except Broken:
        return True
    finally:
        await journal.close()
    return False


async def _recovers(shop: Workshop, wanted: Workshop) -> None:
    """Run again on what is left; it must end as if nothing had happened."""
    _, report = await shop.apply(allow_deletes=PLENTY)
    assert Outcome.FAILED not in {own.outcome for own in report.runs}
    found, expected = await everything(shop), await everything(wanted)
    assert content(found) == content(expected)
    assert members(found) == members(expected)
    assert set(Counter(own.key for own in found.objects.values()).values()) <= {1}
    assert (await shop.plan(allow_deletes=PLENTY)).is_empty
    await _closed(shop.state)


async def _closed(state: Path) -> None:
    """Look at the journal: every run is finished, and what was started is known to be."""
    journal = SqliteJournal(state)
    try:
        assert (await journal.verify()).broken is None
        for run in await journal.runs():
            assert run.finished
            if any(own.state is EntryState.STARTED for own in run.changes):
                told = (run.outcome, run.error)
                assert told == (Outcome.FAILED, "interrupted: the next run went on")
    finally:
        await journal.close()


@contextmanager
def _many() -> Iterator[Callable[..., Awaitable[Workshop]]]:
    """Give workshops that went through some revisions."""
    with ExitStack() as stack:

        async def after(*history: dict[str, str]) -> Workshop:
            shop = stack.enter_context(workshop())
            for files in history:
                shop.commit(files)
                await shop.apply(allow_deletes=PLENTY)
            return shop

        yield after


@pytest.mark.parametrize(
    ("history", "boundaries"),
    [([FIRST], 25), ([FIRST, SECOND], 40), ([FIRST, {}], 10)],
    ids=["first", "second", "nothing-left"],
)
async def test_every_boundary(history: list[dict[str, str]], boundaries: int) -> None:
    with _many() as after:
        wanted = await after(*history)
        at = 0
        while True:
            shop = await after(*history[:-1])
            before = ids(await everything(shop))
            shop.commit(history[-1])
            if not await _broken_at(shop, at):
                break
            await _recovers(shop, wanted)
            now = ids(await everything(shop))
            assert {key: now[key] for key in before if key in now} == {
                key: node for key, node in before.items() if key in now
            }
            at += 1
        assert at > boundaries


@share(15)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_any_boundary_of_anything(
    data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop, workshop() as wanted:
        for own in (shop, wanted):
            own.commit(first.files())
            await own.apply(allow_deletes=PLENTY)
            own.commit(second.files())
        await wanted.apply(allow_deletes=PLENTY)
        await _broken_at(shop, data.draw(st.integers(0, 60)))
        await _recovers(shop, wanted)


@share(10)
@given(data=st.data(), revision=st.lists(revisions(), min_size=3, max_size=3))
async def test_fields_of_a_revision_that_died_are_reset_by_the_next(
    data: st.DataObject, revision: list[Revision]
) -> None:
    first, died, last = revision
    with workshop() as shop, workshop() as wanted:
        shop.commit(first.files())
        await shop.apply(allow_deletes=PLENTY)
        shop.commit(died.files())
        await _broken_at(shop, data.draw(st.integers(0, 60)))
        for own in (shop, wanted):
            own.commit(last.files())
        await wanted.apply(allow_deletes=PLENTY)
        await _recovers(shop, wanted)


CHILD = dedent("""
    import asyncio, sys
    from pathlib import Path
    from rounds import Workshop
    from properties.test_crashes import FIRST, PLENTY, SECOND
    from watching import Watched

    async def main():
        shop = Workshop(Path(sys.argv[1]))
        shop.commit(FIRST)
        shop.commit(SECOND)

        async def look(_session):
            print(flush=True)  # one line for each write

        await shop.apply(target=Watched(shop.target, look=look), allow_deletes=PLENTY)

    asyncio.run(main())
""")


@pytest.mark.parametrize("seed", range(4))
def test_process_that_is_killed(seed: int) -> None:
    asyncio.run(_killed(Random(seed).randint(0, 25)))  # noqa: S311


async def _killed(writes: int) -> None:
    with _many() as after:
        wanted, shop = await after(FIRST, SECOND), await after(FIRST)
        shop.commit(SECOND)
        killed(CHILD, shop.state.parent, writes)
        await _recovers(shop, wanted)

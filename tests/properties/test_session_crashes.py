"""A script that dies anywhere is made up for by running it again: nothing is lost or doubled."""

from collections import Counter
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from crashing import (
    EACH_HISTORY,
    Named,
    Script,
    Shop,
    changing,
    first,
    is_true,
    nothing,
    same_ids,
    second,
)
from properties.dying import killed
from stateward.errors import TargetRefused
from stateward.model.run import EntryState
from stateward.model.state import Observed
from stateward.targets.embedded import EmbeddedTarget
from stateward.targets.embedded.store import Library
from stateward.tracking.library import TrackingSession
from watching import Fuse

LIBRARY = Library()
"""What schemas were worked out to: most of the time that a session takes is for that."""


def embedded(path: Path) -> EmbeddedTarget:
    found = EmbeddedTarget(f"sqlite:///{path}/target.db")
    found._library = LIBRARY
    return found


async def _recovered(shop: Shop, script: Script, wanted: Observed) -> None:
    """Run again on what is left: it must end as if nothing had happened, and then rest."""
    await shop.run(script)
    found = await shop.everything()
    assert shop.plain(found) == shop.plain(wanted)
    assert shop.memberships(found) == shop.memberships(wanted)
    assert set(Counter(own.key for own in found.objects.values()).values()) == {1}
    assert await shop.rests(script)
    assert await shop.interrupted() == []


@pytest.mark.parametrize(
    ("history", "boundaries"),
    [([first], 25), ([first, second], 30), ([second, changing], 20), ([first, nothing], 15)],
    ids=["first", "second", "changing", "nothing-left"],
)
async def test_every_boundary(history: list[Script], boundaries: int, tmp_path: Path) -> None:
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    wanted = base.copy(tmp_path / "wanted")
    await wanted.run(history[-1])
    expected = await wanted.everything()
    at = 0
    broken = True
    while broken:
        shop = base.copy(tmp_path / str(at))
        broken = await shop.run(history[-1], Fuse(at))
        await _recovered(shop, history[-1], expected)
        now = await shop.everything()
        assert same_ids(before, now)
        assert shop.foreign <= now.objects.keys()
        at += 1
    assert at > boundaries


@EACH_HISTORY
async def test_every_boundary_is_taken_back(
    history: list[Script], boundaries: int, tmp_path: Path
) -> None:
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    at = 0
    while True:
        shop = base.copy(tmp_path / str(at))
        if not await shop.run(history[-1], Fuse(at)):
            break
        # What died after its last word in the journal has ended, and is taken back as well.
        await shop.take_back()
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before)
        assert shop.memberships(now) == shop.memberships(before), at
        assert await shop.interrupted() == []
        at += 1
    assert at > boundaries


@EACH_HISTORY
async def test_every_boundary_is_resumed(
    history: list[Script], boundaries: int, tmp_path: Path
) -> None:
    """What was under way is told as it is; then it is taken back, or run again, all the same."""
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    wanted = base.copy(tmp_path / "wanted")
    await wanted.run(history[-1])
    expected = await wanted.everything()
    at = 0
    states: Counter[EntryState] = Counter()
    while True:
        shop = base.copy(tmp_path / str(at))
        if not await shop.run(history[-1], Fuse(at)):
            break
        found = await shop.everything()
        forgetful = shop.copy(tmp_path / f"{at}-lost")
        forgetful.lose_state()
        resumed = await shop.resume()
        assert await shop.everything() == found
        assert is_true(resumed, before, found)
        states.update(own.state for own in resumed.cut_short)
        assert await shop.interrupted() == []
        assert (await shop.resume()).runs == ()
        unrecorded = await forgetful.resume()
        assert (unrecorded.runs, unrecorded.cut_short) == ((), ())
        assert unrecorded.members == resumed.members
        await _recovered(forgetful, history[-1], expected)
        again = shop.copy(tmp_path / f"{at}-again")
        await _recovered(again, history[-1], expected)
        await shop.take_back()
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before)
        assert shop.memberships(now) == shop.memberships(before), at
        at += 1
    assert at > boundaries
    assert states.keys() == {EntryState.APPLIED, EntryState.FAILED}


@pytest.mark.parametrize(
    ("history", "boundaries"),
    [([first], 15), ([first, second], 20), ([second, changing], 15), ([first, nothing], 20)],
    ids=["first", "second", "changing", "nothing-left"],
)
async def test_every_boundary_of_a_rollback(
    history: list[Script], boundaries: int, tmp_path: Path
) -> None:
    """The rollback is asked for once more: it ends what it had begun."""
    at = 0
    broken = True
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    while broken:
        shop = base.copy(tmp_path / str(at))
        await shop.run(history[-1])
        run = (await shop.newest()).id
        broken = await shop.roll_back(run, Fuse(at))
        await shop.roll_back(run)
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before), at
        assert shop.memberships(now) == shop.memberships(before), at
        assert set(Counter(own.key for own in now.objects.values()).values()) == {1}
        assert await shop.interrupted() == []
        at += 1
    assert at > boundaries


async def test_a_rollback_is_ended_though_a_script_failed_in_between(tmp_path: Path) -> None:
    """One that wrote nothing has changed nothing: what stands is the rollback's all the same."""
    base = await _after(tmp_path / "base", second)
    before = await base.everything()
    for at in range(4, 20, 3):
        shop = base.copy(tmp_path / str(at))
        await shop.run(changing)
        run = (await shop.newest()).id
        await shop.roll_back(run, Fuse(at))
        with pytest.raises(TargetRefused):
            await shop.run(_lost)
        await shop.roll_back(run)
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before), at
        assert shop.memberships(now) == shop.memberships(before), at


async def _lost(session: TrackingSession, named: Named) -> None:
    await session.get("SuiteSite", name__value=named("nowhere"))


async def _after(directory: Path, *history: Script) -> Shop:
    shop = Shop(directory, embedded)
    await shop.settle()
    for script in history:
        await shop.run(script)
    return shop


CHILD = dedent("""
    import asyncio, sys
    from pathlib import Path
    from crashing import GIVEN, Shop, second
    from properties.test_session_crashes import embedded

    async def main():
        shop = Shop(Path(sys.argv[1]), embedded)
        desk = shop.desk()

        async def look(_session):
            print(flush=True)  # one line for each write

        desk.watched.look = look
        async with desk.client.start_tracking(shop.session, **GIVEN) as session:
            await second(session, shop.named)

    asyncio.run(main())
""")


@pytest.mark.parametrize("seed", range(4))
async def test_process_that_is_killed(tmp_path: Path, seed: int) -> None:
    expected = await (await _after(tmp_path / "wanted", first, second)).everything()
    shop = await _after(tmp_path / "killed", first)
    killed(CHILD, shop.path, Random(seed).randint(0, 12))  # noqa: S311
    await _recovered(shop, second, expected)

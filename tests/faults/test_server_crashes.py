"""A script that dies anywhere on a real server is made up for, closed, or taken back."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

import pytest

from crashing import (
    HISTORIES,
    Script,
    Shop,
    changing,
    first,
    is_true,
    nothing,
    same_ids,
    second,
)
from live import Lab
from properties.dying import killed
from stateward.model.run import EntryState
from stateward.ports import Target
from watching import Fuse

pytestmark = pytest.mark.live


@dataclass(frozen=True, slots=True)
class Shops:
    """Makes shops that share a server: each has names of its own."""

    target: Target
    path: Path

    async def after(self, *history: Script) -> Shop:
        mark = f"-{uuid4().hex[:8]}"
        shop = Shop(self.path / mark[1:], self._target, mark)
        await shop.settle()
        for script in history:
            await shop.run(script)
        # As where the journal was lost: what is to be taken back is what comes from here on.
        shop.lose_state()
        return shop

    def _target(self, _path: Path) -> Target:
        return self.target


@pytest.fixture
def shops(lab: Lab, tmp_path: Path) -> Shops:
    return Shops(lab.target(tmp_path), tmp_path)


def boundaries_of(*some: str) -> pytest.MarkDecorator:
    """Return every boundary of each history, which is long, and every eighth one of some."""
    every = [
        pytest.param(*known, 1, marks=pytest.mark.long, id=f"{name}-every")
        for name, known in HISTORIES.items()
    ]
    eighth = [pytest.param(*HISTORIES[name], 8, id=f"{name}-some") for name in some]
    return pytest.mark.parametrize(("history", "boundaries", "step"), [*every, *eighth])


@boundaries_of("first")
@pytest.mark.timeout(3600)
async def test_boundaries_are_made_up_for(
    history: list[Script], boundaries: int, step: int, shops: Shops
) -> None:
    """Half of the time where the journal is lost as well."""
    lost = False
    wanted = await shops.after(*history[:-1])
    await wanted.run(history[-1], Fuse())
    expected = await wanted.everything()
    at = 0
    broken = True
    while broken:
        shop = await shops.after(*history[:-1])
        before = await shop.everything()
        broken = await shop.run(history[-1], Fuse(at), look=False)
        if lost := not lost:
            shop.lose_state()
        await shop.run(history[-1])
        now = await shop.everything()
        assert shop.plain(now) == wanted.plain(expected), at
        assert shop.memberships(now) == wanted.memberships(expected), at
        assert set(Counter(own.key for own in now.objects.values()).values()) == {1}
        assert same_ids(before, now)
        assert shop.foreign <= now.objects.keys()
        assert await shop.rests(history[-1])
        assert await shop.interrupted() == []
        at += step
    assert at > boundaries


@boundaries_of("changing")
@pytest.mark.timeout(3600)
async def test_boundaries_are_resumed_and_taken_back(
    history: list[Script], boundaries: int, step: int, shops: Shops
) -> None:
    states: Counter[EntryState] = Counter()
    at = 0
    while True:
        shop = await shops.after(*history[:-1])
        before = await shop.everything()
        if not await shop.run(history[-1], Fuse(at), look=False):
            break
        found = await shop.everything()
        resumed = await shop.resume()
        assert await shop.everything() == found
        assert is_true(resumed, before, found), at
        states.update(own.state for own in resumed.cut_short)
        assert await shop.interrupted() == []
        await shop.take_back()
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before), at
        assert shop.memberships(now) == shop.memberships(before), at
        assert shop.foreign <= now.objects.keys()
        at += step
    assert at > boundaries
    assert step > 1 or states.keys() == {EntryState.APPLIED, EntryState.FAILED}


@pytest.mark.parametrize(
    ("history", "boundaries", "step"),
    [
        pytest.param([first], 15, 1, marks=pytest.mark.long, id="first-every"),
        pytest.param([first], 15, 8, id="first-some"),
        pytest.param([first, second], 20, 1, marks=pytest.mark.long, id="second-every"),
        pytest.param([second, changing], 15, 1, marks=pytest.mark.long, id="changing-every"),
        pytest.param([first, nothing], 20, 1, marks=pytest.mark.long, id="nothing-left-every"),
    ],
)
@pytest.mark.timeout(3600)
async def test_boundaries_of_a_rollback_are_made_up_for(
    history: list[Script], boundaries: int, step: int, shops: Shops
) -> None:
    """The rollback is asked for once more: it ends what it had begun."""
    at = 0
    broken = True
    while broken:
        shop = await shops.after(*history[:-1])
        before = await shop.everything()
        await shop.run(history[-1])
        run = (await shop.newest()).id
        broken = await shop.roll_back(run, Fuse(at), look=False)
        await shop.roll_back(run)
        now = await shop.everything()
        assert shop.plain(now) == shop.plain(before), at
        assert shop.memberships(now) == shop.memberships(before), at
        assert await shop.interrupted() == []
        at += step
    assert at > boundaries


CHILD = dedent("""
    import asyncio, sys
    from pathlib import Path
    from crashing import Shop, first
    from live import Lab
    from watching import Fuse

    address, token, mark = sys.stdin.read().split()

    class Told(Fuse):
        def __call__(self):
            print(flush=True)  # one line for each boundary

    async def main():
        directory = Path(sys.argv[1])
        shop = Shop(directory, lambda _path: Lab(address, token).target(directory.parent), mark)
        await shop.run(first, Told(), look=False)

    asyncio.run(main())
""")


async def _run_again(shop: Shop) -> None:
    await shop.run(first)


async def _resumed_and_run_again(shop: Shop) -> None:
    await shop.resume()
    await shop.run(first)


async def _taken_back_and_run_again(shop: Shop) -> None:
    before = shop.foreign
    await shop.take_back()
    assert before <= (await shop.everything()).objects.keys()
    await shop.run(first)


@pytest.mark.parametrize(
    ("lines", "then"),
    [
        (5, _run_again),
        pytest.param(9, _taken_back_and_run_again, marks=pytest.mark.long),
        pytest.param(13, _resumed_and_run_again, marks=pytest.mark.long),
        pytest.param(17, _run_again, marks=pytest.mark.long),
        pytest.param(21, _taken_back_and_run_again, marks=pytest.mark.long),
    ],
)
async def test_process_that_is_killed_is_made_up_for(
    lab: Lab, shops: Shops, lines: int, then: Callable[[Shop], Awaitable[None]]
) -> None:
    """Two requests at a time are under way, and the server goes on with them."""
    wanted = await shops.after()
    await wanted.run(first)
    expected = await wanted.everything()
    shop = await shops.after()
    killed(CHILD, shop.path, lines, lab.address, lab.token, shop.mark)
    assert len(await shop.interrupted()) == 1
    await then(shop)
    now = await shop.everything()
    assert shop.plain(now) == wanted.plain(expected)
    assert shop.memberships(now) == wanted.memberships(expected)
    assert set(Counter(own.key for own in now.objects.values()).values()) == {1}
    assert shop.foreign <= now.objects.keys()
    assert await shop.rests(first)
    assert await shop.interrupted() == []

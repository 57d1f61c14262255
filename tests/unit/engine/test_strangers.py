"""What is declared and nobody's here costs a round nothing more than it has to."""

from pathlib import Path

import pytest

from rounds import Workshop, objects
from watching import Watched

TAG = "BuiltinTag"
B = {"b/1.yml": objects(TAG, {"name": "green"})}
A = {"a/1.yml": objects(TAG, {"name": "red", "description": "ours"})}
USUAL = 2
"""What a round asks in which nothing is to be done: for the stamps, and for what is there."""


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    """One unit that is applied, and a stranger under a name that another one declares."""
    shop = Workshop(tmp_path)
    shop.commit(B)
    await shop.apply()
    await shop.make(TAG, name="red", description="theirs")
    return shop


async def looks(shop: Workshop, **scope: object) -> int:
    watched = Watched(shop.target)
    _, report = await shop.apply(target=watched, **scope)
    assert report.writes == 0
    return watched.looks


async def test_without_any_nothing_is_asked(shop: Workshop) -> None:
    assert await looks(shop) == USUAL


async def test_whose_they_are_is_asked_once(shop: Workshop) -> None:
    shop.commit({**A, **B})
    await shop.apply()
    assert await looks(shop) == USUAL + 1


@pytest.mark.parametrize("settings", ["adopt: never", "suspend: true"])
async def test_of_a_unit_that_takes_nothing_are_not_asked_for(
    shop: Workshop, settings: str
) -> None:
    shop.commit({**A, **B, "a/.stateward.yaml": settings})
    await shop.apply()
    assert await looks(shop) == USUAL


async def test_of_a_unit_that_is_not_asked_for_are_not_either(shop: Workshop) -> None:
    shop.commit({**A, **B})
    await shop.apply()
    assert await looks(shop, units=frozenset({"b"})) == USUAL


async def test_where_nothing_may_be_adopted_nobody_is_said_to_have_been_asked(
    shop: Workshop,
) -> None:
    shop.commit({**A, **B, "a/.stateward.yaml": "adopt: never"})
    (problem,) = (await shop.plan()).problems
    assert "exists and belongs to no unit of this source: differs in" in problem.message


async def test_what_a_delete_of_them_would_reach_is_not_looked_at(shop: Workshop) -> None:
    device = await shop.make("NetDevice", name="d")
    await shop.make("NetInterface", name="eth0", device=device)
    shop.commit({**B, "a/1.yml": objects("NetDevice", {"name": "d"})})
    async with shop.target.session(None, write=False) as session:
        assert await session.claims([device], "stateward/default/default/") == {}
        assert (await session.holds([device], "stateward/default/default/"))[device].cascade
    plan = await shop.plan()
    assert [own.adopted for own in plan.changes] == [True]

"""What tracking costs beside the writes themselves, in requests to the target."""

from typing import Any

import pytest

from sessions import Desk
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create
from stateward.model.unit import Limits
from stateward.ports import Query
from targets import new_id

SITE = "SuiteSite"
LOT = 20
MANY = 200


def count(desk: Desk) -> int:
    """Return how many requests there were since the last time that this was asked."""
    watched = desk.watched
    found = watched.requests + watched.looks
    watched.requests = watched.looks = 0
    return found


async def bare(desk: Desk, names: list[str], lot: int) -> int:
    """Look up what is there, and write what is not: all in lots, or one by one. Nobody's."""
    count(desk)
    together = len(names) if lot > 1 else 1
    async with desk.watched.session(None, write=True, shared=True) as session:
        for start in range(0, len(names), together):
            some = names[start : start + together]
            await session.observe(Query(keys=[ObjectKey(SITE, (name,)) for name in some]))
            for at in range(0, together, lot):
                own: list[dict[str, Any]] = [{"name": name} for name in some[at : at + lot]]
                creates = [Create(id=new_id(), kind=SITE, attributes=one) for one in own]
                assert not any(await session.apply(creates))
    return count(desk)


@pytest.mark.long
async def test_a_batch_costs_at_most_a_tenth_more(desk: Desk) -> None:
    plain = await bare(desk, [desk.named(f"bare-{n}") for n in range(400)], LOT)
    async with desk.tracking(delete_unused_nodes=True) as session:
        batch = session.batch()
        for n in range(400):
            batch.upsert(SITE, {"name": desk.named(f"own-{n}")})
        await batch.execute()
    assert len(session.report.created) == 400
    assert count(desk) <= plain * 1.1


async def test_one_by_one_costs_at_most_a_tenth_more(desk: Desk) -> None:
    plain = await bare(desk, [desk.named(f"bare-{n}") for n in range(20)], 1)
    async with desk.tracking(delete_unused_nodes=True) as session:
        for n in range(20):
            await session.upsert(SITE, {"name": desk.named(f"own-{n}")})
    assert count(desk) <= plain * 1.1


@pytest.mark.long
async def test_changes_cost_at_most_a_tenth_more_and_a_prune_five_looks(desk: Desk) -> None:
    """A prune looks at what goes along, and at what leads to it, however much that is."""
    names = [desk.named(f"own-{n}") for n in range(MANY)]
    for note in ("old", "new"):
        count(desk)
        async with desk.tracking(delete_unused_nodes=True) as session:
            batch = session.batch()
            for name in names:
                batch.upsert(SITE, {"name": name, "description": note})
            await batch.execute()
    changing = count(desk)
    assert len(session.report.updated) == MANY
    assert changing <= 1.1 * (1 + MANY / LOT)  # one look, and what is to be written

    async with desk.tracking(
        delete_unused_nodes=True, limits=Limits(deletes=MANY, percent=100)
    ) as session:
        pass
    assert len(session.report.deleted) == MANY
    assert count(desk) <= 1 + MANY / LOT + 5


async def test_a_second_run_looks_twice(desk: Desk) -> None:
    for _ in range(2):
        count(desk)
        async with desk.tracking(delete_unused_nodes=True) as session:
            batch = session.batch()
            batch.upsert(SITE, {"name": desk.named("ams")})
            await batch.execute()
    assert count(desk) == 2

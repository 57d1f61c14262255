"""Memberships that are proved are put right, and nothing else is written."""

from pathlib import Path

import pytest

from rounds import Workshop, objects
from stateward.model.inventory import Disagreement
from stateward.model.mutation import Create, Delete, Enrol, Update
from stateward.model.plan import Action, UnitState
from stateward.model.record import RunKind
from stateward.model.unit import ADOPTED, Stamp
from stateward.stores.sqlite import SqliteJournal
from watching import Watched

TAG, GROUP = "BuiltinTag", "CoreStandardGroup"
NAME = "stateward/default/default/a"


def tags(*names: str) -> str:
    return objects(TAG, *({"name": own} for own in names))


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    """A directory with two objects that we made, and one that was there before."""
    shop = Workshop(tmp_path)
    shop.commit({"a/1.yml": tags("red", "blue")})
    await shop.apply()
    await shop.make(TAG, name="old")
    shop.commit({"a/1.yml": tags("red", "blue", "old")})
    await shop.apply()
    return shop


async def group(shop: Workshop, name: str = NAME) -> str:
    return (await shop.observe(TAG)).groups[name].id


async def leave(shop: Workshop, name: str, *groups: str) -> None:
    node = (await shop.find(TAG, name)).id
    await shop.do(Enrol(id=node, kind=TAG, leave=tuple([await group(shop, own) for own in groups])))


async def members(shop: Workshop, name: str = NAME) -> set[str]:
    observed = await shop.observe(TAG)
    return {observed.objects[own].key.hfid[0] for own in observed.groups[name].members}


async def test_what_we_made_is_a_member_again_as_ours(shop: Workshop) -> None:
    await leave(shop, "red", NAME)
    found = await shop.repair()
    assert [own.what for own in found.before.found] == [Disagreement.ORPHAN]
    assert found.after is not None
    assert found.after.found == ()
    assert await members(shop) == {"red", "blue", "old"}
    assert await members(shop, NAME + ADOPTED) == {"old"}
    assert (await shop.plan()).is_empty


async def test_no_write_but_memberships_is_sent(shop: Workshop) -> None:
    await leave(shop, "red", NAME)
    watched = Watched(shop.target)
    await shop.repair(target=watched)
    assert {type(own) for own in watched.sent} == {Enrol}
    watched = Watched(shop.target)
    found = await shop.repair(target=watched)
    assert (found.plan.is_empty, watched.writes) == (True, 0)


async def test_what_was_there_before_is_that_again(shop: Workshop) -> None:
    await leave(shop, "old", NAME, NAME + ADOPTED)
    await shop.repair()
    assert await members(shop) == {"red", "blue", "old"}
    assert await members(shop, NAME + ADOPTED) == {"old"}


async def test_mark_that_is_missing_is_set_again(shop: Workshop) -> None:
    await leave(shop, "old", NAME + ADOPTED)
    found = await shop.repair()
    assert [own.marks for own in found.plan.changes] == [True]
    assert await members(shop, NAME + ADOPTED) == {"old"}
    shop.commit({"a/1.yml": tags("red", "blue")})
    assert [own.action for own in (await shop.plan()).changes] == [Action.RELEASE]


async def test_mark_alone_makes_a_member_again_without_a_journal(shop: Workshop) -> None:
    await leave(shop, "old", NAME)
    shop.state.unlink()
    await shop.repair()
    assert await members(shop) == {"red", "blue", "old"}


async def test_group_that_somebody_deleted_is_made_again_with_all_that_was_in_it(
    shop: Workshop,
) -> None:
    marks, own = await group(shop, NAME + ADOPTED), await group(shop)
    await shop.do(Delete(id=marks, kind=GROUP), Delete(id=own, kind=GROUP))
    watched = Watched(shop.target)
    await shop.repair(target=watched)
    assert {type(one) for one in watched.sent} == {Create, Enrol}
    assert await members(shop) == {"red", "blue", "old"}
    assert await members(shop, NAME + ADOPTED) == {"old"}
    assert (await shop.plan()).changes == ()


async def test_what_the_journal_may_be_behind_is_never_deleted(shop: Workshop) -> None:
    """Somebody else has applied another revision since: what is proved may be over."""
    await leave(shop, "red", NAME)
    text = str(Stamp(applied="r9", files="x"))
    await shop.do(Update(id=await group(shop), kind=GROUP, attributes={"description": text}))
    await shop.repair()
    assert await members(shop, NAME + ADOPTED) == {"old", "red"}


async def test_what_is_not_proved_is_left_and_told(shop: Workshop) -> None:
    await shop.make(TAG, (await group(shop),), name="by hand")
    await shop.do(Delete(id=(await shop.find(TAG, "blue")).id, kind=TAG))
    await leave(shop, "red", NAME)
    shop.commit({"a/1.yml": tags("blue", "old")})
    found = await shop.repair()
    assert found.plan.changes == ()
    assert found.after is not None
    assert {own.what for own in found.after.found} == {
        Disagreement.ORPHAN,
        Disagreement.UNDECLARED,
    }


@pytest.mark.parametrize("file", ["a/.stateward.yaml", "a/2.yml"])
async def test_unit_that_is_to_be_left_alone_is_left_alone(shop: Workshop, file: str) -> None:
    await leave(shop, "red", NAME)
    text = "suspend: true" if file.endswith(".yaml") else tags("x") + "- ["
    shop.commit({"a/1.yml": tags("red", "blue", "old"), file: text})
    found = await shop.repair()
    assert found.plan.changes == ()
    assert found.after is not None
    assert Disagreement.ORPHAN in {own.what for own in found.after.found}


async def test_is_recorded_as_what_it_is(shop: Workshop) -> None:
    await leave(shop, "red", NAME)
    await shop.repair()
    journal = SqliteJournal(shop.state)
    try:
        (newest,) = await journal.runs(limit=1)
    finally:
        await journal.close()
    assert newest.opening.kind is RunKind.REPAIR
    assert [(own.action, own.adopted, own.marks) for own in newest.changes] == [
        (Action.ADOPT, False, False)
    ]


async def test_a_unit_whose_reference_leads_nowhere_is_left_as_it_is(shop: Workshop) -> None:
    await leave(shop, "red", NAME)
    lost = objects("NetDevice", {"name": "d", "tags": ["nope"]})
    shop.commit({"a/1.yml": tags("red", "blue", "old") + "---\n" + lost})
    assert (await shop.plan()).units["a"].state is UnitState.STALLED
    watched = Watched(shop.target)
    found = await shop.repair(target=watched)
    assert [own.what for own in found.before.found] == [Disagreement.ORPHAN]
    assert (found.plan.changes, watched.writes) == ((), 0)

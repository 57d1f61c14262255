"""Groups, journal and files that do not agree: every difference has its name."""

from pathlib import Path

import pytest

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.inventory import Disagreement, Discrepancy
from stateward.model.mutation import Delete, Enrol, Mutation, Refusal, Update
from stateward.model.unit import ADOPTED, Stamp
from watching import Watched

TAG, GROUP = "BuiltinTag", "CoreStandardGroup"
NAME = "stateward/default/default/a"


def tags(*names: str) -> str:
    return objects(TAG, *({"name": own} for own in names))


GREEN = tags("green")


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green")})
    await shop.apply()
    return shop


async def group(shop: Workshop, name: str = NAME) -> str:
    return (await shop.observe(TAG)).groups[name].id


async def found(shop: Workshop, *units: str) -> list[tuple[Disagreement, str, str]]:
    differences = (await shop.verify(*units)).found
    return [(own.what, own.unit, own.key.hfid[0] if own.key else "") for own in differences]


async def one(shop: Workshop) -> Discrepancy:
    (own,) = (await shop.verify()).found
    return own


async def leave(shop: Workshop, name: str) -> None:
    node = (await shop.find(TAG, name)).id
    await shop.do(Enrol(id=node, kind=TAG, leave=(await group(shop),)))


async def test_all_agree_after_a_round(shop: Workshop) -> None:
    inventory = await shop.verify()
    assert inventory.found == ()
    assert inventory.units == {"a": 2, "b": 1}
    assert inventory.journaled == {"a", "b"}


async def test_nothing_is_written(shop: Workshop) -> None:
    await leave(shop, "red")
    watched = Watched(shop.target)
    shop.target, target = watched, shop.target
    assert (await shop.verify()).found
    shop.target = target
    assert watched.writes == 0


async def test_object_that_somebody_deleted(shop: Workshop) -> None:
    await shop.do(Delete(id=(await shop.find(TAG, "red")).id, kind=TAG))
    assert await found(shop) == [(Disagreement.GONE, "a", "red")]
    assert str((await one(shop)).origin) == "a/1.yml:6:5"


async def test_object_that_is_not_made_yet_is_no_difference(shop: Workshop) -> None:
    shop.commit({"a/1.yml": tags("red", "blue", "new"), "b/1.yml": tags("green")})
    assert await found(shop) == []


async def test_member_that_somebody_took_out(shop: Workshop) -> None:
    await leave(shop, "red")
    own = await one(shop)
    assert (own.what, own.unit) == (Disagreement.ORPHAN, "a")
    assert "somebody took it out" in own.said
    assert own.mend is not None
    assert not own.mend.adopted


async def test_member_of_two_that_somebody_took_out_of_one(shop: Workshop) -> None:
    shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green", "red")})
    await shop.apply()
    await leave(shop, "red")
    own = await one(shop)
    assert (own.what, own.unit) == (Disagreement.ORPHAN, "a")
    assert "and is a member of b alone: somebody took it out" in own.said
    assert own.mend is not None


async def test_member_of_another_unit_by_hand_is_for_a_round_to_move(shop: Workshop) -> None:
    green = await shop.find(TAG, "green")
    b = await group(shop, "stateward/default/default/b")
    await shop.do(Enrol(id=green.id, kind=TAG, join=(await group(shop),), leave=(b,)))
    assert await found(shop) == [(Disagreement.UNDECLARED, "a", "green")]


async def test_member_that_somebody_took_out_and_git_dropped_is_left_over(shop: Workshop) -> None:
    await leave(shop, "red")
    shop.commit({"a/1.yml": tags("blue"), "b/1.yml": tags("green")})
    await shop.apply()
    own = await one(shop)
    assert (own.what, str(own.key)) == (Disagreement.ORPHAN, f"{TAG}/red")
    assert own.matters.startswith("it is left over")
    assert own.mend is None


async def test_without_a_journal_it_is_a_stranger(shop: Workshop) -> None:
    await leave(shop, "red")
    shop.state.unlink()
    inventory = await shop.verify()
    assert [own.what for own in inventory.found] == [Disagreement.STRANGER]
    assert inventory.journaled == frozenset()


async def test_what_is_declared_and_there_and_nobodys(shop: Workshop) -> None:
    await shop.make(TAG, name="new")
    shop.commit({"a/1.yml": tags("red", "blue", "new"), "b/1.yml": tags("green")})
    assert await found(shop) == [(Disagreement.STRANGER, "a", "new")]


class TestMemberThatNothingDeclares:
    async def test_that_somebody_put_in(self, shop: Workshop) -> None:
        await shop.make(TAG, (await group(shop),), name="by hand")
        own = await one(shop)
        assert own.what is Disagreement.UNDECLARED
        assert "somebody put it in by hand; it waits to be deleted" in own.said

    async def test_that_came_before_the_journal_begins(self, shop: Workshop) -> None:
        shop.state.unlink()
        shop.commit(
            {"a/1.yml": tags("red", "new"), "a/.stateward.yaml": "prune: false", "b/1.yml": GREEN}
        )
        assert ", and the journal does not say how it came here; " in (await one(shop)).said
        await shop.apply()
        assert ", and the journal does not say how it came here; " in (await one(shop)).said

    async def test_that_was_refused_to_go_is_known(self, shop: Workshop) -> None:
        blue = (await shop.find(TAG, "blue")).id

        def refuse(own: Mutation) -> Refusal | None:
            wanted = isinstance(own, Delete) and own.id == blue
            return Refusal(code=Code.REJECTED, message="needed") if wanted else None

        shop.commit({"a/1.yml": tags("red"), "b/1.yml": GREEN})
        await shop.apply(target=Watched(shop.target, refuse=refuse))
        own = await one(shop)
        assert own.what is Disagreement.UNDECLARED
        assert "does not declare it; " in own.said

    async def test_that_waits_to_be_deleted(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green")})
        own = await one(shop)
        assert own.said.endswith("does not declare it; it waits to be deleted")

    async def test_that_waits_to_move(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green", "blue")})
        assert "it waits to move to b" in (await one(shop)).said

    async def test_that_a_guard_holds_back(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": objects(TAG), "b/1.yml": tags("green")})
        said = [own.said for own in (await shop.verify()).found]
        assert len(said) == 2
        assert all("its delete is held back: the directory declares nothing" in own for own in said)

    async def test_that_would_not_be_let_go(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/1.yml": objects("NetDevice", {"name": "d"}) + "---\n" + tags("red"),
                "b/1.yml": tags("green"),
            }
        )
        await shop.apply(allow_deletes=9)
        device = await shop.find("NetDevice", "d")
        await shop.make("NetCable", name="c", device=device.id)
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green")})
        assert "NetCable/c cannot be without it" in (await one(shop)).said

    @pytest.mark.parametrize("setting", ["prune: false", "protect: [BuiltinTag/blue]"])
    async def test_that_a_setting_keeps(self, shop: Workshop, setting: str) -> None:
        shop.commit(
            {"a/1.yml": tags("red"), "a/.stateward.yaml": setting, "b/1.yml": tags("green")}
        )
        await shop.apply()
        assert "`prune: false` or `protect` keeps it" in (await one(shop)).said

    @pytest.mark.parametrize(
        ("file", "state"), [("a/.stateward.yaml", "suspended"), ("a/2.yml", "stalled")]
    )
    async def test_of_a_unit_that_is_left_as_it_is(
        self, shop: Workshop, file: str, state: str
    ) -> None:
        text = "suspend: true" if state == "suspended" else tags("x") + "- ["
        shop.commit({"a/1.yml": tags("red"), file: text, "b/1.yml": tags("green")})
        (own,) = (await shop.verify("a")).found
        assert f"the unit is {state}" in own.said

    async def test_that_another_unit_has_too(self, shop: Workshop) -> None:
        green = await shop.find(TAG, "green")
        await shop.do(Enrol(id=green.id, kind=TAG, join=(await group(shop),)))
        said = (await one(shop)).said
        assert said.startswith("is a member, as it is of b, and the unit does not declare it")
        assert "it waits to be released" in said


class TestMarks:
    @pytest.fixture
    async def adopted(self, shop: Workshop) -> Workshop:
        await shop.make(TAG, name="old")
        shop.commit({"a/1.yml": tags("red", "blue", "old"), "b/1.yml": tags("green")})
        await shop.apply()
        assert await found(shop) == []
        return shop

    async def test_that_is_missing(self, adopted: Workshop) -> None:
        old, marks = await adopted.find(TAG, "old"), await group(adopted, NAME + ADOPTED)
        await adopted.do(Enrol(id=old.id, kind=TAG, leave=(marks,)))
        own = await one(adopted)
        assert own.what is Disagreement.MARK
        assert own.matters == "it would be deleted, and not released, when Git drops it"
        assert own.mend is not None
        assert own.mend.adopted

    async def test_that_should_not_be_there(self, adopted: Workshop) -> None:
        red, marks = await adopted.find(TAG, "red"), await group(adopted, NAME + ADOPTED)
        await adopted.do(Enrol(id=red.id, kind=TAG, join=(marks,)))
        own = await one(adopted)
        assert (own.what, own.mend) == (Disagreement.MARK, None)
        assert own.matters == "it is released, and not deleted, when Git drops it"

    async def test_without_a_membership(self, adopted: Workshop) -> None:
        adopted.state.unlink()
        await leave(adopted, "old")
        own = await one(adopted)
        assert own.what is Disagreement.ORPHAN
        assert own.mend is not None
        assert own.mend.adopted


class TestGroups:
    async def test_of_a_directory_that_is_gone(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red", "blue")})
        assert await found(shop) == [
            (Disagreement.NO_DIRECTORY, "b", ""),
            (Disagreement.UNDECLARED, "b", "green"),
        ]

    async def test_that_a_unit_has_not(self, shop: Workshop) -> None:
        await shop.do(Delete(id=await group(shop), kind=GROUP))
        assert await found(shop) == [
            (Disagreement.NO_GROUP, "a", ""),
            (Disagreement.STAMP, "a", ""),
            (Disagreement.ORPHAN, "a", "blue"),
            (Disagreement.ORPHAN, "a", "red"),
        ]

    async def test_that_name_a_revision_which_cannot_be_read(self, shop: Workshop) -> None:
        shop.source.lost.add("r1")
        shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green")})
        assert await found(shop, "b") == [(Disagreement.UNREADABLE, "b", "")]

    async def test_that_name_another_revision_than_the_journal(self, shop: Workshop) -> None:
        text = str(Stamp(applied="r0", files="x"))
        node = await group(shop)
        await shop.do(Update(id=node, kind=GROUP, attributes={"description": text}))
        what = [own.what for own in (await shop.verify()).found]
        assert what == [Disagreement.UNREADABLE, Disagreement.STAMP]

    async def test_of_a_directory_that_was_never_applied(self, shop: Workshop) -> None:
        shop.commit(
            {"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green"), "c/1.yml": tags("x")}
        )
        assert await found(shop) == [(Disagreement.NO_GROUP, "c", "")]


async def test_units_that_were_not_asked_for_are_not_looked_at(shop: Workshop) -> None:
    await leave(shop, "red")
    inventory = await shop.verify("b")
    assert (dict(inventory.units), inventory.found) == ({"b": 1}, ())

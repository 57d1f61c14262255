"""What other tools made from the same files is taken over, and nothing of theirs is written: on every target."""

from pathlib import Path
from uuid import uuid4

import pytest

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.adoption import Adoption
from stateward.model.identity import ObjectKey
from stateward.model.inventory import Disagreement
from stateward.model.mutation import Delete, Enrol, Relate, Update
from stateward.model.plan import Action
from stateward.model.state import ObservedObject
from stateward.model.unit import ADOPTED
from stateward.model.unit import group_name as name_of_group
from stateward.ports import Query, Target
from stateward.tracking.naming import group_name
from targets import SCHEMA

TAG, GROUP = "BuiltinTag", "CoreStandardGroup"
SITE, DEVICE, INTERFACE = "SuiteSite", "SuiteDevice", "SuiteInterface"


class Place:
    """A repository, and a target that another tool has filled from it."""

    def __init__(self, target: Target, directory: Path) -> None:
        self.shop = Workshop(directory)
        self.shop.target = target
        self.mark = uuid4().hex[:8]

    def name(self, text: str) -> str:
        return f"{text}-{self.mark}"

    def commit(self, **files: str) -> None:
        self.shop.source.commit(
            {"schema.yml": SCHEMA, **{f"{unit}/1.yml": text for unit, text in files.items()}}
        )

    def tags(self, *names: str, description: str = "a") -> str:
        return objects(
            TAG, *({"name": self.name(own), "description": description} for own in names)
        )

    async def load(self) -> None:
        """Do what ``infrahubctl object load`` does: what is made is in no group."""
        await self.shop.apply(instance=self.mark)
        await self.shop.forget(self.mark)

    async def adopt(self, *units: str, **taking: bool | str) -> Adoption:
        return await self.shop.adopt(*units, instance=self.mark, **taking)

    async def plan(self) -> list[tuple[Action, str]]:
        plan = await self.shop.plan(instance=self.mark)
        return [
            (own.action, own.key.hfid[-1].removesuffix(f"-{self.mark}")) for own in plan.changes
        ]

    async def there(self, kind: str, *hfid: str) -> ObservedObject:
        key = ObjectKey(kind, tuple(hfid))
        wanted = {kind: frozenset({"member_of_groups", "description"})}
        async with self.shop.target.session(None, write=False) as session:
            found = (await session.observe(Query(keys=[key], fields=wanted))).objects
        return next(own for own in found.values() if own.key == key)

    async def group(self, kind: str, name: str, *tags: str) -> str:
        """Have another tool keep tags in a group of its own."""
        group = await self.shop.make(kind, name=name)
        ids = [(await self.there(TAG, self.name(own))).id for own in tags]
        await self.shop.do(Relate(id=group, kind=kind, relationship="members", add=tuple(ids)))
        return group


@pytest.fixture
def place(target: Target, tmp_path: Path) -> Place:
    return Place(target, tmp_path)


async def test_what_was_loaded_is_taken_over_and_the_plan_is_empty(place: Place) -> None:
    port = {"kind": INTERFACE, "data": [{"name": "eth0"}]}
    device = {"name": place.name("leaf"), "site": place.name("ams"), "interfaces": port}
    place.commit(
        sites=objects(SITE, {"name": place.name("ams")}),
        devices=objects(DEVICE, device),
        tags=place.tags("red"),
    )
    await place.load()
    before = await place.there(INTERFACE, place.name("leaf"), "eth0")
    found = await place.adopt()
    assert found.complete
    assert len(found.taken.changes) == 4
    assert await place.plan() == []
    assert (await place.there(INTERFACE, place.name("leaf"), "eth0")).id == before.id
    place.commit(sites=objects(SITE, {"name": place.name("ams")}), devices=objects(DEVICE, device))
    plan, _ = await place.shop.apply(instance=place.mark, allow_deletes=1)
    assert [own.action for own in plan.changes] == [Action.RELEASE]


async def test_what_is_taken_as_made_by_us_goes_when_git_drops_it(place: Place) -> None:
    place.commit(tags=place.tags("red", "blue"))
    await place.load()
    await place.adopt(own=True)
    place.commit(tags=place.tags("red"))
    assert await place.plan() == [(Action.DELETE, "blue")]


async def test_what_differs_is_told_or_taken_as_it_is(place: Place) -> None:
    place.commit(tags=place.tags("red", "blue"))
    await place.load()
    red = await place.there(TAG, place.name("red"))
    await place.shop.do(Update(id=red.id, kind=TAG, attributes={"description": "by hand"}))
    found = await place.adopt()
    assert [(own.code, own.change.node) for own in found.taken.left] == [(Code.STRANGER, red.id)]
    found = await place.adopt(differing=True)
    assert [own.node for own in found.taken.changes] == [red.id]
    red = await place.there(TAG, place.name("red"))
    assert red.attributes["description"] == "by hand"
    assert await place.plan() == [(Action.UPDATE, "red")]


@pytest.mark.parametrize("tool", ["CoreGeneratorGroup", "the SDK"])
async def test_what_a_tool_claims_is_taken_by_its_group_alone(place: Place, tool: str) -> None:
    place.commit(tags=place.tags("red", "blue"))
    await place.load()
    kind = tool if tool.startswith("Core") else GROUP
    name = place.name("tool") if kind == tool else group_name(place.name("script"), {"n": 1})
    await place.shop.make(TAG, name=place.name("extra"))
    group = await place.group(kind, name, "red", "extra")
    found = await place.adopt()
    assert [(own.code, own.by) for own in found.taken.left] == [(Code.CLAIMED, name)]
    found = await place.adopt(group=name)
    assert [own.code for own in found.taken.left] == [Code.UNDECLARED]
    assert (found.claimed, found.complete) == (1, True)
    red = await place.there(TAG, place.name("red"))
    assert group in red.peers(["member_of_groups"])


class TestInventory:
    """What hands do to tracking groups is told, and put right where it is no risk."""

    async def group(self, place: Place, *ends: str) -> tuple[str, ...]:
        name = name_of_group(place.mark, "default", "tags")
        names = [name + end for end in ends or ("",)]
        async with place.shop.target.session(None, write=False) as session:
            groups = (await session.observe(Query(groups=names))).groups
        return tuple(groups[own].id for own in names)

    async def test_all_agree_after_a_round(self, place: Place) -> None:
        place.commit(tags=place.tags("red", "blue"), more=place.tags("green"))
        await place.shop.apply(instance=place.mark)
        found = await place.shop.verify(instance=place.mark)
        assert (dict(found.units), found.found) == ({"more": 1, "tags": 2}, ())

    async def test_what_was_taken_out_is_a_member_again(self, place: Place) -> None:
        place.commit(tags=place.tags("red", "blue"))
        await place.shop.apply(instance=place.mark)
        red = await place.there(TAG, place.name("red"))
        await place.shop.do(Enrol(id=red.id, kind=TAG, leave=await self.group(place)))
        found = await place.shop.repair(instance=place.mark)
        assert [(own.what, own.node) for own in found.before.found] == [
            (Disagreement.ORPHAN, red.id)
        ]
        assert found.after is not None
        assert found.after.found == ()
        assert await place.plan() == []

    async def test_mark_that_was_taken_away_is_set_again(self, place: Place) -> None:
        place.commit(tags=place.tags("red", "blue"))
        await place.load()
        await place.adopt()
        red = await place.there(TAG, place.name("red"))
        await place.shop.do(Enrol(id=red.id, kind=TAG, leave=await self.group(place, ADOPTED)))
        found = await place.shop.repair(instance=place.mark)
        assert [own.what for own in found.before.found] == [Disagreement.MARK]
        place.commit(tags=place.tags("blue"))
        assert await place.plan() == [(Action.RELEASE, "red")]

    async def test_what_was_deleted_or_put_in_is_told_and_left(self, place: Place) -> None:
        place.commit(tags=place.tags("red", "blue"))
        await place.shop.apply(instance=place.mark)
        red = await place.there(TAG, place.name("red"))
        await place.shop.do(Delete(id=red.id, kind=TAG))
        await place.shop.make(TAG, await self.group(place), name=place.name("by hand"))
        found = await place.shop.repair(instance=place.mark)
        assert found.plan.changes == ()
        assert {own.what for own in found.before.found} == {
            Disagreement.GONE,
            Disagreement.UNDECLARED,
        }

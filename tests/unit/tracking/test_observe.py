"""What a round asks a target for: what it has to know, and no more."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rounds import Workshop, objects
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.state import Desired, DesiredObject, DesiredUnit, External, Hold, Observed
from stateward.tracking.observe import known_of, observe, with_holds
from unit.builders import AT, device, external, key, schema
from watching import Watched, WatchedSession

RED, D1 = key("BuiltinTag", "red"), key("NetDevice", "d1")


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    """A target with a device of unit a, a tag of b, and a device and an asset of nobody's."""
    shop = Workshop(tmp_path)
    shop.commit(
        {
            "a/1.yml": objects("NetDevice", {"name": "d1", "comment": "c", "tags": ["red"]}),
            "b/1.yml": objects("BuiltinTag", {"name": "red"}),
        }
    )
    await shop.apply()
    await shop.make("NetDevice", name="d2")
    await shop.make("NetAsset", name="a1", serial="s")
    return shop


def group(unit: str) -> str:
    return f"stateward/default/default/{unit}"


async def observed(
    shop: Workshop,
    *declared: DesiredObject,
    externals: tuple[External, ...] = (),
    formerly: tuple[DesiredObject, ...] = (),
    groups: tuple[str, ...] = (),
    hints: tuple[ObjectKey, ...] = (),
) -> Observed:
    unit = DesiredUnit(name="a", objects={own.key: own for own in declared}, externals=externals)
    async with shop.target.session(schema(), write=False) as session:
        return await observe(
            session,
            Desired(units={"a": unit}),
            {own.key: own for own in formerly},
            groups,
            hints,
        )


def names(found: Observed) -> set[str]:
    return {str(own.key) for own in found.objects.values()}


async def test_nothing_is_asked_for_by_itself(shop: Workshop) -> None:
    assert names(await observed(shop)) == set()


async def test_members_of_groups_are(shop: Workshop) -> None:
    found = await observed(shop, groups=(group("a"),))
    assert names(found) == {"NetDevice/d1"}
    assert set(found.groups) == {group("a")}


async def test_lists_of_the_adopted_are(shop: Workshop) -> None:
    shop.commit(
        {
            "a/1.yml": objects("NetDevice", {"name": "d1"}, {"name": "d2"}),
            "b/1.yml": objects("BuiltinTag", {"name": "red"}),
        }
    )
    await shop.apply()
    found = await observed(shop, groups=(group("a"),))
    assert set(found.groups) == {group("a"), group("a") + "/adopted"}


async def test_strangers_under_a_declared_identity_are(shop: Workshop) -> None:
    assert names(await observed(shop, device("d2"), device("d9"))) == {"NetDevice/d2"}


async def test_what_is_to_be_renamed_is(shop: Workshop) -> None:
    assert names(await observed(shop, device("new"), hints=(D1,))) == {"NetDevice/d1"}


async def test_declared_ids_are(shop: Workshop) -> None:
    node = (await shop.find("NetDevice", "d2")).id
    assert names(await observed(shop, device("other", node=node))) == {"NetDevice/d2"}


async def test_references_are_turned_into_ids(shop: Workshop) -> None:
    node = (await shop.find("BuiltinTag", "red")).id
    found = await observed(shop, externals=(external(RED, device("d1"), "tags"),))
    assert found.references == {RED: (node,)}


async def test_former_references_are_too(shop: Workshop) -> None:
    found = await observed(shop, formerly=(device("d1", tags=frozenset({RED})),))
    assert set(found.references) == {RED}


async def test_fields_that_are_or_were_declared_are_read_and_no_others(shop: Workshop) -> None:
    found = await observed(
        shop, device("d1", comment="x"), formerly=(device("d1", tags=frozenset({RED})),)
    )
    (own,) = found.objects.values()
    assert "comment" in own.attributes
    assert "tags" in own.relations
    assert "rack_unit" not in own.attributes
    assert "buddy" not in own.relations


class TestHolds:
    async def test_are_asked_for_what_goes(self, shop: Workshop) -> None:
        node = (await shop.find("NetDevice", "d1")).id
        other = await shop.make("CoreGeneratorGroup", name="theirs")
        await shop.make("NetCable", name="c1", device=node)
        async with shop.target.session(None, write=False) as session:
            found = await with_holds(session, Observed(), [node, other], "stateward/default/")
        assert len(found.holds[node].needed_by) == 1

    async def test_name_what_they_are_about(self, shop: Workshop) -> None:
        node = (await shop.find("NetDevice", "d1")).id
        cable = await shop.make("NetCable", name="c1", device=node)
        async with shop.target.session(None, write=False) as session:
            found = await with_holds(session, Observed(), [node], "stateward/default/")
        assert found.names[cable] == key("NetCable", "c1")

    async def test_are_not_asked_for_where_nothing_goes(self, shop: Workshop) -> None:
        async with shop.target.session(None, write=False) as session:
            asked = Asked(session, Watched(shop.target))
            assert await with_holds(asked, Observed(), [], "stateward/") == Observed()
        assert asked.times == 0


@dataclass
class Asked(WatchedSession):
    """A session that counts how often it is asked what stands in the way."""

    times: int = 0

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        self.times += 1
        return await self.inner.holds(ids, ours)


class TestKnown:
    async def _known(self, shop: Workshop, *references: ObjectKey | NodeId) -> dict[str, str]:
        needs = [External(reference=own, at=AT, subject=D1, field="name") for own in references]
        async with shop.target.session(schema(), write=False) as session:
            known = await known_of(session, needs)
        return {f"{own} {name}": value for (own, name), value in known.items()}

    async def test_is_what_identities_borrow(self, shop: Workshop) -> None:
        assert await self._known(shop, D1) == {"NetDevice/d1 name": "d1"}

    async def test_is_found_by_id(self, shop: Workshop) -> None:
        node = (await shop.find("NetDevice", "d1")).id
        assert await self._known(shop, NodeId(node)) == {f"{node} name": "d1"}

    async def test_is_nothing_of_what_is_not_there(self, shop: Workshop) -> None:
        assert await self._known(shop, key("NetDevice", "d9")) == {}

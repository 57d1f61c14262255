"""Resource pools where the contract's schema has nothing to show."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.mutation import Allocation, Create, Update
from stateward.targets.embedded import EmbeddedTarget
from targets import World, changed, new_id

POOL = "CoreNumberPool"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    number = {"kind": "Number", "optional": True, "unique": True, "parameters": {"min_value": 12}}
    schema = changed(lambda kinds: kinds["Tenant"]["attributes"].append({"name": "vlan", **number}))
    target = EmbeddedTarget(f"sqlite:///{tmp_path}/target.db")
    async with target.session(schema, write=True) as session:
        await session.load_schema()
        yield World(session)


async def pool(world: World, name: str, first: int, last: int) -> str:
    return await world.make(
        POOL,
        name=name,
        node="SuiteTenant",
        node_attribute="vlan",
        start_range=first,
        end_range=last,
    )


async def test_number_that_must_be_unique_is_given_to_nobody_twice(world: World) -> None:
    numbers = await pool(world, "vlans", 10, 14)
    await world.make("SuiteTenant", name="by-hand", vlan=13)
    for name, number in (("a", 12), ("b", 14)):
        tenant = await world.make("SuiteTenant", name=name, vlan=Allocation(pool=numbers))
        assert (await world.read(tenant, "vlan")).attributes["vlan"] == number
    more = {"name": "c", "vlan": Allocation(pool=numbers)}
    refusal = await world.refused(Create(id=new_id(), kind="SuiteTenant", attributes=more))
    assert (refusal.code, "exhausted" in refusal.message) == (Code.REJECTED, True)


async def test_number_from_another_pool_frees_that_of_the_first(world: World) -> None:
    first, second = await pool(world, "first", 20, 20), await pool(world, "second", 30, 30)
    tenant = await world.make("SuiteTenant", name="a", vlan=Allocation(pool=first))
    moved = Update(id=tenant, kind="SuiteTenant", attributes={"vlan": Allocation(pool=second)})
    await world.do(moved)
    found = await world.read(tenant, "vlan")
    assert (found.attributes["vlan"], found.pools) == (30, {"vlan": second})
    other = await world.make("SuiteTenant", name="b", vlan=Allocation(pool=first))
    assert (await world.read(other, "vlan")).attributes["vlan"] == 20


async def test_prefix_pool_that_does_not_say_what_to_make_is_refused(world: World) -> None:
    (namespace,) = await world.find("IpamNamespace", "default")
    network = await world.make("SuitePrefix", prefix="10.0.0.0/24")
    relations = {"resources": frozenset({network}), "ip_namespace": namespace}
    prefixes = await world.make("CoreIPPrefixPool", relations, name="prefixes")
    refusal = await world.refused(
        Create(
            id=new_id(),
            kind="SuiteTenant",
            attributes={"name": "a"},
            relations={"prefix": Allocation(pool=prefixes)},
        )
    )
    assert refusal.code == Code.REJECTED

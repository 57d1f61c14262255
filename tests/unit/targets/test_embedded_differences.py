"""Where the embedded target differs from the server on purpose: the table of its ADR."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.mutation import Allocation, Create, Delete, Relate, Update
from stateward.targets.embedded import EmbeddedTarget
from targets import World, new_id, schema

DEVICE = "SuiteDevice"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    target = EmbeddedTarget(f"sqlite:///{tmp_path}/target.db")
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        yield World(session)


async def test_group_is_a_member_of_a_group(world: World) -> None:
    ours = await world.group("ours")
    declared = await world.make("CoreStandardGroup", {}, (ours,), name=world.named("declared"))
    assert await world.members("ours") == {declared}
    assert await world.members("declared") == frozenset()
    assert await world.related(declared, "members") == frozenset()


async def test_nothing_is_no_mandatory_relationship(world: World) -> None:
    for kind, relations in (("SuiteTeam", {"sites": frozenset()}), (DEVICE, {"site": None})):
        attributes = {"name": world.named("empty")}
        empty = Create(id=new_id(), kind=kind, attributes=attributes, relations=relations)
        assert (await world.refused(empty)).code == Code.MANDATORY


async def test_child_is_not_cut_off_from_its_parent(world: World) -> None:
    device = await world.device()
    interface = await world.interface(device)
    cut = Relate(id=device, kind=DEVICE, relationship="interfaces", remove=(interface,))
    assert (await world.refused(cut)).code == Code.MANDATORY
    assert await world.related(interface, "device") == device


async def test_peers_that_are_added_count(world: World) -> None:
    device = await world.device()
    interfaces = [await world.interface(device, f"eth{n}") for n in range(3)]
    for interface in interfaces[:2]:
        await world.do(Relate(id=device, kind=DEVICE, relationship="spares", add=(interface,)))
    third = Relate(id=device, kind=DEVICE, relationship="spares", add=(interfaces[2],))
    assert (await world.refused(third)).code == Code.CONSTRAINT


async def test_relationship_with_itself_is_kept(world: World) -> None:
    device = await world.device()
    await world.do(Update(id=device, kind=DEVICE, relations={"neighbours": frozenset({device})}))
    assert await world.related(device, "neighbours") == {device}
    await world.do(Relate(id=device, kind=DEVICE, relationship="neighbours", remove=(device,)))
    assert await world.related(device, "neighbours") == frozenset()


async def test_peer_that_is_gone_is_removed_already(world: World) -> None:
    device = await world.device()
    tag = await world.make("BuiltinTag", name=world.named("tag"))
    await world.do(
        Delete(id=tag, kind="BuiltinTag"),
        Relate(id=device, kind=DEVICE, relationship="tags", remove=(tag, new_id())),
    )


async def test_identifier_counts_for_numbers_too(world: World) -> None:
    numbers = {"node": "SuiteTenant", "node_attribute": "number"}
    pool = await world.make(
        "CoreNumberPool", name=world.named("numbers"), start_range=10, end_range=20, **numbers
    )
    shared = Allocation(pool=pool, identifier="shared")
    tenants = [await world.make("SuiteTenant", name=name, number=shared) for name in "ab"]
    given = [(await world.read(tenant, "number")).attributes["number"] for tenant in tenants]
    assert given == [10, 10]

"""Where the embedded target differs from the server on purpose: the table of its ADR."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.mutation import Allocation, Create, Delete, Relate, Update
from stateward.ports import Target
from stateward.targets.embedded import EmbeddedTarget
from targets import Data, World, attribute, changed, new_id, schema

DEVICE = "SuiteDevice"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return EmbeddedTarget(f"sqlite:///{tmp_path}/target.db")


@pytest.fixture
async def world(target: Target) -> AsyncIterator[World]:
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


async def test_objects_are_brought_into_a_schema_that_they_do_not_conform_to(
    target: Target,
) -> None:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        device = await World(session).device(serial="ABC", ports=48)
        neighbours = frozenset({device})
        other = await World(session).device("spine")
        relate = Update(id=other, kind="SuiteDevice", relations={"neighbours": neighbours})
        await World(session).do(relate)

    def change(kinds: dict[str, Data]) -> None:
        device = kinds["Device"]
        device["human_friendly_id"] = ["site__name__value", "name__value"]
        device["attributes"] = [item for item in device["attributes"] if item["name"] != "serial"]
        device["attributes"].append({"name": "tier", "kind": "Number", "default_value": 3})
        attribute(device, "ports")["kind"] = "Text"
        device["relationships"] = [
            item for item in device["relationships"] if item["name"] != "neighbours"
        ]

    async with target.session(changed(change), write=True) as session:
        world = World(session)
        assert {
            "SuiteDevice.ports: kind Number → Text",
            "SuiteDevice.serial: removed",
            "SuiteDevice.neighbours: removed",
        } <= set(session.schema_changes)
        await session.load_schema()
        found = await world.read(device, "serial", "ports", "tier", "neighbours", "site")
        assert found.attributes["ports"] == "48"
        assert found.attributes["tier"] == 3
        assert "tier" in found.defaults
        assert "serial" not in found.attributes
        assert "neighbours" not in found.relations
        assert await world.find("SuiteDevice", *found.key.hfid) == (device,)
        assert len(found.key.hfid) == 2
    # What was dropped does not come back with the old schema.
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        found = await World(session).read(device, "serial", "ports", "neighbours")
        assert found.relations["neighbours"] == frozenset()
        assert found.attributes["serial"] is None
        assert found.attributes["ports"] == 48


async def test_kind_that_files_drop_stays_while_it_has_objects(target: Target) -> None:
    note = new_id()
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        await World(session).do(
            Create(id=note, kind="SuiteNote", attributes={"title": "t", "topic": "x"})
        )
    without = changed(lambda kinds: kinds["Note"].update(dropped=True))
    async with target.session(without, write=True) as session:
        assert session.schema.get("SuiteNote")
        assert session.schema.get("SuiteDevice")
        await session.load_schema()
        world = World(session)
        assert (await world.read(note, "title")).attributes["title"] == "t"
        assert not session.schema_differs
        await world.do(Delete(id=note, kind="SuiteNote"))
    async with target.session(without, write=False) as session:
        assert session.schema.get("SuiteNote") is None
        assert not session.schema_differs


async def test_kind_that_files_drop_is_told_beside_what_else_changes(target: Target) -> None:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()

    def change(kinds: dict[str, Data]) -> None:
        kinds["Note"].update(dropped=True)
        kinds["Tenant"]["attributes"][1]["optional"] = False

    async with target.session(changed(change), write=False) as session:
        assert "SuiteNote: removed" in session.schema_changes
        assert "SuiteTenant.number: optional True → False" in session.schema_changes


async def test_session_that_reads_sees_one_moment(target: Target) -> None:
    async with target.session(schema(), write=True) as writing:
        await writing.load_schema()
        site = await World(writing).site()
        async with target.session(schema(), write=False) as reading:
            assert not await World(reading).gone(site)
            late = await World(writing).site("late")
            assert await World(reading).gone(late)


async def test_lineage_is_cleared(world: World) -> None:
    login = {"name": world.named("robot"), "password": "secret"}
    account = await world.make("CoreAccount", **login)
    site = await world.make("SuiteSite", {"name.source": account}, name=world.named("ams"))
    assert await world.related(site, "name.source") == account
    await world.do(Update(id=site, kind="SuiteSite", relations={"name.source": None}))
    assert await world.related(site, "name.source") is None


async def test_default_that_changes_is_shown_at_once(target: Target) -> None:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        device = await World(session).device()

    def change(kinds: dict[str, Data]) -> None:
        attribute(kinds["Device"], "label")["default_value"] = "fancy"

    for write in (False, True):
        async with target.session(changed(change), write=write) as session:
            assert (await World(session).read(device, "label")).attributes["label"] == "fancy"
    async with target.session(changed(change), write=True) as session:
        await session.load_schema()
        assert (await World(session).read(device, "label")).attributes["label"] == "fancy"

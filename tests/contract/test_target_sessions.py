"""Sessions: what they leave alone, who may write, and how one schema gives way to the next."""

import asyncio
from typing import Any

import pytest

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.mutation import Create, Delete, Update
from stateward.model.schema import Schema
from stateward.ports import Query, Target
from targets import Data, World, attribute, changed, new_id


async def first_device(target: Target, declared: Schema, **attributes: Any) -> str:
    async with target.session(declared, write=True) as session:
        await session.load_schema()
        return await World(session).device(**attributes)


async def test_target_that_nobody_wrote_to_can_be_read(
    target: Target, suite_schema: Schema
) -> None:
    async with target.session(suite_schema, write=False) as session:
        assert session.schema_differs
        assert session.schema.get("SuiteDevice")
        assert await session.groups("stateward/") == {}
        assert (await session.observe(Query(kinds=["SuiteDevice"]))).objects == {}
    async with target.session(None, write=False) as session:
        assert session.schema.get("SuiteDevice") is None
        assert session.schema.get("CoreStandardGroup")
        assert not session.schema_differs


async def test_schema_is_loaded_once(target: Target, suite_schema: Schema) -> None:
    async with target.session(suite_schema, write=True) as session:
        assert session.schema_differs
        await session.load_schema()
        assert not session.schema_differs
        await session.load_schema()
    async with target.session(suite_schema, write=False) as session:
        assert not session.schema_differs
    async with target.session(None, write=False) as session:
        assert session.schema.kinds == suite_schema.kinds


async def test_what_is_written_is_there_in_the_next_session(
    target: Target, suite_schema: Schema
) -> None:
    device = await first_device(target, suite_schema, comment="yes")
    async with target.session(None, write=False) as session:
        assert (await World(session).read(device, "comment")).attributes["comment"] == "yes"


async def test_session_that_is_to_read_does_not_write(target: Target, suite_schema: Schema) -> None:
    device = await first_device(target, suite_schema)
    async with target.session(suite_schema, write=False) as session:
        with pytest.raises(TargetRefused) as refusal:
            await session.apply([Delete(id=device, kind="SuiteDevice")])
        assert refusal.value.code == Code.TARGET_READ_ONLY
        with pytest.raises(TargetRefused):
            await session.load_schema()
        assert not await World(session).gone(device)


async def test_there_is_one_writer(target: Target, suite_schema: Schema) -> None:
    async with target.session(suite_schema, write=True):
        with pytest.raises(TargetUnavailable) as refusal:
            async with target.session(suite_schema, write=True):
                pytest.fail("two sessions hold the lease")
        assert refusal.value.code == Code.TARGET_BUSY
    async with target.session(suite_schema, write=True):
        pass


async def test_readers_read_beside_the_writer(target: Target, suite_schema: Schema) -> None:
    async with target.session(suite_schema, write=True) as writing:
        await writing.load_schema()
        world = World(writing)
        site = await world.site()
        async with target.session(suite_schema, write=False) as reading:
            other = World(reading)
            assert not await other.gone(site)
            late = await world.site("late")
            assert await other.gone(late)


async def test_lease_is_given_back_after_an_error(target: Target, suite_schema: Schema) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with target.session(suite_schema, write=True):
                raise ZeroDivisionError


async def test_cancelled_session_is_closed_and_left_nothing_by_halves(
    target: Target, suite_schema: Schema
) -> None:
    group, tag = new_id(), new_id()
    started = asyncio.Event()

    async def write() -> None:
        async with target.session(suite_schema, write=True) as session:
            kind = "CoreStandardGroup"
            await session.apply([Create(id=group, kind=kind, attributes={"name": "ours"})])
            started.set()
            name = {"name": "blue"}
            await session.apply(
                [Create(id=tag, kind="BuiltinTag", attributes=name, groups=(group,))]
            )
            await asyncio.sleep(60)

    writing = asyncio.create_task(write())
    await started.wait()
    for _ in range(3):
        writing.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with target.session(suite_schema, write=True) as session:
        members = (await session.observe(Query(groups=["ours"]))).groups["ours"].members
        assert members == (frozenset() if await World(session).gone(tag) else {tag})


async def test_schema_to_be_loaded_is_seen_and_the_target_is_left_as_it_was(
    target: Target, suite_schema: Schema
) -> None:
    device = await first_device(target, suite_schema, comment="old")

    def rename(kinds: dict[str, Data]) -> None:
        kinds["Device"]["human_friendly_id"] = ["site__name__value", "name__value"]
        attribute(kinds["Device"], "label")["default_value"] = "fancy"
        attribute(kinds["Device"], "comment").update(default_value="none given")

    declared = changed(rename)
    for _ in range(2):
        async with target.session(declared, write=False) as session:
            assert session.schema_differs
            assert session.schema == declared
            found = await World(session).read(device, "label", "comment")
            assert len(found.key.hfid) == 2
            assert found.attributes["label"] == "fancy"
            assert found.attributes["comment"] == "old"
    async with target.session(None, write=False) as session:
        found = await World(session).read(device, "label")
        assert len(found.key.hfid) == 1
        assert found.attributes["label"] == "plain"


async def test_objects_are_brought_into_the_schema_that_is_loaded(
    target: Target, suite_schema: Schema
) -> None:
    device = await first_device(target, suite_schema, serial="ABC", ports=48)
    async with target.session(suite_schema, write=True) as session:
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
    async with target.session(suite_schema, write=True) as session:
        await session.load_schema()
        found = await World(session).read(device, "serial", "ports", "neighbours")
        assert found.relations["neighbours"] == frozenset()
        assert found.attributes["serial"] is None
        assert found.attributes["ports"] == 48


async def test_kind_that_files_drop_stays_while_it_has_objects(
    target: Target, suite_schema: Schema
) -> None:
    note = new_id()
    async with target.session(suite_schema, write=True) as session:
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
        await world.do(Delete(id=note, kind="SuiteNote"))
    async with target.session(without, write=False) as session:
        assert session.schema.get("SuiteNote") is None
        assert not session.schema_differs


async def test_constraint_that_is_new_holds_for_what_was_there_before(
    target: Target, suite_schema: Schema
) -> None:
    device = await first_device(target, suite_schema, comment="green")

    def unique(kinds: dict[str, Data]) -> None:
        attribute(kinds["Device"], "comment")["unique"] = True

    async with target.session(changed(unique), write=True) as session:
        await session.load_schema()
        world = World(session)
        site = await world.related(device, "site")
        twin = Create(
            id=new_id(),
            kind="SuiteDevice",
            attributes={"name": world.named("twin"), "comment": "green"},
            relations={"site": site},
        )
        assert (await world.refused(twin)).code == Code.UNIQUE
        await world.do(Update(id=device, kind="SuiteDevice", attributes={"comment": "red"}))
        await world.do(twin)

"""Sessions: what they leave alone, who may write, and how one schema gives way to the next."""

import asyncio
from typing import Any

import pytest

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Delete, Update
from stateward.model.schema import Schema
from stateward.ports import Query, Target
from targets import Data, Fresh, World, attribute, changed, new_id

pytestmark = pytest.mark.timeout(600)
"""Seconds: a server on a busy machine takes a minute or two for a schema."""


async def first_device(target: Target, declared: Schema, **attributes: Any) -> str:
    async with target.session(declared, write=True) as session:
        await session.load_schema()
        return await World(session).device(**attributes)


async def first_of_all(fresh: Fresh, **attributes: Any) -> str:
    async with fresh.target.session(fresh.schema, write=True) as session:
        await session.load_schema()
        return await fresh.world(session).device(**attributes)


async def test_target_that_nobody_wrote_to_can_be_read(fresh: Fresh) -> None:
    device = f"{fresh.namespace}Device"
    async with fresh.target.session(fresh.schema, write=False) as session:
        assert session.schema_differs
        assert f"{device}: added" in session.schema_changes
        assert session.schema.get(device)
        assert await session.groups(f"stateward/{fresh.namespace}/") == {}
        asked = Query(kinds=[device], keys=[ObjectKey(device, ("leaf",))])
        found = await session.observe(asked)
        assert (found.objects, found.references) == ({}, {})
    async with fresh.target.session(None, write=False) as session:
        assert session.schema.get(device) is None
        assert session.schema.get("CoreStandardGroup")
        assert not session.schema_differs
        assert not session.schema_changes


async def test_schema_is_loaded_once(fresh: Fresh) -> None:
    async with fresh.target.session(fresh.schema, write=True) as session:
        assert session.schema_differs
        await session.load_schema()
        assert not session.schema_differs
        await session.load_schema()
    async with fresh.target.session(fresh.schema, write=False) as session:
        assert not session.schema_differs
        assert not session.schema_changes
    async with fresh.target.session(None, write=False) as session:
        declared = {name for name in fresh.schema.kinds if fresh.namespace in name}
        assert declared <= session.schema.kinds.keys()
        for name in declared:
            assert session.schema.kinds[name] == fresh.schema.kinds[name]


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


async def test_some_writers_share(target: Target, suite_schema: Schema) -> None:
    await first_device(target, suite_schema)
    async with (
        target.session(None, write=True, shared=True) as one,
        target.session(None, write=True, shared=True) as two,
    ):
        site = await World(one).site()
        assert await World(two).device(site=site)
        with pytest.raises(TargetUnavailable) as refusal:
            async with target.session(None, write=True):
                pytest.fail("a writer that is to be alone is not")
        assert refusal.value.code == Code.TARGET_BUSY
    async with target.session(None, write=True):
        with pytest.raises(TargetUnavailable) as refusal:
            async with target.session(None, write=True, shared=True):
                pytest.fail("a writer that is alone has company")
        assert refusal.value.code == Code.TARGET_BUSY


def test_what_is_held_is_held_once(target: Target) -> None:
    one, other = new_id(), new_id()
    for _ in range(2):
        with target.hold(one), target.hold(other):
            with pytest.raises(TargetUnavailable) as refusal, target.hold(one):
                pytest.fail("two hold the same")
            assert refusal.value.code == Code.TARGET_BUSY


async def test_readers_read_beside_the_writer(target: Target, suite_schema: Schema) -> None:
    async with target.session(suite_schema, write=True) as writing:
        await writing.load_schema()
        site = await World(writing).site()
        async with target.session(suite_schema, write=False) as reading:
            assert not await World(reading).gone(site)


async def test_lease_is_given_back_after_an_error(target: Target, suite_schema: Schema) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with target.session(suite_schema, write=True):
                raise ZeroDivisionError


async def test_cancelled_session_is_closed_and_left_nothing_by_halves(
    target: Target, suite_schema: Schema
) -> None:
    group, tag = new_id(), new_id()
    ours, blue = f"ours-{group}", f"blue-{tag}"
    started = asyncio.Event()

    async def write() -> None:
        async with target.session(suite_schema, write=True) as session:
            kind = "CoreStandardGroup"
            await session.apply([Create(id=group, kind=kind, attributes={"name": ours})])
            started.set()
            name = {"name": blue}
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
        asked = Query(groups=[ours], ids=[tag])
        found, before = await session.observe(asked), None
        while found != before:  # what was sent before the end may still be on its way
            found, before = await session.observe(asked), found
        assert found.groups[ours].members == found.objects.keys()


@pytest.mark.long
async def test_schema_to_be_loaded_is_seen_and_the_target_is_left_as_it_was(
    target: Target, suite_schema: Schema
) -> None:
    device = await first_device(target, suite_schema, comment="old")

    def rename(kinds: dict[str, Data]) -> None:
        kinds["Device"]["human_friendly_id"] = ["site__name__value", "name__value"]
        attribute(kinds["Device"], "label")["default_value"] = "fancy"
        attribute(kinds["Device"], "comment").update(default_value="none given")
        kinds["Device"]["attributes"].append({"name": "tier", "kind": "Number", "optional": True})

    declared = changed(rename)
    for _ in range(2):
        async with target.session(declared, write=False) as session:
            assert session.schema_differs
            assert session.schema.kinds["SuiteDevice"] == declared.kinds["SuiteDevice"]
            assert {
                "SuiteDevice: hfid changes",
                "SuiteDevice.label: default plain → fancy",
                "SuiteDevice.comment: default None → none given",
                "SuiteDevice.tier: added",
            } <= set(session.schema_changes)
            found = await World(session).read(device, "tier", "comment")
            assert len(found.key.hfid) == 2
            assert found.attributes["tier"] is None
            assert "tier" in found.defaults
            assert found.attributes["comment"] == "old"
    async with target.session(None, write=False) as session:
        found = await World(session).read(device, "label")
        assert len(found.key.hfid) == 1
        assert found.attributes["label"] == "plain"


async def test_objects_are_brought_into_the_schema_that_is_loaded(fresh: Fresh) -> None:
    device = await first_of_all(fresh)
    kind = f"{fresh.namespace}Device"

    def change(kinds: dict[str, Data]) -> None:
        device = kinds["Device"]
        device["human_friendly_id"] = ["site__name__value", "name__value"]
        device["attributes"].append({"name": "tier", "kind": "Number", "default_value": 3})

    async with fresh.target.session(fresh.changed(change), write=True) as session:
        await session.load_schema()
        world = fresh.world(session)
        found = await world.read(device, "tier", "site")
        assert found.attributes["tier"] == 3
        assert "tier" in found.defaults
        assert len(found.key.hfid) == 2
        assert await world.find(kind, *found.key.hfid) == (device,)
        await world.do(Update(id=device, kind=kind, attributes={"tier": 4}))
        assert (await world.read(device, "tier")).attributes["tier"] == 4


@pytest.mark.long
async def test_constraint_that_is_new_holds_for_what_was_there_before(fresh: Fresh) -> None:
    device = await first_of_all(fresh, comment="green")
    kind = f"{fresh.namespace}Device"

    def unique(kinds: dict[str, Data]) -> None:
        attribute(kinds["Device"], "comment")["unique"] = True

    async with fresh.target.session(fresh.changed(unique), write=True) as session:
        await session.load_schema()
        world = fresh.world(session)
        site = await world.related(device, "site")
        twin = Create(
            id=new_id(),
            kind=kind,
            attributes={"name": world.named("twin"), "comment": "green"},
            relations={"site": site},
        )
        assert (await world.refused(twin)).code == Code.UNIQUE
        await world.do(Update(id=device, kind=kind, attributes={"comment": "red"}))
        await world.do(twin)

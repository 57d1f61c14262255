"""Tracking sessions: what becomes of members that a script does not mention any more."""

import asyncio

import pytest

from sessions import NOTHING_PROTECTED, Desk
from stateward.errors import Code, InvalidDesired, PruneBlocked, TargetRefused, TargetUnavailable
from stateward.model.mutation import Create, Delete, Update
from stateward.model.plan import Action
from stateward.model.unit import ADOPTED, Limits
from targets import new_id


async def test_members_that_are_not_used_are_deleted(desk: Desk) -> None:
    await desk.sites("ams", "fra")
    report = await desk.sites("ams")
    assert report.deleted == (desk.key("SuiteSite", "fra"),)
    assert await desk.there("SuiteSite", "ams")
    assert not await desk.there("SuiteSite", "fra")


async def test_an_empty_session_prunes_all(desk: Desk) -> None:
    await desk.sites("ams", "fra")
    report = await desk.sites()
    assert str(report) == "2 deleted"
    assert await desk.members(report.group) == set()


async def test_nothing_is_deleted_nor_forgotten_unless_asked(desk: Desk) -> None:
    await desk.sites("ams", "fra")
    async with desk.tracking() as session:
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
        (unused,) = session.unused_members
        assert session.members[unused] == desk.key("SuiteSite", "fra")
    assert len(await desk.members(session.group)) == 2


async def test_what_needs_others_goes_before_them(desk: Desk) -> None:
    async with desk.tracking(delete_unused_nodes=True) as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
        leaf = await session.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": site})
        await session.upsert("SuiteInterface", {"name": "eth0", "device": leaf})
    desk.sent()
    report = await desk.sites()
    deleted = [own.id for own in desk.sent() if isinstance(own, Delete)]
    assert deleted.index(leaf.id) < deleted.index(site.id)
    assert len(report.deleted) == 3
    assert not report.survivors


async def test_what_went_along_with_another_is_no_error(desk: Desk) -> None:
    async with desk.tracking() as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
        leaf = await session.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": site})
        await session.upsert("SuiteInterface", {"name": "eth0", "device": leaf})
        await session.delete(leaf)
    report = await desk.sites("ams")
    assert report.deleted == ()
    assert set(await desk.members(report.group)) == {site.id}


async def test_what_existed_before_is_released(desk: Desk) -> None:
    node = await desk.stranger("SuiteSite", name=desk.named("ams"))
    first = await desk.sites("ams")
    assert first.adopted == (desk.key("SuiteSite", "ams"),)
    assert await desk.members(first.group + ADOPTED) == {node}
    report = await desk.sites()
    assert report.released == (desk.key("SuiteSite", "ams"),)
    assert await desk.there("SuiteSite", "ams")
    assert await desk.members(first.group) == await desk.members(first.group + ADOPTED) == set()


async def test_what_two_sessions_want_goes_with_the_last(desk: Desk) -> None:
    await desk.sites("ams", identifier="one")
    second = await desk.sites("ams", identifier="two")
    assert await desk.group(second.group + ADOPTED) is None
    assert (await desk.sites(identifier="one")).released == (desk.key("SuiteSite", "ams"),)
    assert await desk.there("SuiteSite", "ams")
    assert (await desk.sites(identifier="two")).deleted == (desk.key("SuiteSite", "ams"),)


async def test_what_a_group_of_the_sdk_holds_is_released(desk: Desk) -> None:
    await desk.sites("ams")
    found = await desk.find("SuiteSite", "ams")
    assert found is not None
    group = Create(
        id=new_id(),
        kind="CoreStandardGroup",
        attributes={"name": f"{desk.named('sdk')}-{'0' * 32}"},
    )
    await desk.change(group)
    await desk.change(
        Update(id=found.id, kind="SuiteSite", relations={"member_of_groups": frozenset({group.id})})
    )
    report = await desk.sites()
    # The membership was replaced by hand: nothing of ours is left in the group.
    assert report.deleted == ()
    assert await desk.there("SuiteSite", "ams")


async def test_a_refused_delete_survives_and_is_tried_again(desk: Desk) -> None:
    async with desk.tracking(delete_unused_nodes=True) as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
        await session.upsert("SuiteSite", {"name": desk.named("fra")})
    leaf = await desk.stranger("SuiteDevice", {"site": site.id}, name=desk.named("leaf"))

    report = await desk.sites()
    assert report.deleted == (desk.key("SuiteSite", "fra"),)
    (survivor,) = report.survivors
    assert (survivor.key, survivor.id) == (site.key, site.id)
    assert desk.named("leaf") in survivor.reason
    assert await desk.members(report.group) == {site.id}

    await desk.change(Delete(id=leaf, kind="SuiteDevice"))
    assert (await desk.sites()).deleted == (desk.key("SuiteSite", "ams"),)


class TestGuard:
    async def test_holds_back_a_prune_beyond_the_limits(self, desk: Desk) -> None:
        limits = Limits(deletes=1, percent=50)
        await desk.sites("ams", "fra", "lon")
        desk.sent()
        with pytest.raises(PruneBlocked, match="more than 1 objects and more than 50 %") as caught:
            await desk.sites("ams", limits=limits)
        report = caught.value.report
        assert report.blocked is not None
        assert report.blocked.figures["deletes"] == 2
        assert desk.sent() == []
        assert len(await desk.members(report.group)) == 3

    async def test_lets_through_what_is_allowed_once(self, desk: Desk) -> None:
        await desk.sites("ams", "fra", "lon")
        session = desk.tracking(delete_unused_nodes=True, limits=Limits(deletes=0, percent=0))
        await session.start()
        assert str(await session.end(allow_deletes=3)) == "3 deleted"

    async def test_never_lets_protected_kinds_go(self, desk: Desk) -> None:
        protected = frozenset({"SuiteSite"})
        await desk.sites("ams")
        message = "protected kinds are among them: SuiteSite: only limits whose protected_kinds are"
        with pytest.raises(PruneBlocked, match=f"{message} empty let them go"):
            await desk.sites(limits=Limits(deletes=9, percent=99, protected_kinds=protected))

    async def test_protects_groups_where_nothing_else_is_said(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            await session.upsert("CoreStandardGroup", {"name": desk.named("crew")})
        with pytest.raises(PruneBlocked, match="CoreStandardGroup"):
            await desk.sites(limits=Limits(deletes=9, percent=99))
        report = await desk.sites(limits=NOTHING_PROTECTED)
        assert [own.hfid for own in report.deleted] == [(desk.named("crew"),)]


class TestNoPrune:
    async def test_after_an_error_of_the_script(self, desk: Desk) -> None:
        await desk.sites("ams")
        session = desk.tracking(delete_unused_nodes=True)
        with pytest.raises(ZeroDivisionError):
            await desk.broken(session, "fra")
        assert session.report.withheld == "the script ended by ZeroDivisionError"
        assert await desk.there("SuiteSite", "ams")
        made = await desk.find("SuiteSite", "fra")
        assert made is not None
        assert made.id in await desk.members(session.group)

    async def test_after_a_mistake_that_the_script_went_on_from(self, desk: Desk) -> None:
        await desk.sites("ams")
        async with desk.tracking(delete_unused_nodes=True) as session:
            with pytest.raises(InvalidDesired):
                await session.upsert("SuiteSite", {"name": desk.named("ams"), "nmae": "x"})
        assert session.report.withheld is not None
        assert "nmae" in session.report.withheld
        assert await desk.there("SuiteSite", "ams")

    async def test_after_a_call_that_was_cancelled(self, desk: Desk) -> None:
        await desk.sites("ams")
        session = await desk.tracking(delete_unused_nodes=True).start()
        call = asyncio.create_task(session.upsert("SuiteSite", {"name": desk.named("ams")}))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(TargetUnavailable, match="CancelledError"):
            await session.end()
        assert await desk.there("SuiteSite", "ams")

    async def test_but_after_an_object_that_was_not_there(self, desk: Desk) -> None:
        await desk.sites("ams")
        async with desk.tracking(delete_unused_nodes=True) as session:
            with pytest.raises(TargetRefused):
                await session.get("SuiteSite", name__value=desk.named("fra"))
        assert session.report.deleted == (desk.key("SuiteSite", "ams"),)

    async def test_after_a_refusal_that_the_script_went_on_from(self, desk: Desk) -> None:
        await desk.sites("ams")
        await desk.stranger("SuiteRoom", name=desk.named("taken"))
        async with desk.tracking(delete_unused_nodes=True) as session:
            with pytest.raises(TargetRefused):
                await session.upsert("SuiteSite", {"name": desk.named("taken")})
        assert session.report.withheld is not None
        assert desk.named("taken") in session.report.withheld
        assert await desk.there("SuiteSite", "ams")


class TestPreview:
    async def test_is_what_the_end_does(self, desk: Desk) -> None:
        await desk.sites("ams", "fra")
        desk.sent()
        async with desk.tracking(delete_unused_nodes=True) as session:
            await session.upsert("SuiteSite", {"name": desk.named("ams")})
            plan = await session.preview()
            assert [(own.action, own.key) for own in plan.changes] == [
                (Action.DELETE, desk.key("SuiteSite", "fra"))
            ]
            assert desk.sent() == []
        assert session.report.deleted == (desk.key("SuiteSite", "fra"),)


class TestDelete:
    async def test_of_a_member(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            await session.delete(site)
            await session.delete(site.id)
            assert session.members == {}
        assert not await desk.there("SuiteSite", "ams")
        assert session.report.deleted == (site.key,)

    async def test_of_a_stranger_only_by_force(self, desk: Desk) -> None:
        node = await desk.stranger("SuiteSite", name=desk.named("ams"))
        async with desk.tracking() as session:
            with pytest.raises(TargetRefused) as caught:
                await session.delete(node)
            assert caught.value.code is Code.STRANGER
            assert await desk.there("SuiteSite", "ams")
            await session.delete(node, force=True)
        assert not await desk.there("SuiteSite", "ams")

    async def test_of_what_others_need_is_refused(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            await desk.stranger("SuiteDevice", {"site": site.id}, name=desk.named("leaf"))
            with pytest.raises(TargetRefused, match=desk.named("leaf")):
                await session.delete(site)
            assert site.id in session.members


class TestMembersByHand:
    async def test_are_released_when_they_are_not_used(self, desk: Desk) -> None:
        node = await desk.stranger("SuiteSite", name=desk.named("ams"))
        async with desk.tracking() as session:
            await session.add_members(node)
        assert await desk.members(session.group) == {node}
        assert (await desk.sites()).released == (desk.key("SuiteSite", "ams"),)

    async def test_are_deleted_when_the_script_owns_them(self, desk: Desk) -> None:
        node = await desk.stranger("SuiteSite", name=desk.named("ams"))
        async with desk.tracking() as session:
            await session.add_members(node, owned=True)
            assert session.previous_members == frozenset()
        assert (await desk.sites()).deleted == (desk.key("SuiteSite", "ams"),)

    async def test_leave_and_stay_where_they_are(self, desk: Desk) -> None:
        await desk.sites("ams")
        async with desk.tracking() as session:
            (node,) = session.previous_members
            await session.remove_members(node)
            await session.remove_members(node)
        assert await desk.members(session.group) == set()
        assert await desk.there("SuiteSite", "ams")

    async def test_twice_are_written_once(self, desk: Desk) -> None:
        node = await desk.stranger("SuiteSite", name=desk.named("ams"))
        for _ in range(2):
            async with desk.tracking(delete_unused_nodes=True) as session:
                await session.add_members(node)
        desk.sent()
        async with desk.tracking(delete_unused_nodes=True) as session:
            await session.add_members(node)
        assert desk.sent() == []

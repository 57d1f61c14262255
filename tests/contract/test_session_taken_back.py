"""Tracking sessions that are taken back: by their script, by an error, or afterwards."""

from typing import Any

import pytest

from sessions import NOTHING_PROTECTED, Desk
from stateward.errors import Code, ConfigError, TargetUnavailable
from stateward.model.mutation import Delete, Relate, Update
from stateward.model.plan import Action
from stateward.model.unit import ADOPTED
from stateward.tracking.library import TrackingSession


async def script(desk: Desk, session: TrackingSession) -> None:
    """Make, change, adopt, relate and delete something."""
    site = await session.upsert("SuiteSite", {"name": desk.named("ams"), "description": "new"})
    leaf = await session.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": site})
    await session.upsert("SuiteSite", {"name": desk.named("found"), "description": "ours"})
    await session.relate(leaf, "neighbours", leaf)
    await session.delete((await session.get("SuiteSite", name__value=desk.named("fra"))).id)


async def before(desk: Desk) -> None:
    await desk.stranger("SuiteSite", name=desk.named("found"), description="theirs")
    async with desk.tracking() as session:
        for name in ("ams", "fra"):
            data = {"name": desk.named(name), "description": f"old {name}"}
            await session.upsert("SuiteSite", data)


async def stands(desk: Desk) -> dict[str, object]:
    """Return what is there, by name: the description of each site, and who is a member."""
    found: dict[str, object] = {}
    for name in ("ams", "fra", "found"):
        own = await desk.find("SuiteSite", name, fields=["description"])
        found[name] = own and own.attributes["description"]
    found["leaf"] = await desk.there("SuiteDevice", "leaf")
    group = await desk.group(desk.named("site"))
    adopted = await desk.group(desk.named("site") + ADOPTED)
    assert group is not None
    found["members"] = len(group.members)
    found["adopted"] = len(adopted.members) if adopted else 0
    found["description"] = group.description
    return found


BEFORE = {
    "ams": "old ams",
    "fra": "old fra",
    "found": "theirs",
    "leaf": False,
    "members": 2,
    "adopted": 0,
    "description": "",
}
AFTER = {
    **BEFORE,
    "ams": "new",
    "fra": None,
    "found": "ours",
    "leaf": True,
    "members": 3,
    "adopted": 1,
}


async def test_a_script_takes_back_what_it_did(desk: Desk) -> None:
    await before(desk)
    session = await desk.tracking().start()
    await script(desk, session)
    assert await stands(desk) == AFTER
    plan, _ = await session.rollback()
    assert plan.problems == ()
    assert await stands(desk) == BEFORE
    assert session.report.withheld == "the session was taken back"
    with pytest.raises(ConfigError, match="has ended"):
        await session.rollback()
    # It is nobody's any more.
    async with desk.tracking():
        pass


async def test_an_error_takes_back_what_was_done_where_it_is_asked_to(desk: Desk) -> None:
    async def broken() -> None:
        async with desk.tracking(on_error="rollback", delete_unused_nodes=True) as session:
            await script(desk, session)
            _ = 1 / 0

    await before(desk)
    with pytest.raises(ZeroDivisionError):
        await broken()
    assert await stands(desk) == BEFORE


async def test_what_a_script_made_itself_is_never_protected_from_it(desk: Desk) -> None:
    session = await desk.tracking().start()
    await session.upsert("SuiteSite", {"name": desk.named("ams")})
    await session.upsert("CoreStandardGroup", {"name": desk.named("crew")})
    plan, _ = await session.rollback()
    assert (plan.blocked, plan.problems) == ((), ())
    assert not await desk.there("SuiteSite", "ams")
    assert not await desk.there("CoreStandardGroup", "crew")


async def test_a_group_that_was_adopted_and_deleted_is_adopted_again(desk: Desk) -> None:
    there = await desk.stranger("CoreStandardGroup", name=desk.named("crew"))
    async with desk.tracking() as session:
        await session.upsert("CoreStandardGroup", {"name": desk.named("crew")})
    async with desk.tracking() as session:
        await session.delete(there, force=True)
    record = (await desk.client.history(desk.named("site")))[0]
    deletes = [own for own in record.changes if own.action is Action.DELETE]
    assert [(own.adopted, own.foreign) for own in deletes] == [(True, False)]
    await desk.client.rollback(record)
    assert len(await desk.members(session.group + ADOPTED)) == 1
    report = await desk.sites()
    assert [own.hfid for own in report.released] == [(desk.named("crew"),)]
    assert await desk.there("CoreStandardGroup", "crew")


async def test_a_session_is_taken_back_afterwards_and_so_is_that(desk: Desk) -> None:
    await before(desk)
    async with desk.tracking() as session:
        await script(desk, session)
    run = (await desk.client.history(desk.named("site")))[0]
    _, report = await desk.client.rollback(run)
    assert await stands(desk) == BEFORE
    (taken,) = report.runs
    assert taken.summary["delete"] == 1
    plan, _ = await desk.client.rollback(taken.id)
    assert plan.problems == ()
    assert await stands(desk) == AFTER


async def test_what_was_pruned_comes_back(desk: Desk) -> None:
    await desk.sites("ams", "fra")
    await desk.sites()
    (run, *_) = await desk.client.history(desk.named("site"))
    await desk.client.rollback(run.id[:8])
    report = await desk.sites("ams", "fra")
    assert len(report.unchanged) == 2


async def test_what_led_to_an_object_leads_to_it_again(desk: Desk) -> None:
    """What others refer to it by is cleared by a delete, and nothing of the object shows it."""
    network = f"fd00:{desk._mark[:4]}:{desk._mark[4:]}::1/64"
    site = await desk.stranger("SuiteSite", name=desk.named("ams"))
    other = await desk.stranger("BuiltinTag", name=desk.named("other"))
    async with desk.tracking() as session:
        tag = await session.upsert("BuiltinTag", {"name": desk.named("edge")})
        address = await session.upsert(
            "SuiteAddress", {"address": network, "ip_namespace": "default"}
        )
    tags = {"site": site, "tags": frozenset({tag.id, other})}
    leaf = await desk.stranger("SuiteDevice", tags, name=desk.named("leaf"))
    tenant = await desk.stranger("SuiteTenant", {"address": address.id}, name=desk.named("acme"))

    async def led() -> tuple[set[str], str | None]:
        device = await desk.find("SuiteDevice", "leaf", fields=["tags"])
        own = await desk.find("SuiteTenant", "acme", fields=["address"])
        assert device is not None
        assert own is not None
        assert (device.id, own.id) == (leaf, tenant)
        return set(device.relations["tags"]), own.relations["address"]

    async with desk.tracking(delete_unused_nodes=True):
        pass
    assert await led() == ({other}, None)
    (pruned, *_) = await desk.client.history(desk.named("site"))
    cleared = {own.key: own for own in pruned.changes if own.action is Action.UPDATE}
    assert cleared.keys() == {desk.key("SuiteDevice", "leaf"), desk.key("SuiteTenant", "acme")}
    assert all(own.along is not None for own in cleared.values())

    # What came since stays.
    third = await desk.stranger("BuiltinTag", name=desk.named("third"))
    await desk.change(Relate(id=leaf, kind="SuiteDevice", relationship="tags", add=(third,)))
    plan, report = await desk.client.rollback(pruned)
    assert plan.problems == ()
    again = await desk.find("BuiltinTag", "edge")
    assert again is not None
    tags_now, address_now = await led()
    assert tags_now == {again.id, other, third}
    assert address_now is not None
    assert address_now != address.id

    await desk.client.rollback(report.runs[0].id)
    assert await led() == ({other, third}, None)
    assert await desk.find("BuiltinTag", "edge") is None


async def test_what_somebody_changed_since_stays(desk: Desk) -> None:
    await before(desk)
    async with desk.tracking() as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams"), "description": "new"})
    await desk.change(Update(id=site.id, kind=site.kind, attributes={"description": "theirs"}))
    (run, *_) = await desk.client.history(desk.named("site"))
    plan, _ = await desk.client.rollback(run)
    (conflict,) = plan.problems
    assert "description" in conflict.message
    assert (await stands(desk))["ams"] == "theirs"
    await desk.client.rollback(run, force=True)
    assert (await stands(desk))["ams"] == "old ams"


async def test_it_is_held_to_the_limits(desk: Desk) -> None:
    async with desk.tracking() as session:
        batch = session.batch()
        for number in range(11):
            batch.upsert("SuiteSite", {"name": desk.named(f"s{number}")})
        await batch.execute()
    (run,) = await desk.client.history(desk.named("site"))
    plan, _ = await desk.client.rollback(run)
    assert plan.blocked
    assert await desk.there("SuiteSite", "s0")
    _, report = await desk.client.rollback(run, allow_deletes=11)
    assert report.runs[0].summary["delete"] == 11


async def test_not_while_the_session_goes_on(desk: Desk, other: Desk) -> None:
    async with desk.tracking() as session:
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
        (run,) = await other.client.history(desk.named("site"))
        with pytest.raises(TargetUnavailable) as caught:
            await other.client.rollback(run)
        assert caught.value.code is Code.TARGET_BUSY


async def test_nothing_done_is_nothing_to_take_back(desk: Desk) -> None:
    session = await desk.tracking().start()
    plan, report = await session.rollback()
    assert (plan.is_empty, report.writes) == (True, 0)
    assert desk.sent() == []


async def test_a_group_that_somebody_deleted_is_made_as_it_was(desk: Desk) -> None:
    given: dict[str, Any] = {"params": {"n": 1}, "group_type": "CoreGeneratorGroup"}
    async with desk.tracking(**given) as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
    async with desk.tracking(**given) as session:
        await session.delete(site)
    name = session.group
    group = await desk.client.get("CoreGeneratorGroup", name__value=name)
    await desk.change(Delete(id=group.id, kind="CoreGeneratorGroup"))
    await desk.client.rollback((await desk.client.history(desk.named("site")))[0])
    group = await desk.client.get("CoreGeneratorGroup", name__value=name)
    assert (group.attributes["description"], group.attributes["group_type"]) == ("n: 1", "internal")
    assert len(await desk.members(name)) == 1
    async with desk.tracking(**given) as session:
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
    assert len(session.report.unchanged) == 1


async def test_a_group_that_was_made_comes_back(desk: Desk) -> None:
    """To a server it is below its tracking group, and is made there again."""
    crew = desk.named("crew")
    async with desk.tracking() as session:
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
        await session.upsert("CoreStandardGroup", {"name": crew, "label": "the crew"})
    pruned = await desk.sites("ams", limits=NOTHING_PROTECTED)
    assert [own.hfid for own in pruned.deleted] == [(crew,)]
    (run,) = await desk.client.history(limit=1)
    plan, _ = await desk.client.rollback(run.id)
    assert plan.problems == ()
    assert await desk.client.get("CoreStandardGroup", name__value=crew)
    assert len(await desk.members(pruned.group)) == 2


class TestWhatWasNobodys:
    """A script may delete by force what it never had: that it gets back as it was."""

    async def test_is_nobodys_again(self, desk: Desk) -> None:
        there = await desk.stranger("SuiteSite", name=desk.named("found"), description="theirs")
        session = desk.tracking()
        async with session:
            await session.delete(there, force=True)
        (record,) = await desk.client.history(desk.named("site"))
        await desk.client.rollback(record)
        back = await desk.find("SuiteSite", "found", fields=["description"])
        assert back is not None
        assert back.attributes["description"] == "theirs"
        assert await desk.group(session.group) is None, "a group was made for nothing"
        report = await desk.sites()
        assert (report.deleted, report.released) == ((), ())
        assert await desk.there("SuiteSite", "found")

    async def test_goes_once_more_with_the_rollback_of_the_rollback(self, desk: Desk) -> None:
        there = await desk.stranger("SuiteSite", name=desk.named("found"))
        async with desk.tracking() as session:
            await session.delete(there, force=True)
        for expected in (True, False, True):
            await desk.client.rollback((await desk.client.history(desk.named("site")))[0])
            assert await desk.there("SuiteSite", "found") is expected
        assert await desk.group(session.group) is None

    async def test_stays_whoever_claims_it_since(self, desk: Desk) -> None:
        """What another session has taken over is not ours to delete, nor to have."""
        there = await desk.stranger("SuiteSite", name=desk.named("found"))
        async with desk.tracking() as session:
            await session.delete(there, force=True)
        run = (await desk.client.history(desk.named("site")))[0]
        await desk.client.rollback(run)
        async with desk.tracking("other") as other:
            await other.upsert("SuiteSite", {"name": desk.named("found")})
        plan, report = await desk.client.rollback(
            (await desk.client.history(run.opening.subject))[0]
        )
        assert (plan.changes, report.writes) == ((), 0)
        assert "claims it" in plan.problems[0].message
        assert await desk.group(session.group) is None
        assert len(await desk.members(other.group)) == 1

    async def test_is_nobodys_where_an_error_takes_it_back(self, desk: Desk) -> None:
        there = await desk.stranger("SuiteSite", name=desk.named("found"))
        session = desk.tracking(on_error="rollback")

        async def fail() -> None:
            async with session:
                await session.upsert("SuiteSite", {"name": desk.named("own")})
                await session.delete(there, force=True)
                _ = 1 / 0

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await desk.there("SuiteSite", "found")
        assert await desk.members(session.group) == set()

    async def test_and_was_taken_over_is_so_again(self, desk: Desk) -> None:
        there = await desk.stranger("SuiteSite", name=desk.named("found"))
        async with desk.tracking() as session:
            await session.upsert("SuiteSite", {"name": desk.named("found")})
        async with desk.tracking() as session:
            await session.delete(there, force=True)
        await desk.client.rollback((await desk.client.history(desk.named("site")))[0])
        assert len(await desk.members(session.group + ADOPTED)) == 1
        report = await desk.sites()
        assert [own.hfid for own in report.released] == [(desk.named("found"),)]
        assert await desk.there("SuiteSite", "found")

    async def test_is_nobodys_where_it_went_along(self, desk: Desk) -> None:
        site = await desk.stranger("SuiteSite", name=desk.named("ams"))
        device = await desk.stranger("SuiteDevice", {"site": site}, name=desk.named("leaf"))
        await desk.stranger("SuiteInterface", {"device": device}, name="eth0")
        async with desk.tracking() as session:
            await session.delete(device, force=True)
        assert not await desk.there("SuiteDevice", "leaf")
        (record,) = await desk.client.history(desk.named("site"))
        plan, _ = await desk.client.rollback(record)
        assert (len(plan.changes), plan.problems) == (2, ())
        assert await desk.there("SuiteDevice", "leaf")
        assert await desk.group(session.group) is None

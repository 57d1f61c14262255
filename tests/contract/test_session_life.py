"""Tracking sessions: their groups, their leases, and their ends."""

import asyncio

import pytest

from sessions import Desk
from stateward.errors import Code, ConfigError, TargetUnavailable
from stateward.model.mutation import Create, Update
from stateward.model.plan import Action
from stateward.model.run import Outcome
from stateward.ports import Query
from targets import new_id

ACME = {"tenant": "acme", "rack": 4}


class TestGroup:
    async def test_is_called_as_the_sdk_calls_it(self, desk: Desk) -> None:
        report = await desk.sites("ams", params=ACME)
        prefix, _, digest = report.group.rpartition("-")
        assert (prefix, len(digest)) == (desk.named("site"), 32)
        found = await desk.group(report.group)
        assert found is not None
        assert found.description == "tenant: acme, rack: 4"

    async def test_that_the_sdk_made_is_taken_over(self, desk: Desk) -> None:
        node = await desk.stranger("SuiteSite", name=desk.named("ams"))
        session = desk.tracking(params=ACME)
        group = new_id()
        values = {"name": session.group, "description": "tenant: acme, rack: 4"}
        await desk.change(
            Create(
                id=group,
                kind="CoreStandardGroup",
                attributes=values,
                relations={"members": frozenset({node})},
            )
        )
        report = await desk.sites("ams", params=ACME)
        assert report.unchanged == (desk.key("SuiteSite", "ams"),)
        # What is for tools only is said to be, once; no member is written to.
        assert desk.sent() == [
            Update(id=group, kind="CoreStandardGroup", attributes={"group_type": "internal"})
        ]
        assert await desk.members(report.group) == {node}
        await desk.sites("ams", params=ACME)
        assert desk.sent() == []

    async def test_may_be_of_another_kind_and_have_fields(self, desk: Desk) -> None:
        given = {"group_type": "CoreGeneratorGroup", "group_params": {"label": "Mine"}}
        for _ in range(2):
            report = await desk.sites("ams", **given)
        assert report.writes == 0
        async with desk.watched.inner.session(None, write=False) as session:
            query = Query(groups=[report.group], kinds=["CoreGeneratorGroup"], fields={})
            found = await session.observe(query)
        group = found.objects[found.groups[report.group].id]
        assert (group.key.kind, group.attributes["label"]) == ("CoreGeneratorGroup", "Mine")

    @pytest.mark.parametrize(
        "given",
        [
            {"group_type": "SuiteSite"},
            {"group_type": "CoreNothing"},
            {"group_params": {"colour": "red"}},
        ],
    )
    async def test_must_be_one(self, desk: Desk, given: dict[str, object]) -> None:
        with pytest.raises(ConfigError) as caught:
            await desk.sites("ams", **given)
        assert caught.value.code is Code.SESSION
        assert desk.sent() == []

    async def test_of_another_kind_is_no_ones_to_write_to(self, desk: Desk) -> None:
        await desk.sites("ams")
        with pytest.raises(ConfigError, match="a group of another kind"):
            await desk.sites("ams", group_type="CoreGeneratorGroup")

    async def test_is_not_made_for_nothing(self, desk: Desk) -> None:
        report = await desk.sites()
        assert await desk.group(report.group) is None
        assert desk.sent() == []


class TestSideBySide:
    async def test_sessions_do_not_see_each_other(self, desk: Desk) -> None:
        async def script(name: str) -> None:
            async with desk.tracking(name, delete_unused_nodes=True) as session:
                await meeting.wait()
                site = await session.upsert("SuiteSite", {"name": desk.named(name)})
                assert session.members.keys() == {site.id}

        for _ in range(2):
            meeting = asyncio.Barrier(2)
            await asyncio.gather(script("one"), script("two"))
        assert await desk.there("SuiteSite", "one")
        assert await desk.there("SuiteSite", "two")

    async def test_what_two_make_at_once_is_made_once_and_shared(self, desk: Desk) -> None:
        names = [desk.named(f"s{n}") for n in range(4)]

        async def script(name: str) -> set[str]:
            async with desk.tracking(name, delete_unused_nodes=True) as session:
                await meeting.wait()
                made = [await session.upsert("SuiteSite", {"name": own}) for own in names]
            return {own.id for own in made}

        meeting = asyncio.Barrier(2)
        one, two = await asyncio.gather(script("one"), script("two"))
        assert one == two
        released = await desk.sites(identifier="one")
        assert len(released.released) == 4
        assert len((await desk.sites(identifier="two")).deleted) == 4

    async def test_that_is_asked_for_what_there_is_not_is_not_opened(self, desk: Desk) -> None:
        with pytest.raises(ConfigError, match="on_error: 'Keep': is one of keep, rollback"):
            desk.tracking(on_error="Keep")

    async def test_one_group_has_one_session(self, desk: Desk, other: Desk) -> None:
        async with desk.tracking() as session:
            for client in (desk.client, other.client):
                with pytest.raises(TargetUnavailable) as caught:
                    await client.start_tracking(session.group).start()
                assert caught.value.code is Code.TARGET_BUSY
                assert str(caught.value).endswith(f"group {session.group}: held by this process")
            await session.upsert("SuiteSite", {"name": desk.named("ams")})
        async with other.client.start_tracking(session.group) as session:
            assert len(session.members) == 1

    async def test_a_round_has_the_target_for_itself(self, desk: Desk) -> None:
        target = desk.watched.inner
        async with desk.tracking():
            with pytest.raises(TargetUnavailable):
                async with target.session(None, write=True):
                    pass
        async with target.session(None, write=True):
            with pytest.raises(TargetUnavailable):
                await desk.tracking().start()
        async with desk.tracking():
            pass

    async def test_calls_of_many_tasks_take_turns(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            names = [{"name": desk.named(f"s{n % 3}")} for n in range(9)]
            nodes = await asyncio.gather(*(session.upsert("SuiteSite", own) for own in names))
        assert len({own.id for own in nodes}) == 3
        assert len(session.report.created) == 3


class TestEnd:
    async def test_by_hand(self, desk: Desk) -> None:
        session = desk.tracking(delete_unused_nodes=True)
        assert await session.start() is session
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
        report = await session.end()
        assert report is session.report
        assert str(report) == "1 created"

    async def test_is_once(self, desk: Desk) -> None:
        session = desk.tracking()
        for early in (session.end, session.preview):
            with pytest.raises(ConfigError, match="has not been started"):
                await early()
        await session.start()
        await session.end()
        for late in (session.end, session.preview):
            with pytest.raises(ConfigError, match="has ended"):
                await late()
        with pytest.raises(ConfigError, match="started once"):
            await session.start()

    async def test_is_written_down(self, desk: Desk) -> None:
        await desk.sites("ams")
        await desk.sites("ams")
        with pytest.raises(ZeroDivisionError):
            await desk.broken(desk.tracking(), "fra")
        failed, same, applied = await desk.client.history(desk.named("site"))
        assert (applied.outcome, failed.outcome) == (Outcome.APPLIED, Outcome.FAILED)
        assert (same.outcome, same.changes) == (Outcome.UNCHANGED, ())
        assert failed.error == "ended by ZeroDivisionError"
        assert applied.opening.cause.actor == "ada"
        (made,) = applied.changes
        assert (made.action, made.key) == (Action.CREATE, desk.key("SuiteSite", "ams"))
        assert await desk.client.history(desk.named("site"), limit=1) == [failed]
        assert await desk.client.history(desk.named("nobody")) == []

    async def test_that_never_came_is_found_and_made_up_for(self, desk: Desk, other: Desk) -> None:
        session = desk.tracking()
        await session.start()
        await session.upsert("SuiteSite", {"name": desk.named("ams")})
        assert await other.client.interrupted() == []
        await session._running._stack.aclose()  # as the system does when a process dies
        (found,) = await other.client.interrupted()
        assert found.opening.subject == desk.named("site")
        async with other.client.start_tracking(session.group) as again:
            assert len(again.members) == 1
            assert await other.client.interrupted() == []
        later, closed = await desk.client.history(session.group)
        assert later.outcome == Outcome.UNCHANGED
        assert closed.error == "interrupted: the next session went on"

    async def test_of_a_task_that_is_cancelled_frees_the_group(self, desk: Desk) -> None:
        async def script() -> None:
            async with desk.tracking() as session:
                await session.upsert("SuiteSite", {"name": desk.named("ams")})
                started.set()
                await asyncio.Event().wait()

        started = asyncio.Event()
        task = asyncio.create_task(script())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with desk.tracking() as session:
            assert len(session.members) == 1


class TestLostTarget:
    async def test_ends_the_session_without_a_prune(self, desk: Desk) -> None:
        await desk.sites("ams")
        session = desk.tracking(delete_unused_nodes=True)
        await session.start()
        desk.watched.lose = lambda _number: "after"
        with pytest.raises(TargetUnavailable):
            await session.upsert("SuiteSite", {"name": desk.named("fra")})
        desk.watched.lose = lambda _number: None
        with pytest.raises(TargetUnavailable, match="cannot go on"):
            await session.end()
        report = await desk.sites("ams", "fra")
        assert len(report.unchanged) == 2
        assert await desk.members(report.group) == {
            own.id
            for name in ("ams", "fra")
            if (own := await desk.find("SuiteSite", name)) is not None
        }


async def test_the_schema_that_is_given_is_loaded_once(desk: Desk, other: Desk) -> None:
    await other.sites("ams")
    assert other.watched.schemas == 0
    assert await desk.client.get("SuiteSite", name__value=other.named("ams"))

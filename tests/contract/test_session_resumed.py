"""Sessions that were cut off: closed, with what they had under way looked up."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sessions import Desk
from stateward.errors import Code, ConfigError, TargetUnavailable
from stateward.model.plan import Action
from stateward.model.record import INTERRUPTED, RunKind
from stateward.model.run import EntryState
from stateward.model.schema import Schema
from stateward.ports import Target
from stateward.tracking.library import TrackingSession

ACME = {"tenant": "acme", "rack": 4}
Call = Callable[[Desk, TrackingSession], Awaitable[object]]


async def create(desk: Desk, session: TrackingSession) -> None:
    await session.upsert("SuiteSite", {"name": desk.named("new")})


async def update(desk: Desk, session: TrackingSession) -> None:
    await session.upsert("SuiteSite", {"name": desk.named("ams"), "description": "new"})


async def delete(desk: Desk, session: TrackingSession) -> None:
    await session.delete(await _site(desk, session))


async def release(desk: Desk, session: TrackingSession) -> None:
    await session.remove_members(await _site(desk, session))


async def adopt(desk: Desk, session: TrackingSession) -> None:
    await session.add_members(await _site(desk, session, "found"))


async def _site(desk: Desk, session: TrackingSession, name: str = "ams") -> str:
    return (await session.get("SuiteSite", name__value=desk.named(name))).id


async def die(session: TrackingSession) -> None:
    """Let go of everything without a word, as the system does when a process dies."""
    await session._running._stack.aclose()


async def cut_off(desk: Desk, call: Call, when: str) -> None:
    """Have a session die in a call, ``before`` or ``after`` the target has carried it out."""
    await desk.stranger("SuiteSite", name=desk.named("found"))
    session = await desk.tracking(params=ACME).start()
    await session.upsert("SuiteSite", {"name": desk.named("ams")})
    # The list of adopted objects is there, so that what is lost is the change itself.
    await session._running.work.keep_group(adopts=True)
    desk.watched.lose = lambda _number: when
    with pytest.raises(TargetUnavailable):
        await call(desk, session)
    desk.watched.lose = lambda _number: None
    await die(session)


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (create, Action.CREATE),
        (update, Action.UPDATE),
        (delete, Action.DELETE),
        (release, Action.RELEASE),
        (adopt, Action.ADOPT),
    ],
    ids=lambda own: own.value if isinstance(own, Action) else "",
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_under_way_is_told(
    desk: Desk, call: Call, action: Action, when: str
) -> None:
    await cut_off(desk, call, when)
    desk.sent()
    resumed = await desk.client.resume(desk.named("site"), ACME)
    (own,) = resumed.cut_short
    done = when == "after"
    assert (own.action, own.state) == (action, EntryState.APPLIED if done else EntryState.FAILED)
    assert own.detail == ("" if done else "interrupted: was not done")
    (run,) = resumed.runs
    assert (run.outcome, run.error) == (INTERRUPTED, "interrupted: closed by resume")
    assert [run] == await desk.client.history(desk.named("site"))
    assert set(resumed.members) == await desk.members(resumed.group)
    assert str(resumed).endswith(f"1 runs closed, {int(done)} of 1 changes under way were done")
    assert desk.sent() == []


async def again(desk: Desk) -> None:
    async with desk.tracking(params=ACME):
        pass


async def back(desk: Desk) -> None:
    (run,) = await desk.client.interrupted()
    await desk.client.rollback(run)


async def resume(desk: Desk) -> None:
    await desk.client.resume(desk.named("site"), ACME)


@pytest.mark.parametrize("close", [again, back, resume])
async def test_what_was_under_way_is_waited_for_before_anything_is_looked_at(
    desk: Desk, close: Callable[[Desk], Awaitable[None]]
) -> None:
    """A target goes on with what it was asked for, whatever became of whoever asked."""
    await cut_off(desk, create, "after")
    (run,) = await desk.client.interrupted()
    under_way = {own.node for own in run.changes if own.state is EntryState.STARTED}
    assert len(under_way) == 1
    looks = desk.watched.looks
    await close(desk)
    assert desk.watched.settled == [(looks, under_way)]


@pytest.mark.parametrize("close", [again, back], ids=["by-the-next-session", "by-a-rollback"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_under_way_is_told_however_it_is_closed(
    desk: Desk, close: Callable[[Desk], Awaitable[None]], when: str
) -> None:
    await cut_off(desk, update, when)
    await close(desk)
    run = (await desk.client.history(desk.named("site")))[-1]
    own = next(own for own in run.changes if own.action is Action.UPDATE)
    told = EntryState.APPLIED if when == "after" else EntryState.FAILED
    assert own.state is (EntryState.UNDONE if close is back else told)
    assert own.detail == ("" if when == "after" else "interrupted: was not done")
    assert run.error.startswith("interrupted: ")


async def test_a_record_says_which(desk: Desk, other: Desk) -> None:
    session = await desk.tracking(params=ACME).start()
    await session.upsert("SuiteSite", {"name": desk.named("ams")})
    (run,) = await desk.client.history(desk.named("site"))
    with pytest.raises(TargetUnavailable) as caught:
        await other.client.resume(run)
    assert caught.value.code is Code.TARGET_BUSY
    await die(session)
    (found,) = await other.client.interrupted()
    resumed = await other.client.resume(found)
    assert [own.id for own in resumed.runs] == [run.id]
    assert list(resumed.members.values()) == [desk.key("SuiteSite", "ams")]
    assert await other.client.interrupted() == []
    assert (await other.client.resume(found)).runs == ()


async def test_a_rollback_that_was_cut_off_is_closed_too(desk: Desk) -> None:
    await desk.sites("ams")
    (run,) = await desk.client.history(desk.named("site"))
    kind = RunKind.ROLLBACK
    opening = replace(run.opening, run=desk.named("back"), kind=kind, undoes=(run.id,))
    await desk.journal.begin([opening])
    (closed,) = (await desk.client.resume(run)).runs
    assert (closed.opening, closed.outcome) == (opening, INTERRUPTED)


async def test_the_group_is_there_where_the_journal_is_lost(
    desk: Desk, target: Target, suite_schema: Schema, tmp_path: Path
) -> None:
    await cut_off(desk, adopt, "after")
    async with Desk(target, suite_schema, tmp_path / "new.db").client as client:
        resumed = await client.resume(desk.named("site"), ACME)
    assert (resumed.runs, resumed.cut_short) == ((), ())
    assert set(resumed.members.values()) == {
        desk.key("SuiteSite", "ams"),
        desk.key("SuiteSite", "found"),
    }
    (adopted,) = resumed.adopted
    assert resumed.members[adopted] == desk.key("SuiteSite", "found")


async def test_nothing_is_there_of_what_never_was(desk: Desk) -> None:
    resumed = await desk.client.resume(desk.named("nobody"))
    assert (resumed.runs, resumed.members) == ((), {})


async def test_what_is_no_session_of_the_target_is_refused(desk: Desk) -> None:
    await desk.sites("ams")
    (run,) = await desk.client.history(desk.named("site"))
    rounds = replace(run, opening=replace(run.opening, kind=RunKind.ROUND))
    with pytest.raises(ConfigError, match="the next round goes on") as caught:
        await desk.client.resume(rounds)
    assert caught.value.code is Code.SESSION
    elsewhere = replace(run, opening=replace(run.opening, target="sqlite:///elsewhere.db"))
    with pytest.raises(ConfigError, match=r"elsewhere\.db") as caught:
        await desk.client.resume(elsewhere)
    assert caught.value.code is Code.NO_SUCH_RUN

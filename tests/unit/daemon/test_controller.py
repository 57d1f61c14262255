"""The daemon's process: what ends it, at once or in time, and what several sources owe each other."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from candidates import leadership
from desks import Desk, tags
from rounds import objects
from stateward.daemon.controller import INTERRUPTED, Assembly, Daemon
from stateward.daemon.crew import never
from stateward.daemon.duty import Duty, Post
from stateward.daemon.lead import Lead
from stateward.daemon.reloading import Configured, Reloader
from stateward.errors import LeaseLost
from stateward.model.event import Action
from stateward.model.status import Condition, Reason
from stateward.model.unit import Drift, DriftMode
from stateward.ports import Session


def daemon(desk: Desk, state: Path, grace: float) -> Daemon:
    lead = leadership(state)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Assembly]:
        yield Assembly(
            posts=[
                Post(
                    target=desk.target.name,
                    tended=[desk.tender.tended],
                    leadership=lead,
                    resting=never,
                )
            ],
            means=replace(desk.tender.means, stop=asyncio.Event()),
            state=state,
            configured=Configured((state / "stateward.yaml",), "", lambda: ""),
            usual=Drift(mode=DriftMode.ENFORCE, interval=600),
            backoff=10,
            cap=300,
            fight_after=3,
            grace=grace,
            beside=lambda _crews: nullcontext(),
        )

    return Daemon(build=lambda: opened, emit=desk.events.append)


@pytest.fixture
def writing(desk: Desk) -> asyncio.Event:
    """A round that never ends once it has begun to write."""
    begun = asyncio.Event()

    async def block(_session: Session) -> None:
        begun.set()
        await asyncio.Event().wait()

    desk.shop.commit({"a/x.yml": tags("red")})
    desk.target.look = block
    return begun


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def ended(own: Daemon, writing: asyncio.Event, *signals: Callable[[], None]) -> int:
    running = asyncio.ensure_future(own.run())
    async with asyncio.timeout(30):
        await writing.wait()
        for send in signals:
            send()
            await asyncio.sleep(0)
        return await running


async def test_a_round_that_does_not_end_in_time_is_cut_short(
    desk: Desk, writing: asyncio.Event, tmp_path: Path
) -> None:
    own = daemon(desk, tmp_path, grace=0.01)
    assert await ended(own, writing, end) == INTERRUPTED
    assert desk.told(Action.STOPPED) == [{"cut": "yes"}]


async def test_a_second_signal_cuts_it_short_at_once(
    desk: Desk, writing: asyncio.Event, tmp_path: Path
) -> None:
    own = daemon(desk, tmp_path, grace=3600)
    assert await ended(own, writing, end, end) == INTERRUPTED
    assert desk.told(Action.STOPPED) == [{"cut": "yes"}]
    assert len(desk.told(Action.STOPPING)) == 2


async def test_what_was_cut_short_is_gone_on_with(
    desk: Desk, writing: asyncio.Event, tmp_path: Path
) -> None:
    await ended(daemon(desk, tmp_path, grace=0.01), writing, end)
    assert len(await desk.journal.unfinished(desk.target.name)) == 1
    desk.target.look = None
    desk.tender = desk.tended()
    await desk.turn()
    assert await desk.journal.unfinished(desk.target.name) == []
    assert await desk.shop.members("a") == {"BuiltinTag/red"}


async def test_a_lead_is_not_run_for_again_while_something_of_the_last_term_goes_on(
    desk: Desk, tmp_path: Path
) -> None:
    """A rollback that was asked for, say: its plan is of before, and others have led since."""
    lead, again = leadership(tmp_path), asyncio.Event()

    async def taken_up() -> None:
        if lead.term > 1:
            again.set()

    duty = Duty(
        post=Post(
            target=desk.target.name, tended=[desk.tender.tended], leadership=lead, resting=never
        ),
        means=replace(desk.tender.means, stop=asyncio.Event()),
        lead=Lead(),
        board=lambda: desk.tended().board,
        grace=10,
        taken_up=taken_up,
    )
    async with asyncio.timeout(30):
        await duty.begin()
        assert duty.crew.at_work
        running = asyncio.ensure_future(duty.run())
        first, over = lead.term, duty.crew.means.stop
        async with duty.crew.means.turn:
            with pytest.raises(LeaseLost):
                lead.check(seen=first + 1)
            await over.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            assert not lead.runs
        await again.wait()
        assert lead.term > first
        duty.means.stop.set()
        assert await running is False
        await duty.lead.end()


async def test_what_changed_before_anybody_watched_is_read(tmp_path: Path) -> None:
    read = asyncio.Event()
    configured = Configured((tmp_path / "stateward.yaml",), "before", lambda: "after")
    reloader = Reloader(configured, read.set, lambda _event: None)
    running = asyncio.ensure_future(reloader.reloading())
    async with asyncio.timeout(10):
        await read.wait()
    running.cancel()


async def test_what_waits_is_woken_by_a_round_of_another_source(desk: Desk) -> None:
    check = objects("NetCheck", {"name": "all", "query": "missing"})
    await desk.turn(a=check)
    assert desk.known["a"].condition is Condition.WAITING
    other = desk.tended()
    other.board.revision = None
    other.peers = [desk.tender]
    due = desk.known["a"].next
    assert due is not None
    assert due > desk.now
    desk.shop.commit({"a/x.yml": check, "b/x.yml": tags("red")})
    await other.look(0)
    await other.work()
    assert (desk.known["a"].next, desk.known["a"].reason) == (desk.now, Reason.DEPENDENCY)


async def test_nobody_is_woken_where_nothing_was_written(desk: Desk) -> None:
    check = objects("NetCheck", {"name": "all", "query": "missing"})
    await desk.turn(a=check)
    other = desk.tended()
    other.peers = [desk.tender]
    due = desk.known["a"].next
    await other.look(0)
    await other.work()
    assert desk.known["a"].next == due

"""A unit that fails and is taken back, under a daemon: held, told, and tried again when asked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from desks import Desk, tags
from rounds import Workshop
from stateward.errors import Code
from stateward.model.command import Verb
from stateward.model.event import Action
from stateward.model.mutation import Create, Mutation, Refusal
from stateward.model.status import Condition, Reason
from stateward.stores.commands import SqliteCommands
from stateward.stores.sqlite import SqliteJournal
from stateward.stores.statuses import SqliteStatuses
from watching import Watched


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    shop = Workshop(tmp_path, onError="rollback")
    state = tmp_path / "state.db"
    statuses, journal = SqliteStatuses(state), SqliteJournal(state)
    commands = SqliteCommands(state, lambda: 0.0)
    target = Watched(shop.target, refuse=refused, batch=1)
    yield Desk(shop=shop, target=target, statuses=statuses, commands=commands, kept=journal)
    for own in (commands, statuses, journal):
        await own.close()


def refused(mutation: Mutation) -> Refusal | None:
    unwanted = isinstance(mutation, Create) and mutation.attributes.get("name") == "bad"
    return Refusal(code=Code.CONSTRAINT, message="not today") if unwanted else None


async def test_is_stalled_and_not_written_again_until_somebody_asks(desk: Desk) -> None:
    await desk.turn(a=tags("a1"))
    await desk.turn(a=tags("a1", "a2", "bad"))
    assert await desk.shop.members("a") == {"BuiltinTag/a1"}
    stalled = desk.known["a"]
    assert (stalled.condition, stalled.applied) == (Condition.STALLED, "r1")
    assert stalled.message == "BuiltinTag/bad: SW1308 constraint: not today; taken back: 1 change"
    assert (stalled.reason, stalled.next) == (Reason.INTERVAL, desk.now + 570)
    count = len(desk.target.sent)
    for _ in range(3):
        desk.now += 600
        await desk.turn()
    assert len(desk.target.sent) == count
    held = desk.known["a"]
    assert (held.condition, held.since) == (Condition.STALLED, stalled.since)
    assert (held.message or "").startswith("SW1520 taken-back: commit r2 failed")
    assert desk.told(Action.ROUND)[-1]["writes"] == 0

    desk.target.refuse = lambda _: None
    await desk.give(Verb.RECONCILE, "a")
    await desk.turn()
    assert desk.known["a"].condition is Condition.READY
    assert await desk.shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a2", "BuiltinTag/bad"}


async def test_is_tried_again_with_the_next_commit_to_it(desk: Desk) -> None:
    await desk.turn(a=tags("a1", "bad"))
    await desk.turn(a=tags("a1", "good"))
    assert desk.known["a"].condition is Condition.READY
    assert desk.tender.board.tallies["a"].taken_back == 1

"""What people may want of the daemon, and what is refused since it makes no sense."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from stateward.daemon.control import About, Control
from stateward.errors import ConfigError
from stateward.model.command import Verb
from stateward.model.status import Condition, SourceStatus, Status
from stateward.stores.commands import SqliteCommands
from stateward.stores.statuses import SqliteStatuses

NOW = 1000.0
DIGEST = "0123456789abcdef" * 4
SOURCE = SourceStatus(target="t", source="s", at=NOW, every=60)
KNOWN = {
    "a": Status(unit="a", condition=Condition.READY, since=0),
    "b": Status(unit="b", condition=Condition.BLOCKED, since=0, blocked=DIGEST),
}
ALL = About(source="s", actor="ada")
A = replace(ALL, unit="a")
B = replace(ALL, unit="b")


@dataclass
class Room:
    control: Control
    statuses: SqliteStatuses

    async def standing(self) -> list[tuple[Verb, str | None]]:
        return [(own.verb, own.unit) for own in await self.control.commands.standing()]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    file = tmp_path / "state.db"
    commands, statuses = SqliteCommands(file, lambda: NOW), SqliteStatuses(file)
    ids = count()
    control = Control(
        commands=commands, statuses=statuses, clock=lambda: NOW, new_id=lambda: str(next(ids))
    )
    await statuses.keep("t", KNOWN, "s")
    await statuses.keep_source(SOURCE)
    yield Room(control, statuses)
    await commands.close()
    await statuses.close()


async def test_what_is_told_is_kept_with_who_and_why_and_until_when(room: Room) -> None:
    given = await room.control.suspend(A, reason="maintenance", until=NOW + 60)
    assert await room.control.commands.standing() == [given]
    assert (given.actor, given.reason, given.until, given.at) == ("ada", "maintenance", 1060, NOW)


async def test_a_suspension_takes_the_place_of_another_of_the_same(room: Room) -> None:
    await room.control.suspend(A, reason="one", until=None)
    await room.control.suspend(ALL, reason="all", until=None)
    await room.control.suspend(A, reason="two", until=None)
    assert await room.standing() == [(Verb.SUSPEND, None), (Verb.SUSPEND, "a")]


async def test_resuming_takes_back_what_was_suspended_and_nothing_else(room: Room) -> None:
    await room.control.suspend(A, reason="", until=None)
    await room.control.suspend(B, reason="", until=None)
    await room.control.resume(A)
    assert await room.standing() == [(Verb.SUSPEND, "b"), (Verb.RESUME, "a")]


async def test_a_unit_that_is_not_there_is_refused(room: Room) -> None:
    with pytest.raises(ConfigError, match=r"SW4002 .*c: no such unit: there are a, b"):
        await room.control.reconcile(replace(ALL, unit="c"))


async def test_before_anything_is_known_of_a_source_nobody_can_tell(room: Room) -> None:
    await room.control.suspend(About(source="new", unit="c", actor="ada"), reason="", until=None)
    assert await room.standing() == [(Verb.SUSPEND, "c")]


async def test_what_is_suspended_cannot_be_reconciled(room: Room) -> None:
    await room.control.suspend(ALL, reason="", until=None)
    with pytest.raises(ConfigError, match="a: is suspended by ada: resume it first"):
        await room.control.reconcile(A)


async def test_one_of_what_is_suspended_together_cannot_be_resumed_alone(room: Room) -> None:
    await room.control.suspend(ALL, reason="", until=None)
    with pytest.raises(ConfigError, match="a: is suspended with all of s: resume that"):
        await room.control.resume(A)


async def test_what_nobody_suspended_cannot_be_resumed(room: Room) -> None:
    with pytest.raises(ConfigError, match="a: is not suspended by anybody"):
        await room.control.resume(A)


async def test_a_suspension_has_to_be_of_the_future(room: Room) -> None:
    with pytest.raises(ConfigError, match="over already"):
        await room.control.suspend(A, reason="", until=NOW)


@pytest.mark.parametrize("digest", [DIGEST, DIGEST[:12], DIGEST[:12].upper()])
async def test_an_approval_is_of_a_digest_or_its_beginning(room: Room, digest: str) -> None:
    given = await room.control.approve(B, digest, until=NOW + 60)
    assert (given.verb, given.digest) == (Verb.APPROVE, digest.lower())


@pytest.mark.parametrize(
    ("digest", "message"),
    [
        (DIGEST[:11], "at least 12 digits"),
        ("not a digest", "at least 12 digits"),
        ("f" * 12, "is not what is held back now, which is 0123456789ab"),
    ],
)
async def test_an_approval_of_something_else_is_refused(
    room: Room, digest: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        await room.control.approve(B, digest, until=NOW + 60)

"""What people tell the daemon stands until it is done, taken back or over, whoever asks."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stateward.errors import StateUnavailable
from stateward.model.command import Command, Verb
from stateward.stores.commands import SqliteCommands

NOW = 1000.0
A = Command(
    id="a",
    verb=Verb.SUSPEND,
    source="s",
    unit="x",
    actor="ada",
    at=1.5,
    reason="é\udcff",
    until=1001,
)
B = Command(id="b", verb=Verb.APPROVE, source="s", unit="y", actor="eve", at=2, digest="0" * 12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def commands(file: Path) -> AsyncIterator[SqliteCommands]:
    found = SqliteCommands(file, lambda: NOW)
    yield found
    await found.close()


async def test_looking_makes_nothing(commands: SqliteCommands, file: Path) -> None:
    assert await commands.standing() == []
    assert list(file.parent.iterdir()) == []


async def test_what_was_given_stands_in_another_process(
    commands: SqliteCommands, file: Path
) -> None:
    await commands.give(A)
    await commands.give(B)
    other = SqliteCommands(file, lambda: NOW)
    assert await other.standing() == [A, B]
    await other.close()


async def test_what_takes_the_place_of_another_is_there_alone(commands: SqliteCommands) -> None:
    await commands.give(A)
    await commands.give(B, instead_of=["a", "unheard of"])
    assert await commands.standing() == [B]


async def test_what_is_over_does_not_stand_to_the_second(commands: SqliteCommands) -> None:
    await commands.give(replace(A, until=NOW))
    assert await commands.standing() == []
    await commands.give(replace(A, until=NOW + 0.001))
    assert len(await commands.standing()) == 1


async def test_what_is_done_is_done_once(commands: SqliteCommands, file: Path) -> None:
    await commands.give(A)
    await commands.give(B)
    other = SqliteCommands(file, lambda: NOW)
    assert await commands.done(["b"]) == ["b"]
    assert await other.done(["a", "b"]) == ["a"]
    await other.close()


async def test_a_database_that_is_removed_is_made_again(
    commands: SqliteCommands, file: Path
) -> None:
    await commands.give(A)
    for own in file.parent.iterdir():
        own.unlink()
    assert await commands.standing() == []
    other = SqliteCommands(file, lambda: NOW)
    await other.give(B)
    assert await commands.standing() == [B]
    await commands.give(A)
    assert await other.standing() == [B, A]
    await other.close()


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"verb": "odd"}', '{"verb": "suspend"}'])
async def test_what_is_not_understood_is_not_there(
    commands: SqliteCommands, file: Path, body: str
) -> None:
    await commands.give(A)
    await commands.give(B)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE command SET body = ? WHERE id = 'a'", (body,))
    assert await commands.standing() == [B]


async def test_a_place_that_cannot_be_used_is_said(commands: SqliteCommands, file: Path) -> None:
    in_the_way(file)
    with pytest.raises(StateUnavailable, match="nothing is lost but history"):
        await commands.give(A)


def in_the_way(file: Path) -> None:
    file.mkdir()

"""What people tell the daemon stands until it is done, taken back or over, whoever asks."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from states import SqliteStore, Store

from stateward.errors import StateUnavailable
from stateward.model.command import Command, Verb
from stateward.stores.commands import KeptCommands

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
async def commands(store: Store) -> AsyncIterator[KeptCommands]:
    found = store.commands(lambda: NOW)
    yield found
    await found.close()


async def test_looking_makes_nothing(commands: KeptCommands, store: Store) -> None:
    assert await commands.standing() == []
    assert not store.exists()


async def test_what_was_given_stands_in_another_process(
    commands: KeptCommands, store: Store
) -> None:
    await commands.give(A)
    await commands.give(B)
    other = store.commands(lambda: NOW)
    assert await other.standing() == [A, B]
    await other.close()


async def test_what_takes_the_place_of_another_is_there_alone(commands: KeptCommands) -> None:
    await commands.give(A)
    await commands.give(B, instead_of=["a", "unheard of"])
    assert await commands.standing() == [B]


async def test_what_is_over_does_not_stand_to_the_second(commands: KeptCommands) -> None:
    await commands.give(replace(A, until=NOW))
    assert await commands.standing() == []
    await commands.give(replace(A, until=NOW + 0.001))
    assert len(await commands.standing()) == 1


async def test_what_is_done_is_done_once(commands: KeptCommands, store: Store) -> None:
    await commands.give(A)
    await commands.give(B)
    other = store.commands(lambda: NOW)
    assert await commands.done(["b"]) == ["b"]
    assert await other.done(["a", "b"]) == ["a"]
    await other.close()


async def test_a_database_that_is_removed_is_made_again(
    commands: KeptCommands, store: Store
) -> None:
    await commands.give(A)
    store.remove()
    assert await commands.standing() == []
    other = store.commands(lambda: NOW)
    await other.give(B)
    assert await commands.standing() == [B]
    await commands.give(A)
    assert await other.standing() == [B, A]
    await other.close()


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"verb": "odd"}', '{"verb": "suspend"}'])
async def test_what_is_not_understood_is_not_there(
    commands: KeptCommands, store: Store, body: str
) -> None:
    await commands.give(A)
    await commands.give(B)
    store.change(f"UPDATE command SET body = '{body}' WHERE id = 'a'")  # noqa: S608
    assert await commands.standing() == [B]


async def test_what_is_given_again_counts_as_it_was_last_given(commands: KeptCommands) -> None:
    await commands.give(A)
    await commands.give(B)
    later = replace(A, reason="else")
    await commands.give(later)
    assert await commands.standing() == [B, later]


async def test_a_place_that_cannot_be_used_is_said(file: SqliteStore) -> None:
    file.path.mkdir(parents=True)
    commands = file.commands(lambda: NOW)
    with pytest.raises(StateUnavailable, match="nothing is lost but history"):
        await commands.give(A)
    await commands.close()

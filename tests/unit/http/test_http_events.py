"""What happens, followed: from where, how far, and by how many."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from answering import READ, Desk, asking, reached

from stateward.http import events
from stateward.http.events import FOLLOWERS, KEPT, Events


def happen(own: Events, *numbers: int) -> None:
    for number in numbers:
        own.tell({"action": "round", "number": number})


async def some(stream: AsyncIterator[bytes], count: int) -> list[str]:
    return [(await asyncio.wait_for(anext(stream), 5)).decode() for _ in range(count)]


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


async def test_what_comes_is_told_as_it_comes(stop: asyncio.Event) -> None:
    own = Events("boot")
    happen(own, 1)
    stream = own.follow(None, stop)
    assert await some(stream, 1) == ["retry: 1000\n\n"]
    soon = asyncio.ensure_future(some(stream, 2))
    await asyncio.sleep(0)
    happen(own, 2, 3)
    first, second = await soon
    assert first == 'id: boot-2\nevent: round\ndata: {"action": "round", "number": 2}\n\n'
    assert second.startswith("id: boot-3\n")
    stop.set()
    assert [own async for own in stream] == []
    assert own.followers == 0


@pytest.mark.parametrize(
    ("last", "told"),
    [("boot-1", [2, 3]), ("boot-3", []), ("boot-99", []), ("other-2", [1, 2, 3]), ("", [1, 2, 3]), ("boot-x", [1, 2, 3])],
)  # fmt: skip
async def test_who_comes_back_goes_on(stop: asyncio.Event, last: str, told: list[int]) -> None:
    own = Events("boot")
    happen(own, 1, 2, 3)
    stream = own.follow(last, stop)
    found = await some(stream, 1 + len(told))
    assert [json.loads(one.split("data: ")[1])["number"] for one in found[1:]] == told
    happen(own, 4)
    (following,) = await some(stream, 1)
    assert following.startswith("id: boot-4\n")
    await stream.aclose()


async def test_who_is_too_slow_is_told_that_something_was_missed(stop: asyncio.Event) -> None:
    own = Events("boot")
    stream = own.follow(None, stop)
    await some(stream, 1)
    happen(own, *range(KEPT + 5))
    found = await some(stream, 2)
    assert found[0] == "event: missed\ndata: {}\n\n"
    assert found[1].startswith("id: boot-6\n")
    assert len(own.kept) == KEPT
    await stream.aclose()


async def test_silence_is_broken_so_that_the_connection_stays(
    stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_ALIVE", 0.01)
    stream = Events("boot").follow(None, stop)
    assert (await some(stream, 2))[1] == ": still here\n\n"
    await stream.aclose()


async def test_more_than_so_many_do_not_follow(desk: Desk) -> None:
    desk.followed.followers = FOLLOWERS
    async with asking(*reached(desk)) as client:
        answer = await client.get("/api/v1/events", headers={"Authorization": f"Bearer {READ}"})
    assert (answer.status_code, answer.json()["code"]) == (429, "SW6003")


async def test_a_line_cannot_be_forged(stop: asyncio.Event) -> None:
    own = Events("boot")
    own.tell({"action": "unit", "unit": "a\n\nid: boot-9\nevent: stopped"})
    (_, told) = await some(own.follow("", stop), 2)
    assert told.count("\n") == 4

"""Calls of forges, friendly and hostile: what is looked at then, and that answers tell nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from answering import Desk, asking
from calling import SECRET, signed

from stateward.http import hooks
from stateward.http.gate import Replays
from stateward.http.hooks import Hook, Hooks, decoy
from stateward.model.forge import Forge

BODY = b'{"ref": "refs/heads/main", "after": "../../etc/passwd"}'


@dataclass
class Porch:
    """Who may call, and what came of it."""

    desk: Desk
    hooks: list[Hook]
    counted: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = Hooks(
            hooks=self.hooks,
            view=self.desk.view,
            count=lambda *own: self.counted.append(own),
            replays=Replays(60, 100),
            clock=lambda: self.desk.now,
        )

    async def call(
        self, path: str, headers: dict[str, str], body: bytes | AsyncIterator[bytes] = BODY
    ) -> httpx.Response:
        async with asking(*self.door.routes()) as client:
            return await client.post(path, headers=headers, content=body)

    def looked(self) -> bool:
        """Tell whether a look was asked for since the last time."""
        hinted = self.desk.tender.hint.is_set()
        self.desk.tender.hint.clear()
        return hinted


@pytest.fixture
def porch(desk: Desk) -> Porch:
    own = [Hook(forge=forge, secret=SECRET, sources=frozenset({"default"})) for forge in Forge]
    return Porch(desk, own)


@pytest.mark.parametrize("forge", Forge)
@pytest.mark.parametrize("path", ["", "/default"])
async def test_a_call_that_is_proved_has_its_sources_looked_at(
    porch: Porch, forge: Forge, path: str
) -> None:
    answer = await porch.call(f"/hooks/{forge}{path}", signed(forge, BODY))
    assert (answer.status_code, answer.json()) == (202, {"taken": True})
    assert porch.looked()
    assert porch.counted == [(forge, "taken")]


async def test_a_call_that_is_repeated_is_answered_alike_and_does_nothing(porch: Porch) -> None:
    headers = signed(Forge.GITHUB, BODY)
    first = await porch.call("/hooks/github", headers | {"X-GitHub-Delivery": "1"})
    assert porch.looked()
    again = await porch.call("/hooks/github", headers | {"X-GitHub-Delivery": "2"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert not porch.looked()
    assert porch.counted == [("github", "taken"), ("github", "repeated")]


async def test_whatever_is_wrong_the_answer_is_one(porch: Porch) -> None:
    right = signed(Forge.GITHUB, BODY)
    answers = [
        await porch.call("/hooks/github", {}),
        await porch.call("/hooks/github", signed(Forge.GITHUB, BODY, "another")),
        await porch.call("/hooks/github", right, BODY + b" "),
        await porch.call("/hooks/github/another", right),
        await porch.call("/hooks/github/default/more", right),
        await porch.call("/hooks/github/", right),
        await porch.call("/hooks/gitea", right),
        await porch.call("/hooks/nobody", right),
        await porch.call("/hooks/", right),
        await porch.call("/hooks/github%2Fdefault%00", right),
    ]
    assert {(own.status_code, own.content, str(own.headers)) for own in answers} == {
        (answers[0].status_code, answers[0].content, str(answers[0].headers))
    }
    assert answers[0].status_code == 401
    assert answers[0].json()["code"] == "SW6004"
    assert not porch.looked()
    assert {outcome for _, outcome in porch.counted} == {"refused"}
    assert {forge for forge, _ in porch.counted} == {"github", "gitea", "unknown"}


async def test_where_there_is_no_hook_the_answer_is_the_same(desk: Desk, porch: Porch) -> None:
    nobody = Porch(desk, [decoy()])
    refused = await porch.call("/hooks/github", {})
    for path in ("/hooks/github", "/hooks/generic", "/hooks/x"):
        answer = await nobody.call(path, signed(Forge.GENERIC, BODY, ""))
        assert (answer.status_code, answer.content) == (refused.status_code, refused.content)
    assert not porch.looked()


async def test_a_hook_is_about_its_own_sources(desk: Desk) -> None:
    own = Hook(forge=Forge.GITEA, secret=SECRET, sources=frozenset({"another"}))
    porch = Porch(desk, [own])
    assert (await porch.call("/hooks/gitea", signed(Forge.GITEA, BODY))).status_code == 202
    assert not porch.looked()
    answer = await porch.call("/hooks/gitea/default", signed(Forge.GITEA, BODY))
    assert answer.status_code == 401


async def test_of_two_secrets_of_a_forge_either_will_do(desk: Desk) -> None:
    secrets = (SECRET, "another one, as long")
    porch = Porch(
        desk,
        [Hook(forge=Forge.GITHUB, secret=own, sources=frozenset({"default"})) for own in secrets],
    )
    for own in secrets:
        await porch.call("/hooks/github", signed(Forge.GITHUB, BODY, own))
        assert porch.looked()


@pytest.mark.parametrize("path", ["/hooks/github", "/hooks/nobody"])
async def test_a_call_that_is_too_large_is_not_read(porch: Porch, path: str) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1 << 20
            yield b"x" * (1 << 20)

    for answer in (
        await porch.call(path, {"content-length": str(hooks.LARGEST + 1)}),
        await porch.call(path, {}, pieces()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (413, "SW6002")
        assert answer.headers["connection"] == "close"
    assert read <= hooks.LARGEST + (1 << 20)
    assert {outcome for _, outcome in porch.counted} == {"large"}


async def test_a_call_that_does_not_come_is_not_waited_for(
    porch: Porch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "TIMEOUT", 0.01)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/hooks/github",
        "headers": [],
        "client": ("1", 2),
    }
    sent: list[dict[str, object]] = []
    stream = pieces()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": await anext(stream), "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await porch.door.routes()[0](scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
    assert porch.counted == [("github", "slow")]
    assert not porch.looked()


async def test_a_flood_is_sent_away_before_it_is_read_and_ends(porch: Porch) -> None:
    codes = [(await porch.call("/hooks/nobody", {})).status_code for _ in range(61)]
    assert codes == [401] * 60 + [429]
    answer = await porch.call("/hooks/github", signed(Forge.GITHUB, BODY))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert not porch.looked()
    porch.desk.now += 1
    assert (await porch.call("/hooks/github", signed(Forge.GITHUB, BODY))).status_code == 202


async def test_no_answer_and_nothing_that_is_printed_holds_a_secret(porch: Porch) -> None:
    for forge in Forge:
        told = await porch.call(f"/hooks/{forge}", signed(forge, BODY, "wrong"))
        assert SECRET not in told.text + str(told.headers)
    assert SECRET not in repr(porch.door)

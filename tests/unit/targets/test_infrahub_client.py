"""What is asked, as whom and how often; waiting is done on a loop whose time is not real."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from infrahub_scripts import TOKEN, Respond, Script, answer, client, connection
from infrahub_wire import virtually

from stateward.errors import Code, StatewardError, TargetRefused, TargetUnavailable
from stateward.targets.infrahub.answers import QueryRefused, Untouched
from stateward.targets.infrahub.client import BREAK_AFTER, READ_ATTEMPTS, REST, Client, new_breaker

PASSWORD = "canary-password"  # noqa: S105


def shed(seconds: int) -> httpx.Response:
    return answer({}, 429, x_infrahub_admission="shed", retry_after=str(seconds))


MERGING = {"message": "merging", "extensions": {"code": "MERGE_IN_PROGRESS", "http_status": 423}}
OK = answer({"data": {"ok": True}})


async def asking(own: Client, **more: Any) -> Any:
    async with own:
        return await own.query("{a}", **more)


async def changing(own: Client) -> Any:
    async with own:
        return await own.mutate("mutation{a}", {"v": 1})


async def outcome(call: Any) -> Any:
    try:
        return await call
    except StatewardError as error:
        return error


async def test_a_query_says_what_when_and_as_whom():
    script = Script(OK)
    data = await asking(client(script, branch="feat/ü"), variables={"v": "é"}, polling=True)
    sent = script.requests[0]

    assert data == {"ok": True}
    assert str(sent.url) == "http://infrahub/graphql/feat/%C3%BC"
    assert json.loads(sent.content) == {"query": "{a}", "variables": {"v": "é"}}
    assert (sent.headers["x-infrahub-key"], sent.headers["x-priority"]) == (TOKEN, "low")


async def test_changes_are_sent_with_no_priority_of_their_own():
    script = Script(OK)
    found = await changing(client(script, token=None))

    assert found.data == {"ok": True}
    assert not {"x-priority", "x-infrahub-key", "authorization"} & set(script.requests[0].headers)


async def test_documents_are_got_and_posted():
    bad = {"detail": [{"msg": "too short"}]}
    script = Script(answer({"main": "hash"}), answer(bad, 422), answer({"hash": "x"}))
    async with client(script) as own:
        assert await own.get("/api/schema/summary", {"branch": "a b"}) == {"main": "hash"}
        assert await own.post("/api/schema/load", {"schemas": []}, deadline=9.0) == (422, bad)
        assert await own.post("/api/schema/load", {}, deadline=9.0) == (200, {"hash": "x"})

        assert (own.requests, own.reads, own.writes) == (3, 1, 2)
    assert str(script.requests[0].url) == "http://infrahub/api/schema/summary?branch=a+b"


async def test_a_document_is_posted_again_where_that_failed():
    script = Script(answer({}, 500), answer({"hash": "x"}))
    async with client(script) as own:
        assert await own.post("/api/schema/load", {}, deadline=9.0) == (200, {"hash": "x"})
        assert own.writes == 2


TRANSIENT = [
    answer({}, 500),
    answer({}, 503),
    answer({}, 429),
    shed(0),
    httpx.Response(200, content=b'{"da', headers={"content-type": "application/json"}),
    answer({"data": None, "errors": [MERGING]}),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("peer closed connection"),
    httpx.WriteError("broken pipe"),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout(""),
    httpx.ReadTimeout(""),
]
UNTOUCHED = [shed(1), answer({"data": None, "errors": [MERGING]}), httpx.ConnectError("refused")]
UNTOUCHED += [httpx.ConnectTimeout(""), httpx.PoolTimeout(""), httpx.ProxyError("502 Bad Gateway")]
UNCERTAIN = [
    answer({}, 500),
    answer({}, 502),
    answer({}, 429),
    httpx.Response(200, content=b"<html>"),
    httpx.ReadError("reset"),
    httpx.WriteError("broken pipe"),
    httpx.RemoteProtocolError("cut"),
    httpx.ReadTimeout(""),
]


@pytest.mark.parametrize("trouble", TRANSIENT, ids=repr)
def test_reading_is_tried_again_after_what_may_pass(trouble):
    script = Script(trouble, trouble, OK)
    found, took = virtually(asking(client(script)))

    assert found == {"ok": True}
    assert len(script.requests) == 3
    assert 0.5 < took < 3


@pytest.mark.parametrize("trouble", TRANSIENT, ids=repr)
def test_reading_is_given_up_in_the_end(trouble):
    script = Script(trouble)
    found, took = virtually(outcome(asking(client(script))))

    assert isinstance(found, TargetUnavailable)
    assert len(script.requests) == READ_ATTEMPTS
    assert took < 60


@pytest.mark.parametrize("trouble", UNTOUCHED, ids=repr)
def test_a_change_is_sent_again_if_it_is_certain_that_nothing_happened(trouble):
    script = Script(trouble, trouble, OK)
    found, _ = virtually(changing(client(script)))

    assert found.data == {"ok": True}
    assert len(script.requests) == 3


@pytest.mark.parametrize("trouble", UNTOUCHED, ids=repr)
def test_a_change_that_never_gets_through_is_known_not_to_have_happened(trouble):
    found, took = virtually(outcome(changing(client(Script(trouble)))))

    assert isinstance(found, Untouched)
    assert "not known" not in str(found)
    assert 160 < took < 220


@pytest.mark.parametrize("trouble", UNCERTAIN, ids=repr)
def test_a_change_is_sent_once_if_it_may_have_happened(trouble):
    script = Script(trouble, OK)
    found, took = virtually(outcome(changing(client(script))))

    assert type(found) is TargetUnavailable
    assert "what happened to the changes under way is not known" in str(found)
    assert (len(script.requests), took) == (1, 0)


@pytest.mark.parametrize("trouble", UNCERTAIN, ids=repr)
def test_a_change_is_not_sent_a_third_time_if_the_second_may_have_happened(trouble):
    script = Script(shed(1), trouble, OK)
    found, _ = virtually(outcome(changing(client(script))))

    assert type(found) is TargetUnavailable
    assert len(script.requests) == 2


@pytest.mark.parametrize("call", [asking, changing])
@pytest.mark.parametrize(
    "refusal",
    [
        answer({}, 401),
        answer({"errors": ["Branch: main not found."]}, 404),
        answer({"errors": [{"message": "x", "extensions": {"code": "MERGE_RECOVERY_REQUIRED"}}]}),
        answer({}, 301, location="https://infrahub/"),
        httpx.ProxyError("407 Proxy Authentication Required"),
    ],
    ids=repr,
)
def test_what_does_not_pass_is_not_tried_again(call, refusal):
    script = Script(refusal)
    found, took = virtually(outcome(call(client(script))))

    assert isinstance(found, StatewardError)
    assert "not known" not in str(found)
    assert (len(script.requests), took) == (1, 0)


def test_the_server_says_how_long_to_wait():
    _, took = virtually(asking(client(Script(shed(10), OK))))

    assert 10 <= took <= 11


def test_a_wait_beyond_our_patience_is_not_begun():
    found, took = virtually(outcome(asking(client(Script(shed(600), OK)))))

    assert (found.retry_after, took) == (600, 0)


async def hanging(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


def test_reading_takes_no_longer_than_its_patience_and_a_last_chance():
    found, took = virtually(outcome(asking(client(hanging))))

    assert isinstance(found, TargetUnavailable)
    assert 55 < took < 75


def test_one_request_may_take_as_long_as_it_was_given():
    found, took = virtually(outcome(asking(client(hanging, timeout=300.0))))

    assert "within 300 s" in str(found)
    assert 300 <= took < 310


def test_a_change_without_an_answer_is_uncertain_at_its_deadline():
    found, took = virtually(outcome(changing(client(hanging))))

    assert "not known" in str(found)
    assert took == 30


async def rounds(own: Client, times: int) -> list[Any]:
    async with own:
        return [await outcome(own.query("{a}")) for _ in range(times)]


def test_a_target_that_fails_again_and_again_is_left_alone():
    script = Script(answer({}, 500))
    breaker = new_breaker()
    found, _ = virtually(rounds(client(script, breaker), BREAK_AFTER + 1))
    sent = len(script.requests)
    [last], took = virtually(rounds(client(script, breaker), 1))

    assert sent == BREAK_AFTER * READ_ATTEMPTS == len(script.requests)
    assert "given a rest" in str(found[-1])
    assert isinstance(last, Untouched)
    assert 0 < last.retry_after <= REST
    assert took == 0


def test_a_refusal_shows_that_the_target_is_well():
    script = Script(answer({"data": None, "errors": [{"message": "no"}]}))
    found, _ = virtually(rounds(client(script), BREAK_AFTER + 2))

    assert {type(own) for own in found} == {QueryRefused}


async def test_no_more_requests_are_under_way_than_allowed():
    under_way, most, full, gate = 0, 0, asyncio.Event(), asyncio.Event()

    async def respond(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most == 3:
            full.set()
        await gate.wait()
        under_way -= 1
        return OK

    async with client(respond, in_flight=3) as own:
        tasks = [asyncio.create_task(own.query("{a}")) for _ in range(9)]
        await full.wait()
        tasks[0].cancel()
        gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)

    assert most == 3
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [{"ok": True}] * 8


class Door:
    """A server that hands out a new token at every login, and knows only the last one."""

    def __init__(self, *, lifetime: int = 1000) -> None:
        self.logins = 0
        self.left = 0
        self.lifetime = lifetime
        self.executed = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/login":
            right = {"username": "admin", "password": PASSWORD}
            if json.loads(request.content) != right:
                return answer({"errors": [{"message": f"Incorrect {PASSWORD}"}]}, 401)
            self.logins += 1
            self.left = self.lifetime
            return answer({"access_token": f"canary-access-{self.logins}"})
        given = request.headers.get("authorization")
        if given != f"Bearer canary-access-{self.logins}" or not self.left:
            return answer({"errors": [{"message": f"expired: {given}"}]}, 401)
        self.left -= 1
        self.executed += 1
        return answer({"data": {"ok": True}})


def by_password(script: Respond, **more: Any) -> Client:
    return client(script, token=None, username="admin", **{"password": PASSWORD, **more})


async def test_requests_at_once_log_in_once():
    door = Door()
    async with by_password(door) as own:
        await asyncio.gather(*(own.query("{a}") for _ in range(5)))

        assert (door.logins, own.requests) == (1, 6)


async def test_credentials_that_are_over_are_renewed_for_changes_too():
    door = Door(lifetime=1)
    async with by_password(door) as own:
        for _ in range(3):
            assert (await own.mutate("mutation{a}", {})).data == {"ok": True}

    assert (door.logins, door.executed) == (3, 3)


async def test_credentials_that_are_never_good_are_renewed_once():
    door = Door(lifetime=0)
    found = await outcome(asking(by_password(door)))

    assert found.code is Code.TARGET_CREDENTIALS
    assert door.logins == 2
    assert "canary" not in str(found)


async def test_a_wrong_password_is_not_repeated():
    found = await outcome(asking(by_password(Door(), password="canary-wrong")))  # noqa: S106

    assert (type(found), found.code) == (TargetRefused, Code.TARGET_CREDENTIALS)
    assert "canary-wrong" not in str(found)


@pytest.mark.parametrize("token", [None, 7, "", "a\r\nX: y", "é", "x" * 9000])
async def test_a_login_that_gives_no_token_is_no_login(token):
    found = await outcome(asking(by_password(Script(answer({"access_token": token})))))

    assert (type(found), found.code) == (TargetRefused, Code.TARGET_ANSWER)


def test_a_change_whose_login_failed_was_not_sent():
    found, _ = virtually(outcome(changing(by_password(Script(answer({}, 500))))))

    assert isinstance(found, Untouched)


async def test_cookies_are_not_kept():
    script = Script(answer({"data": {}}, set_cookie="access_token=x; Path=/"))
    async with client(script) as own:
        await own.query("{a}")
        await own.query("{a}")

    assert "cookie" not in script.requests[1].headers


def leaky(request: httpx.Request) -> httpx.Response:
    """A server that repeats whatever it knows of us, everywhere it can."""
    words = f"{dict(request.headers)} {request.content.decode()}"
    if request.url.path == "/api/auth/login":
        return answer({"access_token": "canary-access"})
    return answer(
        {"data": None, "errors": [{"message": words, "extensions": {"code": words}}]},
        int(json.loads(request.content)["variables"]["status"]),
        x_leak=words,
        location=f"https://x/?{words}",
    )


@pytest.mark.parametrize("status", ["200", "302", "400", "401", "403", "404", "418", "429", "500"])
@pytest.mark.parametrize("make", [client, by_password])
def test_secrets_are_in_no_message_and_no_log(status, make, caplog):
    with caplog.at_level(logging.DEBUG):
        found, _ = virtually(outcome(asking(make(leaky), variables={"status": status})))
    told = f"{found!r} {found} {found.__cause__!r}"

    assert isinstance(found, StatewardError)
    assert "canary" not in told
    assert not [own for own in caplog.records if "canary" in own.getMessage()]
    assert not any("canary" in repr(own) for own in (connection(), make(leaky)))

"""The programming interface: who is let in, what is asked, what is commanded, what is wrong."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from answering import READ, WRITE, Desk, asking, reached

from desks import tags
from stateward.engine.memo import Memo
from stateward.errors import SourceUnavailable, TargetUnavailable
from stateward.http.access import Access
from stateward.model.command import Verb
from stateward.model.event import Action
from stateward.model.status import Condition

API = "/api/v1"


class Caller:
    """Asks and commands, with a token."""

    def __init__(self, desk: Desk, token: str | None = WRITE) -> None:
        self._desk = desk
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        async with asking(*reached(self._desk)) as client:
            return await client.get(API + path, params=query, headers=self._headers)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        async with asking(*reached(self._desk)) as client:
            return await client.post(API + path, json=body or None, headers=self._headers)


@pytest.fixture
async def caller(desk: Desk) -> Caller:
    await desk.turn(**{"a/b": tags("red"), "c": tags("blue")})
    return Caller(desk)


def forget(desk: Desk) -> None:
    """Have the source read anew."""
    own = desk.tender.tended.reconciler.round
    own.loader, own.memo = desk.shop.round().loader, Memo()


def wrong(answer: httpx.Response) -> tuple[int, str, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["type"] == f"urn:stateward:error:{found['code']}"
    assert found["status"] == answer.status_code
    return answer.status_code, found["code"], found["detail"]


class TestAccess:
    async def test_a_token_is_expected(self, desk: Desk, caller: Caller) -> None:
        del caller
        for token in (None, "", "another", WRITE[:-1], f"{WRITE} ", READ.upper()):
            answer = await Caller(desk, token).get("/units")
            if token is not None and token.strip() == WRITE:
                assert answer.status_code == 200
                continue
            assert wrong(answer)[:2] == (401, "SW6005")
            assert answer.headers["www-authenticate"].startswith("Bearer ")

    async def test_one_that_may_only_ask_asks(self, desk: Desk, caller: Caller) -> None:
        del caller
        asks = Caller(desk, READ)
        assert (await asks.get("/units")).status_code == 200
        assert wrong(await asks.post("/reconcile-all/default"))[:2] == (403, "SW6006")
        assert await desk.commands.standing() == []

    async def test_only_the_one_to_ask_with_lets_nobody_command(
        self, desk: Desk, caller: Caller
    ) -> None:
        del caller
        desk.access = Access(read=READ)
        assert (await Caller(desk, READ).get("/units")).status_code == 200
        for token in (READ, WRITE, ""):
            answer = await Caller(desk, token).post("/reconcile-all/default")
            assert answer.status_code in {401, 403}

    async def test_guessing_is_slowed_down(self, desk: Desk, caller: Caller) -> None:
        guesses = Caller(desk, "guess")
        codes = [(await guesses.get("/units")).status_code for _ in range(22)]
        assert codes == [401] * 20 + [429] * 2
        assert (await caller.get("/units")).status_code == 200
        desk.now += 1
        assert (await guesses.get("/units")).status_code == 401

    @pytest.mark.parametrize("host", ["localhost:8085", "127.0.0.1", "[::1]:8085", "LOCALHOST"])
    async def test_without_tokens_this_machine_asks_and_nobody_commands(
        self, desk: Desk, caller: Caller, host: str
    ) -> None:
        del caller
        desk.access = Access()
        async with asking(*reached(desk)) as client:
            client.headers["host"] = host
            assert (await client.get(f"{API}/units")).status_code == 200
            answer = await client.post(f"{API}/reconcile-all/default")
        assert wrong(answer) == (
            403,
            "SW6006",
            "no token is configured that may command: set server.token",
        )

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:80", "[", "@"]
    )
    async def test_a_page_in_a_browser_is_not_this_machine(
        self, desk: Desk, caller: Caller, host: str
    ) -> None:
        del caller
        desk.access = Access()
        async with asking(*reached(desk)) as client:
            client.headers["host"] = host
            assert wrong(await client.get(f"{API}/units"))[:2] == (403, "SW6006")

    async def test_no_token_is_shown(self, desk: Desk, caller: Caller) -> None:
        told = [await caller.get(own) for own in ("/units", "/runs", "/plans/default", "/x")]
        told.append(await Caller(desk, READ).post("/reconcile-all/default"))
        told.append(await Caller(desk, "wrong").get("/units"))
        text = "".join(own.text + str(own.headers) for own in told)
        assert not {WRITE, READ} & set(text.split())
        assert "c4nary" not in text + repr(desk.access) + str(desk.events)


class TestAsking:
    async def test_units_stand_as_status_shows(self, desk: Desk, caller: Caller) -> None:
        found = (await caller.get("/units")).json()
        assert found["schema"] == "stateward/status/v1"
        (source,) = found["sources"]
        assert {unit: own["state"] for unit, own in source["units"].items()} == {
            "a/b": "ready",
            "c": "ready",
        }
        assert (await caller.get("/units", source="default")).json() == found
        own = (await caller.get("/units/default/a/b")).json()
        assert own == {"source": "default", "unit": "a/b", **source["units"]["a/b"]}
        encoded = await caller.get("/units/default/a%2Fb")
        assert encoded.json() == own
        assert encoded.headers["cache-control"] == "no-store"
        assert desk.shop.source.failure is None

    async def test_the_top_directory_is_a_unit_too(self, desk: Desk) -> None:
        desk.shop.commit({"x.yml": tags("red")})
        await desk.turn()
        assert (await Caller(desk).get("/units/default/")).json()["unit"] == "."
        answer = await Caller(desk).post("/suspend/default/")
        assert answer.json()["unit"] == "."
        assert (await Caller(desk).post("/suspend/default")).status_code == 404

    async def test_runs_are_those_of_the_history(self, caller: Caller) -> None:
        runs = (await caller.get("/runs", unit="c", limit=5)).json()["runs"]
        assert [own["subject"] for own in runs] == ["c"]
        one = (await caller.get(f"/runs/{runs[0]['run'][:8]}")).json()["runs"]
        assert one == runs
        late = await caller.get("/runs", since="2999-01-01T00:00:00+02:00")
        assert late.json()["runs"] == []

    async def test_a_plan_is_made_and_nothing_written(self, desk: Desk, caller: Caller) -> None:
        before = await desk.shop.members("a/b")
        desk.shop.commit({"a/b/x.yml": tags("green"), "c/x.yml": tags("blue")})
        await desk.tender.look(0)
        found = (await caller.get("/plans/default")).json()
        assert found["schema"] == "stateward/plan/v1"
        assert (found["summary"]["create"], found["revisions"]) == (1, {"default": "r2"})
        assert await desk.shop.members("a/b") == before
        other = (await caller.get("/plans/default", unit="c")).json()
        assert other["summary"]["create"] == 0

    async def test_before_the_first_look_there_is_no_plan(self, desk: Desk) -> None:
        assert wrong(await Caller(desk).get("/plans/default"))[:2] == (409, "SW2002")

    @pytest.mark.parametrize(
        ("path", "query", "code"),
        [
            ("/units/nobody/a", {}, "SW6001"),
            ("/units", {"source": "nobody"}, "SW6001"),
            ("/plans/nobody", {}, "SW6001"),
            ("/nothing", {}, "SW6001"),
            ("/units/default/nobody", {}, "SW4002"),
            ("/runs/nobody", {}, "SW5002"),
        ],
    )
    async def test_what_is_not_there_is_told_by_its_code(
        self, caller: Caller, path: str, query: dict[str, str], code: str
    ) -> None:
        assert wrong(await caller.get(path, **query))[:2] == (404, code)

    @pytest.mark.parametrize(
        ("query", "detail"),
        [
            ({"limt": "1"}, "limt: no such parameter"),
            ({"limit": "0"}, "limit: expected "),
            ({"limit": "1.0"}, "limit: expected "),
            ({"limit": "9" * 20}, "limit: expected "),
            ({"limit": ["1", "1"]}, "limit: is given twice"),
            ({"since": "yesterday"}, "since: expected "),
            ({"since": "2026-01-01T00:00:00"}, "since: expected "),
            ({"unit": "a\nb"}, "unit: expected "),
            ({"unit": ""}, "unit: expected "),
            ({"\x1b": ""}, "'\\x1b': no such parameter"),
        ],
        ids=str,
    )
    async def test_what_cannot_be_understood_is_told(
        self, caller: Caller, query: dict[str, Any], detail: str
    ) -> None:
        status, code, told = wrong(await caller.get("/runs", **query))
        assert (status, code) == (400, "SW6002")
        assert told.startswith(detail)

    async def test_what_may_pass_is_told_to_be_asked_again(
        self, desk: Desk, caller: Caller
    ) -> None:
        desk.shop.source.failure = SourceUnavailable("it is down", retry_after=2.5)
        forget(desk)
        answer = await caller.get("/plans/default")
        assert wrong(answer) == (503, "SW2004", "it is down")
        assert answer.headers["retry-after"] == "3"

    async def test_a_mistake_of_our_own_is_told_by_its_place(
        self, desk: Desk, caller: Caller
    ) -> None:
        desk.shop.source.failure = ZeroDivisionError("hunter2")
        forget(desk)
        status, code, detail = wrong(await caller.get("/plans/default"))
        assert (status, code) == (500, "SW6007")
        assert "ZeroDivisionError at rounds.py:" in detail
        assert "hunter2" not in detail
        assert desk.events[-1].action is Action.BUG


class TestCommanding:
    async def test_a_command_is_kept_under_the_name_that_is_given(
        self, desk: Desk, caller: Caller
    ) -> None:
        answer = await caller.post(
            "/suspend/default/a/b", reason="a move", until="2999-01-01T00:00:00Z", actor="ada"
        )
        assert answer.status_code == 202
        (command,) = await desk.commands.standing()
        assert (command.verb, command.unit, command.actor) == (Verb.SUSPEND, "a/b", "ada (api)")
        assert answer.json() == {
            "schema": "stateward/command/v1",
            "id": "command",
            "verb": "suspend",
            "source": "default",
            "unit": "a/b",
            "actor": "ada (api)",
            "at": "1970-01-01T00:16:40.000+00:00",
            "reason": "a move",
            "until": "2999-01-01T00:00:00.000+00:00",
            "anyTime": False,
            "digest": None,
        }
        assert desk.view.means.told.is_set()
        assert wrong(await caller.post("/reconcile/default/a/b"))[:2] == (409, "SW4001")
        assert (await caller.post("/resume/default/a/b")).json()["actor"] == "api"

    async def test_all_of_a_source_can_be_meant(self, desk: Desk, caller: Caller) -> None:
        assert (await caller.post("/reconcile-all/default", anyTime=True)).status_code == 202
        (command,) = await desk.commands.standing()
        assert (command.unit, command.any_time) == (None, True)

    async def test_an_approval_counts_for_as_long_as_is_configured(
        self, desk: Desk, caller: Caller
    ) -> None:
        assert (await caller.post("/approve/default/c", digest="0123456789ab")).status_code == 202
        (command,) = await desk.commands.standing()
        assert (command.digest, command.until) == ("0123456789ab", 1000 + 3600)

    async def test_a_commit_that_is_refused_is_allowed(self, desk: Desk, caller: Caller) -> None:
        refused = "0123456789abcdef"
        assert wrong(await caller.post("/allow-rewind/default", revision=refused))[0] == 409
        assert desk.tender.source is not None
        await desk.statuses.keep_source(replace(desk.tender.source, refused=refused))
        answer = await caller.post("/allow-rewind/default", revision=refused[:12])
        assert answer.status_code == 202
        (command,) = await desk.commands.standing()
        assert (command.verb, command.digest) == (Verb.ALLOW_REWIND, refused[:12])

    @pytest.mark.parametrize(
        ("path", "code"),
        [("/suspend-all/nobody", "SW6001"), ("/suspend/default/nobody", "SW4002"), ("/rollback/nobody", "SW5002")],
    )  # fmt: skip
    async def test_what_is_not_there_cannot_be_commanded(
        self, desk: Desk, caller: Caller, path: str, code: str
    ) -> None:
        assert wrong(await caller.post(path))[:2] == (404, code)
        assert await desk.commands.standing() == []

    @pytest.mark.parametrize(
        ("path", "body", "detail"),
        [
            ("/suspend-all/default", {"reasn": "x"}, "'reasn': no such key"),
            ("/suspend-all/default", {"reason": 1}, "reason: expected "),
            ("/suspend-all/default", {"actor": "x" * 101}, "actor: expected "),
            ("/suspend-all/default", {"actor": "a\nb"}, "actor: expected "),
            ("/suspend-all/default", {"until": 5}, "until: expected "),
            ("/reconcile-all/default", {"anyTime": "yes"}, "anyTime: expected "),
            ("/approve/default/c", {}, "digest: has to be given"),
            ("/approve/default/c", {"digest": "x" * 12}, "digest: expected "),
            ("/rollback/x", {"allowDeletes": -1}, "allowDeletes: expected "),
            ("/rollback/x", {"allowDeletes": True}, "allowDeletes: expected "),
            ("/rollback/x", {"dryRun": 1}, "dryRun: expected "),
        ],
        ids=str,
    )
    async def test_what_cannot_be_understood_is_not_done(
        self, desk: Desk, caller: Caller, path: str, body: dict[str, Any], detail: str
    ) -> None:
        status, code, told = wrong(await caller.post(path, **body))
        assert (status, code) == (400, "SW6002")
        assert told.startswith(detail)
        assert await desk.commands.standing() == []

    @pytest.mark.parametrize(
        ("content", "kind", "detail"),
        [
            (b"{", "application/json", "the body: it is no JSON"),
            (b"[" * 5000, "application/json", "the body: it is no JSON"),
            (b"\xff", "application/json", "the body: it is no JSON"),
            (b"[]", "application/json; charset=utf-8", "the body: an object is expected"),
            (b"{}", "text/plain", "content-type: application/json is expected"),
            (b" " * (17 << 10), "application/json", "a body has at most 16 KiB"),
        ],
        ids=["open", "deep", "bytes", "list", "text", "large"],
    )
    async def test_a_body_that_is_none_is_not_taken(
        self, desk: Desk, caller: Caller, content: bytes, kind: str, detail: str
    ) -> None:
        del caller
        headers = {"Authorization": f"Bearer {WRITE}", "content-type": kind}
        async with asking(*reached(desk)) as client:
            answer = await client.post(
                f"{API}/suspend-all/default", content=content, headers=headers
            )
        assert wrong(answer) == (400, "SW6002", detail)

    async def test_a_round_is_taken_back_whole(self, desk: Desk, caller: Caller) -> None:
        desk.shop.commit({"a/b/x.yml": tags("red", "green"), "c/x.yml": tags("blue", "new")})
        await desk.turn()
        (first, *_) = (await caller.get("/runs", unit="a/b")).json()["runs"]
        alone = (await caller.post(f"/rollback/{first['run']}", dryRun=True)).json()
        plan = (await caller.post(f"/rollback/{first['run']}", dryRun=True, round=True)).json()
        assert (set(alone["units"]), set(plan["units"])) == ({"a/b"}, {"a/b", "c"})

    async def test_a_run_is_taken_back_and_its_unit_looked_at(
        self, desk: Desk, caller: Caller
    ) -> None:
        desk.shop.commit({"a/b/x.yml": tags("red", "green"), "c/x.yml": tags("blue")})
        await desk.turn()
        (first, *_) = (await caller.get("/runs", unit="a/b")).json()["runs"]
        plan = (await caller.post(f"/rollback/{first['run']}", dryRun=True)).json()
        assert (plan["schema"], plan["summary"]["delete"]) == ("stateward/plan/v1", 1)
        assert len(await desk.shop.members("a/b")) == 2
        done = await caller.post(f"/rollback/{first['run']}", actor="ada")
        assert done.status_code == 200
        assert done.json()["schema"] == "stateward/report/v1"
        assert await desk.shop.members("a/b") == {"BuiltinTag/red"}
        (undoing, *_) = (await caller.get("/runs", unit="a/b", limit=1)).json()["runs"]
        assert (undoing["kind"], undoing["actor"]) == ("rollback", "ada (api)")
        await desk.tender.heed(await desk.commands.standing())
        await desk.tender.work()
        assert desk.tender.board.statuses["a/b"].condition is Condition.HELD

    async def test_a_run_is_not_taken_back_while_the_daemon_ends(
        self, desk: Desk, caller: Caller
    ) -> None:
        (first, *_) = (await caller.get("/runs", unit="c")).json()["runs"]
        desk.view.means.stop.set()
        answer = await caller.post(f"/rollback/{first['run']}")
        assert wrong(answer)[:2] == (503, "SW5003")
        assert await desk.shop.members("c") == {"BuiltinTag/blue"}

    async def test_a_target_that_cannot_be_had_is_told(self, desk: Desk, caller: Caller) -> None:
        (first, *_) = (await caller.get("/runs", unit="c")).json()["runs"]

        class Gone:
            name = desk.shop.target.name

            def session(self, *_: object, **__: object) -> object:
                raise TargetUnavailable("somebody else holds it")

        object.__setattr__(desk.shop, "target", Gone())
        answer = await caller.post(f"/rollback/{first['run']}")
        assert wrong(answer) == (503, "SW3008", "somebody else holds it")
        assert answer.headers["retry-after"] == "5"


async def test_the_description_is_there_for_anybody_and_names_all(desk: Desk) -> None:
    found = (await Caller(desk, None).get("/openapi.json")).json()
    assert found["info"]["version"] == "1.2.3"
    names = {own["operationId"] for path in found["paths"].values() for own in path.values()}
    assert names == {
        *("units", "unit", "runs", "run", "plan", "events", "approve", "rollback", "allow-rewind"),
        *("reconcile", "suspend", "resume", "reconcile-all", "suspend-all", "resume-all"),
    }

"""What a session says when the server goes away under it, or does not know us."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx
import pytest
from infrahub_scripts import answer, client
from infrahub_wire import virtually

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.mutation import Create, Enrol, Mutation, Refusal
from stateward.targets.infrahub.lineage import NO_LINEAGE, Lineage
from stateward.targets.infrahub.recollection import Recollection
from stateward.targets.infrahub.schemas import Library, Schemas
from stateward.targets.infrahub.session import InfrahubSession
from targets import schema

UNDER_WAY = httpx.ReadError("reset")
GONE = httpx.ConnectError("refused")
SITE_TO_BE = Create(
    id="00000000-0000-4000-8000-000000000001", kind="SuiteSite", attributes={"name": "ams"}
)


async def applying(
    server: Callable[[httpx.Request], httpx.Response],
    lineage: Lineage = NO_LINEAGE,
    mutations: Sequence[Mutation] = (SITE_TO_BE,),
) -> list[Refusal | None]:
    """Write through a session that has read the schema already: a site, unless something is given."""
    async with client(server) as own:
        schemas = Schemas(own, "main", Library(), hash="hash", there=schema())
        recollection = Recollection("main", None, time.time)
        session = InfrahubSession(own, schemas, True, recollection, pause=0.5, lineage=lineage)
        return [*await session.apply(mutations)]


def there(request: httpx.Request) -> httpx.Response:
    """Be there until something is to be changed, and never again."""
    if request.url.path == "/api/schema/summary":
        return answer({"main": "hash"})
    raise UNDER_WAY if b"mutation" in request.content else GONE


def nobody(request: httpx.Request) -> httpx.Response:
    """Know no account of whoever asks."""
    if request.url.path == "/api/schema/summary":
        return answer({"main": "hash"})
    assert b"mutation" not in request.content
    error = {"message": "no such account", "extensions": {"code": "NODE_NOT_FOUND"}}
    return answer({"data": None, "errors": [error]})


def test_nothing_is_written_for_an_account_that_is_not_known():
    with pytest.raises(TargetRefused) as caught:
        virtually(applying(nobody, Lineage(source=True)))
    assert caught.value.code is Code.TARGET_CREDENTIALS
    assert "target.lineage" in str(caught.value)
    assert "no such account" in str(caught.value)


def changed(request: httpx.Request) -> httpx.Response:
    """Have another schema than was read."""
    assert request.url.path == "/api/schema/summary", "something was written"
    return answer({"main": "another"})


def test_nothing_is_written_under_another_schema_than_was_read():
    with pytest.raises(TargetUnavailable, match="schema has changed since it was read") as caught:
        virtually(applying(changed))
    assert caught.value.code is Code.TARGET_BUSY


def test_a_server_that_is_gone_for_good_does_not_hide_what_was_lost():
    with pytest.raises(TargetUnavailable) as caught:
        virtually(applying(there))
    assert caught.value.code is Code.TARGET_UNREACHABLE
    assert "the connection to the target broke" in str(caught.value)
    assert "what happened to the changes under way is not known" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": None}, id="nothing"),
        pytest.param({"data": {}}, id="no-aliases"),
        pytest.param({"data": {"m0": None}}, id="null"),
        pytest.param({"data": {"m0": {"ok": False}}}, id="no"),
        pytest.param({"data": {"m0": {"ok": None}}}, id="neither-yes-nor-no"),
        pytest.param({"data": {"m0": "yes"}}, id="a-word"),
        pytest.param({"data": {"m1": {"ok": True}}}, id="of-another"),
        pytest.param(
            {"data": None, "errors": [{"message": "x", "path": ["m1"]}]}, id="an-error-of-another"
        ),
    ],
)
def test_a_change_of_which_the_server_says_nothing_is_not_taken_for_done(body):
    def silent(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/schema/summary":
            return answer({"main": "hash"})
        if b"mutation" in request.content:
            return answer(body)
        return answer({"data": {"CoreNode": {"edges": []}, "CoreGroup": {"edges": []}}})

    with pytest.raises(TargetUnavailable, match="is not known") as caught:
        virtually(applying(silent))
    assert caught.value.code is Code.TARGET_ANSWER


SITES = [
    Create(id=SITE_TO_BE.id[:-1] + str(number), kind="SuiteSite", attributes={"name": name})
    for number, name in enumerate("abc")
]
DEADLOCK = (
    "ForsetiClient[transactionId=62275, clientId=373] can't acquire EXCLUSIVE RELATIONSHIP(98501)"
    " because it would form this deadlock wait cycle: RELATIONSHIP(98501)-[EXCLUSIVE_OWNER]->(tx:62269)"
)
"""Met on 1.11.9 with two scripts at work: the server does not repeat a create for it."""


class Deadlocked:
    """A server whose database takes changes back: as many requests' as are given, by the names in them."""

    def __init__(self, *requests: set[str]) -> None:
        self.requests = list(requests)
        self.sent: list[list[str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/schema/summary":
            return answer({"main": "hash"})
        variables = json.loads(request.content)["variables"]
        names = [_called(own) for own in variables.values()]
        self.sent.append(names)
        undone = self.requests.pop(0) if self.requests else set()
        errors = [
            {"message": DEADLOCK, "path": [f"m{number}"]}
            for number, name in enumerate(names)
            if name in undone
        ]
        data = {
            f"m{number}": {"ok": True}
            for number in range(len(names))
            if names[number] not in undone
        }
        return answer({"data": data, "errors": errors})


def _called(data: Mapping[str, Any]) -> str:
    """Return the name of what is created, or the group that an object joins or leaves."""
    name = data["name"]
    return str(name["value"] if isinstance(name, Mapping) else data["nodes"][0]["id"])


def test_what_the_database_took_back_is_sent_again_and_nothing_else():
    server = Deadlocked({"a", "c"}, {"c"})
    found, _ = virtually(applying(server, mutations=SITES))
    assert found == [None, None, None]
    assert server.sent == [["a", "b", "c"], ["a", "c"], ["c"]]


def test_what_joins_one_group_leaves_the_other_only_then():
    server = Deadlocked({"new"})
    moved = Enrol(id=SITE_TO_BE.id, kind="SuiteSite", join=("new",), leave=("old",))
    found, _ = virtually(applying(server, mutations=[moved, SITES[0]]))
    assert found == [None, None]
    assert server.sent == [["new", "a"], ["new"], ["old"]]


def test_what_is_taken_back_for_ever_is_a_failure_that_passes():
    server = Deadlocked(*[{"b"}] * 100)
    with pytest.raises(TargetUnavailable, match="took changes back for others") as caught:
        virtually(applying(server, mutations=SITES))
    assert caught.value.code is Code.TARGET_BUSY
    assert server.sent == [["a", "b", "c"], *[["b"]] * 5]


def test_what_changes_for_ever_is_not_waited_for_for_ever():
    moments = count()

    def changing(request: httpx.Request) -> httpx.Response:
        moment = f"2026-01-01T00:00:{next(moments) % 60:02}+00:00"
        edge = {"node_metadata": {"updated_at": moment}, "node": {"id": SITE_TO_BE.id}}
        aliases = re.findall(r"(\w+): \w+\(", json.loads(request.content)["query"])
        return answer({"data": {own: {"edges": [edge]} for own in aliases}})

    async def settle() -> TargetUnavailable:
        async with client(changing) as own:
            schemas = Schemas(own, "main", Library(), hash="hash", there=schema())
            recollection = Recollection("main", None, time.time)
            session = InfrahubSession(own, schemas, False, recollection, 0.5, NO_LINEAGE)
            with pytest.raises(TargetUnavailable) as caught:
                await session.settle([SITE_TO_BE.id])
            return caught.value

    error, took = virtually(settle())
    assert error.code is Code.TARGET_BUSY
    assert "still being changed after 300 s" in str(error)
    assert 300 <= took < 301

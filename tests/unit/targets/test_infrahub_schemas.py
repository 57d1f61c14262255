"""A schema that is loaded: waited for, or refused in one line that repeats no values."""

from typing import Any

import httpx
import pytest
from infrahub_scripts import Script, answer
from infrahub_scripts import client as scripted
from infrahub_wire import Server, listening, says, virtually

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.schemas import Library, Schemas
from targets import schema

VIOLATION = (
    "Attribute-level 'kind' constraint violation on schema 'SuiteDevice'. Node {} is not "
    "compliant. The error relates to field password='hunter2'.,"
)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(
            {"errors": [{"message": "\n".join(VIOLATION.format(n) for n in range(300))}]},
            "Node 0 is not compliant. The error relates to field password ... and 299 more",
            id="objects-in-the-way",
        ),
        pytest.param(
            {"detail": [{"loc": ["body", "schemas", 0], "msg": "too short"}]},
            "body.schemas.0: too short",
            id="a-file-at-fault",
        ),
        pytest.param({}, "no reason given", id="no-words"),
    ],
)
async def test_refused_schema_is_told_in_one_line(body: dict[str, Any], told: str) -> None:
    server = Server(says(body, 422))
    async with listening(server) as (host, port):
        connection = Connection(
            address=f"http://{host}:{port}",
            branch="main",
            timeout=20.0,
            write_timeout=30.0,
            in_flight=1,
        )
        async with Client(connection) as client:
            loading = Schemas(client, "main", Library(), declared=schema())
            with pytest.raises(TargetRefused) as caught:
                await loading.load()
    assert caught.value.code == Code.SCHEMA
    message = str(caught.value)
    assert message.endswith(told)
    assert "\n" not in message
    assert "hunter2" not in message


OLD, NEW = "old", "new"


def worker(schema_hash: str | None, *, active: bool = True) -> dict[str, Any]:
    return {"node": {"active": active, "schema_hash": schema_hash}}


def status(*workers: dict[str, Any], synced: bool = True) -> httpx.Response:
    found = {"summary": {"schema_hash_synced": synced}, "workers": {"edges": list(workers)}}
    return answer({"data": {"InfrahubStatus": found}})


AGREED = status(worker(NEW), worker(NEW), worker(OLD, active=False))


class Loading:
    """A server that has loaded a schema, and says how its workers are."""

    def __init__(self, *statuses: httpx.Response | Exception) -> None:
        self.workers = Script(*statuses)
        self.loads = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/schema/load":
            self.loads += 1
            return answer({"hash": NEW, "schema_updated": True})
        if path == "/api/schema/summary":
            return answer({"main": NEW})
        return self.workers(request) if path.startswith("/graphql/") else answer({"nodes": []})

    async def load(self) -> Schemas:
        async with scripted(self) as client:
            found = Schemas(
                client, "main", Library(), declared=schema(), changes=("SuiteX: added",)
            )
            await found.load()
            return found


@pytest.mark.parametrize(
    "unready",
    [
        pytest.param(status(worker(NEW), worker(OLD), synced=False), id="the-server-says-so"),
        pytest.param(status(worker(NEW), worker(OLD)), id="a-worker-has-another"),
        pytest.param(status(worker(NEW), worker(None)), id="a-worker-has-none"),
    ],
)
def test_schema_is_waited_for_until_all_workers_have_it(unready: httpx.Response) -> None:
    server = Loading(unready, unready, AGREED)
    found, took = virtually(server.load())
    assert len(server.workers.requests) == 3
    assert 0.5 <= took < 1
    assert (found.hash, found.changes) == (NEW, ())


def test_workers_that_agree_are_not_waited_for() -> None:
    server = Loading(AGREED)
    _, took = virtually(server.load())
    assert (len(server.workers.requests), took) == (1, 0)


def test_server_that_fails_meanwhile_is_waited_for() -> None:
    server = Loading(answer({}, 503), httpx.ReadError("reset"), AGREED)
    found, _ = virtually(server.load())
    assert (found.hash, server.loads) == (NEW, 1)


def test_workers_that_never_agree_are_told_of() -> None:
    server = Loading(status(worker(OLD), synced=False))

    async def load() -> TargetUnavailable:
        with pytest.raises(TargetUnavailable) as caught:
            await server.load()
        return caught.value

    error, took = virtually(load())
    assert "not all of the server's workers have the schema 300 s after it was loaded" in str(error)
    assert 300 <= took < 301
    assert server.loads == 1

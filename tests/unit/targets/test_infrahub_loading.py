"""A schema that was loaded is waited for until every worker of the server has it."""

from typing import Any

import httpx
import pytest
from infrahub_scripts import Script, answer, client
from infrahub_wire import virtually

from stateward.errors import TargetUnavailable
from stateward.schema.api import to_api
from stateward.targets.infrahub.schemas import Library, Schemas
from targets import schema

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
        if path.startswith("/graphql/"):
            return self.workers(request)
        return answer({"main": NEW, **to_api(schema())})

    async def load(self) -> Schemas:
        async with client(self) as own:
            found = Schemas(own, "main", Library(), declared=schema(), changes=("SuiteX: added",))
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

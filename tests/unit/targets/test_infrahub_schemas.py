"""The server's schema: what is taken for it, and what is said of one that the server refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from infrahub_wire import Behave, Server, listening, says

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.schema.api import to_api
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
    async with talking(says(body, 422)) as client:
        loading = Schemas(client, "main", Library(), declared=schema())
        with pytest.raises(TargetRefused) as caught:
            await loading.load()
    assert caught.value.code == Code.SCHEMA
    message = str(caught.value)
    assert message.endswith(told)
    assert "\n" not in message
    assert "hunter2" not in message


@asynccontextmanager
async def talking(*script: Behave) -> AsyncIterator[Client]:
    async with listening(Server(*script)) as (host, port):
        connection = Connection(
            address=f"http://{host}:{port}",
            branch="main",
            timeout=20.0,
            write_timeout=30.0,
            in_flight=1,
        )
        async with Client(connection) as client:
            yield client


SUMMARY = says({"main": "hash"})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"data": None}, id="of-another-interface"),
        pytest.param({"main": "hash"}, id="a-hash-alone"),
        pytest.param({"main": "hash", "nodes": [], "generics": []}, id="no-kinds"),
    ],
)
async def test_what_is_no_schema_is_not_kept_for_one(body: Any) -> None:
    library = Library()
    async with talking(SUMMARY, says(body)) as client:
        with pytest.raises(TargetUnavailable) as caught:
            await Schemas(client, "main", library).open(None)
    assert caught.value.code is Code.TARGET_ANSWER
    assert await library.find("hash") is None


async def test_schema_that_changes_while_it_is_asked_for_is_kept_as_what_it_is() -> None:
    library = Library()
    async with talking(SUMMARY, says({"main": "newer", **to_api(schema())})) as client:
        reading = Schemas(client, "main", library)
        await reading.open(None)
    assert reading.hash == "newer"
    assert await library.find("newer") == schema()
    assert await library.find("hash") is None

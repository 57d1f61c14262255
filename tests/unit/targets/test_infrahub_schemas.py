"""A schema that the server refuses: told in one line that can be read, and repeats no values."""

from typing import Any

import pytest
from infrahub_wire import Server, listening, says

from stateward.errors import Code, TargetRefused
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

"""The programming interface, described as OpenAPI has it, from the table that it is made of."""

from collections.abc import Iterator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stateward.http.access import Scope
from stateward.http.answers import MEDIA_TYPE, Json
from stateward.http.api import PREFIX, Operation
from stateward.http.asked import Fields
from stateward.http.schemas import SCHEMAS

PATH = f"{PREFIX}/openapi.json"
_SCOPES = {
    Scope.READ: "Takes a token, of either kind; none from this machine, where none is configured.",
    Scope.WRITE: "Takes the token that may command.",
}
_ACCEPTED = {"Command": "202"}
"""What is taken up later."""


def route(operations: Sequence[Operation], version: str) -> Route:
    """Return the route of the description, which anybody may read."""
    found = described(operations, version)

    async def description(_request: Request) -> Response:
        return Json(found)

    return Route(PATH, description)


def described(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for own in operations:
        paths.setdefault(PREFIX + own.path, {})[own.method.lower()] = _operation(own)
    problem = {"description": "What is wrong.", "content": _content("Problem", MEDIA_TYPE)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stateward", "version": version},
        "paths": paths,
        "components": {
            "schemas": {name: dict(own) for name, own in SCHEMAS.items()},
            "responses": {"Problem": problem},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(own: Operation) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    answer = {"description": own.told, "content": _content(own.answer, own.media_type)}
    found: dict[str, Any] = {
        "operationId": own.name,
        "summary": own.told,
        "description": _SCOPES[own.scope],
        "parameters": [*_parameters(own.places, "path"), *_parameters(own.query, "query")],
        "responses": {_ACCEPTED.get(own.answer, "200"): answer, "4XX": problem, "5XX": problem},
    }
    if own.body is not None:
        required = [name for name, one in own.body.items() if one.required]
        schema = {
            "type": "object",
            "properties": {
                name: {**one.schema, "description": one.told} for name, one in own.body.items()
            },
            "additionalProperties": False,
            "required": required,
        }
        content = {"application/json": {"schema": schema}}
        found["requestBody"] = {"required": bool(required), "content": content}
    return found


def _parameters(fields: Fields, where: str) -> Iterator[dict[str, Any]]:
    for name, own in fields.items():
        yield {
            "name": name,
            "in": where,
            "required": own.required or where == "path",
            "description": own.told,
            "schema": own.schema,
        }


def _content(schema: str, media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

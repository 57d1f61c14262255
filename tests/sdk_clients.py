"""Clients of Infrahub's own SDK that know a schema, and have no server but a function."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from infrahub_sdk import Config, InfrahubClient, InfrahubClientSync

from stateward.model.schema import Kind, Schema

Answer = Callable[[str], dict[str, Any]]


@dataclass(slots=True)
class Server:
    """What stands for a server: it keeps what it is asked, and answers it."""

    answer: Answer = lambda _text: {}
    asked: list[str] = field(default_factory=list)

    def client(self, schema: Schema) -> InfrahubClient:
        async def request(**given: Any) -> httpx.Response:
            return self._respond(**given)

        found = InfrahubClient(config=Config(address="http://sdk.invalid", requester=request))
        found.schema.set_cache(_told(schema))
        return found

    def client_sync(self, schema: Schema) -> InfrahubClientSync:
        config = Config(address="http://sdk.invalid", sync_requester=self._respond)
        found = InfrahubClientSync(config=config)
        found.schema.set_cache(_told(schema))
        return found

    def _respond(
        self, *, url: str, method: Any, payload: dict[str, Any] | None = None, **_more: Any
    ) -> httpx.Response:
        text = str((payload or {}).get("query", url))
        self.asked.append(text)
        body = json.dumps({"data": self.answer(text)})
        return httpx.Response(200, text=body, request=httpx.Request(method.value, url))


def _told(schema: Schema) -> dict[str, Any]:
    """Return a schema as a server tells it, as far as a client needs to know."""
    nodes = [_kind(own) for own in schema.kinds.values() if not own.is_generic]
    return {"main": "main", "nodes": nodes, "generics": [], "profiles": [], "templates": []}


def _kind(kind: Kind) -> dict[str, Any]:
    name = next(at for at, letter in enumerate(kind.kind) if at and letter.isupper())
    attributes = [
        {"name": own.name, "kind": own.kind, "optional": own.optional, "read_only": own.read_only}
        for own in kind.attributes.values()
    ]
    relationships = [
        {
            "name": own.name,
            "peer": own.peer,
            "cardinality": "many" if own.many else "one",
            "optional": own.optional,
            "read_only": own.read_only,
        }
        for own in kind.relationships.values()
    ]
    return {
        "namespace": kind.kind[:name],
        "name": kind.kind[name:],
        "kind": kind.kind,
        "attributes": attributes,
        "relationships": relationships,
        "inherit_from": sorted(kind.inherits),
    }

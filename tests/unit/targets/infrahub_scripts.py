"""Answers in place of a server's, in order, and a client that is given them."""

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import httpx

from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.exchange import Exchange

TOKEN = "canary-token"  # noqa: S105

Respond = Callable[[httpx.Request], Any]


def connection(**more: Any) -> Connection:
    given = {"address": "http://infrahub", "branch": "main", "in_flight": 2, "token": TOKEN}
    return Connection(**{**given, "timeout": 20.0, "write_timeout": 30.0, **more})


def answer(data: Any, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=data, headers=named)


class Script:
    """Answers in order, the last one again and again; what is an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        own = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(own, Exception):
            raise own
        return own


def client(script: Respond, breaker: Any = None, **more: Any) -> Client:
    own = connection(**more)
    return Client(
        own, breaker=breaker, exchange=Exchange(own, httpx.MockTransport(streamed(script)))
    )


def streamed(script: Respond) -> Respond:
    """Have answers come over a wire: what is made here is read already, and can be read again."""

    async def respond(request: httpx.Request) -> httpx.Response:
        found = script(request)
        own = await found if isawaitable(found) else found
        stream = httpx.ByteStream(own.content)
        return httpx.Response(own.status_code, headers=own.headers, stream=stream)

    return respond

"""The way to an Infrahub: what is asked, as whom, and how often. The only home of stamina.

Reading is tried again after every failure that may pass, and so is a schema, which may be loaded
twice. A change is sent again only where nothing of it can have happened: there was no connection,
or the server says so.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Self, TypeVar

import stamina

from stateward.errors import Code, Stalled, TargetRefused, TargetUnavailable, Transient
from stateward.instruments import UNMEASURED, Instruments
from stateward.targets.infrahub import answers
from stateward.targets.infrahub.answers import Answer, Lasting, Reply, Untouched
from stateward.targets.infrahub.breaker import Breaker
from stateward.targets.infrahub.connection import Connection, is_token, spellings
from stateward.targets.infrahub.exchange import Call, Exchange

READ_PATIENCE = 60.0
"""Seconds after which reading is not tried again."""
WRITE_PATIENCE = 180.0
"""Seconds after which a change that did not happen is not tried again: merges take a while."""
READ_ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT, JITTER = 0.2, 10.0, 0.5
LAST_CHANCE = 1.0
"""Seconds that the last attempt gets, at the least."""
BREAK_AFTER, REST = 3, 30.0
"""How many requests in a row have to fail, repetitions included, and how long the rest is then."""

# Retries are told to whoever listens; without this they land on stderr when nobody does.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_T = TypeVar("_T")
UNKNOWN = "what happened to the changes under way is not known"


def new_breaker() -> Breaker:
    """Make the breaker of a target, which outlives its clients."""
    return Breaker(threshold=BREAK_AFTER, rest=REST, clock=time.monotonic)


class Client:
    """A conversation with one Infrahub; entered once."""

    def __init__(
        self,
        connection: Connection,
        *,
        breaker: Breaker | None = None,
        exchange: Exchange | None = None,
        instruments: Instruments = UNMEASURED,
    ) -> None:
        self._connection = connection
        self._breaker = breaker or new_breaker()
        self._exchange = exchange or Exchange(connection, instruments=instruments)
        self._login = asyncio.Lock()
        self._access: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exchange.close()

    @property
    def requests(self) -> int:
        """How many requests were sent, logins and repetitions included."""
        return self.reads + self.writes

    @property
    def reads(self) -> int:
        return self._exchange.reads

    @property
    def writes(self) -> int:
        return self._exchange.writes

    async def query(
        self,
        text: str,
        variables: Mapping[str, Any] | None = None,
        *,
        polling: bool = False,
        anywhere: bool = False,
    ) -> Mapping[str, Any]:
        """Return the data of a query; any error in the answer raises.

        What is the same ``anywhere`` is asked for on no branch: it works where ours is not there.
        """
        call = Call(
            method="POST",
            url=f"{self._connection.address}/graphql" if anywhere else self._connection.graphql,
            body=_packed({"query": text, "variables": variables or {}}),
            low=polling,
            deadline=self._connection.timeout,
        )
        return await self._read(call, lambda reply: self._answer(reply, writing=False).data)

    async def mutate(self, text: str, variables: Mapping[str, Any]) -> Answer:
        """Send changes once, or again while it is certain that none was carried out.

        Raises ``Untouched`` when none was, and ``TargetUnavailable`` when that is not known.
        """
        call = Call(
            method="POST",
            url=self._connection.graphql,
            body=_packed({"query": text, "variables": variables}),
            deadline=self._connection.write_timeout,
            writing=True,
        )
        return await self._write(call, lambda reply: self._answer(reply, writing=True))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return a document of the REST interface."""
        call = Call(
            method="GET",
            url=self._connection.address + path,
            params=params or {},
            deadline=self._connection.timeout,
        )
        return await self._read(call, lambda reply: answers.document(reply, self._hidden))

    async def post(
        self, path: str, body: Any, params: Mapping[str, str] | None = None, *, deadline: float
    ) -> tuple[int, Any]:
        """Send a document that may be sent twice; 422 is returned where it is at fault, else 2xx.

        It is tried again as reading is: of a schema the server takes what it has not got.
        """
        call = Call(
            method="POST",
            url=self._connection.address + path,
            params=params or {},
            body=_packed(body),
            deadline=deadline,
            writing=True,
        )
        return await self._read(
            call,
            lambda reply: (
                reply.status,
                answers.document(reply, self._hidden, writing=True),
            ),
        )

    @property
    def _hidden(self) -> tuple[str, ...]:
        return (*self._connection.secrets, *spellings([self._access] if self._access else ()))

    def _answer(self, reply: Reply, *, writing: bool) -> Answer:
        return answers.answer(reply, self._hidden, writing=writing)

    async def _read(self, call: Call, understand: Callable[[Reply], _T]) -> _T:
        clock = asyncio.get_running_loop().time
        end = clock() + max(READ_PATIENCE, call.deadline)

        async def attempt() -> _T:
            left = max(end - clock(), LAST_CHANCE)
            return await self._once(replace(call, deadline=min(call.deadline, left)), understand)

        return await self._patiently(attempt, _may_pass, end=end, attempts=READ_ATTEMPTS)

    async def _write(self, call: Call, understand: Callable[[Reply], _T]) -> _T:
        end = asyncio.get_running_loop().time() + WRITE_PATIENCE
        try:
            return await self._patiently(
                lambda: self._once(call, understand), _did_nothing, end=end, attempts=None
            )
        except (Untouched, Lasting):
            raise
        except TargetUnavailable as error:
            raise TargetUnavailable(
                f"{error.args[0]}: {UNKNOWN}", code=error.code, retry_after=error.retry_after
            ) from error

    async def _patiently(
        self,
        attempt: Callable[[], Awaitable[_T]],
        again: Callable[[Exception], bool],
        *,
        end: float,
        attempts: int | None,
    ) -> _T:
        clock = asyncio.get_running_loop().time

        def wait(error: Exception) -> bool | float:
            asked = (error.retry_after if isinstance(error, Transient) else None) or 0.0
            if not again(error) or clock() + asked >= end:
                return False
            # Whoever was sent away with us does not come back at the same moment.
            return asked + random.uniform(0, JITTER) if asked else True  # noqa: S311

        retry = stamina.AsyncRetryingCaller(
            attempts=attempts,
            timeout=None,
            wait_initial=FIRST_WAIT,
            wait_max=LONGEST_WAIT,
            wait_jitter=JITTER,
        )
        return await self._guarded(lambda: retry(wait, attempt))

    async def _guarded(self, call: Callable[[], Awaitable[_T]]) -> _T:
        left = self._breaker.admit()
        if left > 0:
            raise Untouched(
                "the target failed again and again: it is given a rest", retry_after=left
            )
        try:
            result = await call()
        except Transient as error:
            self._breaker.failed(error.retry_after)
            raise
        except Stalled:
            self._breaker.succeeded()
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return result

    async def _once(self, call: Call, understand: Callable[[Reply], _T]) -> _T:
        """Send a request with our credentials; with new ones if those of a login are over."""
        used = await self._credentials(None)
        try:
            return understand(await self._exchange.send(call, used, self._hidden))
        except TargetRefused as error:
            if error.code is not Code.TARGET_CREDENTIALS or not self._access:
                raise
        return understand(
            await self._exchange.send(call, await self._credentials(used), self._hidden)
        )

    async def _credentials(self, stale: Mapping[str, str] | None) -> Mapping[str, str]:
        own = self._connection
        if own.token is not None:
            return {"X-INFRAHUB-KEY": own.token}
        if own.username is None:
            return {}
        async with self._login:
            if self._access is None or stale == _bearer(self._access):
                self._access = None
                self._access = await self._log_in()
            return _bearer(self._access)

    async def _log_in(self) -> str:
        own = self._connection
        call = Call(
            method="POST",
            url=f"{own.address}/api/auth/login",
            body=_packed({"username": own.username, "password": own.password}),
            deadline=own.timeout,
        )
        try:
            body = answers.document(await self._exchange.send(call, {}, self._hidden), self._hidden)
        except TargetUnavailable as error:
            # Whatever is to follow the login was not sent.
            raise Untouched(
                str(error.args[0]), code=error.code, retry_after=error.retry_after
            ) from error
        found = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(found, str) or not is_token(found):
            raise TargetRefused("the target's login gave no token", code=Code.TARGET_ANSWER)
        return found


def _may_pass(error: Exception) -> bool:
    return isinstance(error, Transient) and not isinstance(error, Lasting)


def _did_nothing(error: Exception) -> bool:
    return isinstance(error, Untouched)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _packed(body: Any) -> bytes:
    return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()

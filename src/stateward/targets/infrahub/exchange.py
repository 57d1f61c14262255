"""One HTTP request and its answer, whole and in time. The only home of httpx.

Redirects are not followed (the token would go along), nothing is taken from the environment, and
an answer is not read beyond what we take. What it means is for ``answers`` to say.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.instruments import UNMEASURED, Instruments, Known, Step
from stateward.targets.infrahub import tls
from stateward.targets.infrahub.answers import Reply, Untouched
from stateward.targets.infrahub.body import Body, Garbled, TooLarge
from stateward.targets.infrahub.connection import MOST_IN_FLIGHT, Connection
from stateward.targets.infrahub.words import shown

CONNECT_TIMEOUT = 10.0
KEEP_ALIVE = 2.0
"""Seconds that a connection is kept: the server closes them after five, without a word."""
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer, unpacked."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as often as it is sent. ``deadline`` is in seconds, for all of it."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    low: bool = False
    deadline: float
    writing: bool = False


class Exchange:
    """The connections to one Infrahub, and a count of what went over them."""

    def __init__(
        self,
        connection: Connection,
        transport: httpx.AsyncBaseTransport | None = None,
        instruments: Instruments = UNMEASURED,
    ) -> None:
        self._name = connection.name
        self._instruments = instruments
        self._http = _http(connection, transport)
        self._slots = asyncio.Semaphore(connection.in_flight)
        self.reads = self.writes = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self, call: Call, credentials: Mapping[str, str], hidden: Sequence[str]
    ) -> Reply:
        """Send a request; raises ``Untouched`` where there was no connection to send it on."""
        async with self._slots:
            self.writes += call.writing
            self.reads += not call.writing
            try:
                async with asyncio.timeout(call.deadline):
                    return await self._measured(call, credentials)
            except TimeoutError as error:
                raise TargetUnavailable(
                    f"the target did not answer within {call.deadline:.3g} s"
                ) from error
            except TooLarge as error:
                kind = TargetUnavailable if call.writing else TargetRefused
                raise kind(
                    f"the target's answer is too large: {error}", code=Code.TARGET_ANSWER
                ) from error
            except Garbled as error:
                raise TargetUnavailable(
                    f"the target's answer cannot be read: {error}", code=Code.TARGET_ANSWER
                ) from error
            except httpx.HTTPError as error:
                # The library's own error repeats what is no HTTP, and that may be our token.
                cause = None if isinstance(error, httpx.ProtocolError) else error
                raise _failure(error, hidden) from cause

    async def _measured(self, call: Call, credentials: Mapping[str, str]) -> Reply:
        known: Known = {"target": self._name, "kind": "write" if call.writing else "read"}
        with self._instruments.step(Step.REQUEST, known):
            reply = await self._exchange(call, credentials)
            known["status"] = reply.status
        return reply

    async def _exchange(self, call: Call, credentials: Mapping[str, str]) -> Reply:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "stateward",
            **({"Content-Type": "application/json"} if call.body is not None else {}),
            **({"X-Priority": "low"} if call.low else {}),
            **credentials,
        }
        # A third each for the connection and for TLS: then it is certain that nothing was sent. All
        # else is within the deadline of the whole, which the library's own timeouts are not.
        connecting = min(CONNECT_TIMEOUT, call.deadline / 3)
        timeout = httpx.Timeout(None, connect=connecting, pool=connecting)
        async with self._http.stream(
            call.method,
            call.url,
            params=call.params or None,
            content=call.body,
            headers=headers,
            timeout=timeout,
        ) as response:
            body = Body(response.headers.get("content-encoding", ""), LARGEST)
            async for chunk in response.aiter_raw():
                body.feed(chunk)
            stream = response.extensions.get("network_stream")
            if response.is_server_error and stream is not None:
                # The server drops this connection in a moment: no change may be sent on it.
                await stream.aclose()
            return Reply(
                status=response.status_code, headers=dict(response.headers), body=body.whole()
            )


def _http(connection: Connection, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=transport,
        verify=tls.context(connection),
        proxy=connection.proxy,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(
            max_connections=MOST_IN_FLIGHT,
            max_keepalive_connections=MOST_IN_FLIGHT,
            keepalive_expiry=KEEP_ALIVE,
        ),
    )


def _distrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _failure(error: httpx.HTTPError, hidden: Sequence[str]) -> TargetUnavailable | TargetRefused:
    words = shown(str(error), hidden) or type(error).__name__
    if _distrusted(error):
        return TargetRefused(
            f"the target's certificate is not trusted: {words}", code=Code.TARGET_UNREACHABLE
        )
    if isinstance(error, httpx.ProxyError) and words.startswith("407"):
        return TargetRefused(
            f"the proxy does not accept the credentials: {words}", code=Code.TARGET_CREDENTIALS
        )
    if isinstance(error, _NEVER_SENT):
        return Untouched(f"the target cannot be reached: {words}")
    return TargetUnavailable(f"the connection to the target broke: {words}")

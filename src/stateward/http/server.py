"""A port that is listened on, and requests to it. The only home of uvicorn.

Signals are the daemon's business, and so is the end. What uvicorn leaves open is closed here: how
long the head of a request may take, and how large it may be.
"""

import asyncio
import socket
from asyncio import Transport
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stateward.errors import ConfigError

MOST_CONNECTIONS = 200
HEAD_TIMEOUT = 10.0
"""Seconds within which the head of a request has to be there, from the first byte or the connection on."""
LARGEST_HEAD = 64 << 10
"""Bytes."""
PARTING = 1
"""Seconds that answers under way have when it ends."""

Address = tuple[str, int]


class Listener:
    """The port, which outlives what answers on it: nobody is turned away while that is changed."""

    def __init__(self) -> None:
        self._open: tuple[Address, socket.socket] | None = None
        self._next: tuple[Address, socket.socket] | None = None

    def reserve(self, address: Address | None) -> None:
        """Open the port that ``take`` is to return; raises ``ConfigError`` where that cannot be."""
        self._drop_next()
        if address is None:
            self._next = None
        elif self._open is not None and self._open[0] == address:
            self._next = self._open
        else:
            self._next = (address, _bound(address))

    def take(self) -> socket.socket | None:
        """Return what was reserved last, and close what was open before it."""
        if self._open is not None and self._open is not self._next:
            self._open[1].close()
        self._open = self._next
        return self._open[1] if self._open else None

    def close(self) -> None:
        self.reserve(None)
        self.take()

    def _drop_next(self) -> None:
        if self._next is not None and self._next is not self._open:
            self._next[1].close()


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(address)
        own.listen(MOST_CONNECTIONS)
    except OSError as error:
        own.close()
        raise ConfigError(f"server.listen: {spelled(address)}: {error.strerror}") from error
    return own


def spelled(address: Address) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[str]:
    """Answer on a port for as long as it is entered; yields the address."""
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            backlog=MOST_CONNECTIONS,
            timeout_graceful_shutdown=PARTING,
        )
    )
    # The server closes what it was given; the port itself stays open.
    serving = asyncio.ensure_future(server.serve(sockets=[listener.dup()]))
    begun = asyncio.ensure_future(server.begun.wait())
    try:
        await asyncio.wait({serving, begun}, return_when=asyncio.FIRST_COMPLETED)
        yield spelled(listener.getsockname())
    finally:
        begun.cancel()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class _Protocol(HttpToolsProtocol):
    """One connection."""

    _late: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head += len(data)
        if self._late is not None and self._head > LARGEST_HEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        self._arrived()
        super().on_headers_complete()

    def _expect(self) -> None:
        self._arrived()
        self._head = 0
        self._late = self.loop.call_later(HEAD_TIMEOUT, self.transport.abort)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

"""Servers that misbehave on purpose, and a loop on which waiting takes no time."""

import asyncio
import json
import selectors
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, and the number of the connection that it came on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behave = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answer requests one after the other, each as the script says; its last line is repeated."""

    def __init__(self, *script: Behave) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self._script = list(script)
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections = self.connections + 1
        self._writers.append(writer)
        try:
            while seen := await _request(reader, number):
                self.seen.append(seen)
                behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                await behave(seen, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def _request(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    first = await reader.readline()
    if not first:
        return None
    method, target, _ = first.decode().split(" ")
    headers = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body, connection)


@asynccontextmanager
async def listening(
    server: Server, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    own = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield own.sockets[0].getsockname()[:2]
    finally:
        own.close()
        server.drop()
        await own.wait_closed()


def says(body: Any, status: int = 200, **headers: str) -> Behave:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "content-length": str(len(data)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode()

    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(head + data)

    return behave


async def resets(_: Seen, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def cuts(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"d'
    )
    await writer.drain()
    writer.close()


async def drips(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"
    )
    while not writer.transport.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.005)


async def hangs(_: Seen, writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    await asyncio.Event().wait()


class _Selector(selectors.DefaultSelector):
    """Where there is nothing to do, time passes at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events and timeout:
            self.now += timeout
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._own = _Selector()
        super().__init__(self._own)

    def time(self) -> float:
        return self._own.now


def virtually(main: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run something that waits, and return how long it would have taken."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main), runner.get_loop().time()


def free_port() -> Iterator[int]:
    """A port on which nobody answers, kept for as long as it is needed."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        yield own.getsockname()[1]

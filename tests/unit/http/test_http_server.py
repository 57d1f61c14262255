"""The port itself: what it takes from hostile clients, how it ends, how it outlives a change."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from stateward.errors import ConfigError
from stateward.http import server
from stateward.http.server import Listener, serving

ASKED = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def endless(_request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    return StreamingResponse(lines())


@pytest.fixture
def listener():
    own = Listener()
    own.reserve(("127.0.0.1", 0))
    yield own
    own.close()


@asynccontextmanager
async def answering(listener: Listener) -> AsyncIterator[tuple[str, int]]:
    app = Starlette(routes=[Route("/", hello), Route("/endless", endless)])
    port = listener.take()
    assert port is not None
    async with serving(app, port) as address:
        host, _, number = address.rpartition(":")
        yield host, int(number)


async def say(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes, and return all that comes until the other side has done."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_requests_are_answered(listener: Listener) -> None:
    async with answering(listener) as address:
        answer = await say(address, ASKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"hello")
    assert b"server:" not in answer.lower()


@pytest.mark.parametrize("data", [b"", b"GET /", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 0.05)
    async with answering(listener) as address:
        assert await say(address, data) == b""


async def test_a_second_head_on_the_connection_is_not_waited_for_either(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 0.2)
    async with answering(listener) as address:
        answer = await say(address, ASKED + b"GET /")
    assert answer.count(b"hello") <= 1


@pytest.mark.parametrize(
    "data", [b"GET /" + b"a" * 300_000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000]
)
async def test_a_head_that_is_too_large_is_cut_off(listener: Listener, data: bytes) -> None:
    async with answering(listener) as address:
        assert b"hello" not in await say(address, data)


async def test_what_is_no_request_is_refused_and_not_told(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(listener) as address:
        assert (await say(address, b"\x16\x03\x01nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert [own for own in caplog.records if own.levelno >= logging.WARNING] == []


async def test_an_answer_without_end_does_not_hold_the_end_up(listener: Listener) -> None:
    async with answering(listener) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(ASKED.replace(b"/ ", b"/endless ", 1))
        await reader.readuntil(b"begun")
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 5
    writer.close()


async def test_signals_stay_the_daemons(listener: Listener) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with answering(listener):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_the_port_outlives_what_answers_on_it(listener: Listener) -> None:
    async with answering(listener) as first:
        pass
    listener.reserve(("127.0.0.1", 0))
    waiting = asyncio.ensure_future(say(first, ASKED))  # nobody answers, and nobody is turned away
    async with answering(listener) as second:
        assert second == first
        reader, writer = await asyncio.open_connection(*second)
        writer.close()
        await reader.read()
    assert b"hello" in await waiting


async def test_another_address_closes_the_old_port_once_it_is_taken(listener: Listener) -> None:
    async with answering(listener) as first:
        listener.reserve(("127.0.0.1", _free()))
        assert b"hello" in await say(
            first, ASKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        )
    async with answering(listener) as second:
        assert second != first
        with pytest.raises(ConnectionRefusedError):
            await say(first, ASKED)


def _free() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


def test_a_port_that_is_taken_is_told_and_the_old_one_stays(listener: Listener) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        kept = listener.take()
        with pytest.raises(ConfigError, match=rf"server.listen: 127.0.0.1:{port}: .*in use"):
            listener.reserve(("127.0.0.1", port))
        listener.reserve(("127.0.0.1", 0))
        assert listener.take() is kept


def test_ipv6_is_spelled_as_addresses_are() -> None:
    assert server.spelled(("::1", 8085)) == "[::1]:8085"

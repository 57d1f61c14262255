"""A proxy between a client and a server that goes wrong when it is told to.

Every request that reaches it is passed on, or not, and answered, or not, as the fault says that is
due. Only changes count: a fault that is set for the second one does not meet the reads around it.
"""

import http.client
import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

Reply = tuple[int, Mapping[str, str], bytes]
Fault = Callable[["Exchange"], None]
"""What is done instead of passing a request on and its answer back."""


class Exchange:
    """One request, and the means to do something to it."""

    def __init__(self, handler: BaseHTTPRequestHandler, upstream: str, body: bytes) -> None:
        self.handler = handler
        self._upstream = urlsplit(upstream)
        self.body = body

    def ask(self) -> Reply:
        """Pass the request on and return the server's answer."""
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port or 80, timeout=120
        )
        headers = {
            name: value
            for name, value in self.handler.headers.items()
            if name.lower() not in {"host", "connection", "accept-encoding"}
        }
        try:
            connection.request(self.handler.command, self.handler.path, self.body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def answer(self, reply: Reply) -> None:
        status, headers, body = reply
        self.handler.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
                self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def reset(self) -> None:
        """Break the connection off as a machine does that goes down."""
        own = self.handler.connection
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True
        own.close()

    def until_client_leaves(self) -> None:
        """Hold the line until the client hangs up."""
        select.select([self.handler.connection], [], [], 60)
        self.handler.close_connection = True


def pass_on(exchange: Exchange) -> None:
    """Do nothing wrong."""
    exchange.answer(exchange.ask())


def refuse(exchange: Exchange) -> None:
    """Reset before anything has reached the server."""
    exchange.reset()


def lose_the_answer(exchange: Exchange) -> None:
    """Reset after the server has done what was asked for."""
    exchange.ask()
    exchange.reset()


def leave_at_once(exchange: Exchange) -> None:
    """Reset while the server is still at it."""
    threading.Thread(target=exchange.ask, daemon=True).start()
    exchange.reset()


def half_an_answer(exchange: Exchange) -> None:
    """Cut the answer off in the middle."""
    status, _, body = exchange.ask()
    exchange.handler.send_response(status)
    exchange.handler.send_header("Content-Type", "application/json")
    exchange.handler.send_header("Content-Length", str(len(body)))
    exchange.handler.end_headers()
    exchange.handler.wfile.write(body[: len(body) // 2])
    exchange.reset()


def hold(exchange: Exchange) -> None:
    """Have the server do it, and never answer."""
    exchange.ask()
    exchange.until_client_leaves()


def _error(status: int, text: str, headers: Mapping[str, str]) -> Fault:
    def fault(exchange: Exchange) -> None:
        body = json.dumps({"data": None, "errors": [{"message": text, "extensions": {}}]})
        exchange.answer((status, {"Content-Type": "application/json", **headers}, body.encode()))

    return fault


shed = _error(
    429,
    "Server is shedding load; retry later.",
    {"X-Infrahub-Admission": "shed", "Retry-After": "1"},
)
"""What the server itself says when it is overloaded: nothing was done."""
slow_down = _error(429, "Too many requests", {"Retry-After": "1"})
"""What some gateway says: whether anything was done is not known."""
unavailable = _error(503, "Database unavailable", {"Retry-After": "1"})


def plain_500(exchange: Exchange) -> None:
    """Fail in plain text after having done it all, and drop the connection."""
    exchange.ask()
    exchange.answer((500, {"Content-Type": "text/plain"}, b"Internal Server Error"))
    exchange.handler.close_connection = True


class _Server(ThreadingHTTPServer):
    """Takes its connections along when it goes."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def start(self) -> None:
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever was being served is not there any more."""

    def close_port(self) -> None:
        """Let nobody in any more: who is in stays."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def drop_all(self) -> None:
        for own in tuple(self._open):
            with suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)


class FaultProxy:
    """Serves on a loopback port and passes on to ``upstream``."""

    def __init__(self, upstream: str) -> None:
        self.faults: dict[int, Fault] = {}
        """By the number of a change since ``begin``, counted from 0."""
        self.changes = 0
        self._counting = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.fault_of(body)(Exchange(self, upstream, body))

            do_GET = do_POST = _serve  # noqa: N815

        self._handler = Handler
        # Bound, and never listening: while the server is away its port is nobody else's.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self._port = self._place.getsockname()[1]
        self._server = _Server(self._port, Handler)
        self._away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def stop(self, exchange: Exchange) -> None:
        """Be gone as a server that is killed: what is under way is cut off, nobody is let in."""
        threading.Thread(target=exchange.ask, daemon=True).start()
        self._leave()
        self._server.drop_all()

    def leave_between(self, exchange: Exchange) -> None:
        """Be gone as a server that is stopped: what is under way is answered, nobody is let in."""
        reply = exchange.ask()
        self._leave()
        exchange.answer(reply)
        exchange.handler.close_connection = True

    def _leave(self) -> None:
        with self._counting:
            if not self._away:
                self._away = True
                self._server.close_port()

    def come_back(self) -> None:
        """Be there again, at the same place."""
        self._server = _Server(self._port, self._handler)
        self._away = False
        self._server.start()

    def begin(self, faults: Mapping[int, Fault]) -> None:
        """Set the faults that are due from now on."""
        with self._counting:
            self.faults, self.changes = dict(faults), 0

    def fault_of(self, body: bytes) -> Fault:
        if not body.startswith((b'{"query":"mutation', b'{"query": "mutation')):
            return pass_on
        with self._counting:
            number = self.changes
            self.changes += 1
            return self.faults.get(number, pass_on)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self._place.close()

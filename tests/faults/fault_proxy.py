"""A proxy between a client and a server that goes wrong when it is told to.

Every request that reaches it is passed on, or not, and answered, or not, as the fault says that is
due. Whoever sets faults says which requests count: by default only changes, so that a fault that is
set for the second one does not meet the reads around it.
"""

import http.client
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

    @property
    def changes(self) -> bool:
        """Whether it asks for changes in GraphQL: all else may be asked again."""
        return self.body.startswith((b'{"query":"mutation', b'{"query": "mutation'))

    @property
    def loads(self) -> bool:
        """Whether it sends a schema, to be looked at or to be taken."""
        return self.handler.command == "POST" and self.handler.path.startswith("/api/schema/")

    def ask(self) -> Reply:
        """Pass the request on and return the server's answer."""
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port or 80, timeout=600
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

    def hold(self, seconds: float) -> None:
        """Hold the line for so long, or until the client hangs up."""
        select.select([self.handler.connection], [], [], seconds)


def changes(exchange: Exchange) -> bool:
    return exchange.changes


def reads(exchange: Exchange) -> bool:
    return not exchange.changes


def loads(exchange: Exchange) -> bool:
    return exchange.loads


def everything(_: Exchange) -> bool:
    return True


def pass_on(exchange: Exchange) -> None:
    """Do nothing wrong."""
    exchange.answer(exchange.ask())


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
        """By the number of a request that counts, since ``begin`` and from 0."""
        self.counted = 0
        self.met = 0
        """How many of the faults were due so far."""
        self._counts = changes
        self._counting = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                exchange = Exchange(self, upstream, body)
                outer.fault_of(exchange)(exchange)

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

    def begin(
        self, faults: Mapping[int, Fault], counts: Callable[[Exchange], bool] = changes
    ) -> None:
        """Set the faults that are due from now on."""
        with self._counting:
            self.faults, self._counts = dict(faults), counts
            self.counted = self.met = 0

    def fault_of(self, exchange: Exchange) -> Fault:
        with self._counting:
            if not self._counts(exchange):
                return pass_on
            fault = self.faults.get(self.counted)
            self.counted += 1
            self.met += fault is not None
            return fault or pass_on

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self._place.close()

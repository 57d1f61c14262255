"""Small HTTP servers of repositories, on a loopback port and in a thread."""

import base64
import select
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote

import trustme

from repositories import ENVIRONMENT


class Server:
    """Answer every request with a status and headers, unless a subclass knows better."""

    def __init__(self, status: int = 404, **headers: str) -> None:
        self.reached = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.seen: list[str] = []
        """What was said of who asks, request by request; empty where nothing was."""
        self._scheme = "http"
        outer = self

        class Handler(self.handler):  # type: ignore[name-defined,misc]
            server_ = outer

            def parse_request(self) -> bool:
                parsed = bool(super().parse_request())
                if parsed:
                    outer.seen.append(self.headers.get("Authorization", ""))
                return parsed

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._status = status
        self._headers = headers
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    class handler(BaseHTTPRequestHandler):  # noqa: N801
        server_: ClassVar[Any]

        def answer(self) -> None:
            self.send_response(self.server_._status)
            if self.server_._status == 401:
                self.send_header("WWW-Authenticate", "Basic realm=x")
            for name, value in self.server_._headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

    def secured(self, context: ssl.SSLContext) -> Self:
        """Speak https; the handshake is made by the thread of its request."""
        self._scheme = "https"
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        return self

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.place}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def trusted(authority: Path) -> ssl.SSLContext:
    """Return what a server on loopback shows, and write down who vouches for it."""
    own = trustme.CA()
    own.cert_pem.write_to_path(authority)
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.issue_cert("127.0.0.1").configure_cert(found)
    return found


def redirecting(to: str) -> Server:
    return Server(302, Location=to)


class _Files(Server):
    root: Path

    class handler(SimpleHTTPRequestHandler):  # noqa: N801
        server_: ClassVar[Any]

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(self.server_.root))


def dumb(root: Path) -> Server:
    """Serve what is in a directory as files."""
    server = _Files()
    server.root = root
    return server


class Smart(Server):
    """Repositories, served by git's own program to whoever can log in, if that is needed."""

    root: Path
    login: str | None = None
    """``user:password``."""

    class handler(BaseHTTPRequestHandler):  # noqa: N801
        server_: ClassVar[Any]

        def do_GET(self) -> None:
            self._git(b"")

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers["Content-Length"]))
            self._git(body)

        def _git(self, body: bytes) -> None:
            server = self.server_
            if server.login and server.seen_login(self.headers) != server.login:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic realm=x")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            server.reached.set()
            server.gate.wait()
            path, _, query = self.path.partition("?")
            done = subprocess.run(
                ["git", "-c", "safe.directory=*", "http-backend"],
                input=body,
                capture_output=True,
                check=False,
                env={
                    **ENVIRONMENT,
                    "GIT_PROJECT_ROOT": str(server.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": unquote(path),
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    @staticmethod
    def seen_login(headers: Any) -> str:
        return base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()


def smart(root: Path, login: str | None = None) -> Smart:
    """Serve repositories by git's own program, to whoever can log in."""
    server = Smart()
    server.root = root
    server.login = login
    return server


def gated(root: Path, login: str | None = None) -> Smart:
    """Serve repositories, but nothing before the gate is opened."""
    server = smart(root, login)
    server.gate.clear()
    return server


class Proxy(Server):
    """A way to any other server of this machine, for whoever can log in."""

    login: str | None = None

    class handler(BaseHTTPRequestHandler):  # noqa: N801
        server_: ClassVar[Any]
        protocol_version = (
            "HTTP/1.1"  # whoever was asked to log in comes back on the same connection
        )

        def do_CONNECT(self) -> None:
            given = self.headers.get("Proxy-Authorization", "").removeprefix("Basic ")
            if self.server_.login not in {None, base64.b64decode(given).decode()}:
                self.send_response(407)
                self.send_header("Proxy-Authenticate", "Basic realm=x")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.server_.reached.set()
            self.close_connection = True
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: far, far: self.connection}
                while True:
                    for end in select.select(list(ends), [], [])[0]:
                        data = end.recv(65536)
                        if not data:
                            return
                        ends[end].sendall(data)

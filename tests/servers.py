"""Small HTTP servers of repositories, on a loopback port and in a thread."""

import base64
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote

from repositories import ENVIRONMENT


class Server:
    """Answer every request with a status and headers, unless a subclass knows better."""

    def __init__(self, status: int = 404, **headers: str) -> None:
        self.reached = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(self.handler):  # type: ignore[name-defined,misc]
            server_ = outer

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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


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


class _Smart(Server):
    root: Path
    password: str | None = None

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
            server.reached.set()
            server.gate.wait()
            given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
            if server.password and given != f"{server.password}:{server.password}".encode():
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic realm=x")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
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


def smart(root: Path, password: str | None = None) -> Server:
    """Serve repositories by git's own program, to whoever knows the password."""
    server = _Smart()
    server.root = root
    server.password = password
    return server


def gated(root: Path) -> Server:
    """Serve repositories, but nothing before the gate is opened."""
    server = smart(root)
    server.gate.clear()
    return server

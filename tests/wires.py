"""Ways between processes that a test may cut."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Wire:
    """A way to a server that can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._cut = False
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Pass nothing on any more, and answer nobody; the server's ends close, and only these."""
        self._cut = True
        for own in self._open[1::2]:
            own.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cut = True
        for own in [self._listener, *self._open]:
            with suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)
            own.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                for way in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if not self._cut:
                    other.sendall(data)

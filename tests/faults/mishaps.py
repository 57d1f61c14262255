"""What may go wrong with one request, on its way there and back."""

import json
import random
import threading
import zlib
from collections.abc import Mapping, Sequence

from fault_proxy import Exchange, Fault


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
    exchange.hold(60)
    exchange.handler.close_connection = True


def late(seconds: float) -> Fault:
    """Answer when so much time has passed, or when nobody waits for it any more."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.ask()
        exchange.hold(seconds)
        exchange.answer(reply)

    return fault


def _says(body: bytes, kind: str = "application/json", **headers: str) -> Fault:
    """Have the server do it, and answer something else that looks well."""

    def fault(exchange: Exchange) -> None:
        exchange.ask()
        exchange.answer((200, {"Content-Type": kind, **headers}, body))

    return fault


def _bomb() -> bytes:
    own = zlib.compressobj(9, wbits=31)
    return own.compress(b" " * 70_000_000) + own.flush()


login_page = _says(b"<!doctype html><title>Who are you?</title>", "text/html")
a_list = _says(b"[]")
nothing = _says(b'{"data": null}')
"""An answer in form, without anything in it."""
too_deep = _says(b'{"data":' + b"[" * 100_000)
too_large = _says(_bomb(), **{"Content-Encoding": "gzip"})


def ignored(exchange: Exchange) -> None:
    """Say that all is well, and have nothing done."""
    exchange.answer((200, {"Content-Type": "application/json"}, b'{"data": null}'))


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
slow_down = _error(429, "Too many requests", {})
"""What some gateway says: whether anything was done is not known."""
unavailable = _error(503, "Database unavailable", {})


def plain_500(exchange: Exchange) -> None:
    """Fail in plain text after having done it all, and drop the connection."""
    exchange.ask()
    exchange.answer((500, {"Content-Type": "text/plain"}, b"Internal Server Error"))
    exchange.handler.close_connection = True


FAULTS: list[Fault] = [
    refuse,
    lose_the_answer,
    leave_at_once,
    half_an_answer,
    hold,
    late(0.5),
    shed,
    slow_down,
    unavailable,
    plain_500,
    login_page,
    a_list,
    nothing,
    ignored,
    too_deep,
    too_large,
]


def weather(
    dice: random.Random, requests: int, rate: float, faults: Sequence[Fault] = FAULTS
) -> dict[int, Fault]:
    """Return what meets so many requests, at so many of them."""
    return {number: dice.choice(faults) for number in range(requests) if dice.random() < rate}

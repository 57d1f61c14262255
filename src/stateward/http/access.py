"""Who may ask, and who may command.

A token is borne by whoever has it; where none is configured, this machine's own may ask, and
nobody may command. A page in somebody's browser is not this machine's own, whatever name it
reached us by.
"""

import hmac
import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from starlette.requests import Request

from stateward.errors import Code
from stateward.http.answers import Refused
from stateward.http.gate import Rate

_A_SECOND, _BURST, _PLACES = 1.0, 20.0, 1024
_BEARER = "bearer "


class Scope(StrEnum):
    """What something takes."""

    READ = "read"
    WRITE = "write"


@dataclass(slots=True)
class Access:
    """The tokens, and where wrong ones came from."""

    write: str | None = field(default=None, repr=False)
    read: str | None = field(default=None, repr=False)
    """It is not enough to command."""
    wrong: Rate = field(default_factory=lambda: Rate(_A_SECOND, _BURST, _PLACES))

    def check(self, request: Request, scope: Scope, now: float) -> None:
        """Raise ``Refused`` where a request may not do what it is about."""
        if self.write is None and self.read is None:
            self._check_local(request, scope)
            return
        given = _token(request.headers.get("authorization", ""))
        # Both are compared, however the first comparison ends.
        commands, asks = _same(given, self.write), _same(given, self.read)
        if not commands and not asks:
            self._refuse(request, given, now)
        if scope is Scope.WRITE and not commands:
            raise Refused(Code.MAY_NOT_COMMAND, "this token may ask, and not command")

    def _refuse(self, request: Request, given: str, now: float) -> None:
        place = request.client.host if request.client else ""
        if given and not self.wrong.admits(place, now):
            raise Refused(Code.TOO_MANY, "too many wrong tokens", {"retry-after": "1"})
        message = (
            "this token is not known" if given else "a token is expected: Authorization: Bearer …"
        )
        raise Refused(
            Code.UNKNOWN_CALLER, message, {"www-authenticate": 'Bearer realm="stateward"'}
        )

    @staticmethod
    def _check_local(request: Request, scope: Scope) -> None:
        if not _is_local(request.headers.get("host", "")):
            message = (
                "without a token only this machine's own name is answered: localhost, or 127.0.0.1"
            )
            raise Refused(Code.MAY_NOT_COMMAND, message)
        if scope is Scope.WRITE:
            message = "no token is configured that may command: set server.token"
            raise Refused(Code.MAY_NOT_COMMAND, message)


def _token(header: str) -> str:
    return header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER else ""


def _same(given: str, expected: str | None) -> bool:
    return hmac.compare_digest(given.encode(), (expected or "").encode()) and bool(expected)


def _is_local(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

"""What to do about a server that could not be talked to: the causes of an error, told apart."""

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from stateward.errors import Code, StatewardError
from stateward.model.finding import Finding, wrong
from stateward.targets.infrahub.answers import Untouched
from stateward.targets.infrahub.connection import Connection

_LOST = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
_EXPIRED, _NOT_YET, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
"""Numbers of OpenSSL for what may be wrong with a certificate."""
_ADVICE = {
    Code.TARGET_UNREACHABLE: "look at the address, the network and whether Infrahub runs",
    Code.TARGET_CREDENTIALS: "give a token that is right, of an account that is active:"
    " INFRAHUB_API_TOKEN, or target.token in the configuration",
    Code.TARGET_PERMISSION: "have an administrator of Infrahub give the account the permission",
    Code.TARGET_BRANCH: "make the branch in Infrahub, or name one that is there: ?branch=NAME",
    Code.TARGET_ANSWER: "look at host, port and path: Infrahub's own address is wanted,"
    " without /graphql, and not that of a login page before it",
    Code.TARGET_BUSY: "wait, and try again",
    Code.SCHEMA: "mend the schema files",
}
_OTHERWISE = "try again; if it stays so, look into the server's log"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way of not getting through."""

    message: str
    advice: str


def told(subject: str, error: StatewardError, connection: Connection) -> Finding:
    """Return an error as a finding; its words are fit to be printed already."""
    trouble = _of(error, connection)
    if trouble is not None:
        return wrong(subject, trouble.message, trouble.advice)
    return wrong(subject, str(error.args[0]), _ADVICE.get(error.code, _OTHERWISE))


def _of(error: StatewardError, connection: Connection) -> Trouble | None:
    if error.code is not Code.TARGET_UNREACHABLE:
        return None
    place = urlsplit(connection.proxy or connection.address)
    whose = "the proxy " if connection.proxy else ""
    where = f"{whose}{place.hostname}"
    port = place.port or {"http": 80, "https": 443}.get(place.scheme, 0)
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return Trouble(f"{where}: no such host", "look at its spelling, and at this DNS")
        if isinstance(cause, ConnectionRefusedError):
            advice = "look at host and port, and whether it runs"
            return Trouble(f"{where}: nothing answers at port {port}", advice)
        if isinstance(cause, ssl.SSLError):
            return _of_tls(cause, connection)
        if isinstance(cause, TimeoutError):
            return _of_time(where, error)
        if isinstance(cause, OSError) and cause.errno in _LOST:
            return Trouble(f"{where}: there is no way to it", "look at the network and its routes")
    return None


def _of_time(where: str, error: StatewardError) -> Trouble:
    if isinstance(error, Untouched):
        advice = "look at host and port, firewalls, and whether a proxy is needed: target.proxy"
        return Trouble(f"{where}: no connection in time", advice)
    advice = "it may be busy: look at its load, try again, or set target.timeout higher"
    return Trouble(f"{where}: {error.args[0]}", advice)


def _of_tls(error: ssl.SSLError, connection: Connection) -> Trouble:
    host = urlsplit(connection.address).hostname
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return Trouble(f"{host}: does not speak TLS at this port", "use http://, or its port")
        advice = "look at its TLS versions, and whether it asks for a client certificate"
        return Trouble(f"{host}: TLS cannot be agreed on ({error.reason or 'no reason'})", advice)
    if error.verify_code in {_OTHER_HOST, _OTHER_ADDRESS}:
        advice = "give the address by the name that the certificate has"
        return Trouble(f"{host}: its certificate is for another name", advice)
    if error.verify_code in {_EXPIRED, _NOT_YET}:
        advice = "have it renewed, and look at this machine's clock"
        return Trouble(f"{host}: its certificate is not valid at this time", advice)
    advice = "give the authority that signed it: target.caFile, or INFRAHUB_TLS_CA_FILE"
    return Trouble(f"{host}: its certificate is not trusted", advice)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error's causes, those that happened side by side included."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__

"""Where an Infrahub is and who we are there: what a person wrote, checked before anything is sent.

An address with a user, a password or parameters that are not ours is refused: it ends up in plans,
logs and process lists. No message repeats what may be secret.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from stateward.errors import Code, ConfigError

MOST_IN_FLIGHT = 10
"""More connections than this make the client slower, not faster."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
_BRANCH = re.compile(r"[^\s/\\~^:?*\[]+(/[^\s/\\~^:?*\[]+)*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One branch of one Infrahub, and the way there; raises ``ConfigError`` for what cannot be."""

    address: str
    branch: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float
    """Seconds for one request that reads, from the first byte to the last."""
    write_timeout: float
    in_flight: int

    def __post_init__(self) -> None:
        _check_branch(self.branch)
        if self.token is not None and not is_token(self.token):
            raise ConfigError("the token of the target: empty, or not of printable characters")
        if (self.username is None) is not (self.password is None):
            raise ConfigError("the target's user name and password go together: one is missing")
        if self.client_key is not None and self.client_cert is None:
            raise ConfigError("a client key for the target, but no client certificate")
        if not 1 <= self.in_flight <= MOST_IN_FLIGHT:
            raise ConfigError(
                f"requests in flight to the target: {self.in_flight}:"
                f" expected 1 to {MOST_IN_FLIGHT}"
            )
        if not all(isfinite(own) and own > 0 for own in (self.timeout, self.write_timeout)):
            raise ConfigError("the timeouts of the target: expected seconds, more than none")
        if self.proxy is not None:
            _check_proxy(self.proxy)

    @property
    def name(self) -> str:
        """The address and the branch, without secrets: part of a plan's digest."""
        return f"{self.address}?branch={quote(self.branch, safe='/')}"

    @property
    def graphql(self) -> str:
        return f"{self.address}/graphql/{quote(self.branch, safe='/')}"

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken, to the target or to the proxy."""
        return "https" in {urlsplit(own).scheme for own in (self.address, self.proxy or "")}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be repeated anywhere."""
        userinfo = urlsplit(self.proxy).password if self.proxy else None
        return spellings(own for own in (self.token, self.password, userinfo) if own)


def is_token(text: str) -> bool:
    """Say whether text can be sent in a header."""
    return _TOKEN.fullmatch(text) is not None


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets in every spelling that a server may repeat them in, the longest first."""
    found: set[str] = set()
    for own in secrets:
        found |= {own, quote(own, safe=""), unquote(own), escape(own)}
        found |= {json.dumps(own, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
    return tuple(sorted(found, key=lambda own: (-len(own), own)))


def parse(url: str) -> tuple[str, str | None]:
    """Read ``http(s)://host[:port][/prefix][?branch=name]`` as the address and the branch."""
    parts, port = _split(url)
    if "@" in parts.netloc:
        raise _refused(
            "a user, a password or a token in it would be seen by others:"
            " leave it out, and give credentials by the configuration"
        )
    host = (parts.hostname or "") if ":" not in (parts.hostname or "") else f"[{parts.hostname}]"
    if not _HOST.fullmatch(host):
        raise _refused("its host is not a host name")
    if parts.fragment or url.endswith("#"):
        raise _refused("it has a fragment (#…)")
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise _refused("its path has more in it than letters, digits, dots and dashes")
    place = host if port in {None, _PORTS[parts.scheme]} else f"{host}:{port}"
    return f"{parts.scheme}://{place}{prefix}", _branch(parts.query)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if not url.isprintable() or re.search(r"\s", url):
        raise _refused("it has spaces or control characters in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Its words repeat what stands where a port is expected, which may be a password.
        raise _refused("it is not a valid URL") from None
    if parts.scheme not in _PORTS:
        raise _refused("expected http:// or https://")
    if port == 0:
        raise _refused("it is not a valid URL")
    return parts, port


def _branch(query: str) -> str | None:
    try:
        found = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise _refused("its parameters cannot be read: expected ?branch=name or nothing") from None
    if not found:
        return None
    if [key for key, _ in found] != ["branch"]:
        raise _refused("expected ?branch=name once, and no other parameters")
    _check_branch(found[0][1])
    return found[0][1]


def _check_branch(name: str) -> None:
    parts = set(name.split("/"))
    if not (_BRANCH.fullmatch(name) and name.isprintable()) or {".", ".."} & parts:
        raise _refused("the name of its branch cannot be one")


def _check_proxy(proxy: str) -> None:
    try:
        parts = urlsplit(proxy)
        right = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not proxy.isascii() or not proxy.isprintable():
        raise ConfigError("the proxy of the target: expected http://host:port")


def _refused(why: str) -> ConfigError:
    """Say what is wrong without the address: it was refused, and any part of it may be secret."""
    return ConfigError(f"the address of the target: {why}", code=Code.TARGET_UNKNOWN)

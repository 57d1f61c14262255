"""Where a PostgreSQL is: what a person wrote, checked before a library or a log ever sees it.

An address with a password is refused: it ends up in messages and process lists. No message repeats
what may be secret.
"""

import re
from dataclasses import dataclass, field

from stateward.errors import Code, ConfigError

SCHEMES = frozenset({"postgresql", "postgres"})

_ENCODED = r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+"
_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
_PARAMETER = r"[a-z_]+=(?:[A-Za-z0-9._~/:,@-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(
    rf"(?P<place>(?P<scheme>[a-z]+)://(?:{_ENCODED}@)?(?:{_HOST}(?:,{_HOST})*)?(?:/(?:{_ENCODED})?)?)"
    rf"(?:\?(?P<parameters>{_PARAMETER}(?:&{_PARAMETER})*))?"
)
_PARAMETERS = frozenset(
    {
        "application_name",
        "channel_binding",
        "connect_timeout",
        "gssencmode",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "options",
        "passfile",
        "port",
        "require_auth",
        "service",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)
_SHAPE = "expected postgresql://user@host:port/database?sslmode=…"
_NO_PASSWORD = (
    "a password in it would be seen by others: leave it out, and give it by state.password,"  # noqa: S105 - says so
    " PGPASSWORD or PGPASSFILE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One database. ``name`` is for people: without parameters."""

    name: str
    url: str = field(repr=False)


def is_postgres(url: str) -> bool:
    return url.partition("://")[0].lower() in SCHEMES


def parse(url: str) -> Address:
    """Read the address of a PostgreSQL database; raises ``ConfigError``."""
    found = _URL.fullmatch(url)
    if found is None or found["scheme"] not in SCHEMES:
        # Of what was refused nothing is repeated: any part of it may be one of a password.
        userinfo = url.partition("://")[2].rpartition("@")[0]
        raise _refused(_NO_PASSWORD if ":" in userinfo else _SHAPE)
    names = [own.partition("=")[0] for own in (found["parameters"] or "").split("&") if own]
    if {"password", "sslpassword"} & set(names):
        raise _refused(_NO_PASSWORD)
    if set(names) - _PARAMETERS:
        raise _refused(f"its parameters may be {', '.join(sorted(_PARAMETERS))}")
    return Address(name=found["place"], url=url)


def _refused(why: str) -> ConfigError:
    return ConfigError(f"the address of the state database: {why}", code=Code.TARGET_UNKNOWN)

"""Where the daemon answers, and to whom."""

import ipaddress
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from stateward.model.forge import Forge
from stateward.settings.base import Model, SecretReference

_LOCALHOST = "localhost"
_EXPECTED = "expected an address and a port: 127.0.0.1:8085, [::1]:8085, 0.0.0.0:8085"


def address(given: str) -> tuple[str, int]:
    """Return the host and the port; raises ``ValueError``."""
    try:
        parts = urlsplit(f"//{given}")
        host, port = parts.hostname or "", parts.port
        right = parts.netloc == given and "@" not in given and port is not None
        host = "127.0.0.1" if host == _LOCALHOST else str(ipaddress.ip_address(host))
    except ValueError:
        right = False
    if not right or port is None:
        raise ValueError(_EXPECTED)
    return host, port


def _address(given: str) -> str:
    address(given)
    return given


class HookSettings(Model):
    """Somebody who calls when there is something new to fetch."""

    forge: Annotated[Forge, Field(strict=False)]
    secret: SecretReference
    """What both know: without it anybody could call."""
    sources: tuple[str, ...] | None = None
    """The sources that are looked at then; all of them where it is not given."""


class ServerSettings(Model):
    """The daemon's own port; without this, there is none."""

    listen: Annotated[str, AfterValidator(_address)] = "127.0.0.1:8085"
    api: bool = True
    """Whether there is more than health and metrics."""
    token: SecretReference | None = None
    """Who bears it may ask and command."""
    read_token: SecretReference | None = None
    """Who bears it may only ask."""
    hooks: tuple[HookSettings, ...] = ()

    @property
    def address(self) -> tuple[str, int]:
        return address(self.listen)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.address[0]).is_loopback

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        tokens = (self.token, self.read_token)
        if self.api and tokens == (None, None) and not self.is_local:
            raise ValueError(
                f"others can reach {self.listen}: give token: {{file: …}}, or api: false"
            )
        return self

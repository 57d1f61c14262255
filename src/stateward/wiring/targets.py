"""From an address to a target: which one it is, and with which credentials."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from stateward.errors import Code, ConfigError
from stateward.instruments import UNMEASURED, Instruments
from stateward.ports import Target
from stateward.settings import DEFAULT_TARGET, SdkEnvironment, TargetSettings
from stateward.stores.memory import FileMemory
from stateward.targets.embedded import EmbeddedTarget
from stateward.targets.infrahub import InfrahubTarget
from stateward.targets.infrahub.connection import Connection, parse
from stateward.targets.infrahub.lineage import Lineage
from stateward.wiring.paths import sqlite_path
from stateward.wiring.place import Place
from stateward.wiring.secrets import secret

_SERVERS = frozenset({"http", "https"})
_DEFAULT_BRANCH = "main"
_TARGET = "target"
"""What the settings of a target are called, unless there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a program says of the target itself: it comes before all that is configured."""

    token: str | None = field(default=None, repr=False)
    branch: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    """Goes with a user name, and is of use where there is no token."""
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None


def open_target(
    named: str | None,
    settings: TargetSettings,
    home: Path,
    kept: Path,
    said: Said | None = None,
    within: str = _TARGET,
    instance: str = "default",
    instruments: Instruments = UNMEASURED,
) -> Target:
    """Open the target that a URL names: relative to here on the command line, else to ``home``.

    ``kept`` is the directory of what it keeps on this machine from one process to the next;
    ``within`` is where the settings stand, for whoever is told that they are wrong.
    Where neither says anything, it is the server that scripts of the SDK would talk to.
    """
    sdk = SdkEnvironment()
    url = named or settings.url or sdk.address or DEFAULT_TARGET
    scheme = urlsplit(url).scheme
    said = said or Said()
    if scheme == "sqlite":
        if said.branch not in {None, _DEFAULT_BRANCH}:
            message = f"{url}: a database file has no branch {said.branch}: leave it out"
            raise ConfigError(message, code=Code.TARGET_BRANCH)
        return EmbeddedTarget(f"sqlite:///{sqlite_path(url, Path.cwd() if named else home)}")
    if scheme in _SERVERS:
        connection = _with(_connection(url, settings, sdk, home, within), said)
        return InfrahubTarget(
            connection,
            batch=settings.batch,
            leases=kept / "leases",
            strategy=settings.strategy,
            instance=instance,
            lineage=Lineage(**settings.lineage.model_dump(by_alias=False)),
            memory=FileMemory(kept / "memory"),
            instruments=instruments,
        )
    raise ConfigError(
        f"{scheme or url!r}: no such kind of target: expected sqlite:///path or https://host",
        code=Code.TARGET_UNKNOWN,
    )


def open_configured(
    place: Place,
    own: str | None,
    named: str | None,
    instance: str,
    instruments: Instruments = UNMEASURED,
) -> Target:
    """Open one of the targets that are configured, None for the one without a name.

    What is ``named`` on the command line, or by the environment, takes the place of its URL.
    """
    said = place.configuration
    return open_target(
        named or place.environment.target,
        said.target if own is None else said.targets[own],
        place.home,
        place.kept,
        within=_TARGET if own is None else f"targets.{own}",
        instance=instance,
        instruments=instruments,
    )


def _with(connection: Connection, said: Said) -> Connection:
    if said.token is not None:
        connection = replace(connection, token=said.token, username=None, password=None)
    elif said.password is not None:
        connection = replace(connection, token=None, username=said.username, password=said.password)
    if said.proxy is not None:
        connection = replace(connection, proxy=said.proxy)
    if said.ca_file is not None:
        connection = replace(connection, ca_file=said.ca_file)
    return replace(connection, branch=said.branch) if said.branch is not None else connection


def _connection(
    url: str, settings: TargetSettings, sdk: SdkEnvironment, home: Path, within: str
) -> Connection:
    address, branch = parse(url)
    token = secret(f"{within}.token", settings.token, home)
    password = secret(f"{within}.password", settings.password, home)
    if token is None and password is None and not settings.username:
        token = sdk.api_token.get_secret_value() if sdk.api_token else None
    username = settings.username
    if token is None and password is None and sdk.password is not None:
        username, password = username or sdk.username, sdk.password.get_secret_value()
    return Connection(
        address=address,
        branch=branch or settings.branch or sdk.default_branch or _DEFAULT_BRANCH,
        token=token,
        username=username if password is not None else None,
        password=password,
        ca_file=_file(settings.ca_file, home) or sdk.tls_ca_file,
        client_cert=_file(settings.client_cert, home),
        client_key=_file(settings.client_key, home),
        proxy=settings.proxy or (sdk.proxy.get_secret_value() if sdk.proxy else None),
        timeout=settings.timeout,
        write_timeout=settings.write_timeout,
        in_flight=settings.in_flight,
    )


def _file(path: str | None, home: Path) -> str | None:
    return None if path is None else str(home / path)

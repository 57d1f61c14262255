"""Where the state is kept: in a file, or on a server, by its address; and what stands beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stateward.errors import Code, ConfigError
from stateward.ports import Lease
from stateward.settings import RetentionSettings, SecretReference
from stateward.stores import address
from stateward.stores.address import Address
from stateward.stores.commands import KeptCommands, SqliteCommands
from stateward.stores.journal import KeptJournal
from stateward.stores.lease_file import FileLease
from stateward.stores.sqlite import SqliteJournal
from stateward.stores.statuses import KeptStatuses, SqliteStatuses
from stateward.wiring.paths import STATE_DIRECTORY, keep_out_of_git, sqlite_path
from stateward.wiring.secrets import secret

if TYPE_CHECKING:
    from stateward.stores.postgres import PostgresDatabase, Server

_LEASES = "leader-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteState:
    """A file of this machine."""

    path: Path
    kept: Path
    """The directory of what is kept on this machine beside the state."""

    @property
    def watched(self) -> Path | None:
        """Where it shows that something was written; None where it does not."""
        return self.path.parent

    def journal(self, retention: RetentionSettings) -> KeptJournal:
        return SqliteJournal(self.path, age=retention.age, count=retention.count)

    def commands(self, clock: Callable[[], float]) -> KeptCommands:
        return SqliteCommands(self.path, clock)

    def statuses(self) -> KeptStatuses:
        return SqliteStatuses(self.path)

    def lease(self, subject: str, name: str, _timeout: float) -> Lease:
        """Return the lease that those agree by who share this state."""
        return FileLease(self.leases, subject, name)

    @property
    def leases(self) -> Path:
        """Where leases lie that are files."""
        return self.path.with_name(f"{_LEASES}{self.path.name}")

    def keep_out_of_git(self) -> None:
        keep_out_of_git(self.path.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresState:
    """A database of a server, for daemons on several machines."""

    address: Address
    password: SecretReference | None
    home: Path
    """The directory that a relative path to the password belongs to."""
    kept: Path

    @property
    def watched(self) -> Path | None:
        return None

    def journal(self, retention: RetentionSettings) -> KeptJournal:
        return KeptJournal(self._database("journal"), age=retention.age, count=retention.count)

    def commands(self, clock: Callable[[], float]) -> KeptCommands:
        return KeptCommands(self._database("commands"), clock)

    def statuses(self) -> KeptStatuses:
        return KeptStatuses(self._database("statuses"))

    def lease(self, subject: str, _name: str, timeout: float) -> Lease:
        server = self.server(timeout)
        from stateward.stores.lease_postgres import PostgresLease

        return PostgresLease(server, subject)

    @property
    def leases(self) -> Path:
        return self.kept / f"{_LEASES}files"

    def keep_out_of_git(self) -> None:
        """Of what is on a server there is nothing in a repository."""

    def server(self, timeout: float | None = None) -> "Server":
        """Return the way to it; a request of a shorter ``timeout`` may be given up sooner."""
        # It takes a while to import, and is an extra.
        try:
            from stateward.stores.postgres import CONNECTING, Server
        except ImportError as error:
            message = "state.url: postgresql: needs more: pip install 'stateward[postgres]'"
            raise ConfigError(message) from error
        return Server(self.address, self._secret, timeout or CONNECTING)

    def _database(self, name: str) -> "PostgresDatabase":
        server = self.server()
        from stateward.stores.postgres import PostgresDatabase

        return PostgresDatabase(server, name)

    def _secret(self) -> str | None:
        return secret("state.password", self.password, self.home)


State = SqliteState | PostgresState


def state_of(
    url: str, password: SecretReference | None, directory: str | None, home: Path
) -> State:
    """Return the state that an address names; raises ``ConfigError``."""
    kept = home / directory if directory is not None else None
    if address.is_postgres(url):
        return PostgresState(
            address=address.parse(url),
            password=password,
            home=home,
            kept=kept or home / STATE_DIRECTORY,
        )
    if not url.startswith("sqlite:"):
        scheme = f"{url.partition('://')[0]}://…" if "://" in url else url
        message = f"{scheme}: expected sqlite:///path or postgresql://user@host/database"
        raise ConfigError(message, code=Code.TARGET_UNKNOWN)
    path = sqlite_path(url, home)
    return SqliteState(path=path, kept=kept or path.parent)

"""A PostgreSQL server of a test run's own: on the loopback interface, in a directory, and gone with it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from loopback import free_port
from stateward.stores import address

if TYPE_CHECKING:
    from stateward.stores.postgres import Server


ROLE = "stateward"
PASSWORD = "canary-of-postgres"  # noqa: S105 - what must never be seen anywhere
_PLACES = "/usr/lib/postgresql"


def programs() -> Path | None:
    """Return where the newest server's programs are; Debian has them on nobody's path."""
    beside = sorted(Path(_PLACES).glob("*/bin/initdb"), key=lambda own: int(own.parts[-3]))
    found = str(beside[-1]) if beside else shutil.which("initdb")
    return Path(found).parent if found else None


@dataclass
class Cluster:
    """A server, which may be stopped and started again: who comes by the network needs a password."""

    programs: Path
    directory: Path
    port: int
    made: int = 0

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def authority(self) -> Path:
        """Who vouches for it, in a file."""
        return self.directory / "authority.pem"

    def start(self) -> None:
        said = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        said += f" -c unix_socket_directories={self.directory} -c ssl=on"
        self._run("pg_ctl", "start", "-w", "-s", "-o", said, "-l", f"{self.directory}/log")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate")

    def certify(self) -> None:
        """Give it what it shows to whoever wants to be sure of it."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        own = authority.issue_cert("127.0.0.1")
        key = self.data / "server.key"
        own.private_key_pem.write_to_path(key)
        own.cert_chain_pems[0].write_to_path(self.data / "server.crt")
        key.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(key, "postgres")

    def make(self) -> None:
        self.ask(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")

    def database(self) -> "Database":
        """Make a new one."""
        self.made += 1
        name = f"state{os.getpid()}n{self.made}"
        self.ask(f"CREATE DATABASE {name} OWNER {ROLE}")
        return Database(self, name)

    def ask(self, statement: str, database: str = "postgres") -> list[Any]:
        """Say something as the one who may do anything."""
        import psycopg  # an extra, which a run without these tests need not have

        place = f"postgresql://postgres@/{database}?host={self.directory}&port={self.port}"
        with psycopg.connect(place, autocommit=True) as db:
            cursor = db.execute(statement)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        _as_postgres([f"{self.programs}/{program}", "-D", f"{self.data}", *arguments])


@dataclass(frozen=True)
class Database:
    """One database of it."""

    cluster: Cluster
    name: str

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}@127.0.0.1:{self.cluster.port}/{self.name}"

    def server(self) -> "Server":
        """Return the way to it that the stores take."""
        return server(self.url)

    def ask(self, statement: str) -> list[Any]:
        return self.cluster.ask(f"SET search_path = stateward; {statement}", self.name)

    def cut(self) -> None:
        """End all connections to it, as a server does that is told to."""
        found = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = "
        self.cluster.ask(f"{found}'{self.name}'")


def server(url: str) -> "Server":
    from stateward.stores.postgres import Server

    return Server(address.parse(url), lambda: PASSWORD)


@contextmanager
def running(programs: Path) -> Iterator[Cluster]:
    """Make a server and start it; it is stopped by its own directory."""
    directory = Path(tempfile.mkdtemp(prefix="stateward-postgres-"))
    own = Cluster(programs, directory, free_port())
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
        own._run("initdb", "--no-sync", "-U", "postgres", "-E", "UTF8")
        hba = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (own.data / "pg_hba.conf").write_text(hba)
        own.certify()
        own.start()
        try:
            own.make()
            yield own
        finally:
            own.stop()
    finally:
        shutil.rmtree(directory)


def _as_postgres(argv: Sequence[str]) -> None:
    """Run a program of the server, which refuses to be root."""
    who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    argv = [*who, *argv] if os.geteuid() == 0 else argv
    found = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False)
    assert found.returncode == 0, (argv, found.stdout, found.stderr)

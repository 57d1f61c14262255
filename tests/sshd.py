"""A real ssh server on a loopback port, for whoever has its one key."""

import getpass
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopback import free_port

DEADLINE = 10.0


def program() -> str:
    """Return the server's path: it wants to be called by an absolute one."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("no ssh server is installed: apt-get install openssh-server")
    return found


def keypair(file: Path, *, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(file)],
        check=True,
    )
    return file


@dataclass(frozen=True)
class Sshd:
    """A server that runs, and what is to be known of it."""

    port: int
    host_key: Path

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def known(self, host_key: Path | None = None) -> str:
        """Return the line that makes it, or another in its place, a known host."""
        kind, key, *_ = (host_key or self.host_key).with_suffix(".pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"


@contextmanager
def sshd(directory: Path, authorized: Path) -> Iterator[Sshd]:
    """Run a server that takes the key of which ``authorized`` is the public half."""
    directory.mkdir()
    host_key = keypair(directory / "host")
    port = free_port()
    (directory / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nPidFile none\n"
        f"AuthorizedKeysFile {authorized}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it goes to have no rights
    server = subprocess.Popen(
        [program(), "-D", "-e", "-f", str(directory / "config")],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _until_it_listens(server)
        yield Sshd(port=port, host_key=host_key)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate(timeout=DEADLINE)


@contextmanager
def agent(socket_: Path, key: Path) -> Iterator[None]:
    """Run an ssh agent that has a key."""
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket_)], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline(), "it says where it listens, when it does"
        subprocess.run(
            ["ssh-add", "-q", str(key)],
            env={"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(socket_)},
            check=True,
            timeout=DEADLINE,
        )
        yield
    finally:
        running.kill()
        running.communicate(timeout=DEADLINE)


def _until_it_listens(server: subprocess.Popen[bytes]) -> None:
    assert server.stderr is not None
    said = b""
    while b"listening" not in said:
        line = server.stderr.readline()
        assert line, f"the ssh server ended: {said!r}"
        said += line

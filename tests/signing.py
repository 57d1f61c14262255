"""Keys of both kinds, and commits that are signed by them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from repositories import ENVIRONMENT, Repository
from sshd import keypair

MAIL = "ada@example.org"


def _run(*command: str, home: str = "/nonexistent") -> str:
    environment = {**ENVIRONMENT, "GNUPGHOME": home}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@dataclass(frozen=True)
class Key:
    """A key, and what is given to those who are to know it."""

    public: str
    options: tuple[str, ...]
    home: str = "/nonexistent"

    def commit(self, repository: Repository, message: str = "signed") -> str:
        """Commit all that is there, signed."""
        _run("git", "-C", str(repository.path), "add", "--all")
        asked = ("commit", "-q", "--allow-empty", "-S", "-m", message)
        _run("git", "-C", str(repository.path), *self.options, *asked, home=self.home)
        return repository.git("rev-parse", "HEAD")


def ssh_key(path: Path) -> Key:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen on this machine")
    public = f"{MAIL} {keypair(path).with_suffix('.pub').read_text()}"
    return Key(public, ("-c", "gpg.format=ssh", "-c", f"user.signingkey={path}"))


@contextmanager
def gpg_key() -> Iterator[Key]:
    """Give a key of GnuPG, whose agent is ended in the end. Its socket needs a short path."""
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg on this machine")
    with TemporaryDirectory(prefix="gpg") as home:
        try:
            made = ("--batch", "--passphrase", "", "--quick-gen-key", MAIL, "ed25519", "sign")
            _run("gpg", *made, home=home)
            public = _run("gpg", "--armor", "--export", home=home)
            yield Key(public, ("-c", f"user.signingkey={MAIL}"), home)
        finally:
            _run("gpgconf", "--kill", "all", home=home)

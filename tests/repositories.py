"""Repositories for tests, made by the git program whatever the developer's settings are."""

import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from stateward.ports import Source
from stateward.sources.address import remote
from stateward.sources.folder import FolderSource
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource
from stateward.sources.signatures import Signatures

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}

Path_ = str | bytes


def git(*arguments: Path_, input: bytes | None = None) -> bytes:  # noqa: A002
    done = subprocess.run(
        ["git", *arguments], input=input, env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


class Repository:
    """A repository with a work tree."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        git("init", "-q", "-b", "main", *options, str(path))

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *arguments: Path_, input: bytes | None = None) -> str:  # noqa: A002
        output = git("-C", str(self.path), *arguments, input=input)
        return output.decode("utf-8", "surrogateescape").removesuffix("\n")

    def write(self, path: Path_, contents: bytes) -> None:
        place = os.path.join(os.fsencode(self.path), os.fsencode(path))  # noqa: PTH118
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
        with open(place, "wb") as file:  # noqa: PTH123
            file.write(contents)

    def commit(self, message: str = "a commit", **files: str) -> str:
        """Write files (``a__b`` is ``a/b``), commit everything, and return the commit."""
        for name, contents in files.items():
            self.write(name.replace("__", "/") + ".yml", contents.encode())
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def submodule(self, path: str, commit: str) -> None:
        (self.path / path).mkdir()
        self.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")

    def object(self, name: str) -> Path:
        """Return the file of a loose object, made writable."""
        found = self.git("rev-parse", name)
        file = self.path / ".git" / "objects" / found[:2] / found[2:]
        file.chmod(0o644)
        return file


def snapshot(directory: Path) -> dict[str, tuple[float, bytes | None]]:
    """Return all that is in a directory, to see whether it changed."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(directory.rglob("*"))
    }


def executable(path: Path, lines: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


LARGE = 1 << 30
"""Bytes that no mirror of a test comes near."""


def far(
    path: Path,
    cache: Path,
    timeout: float = 30,
    *,
    depth: int | None = None,
    limit: int = LARGE,
    signatures: Signatures | None = None,
) -> RemoteSource:
    """Look at a repository as at a remote one."""
    return RemoteSource(
        remote(f"file://{path}", schemes=["file"]),
        cache=cache,
        revision="HEAD",
        timeout=timeout,
        fetch_timeout=timeout,
        limit=limit,
        depth=depth,
        signatures=signatures,
    )


def looks(cache: Path) -> dict[str, Callable[[Path], Source]]:
    """Return every way to look at a repository on this machine."""
    return {
        "repository": lambda path: RepositorySource(path, revision="HEAD", timeout=30),
        "remote": lambda path: far(path, cache),
        "folder": lambda path: FolderSource(path, timeout=30),
    }

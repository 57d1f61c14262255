"""The example in a repository of its own, and the command line in it."""

import shutil
from pathlib import Path

import pytest

from commands import EXAMPLE, Cli
from repositories import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """The example, committed."""
    repo = Repository(tmp_path / "site")
    shutil.copytree(EXAMPLE, repo.path, dirs_exist_ok=True)
    repo.commit("the example")
    return repo


@pytest.fixture
def cli(
    repo: Repository, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run a command in the repository; returns its exit code and what it answered."""
    monkeypatch.chdir(repo.path)
    return Cli(capsysbinary)

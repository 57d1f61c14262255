"""The example in a repository of its own, and the command line in it."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from commands import EXAMPLE, Cli
from repositories import Repository

if TYPE_CHECKING:
    from lightkube import Client


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


@pytest.fixture
def client(kube: str) -> Iterator["Client"]:
    from lightkube import Client, KubeConfig

    with closing(Client(KubeConfig.from_file(kube))) as own:
        yield own


@pytest.fixture
def namespace(client: "Client") -> Iterator[str]:
    """One of its own, under the restricted profile."""
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import Namespace

    name = f"chart-{uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    client.create(Namespace(metadata=ObjectMeta(name=name, labels=labels)))
    yield name
    client.delete(Namespace, name)

"""What the tests share that have a server and a proxy before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cases import SCHEMA, Case
from fault_proxy import FaultProxy

from branches import Branch, fresh
from live import Lab
from repositories import Repository


@pytest.fixture(scope="session")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "faults") as branch:
        branch.load_schema(yaml.safe_load(SCHEMA))
        yield branch


@pytest.fixture
def case(
    request: pytest.FixtureRequest,
    branch: Branch,
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Case]:
    name = f"c{abs(hash(request.node.name)) % 10**9}"
    state = tmp_path / "state"
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{state / 'state.db'}")
    monkeypatch.setenv("STATEWARD_INSTANCE", name)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    repo = Repository(tmp_path / "repo")
    repo.write("stateward.yaml", b"target: {batch: 5}\n")
    with FaultProxy(lab.address) as proxy:
        yield Case(name, repo, state, branch, proxy, capsysbinary)

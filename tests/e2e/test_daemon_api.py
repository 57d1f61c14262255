"""The programming interface of a daemon: used as people use it, and held against its description."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from commands import edit
from repositories import Repository
from tending import Process

LEAVES = "objects/network/leaves.yml"
TOKEN = "c4nary-that-may-command"  # noqa: S105
UNIT = "default/objects/network"


@pytest.fixture
def daemon(repo: Repository) -> Iterator[Process]:
    (repo.path / "stateward.yaml").write_text(
        "server: {listen: '127.0.0.1:0', token: {env: API_TOKEN}}\n"
    )
    with Process(repo.path, API_TOKEN=TOKEN) as own:
        yield own


@pytest.fixture
def client(daemon: Process) -> Iterator[httpx.Client]:
    address = daemon.until("listening")["address"]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://{address}/api/v1", headers=headers, timeout=30) as own:
        yield own


def asked(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = client.request(method, path, json=body or None)
    assert answer.is_success, answer.text
    return answer.json()


def test_a_daemon_is_told_and_followed(
    repo: Repository, daemon: Process, client: httpx.Client
) -> None:
    daemon.until("round", trigger="start")
    asked(client, "POST", f"/suspend/{UNIT}", reason="a move", actor="ada")
    daemon.until("told", command="suspend", actor="ada (api)")
    edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
    commit = repo.commit("smaller frames")
    daemon.until("revision", revision=commit)
    own = asked(client, "GET", f"/units/{UNIT}")
    assert (own["pause"]["why"], own["applied"] == commit) == ("suspended", False)
    with client.stream("GET", "/events", headers={"Last-Event-ID": "0-0"}) as stream:
        asked(client, "POST", f"/resume/{UNIT}")
        daemon.until("round")
        lines = stream.iter_lines()
        names = [next(own for own in lines if own.startswith("event: ")) for _ in range(5)]
        happened = ["started", "leading", "listening", "revision"]
        assert names[:4] == [f"event: {own}" for own in happened]
        daemon.signal(signal.SIGHUP)
        assert [own for own in lines if own == "event: round"]
    daemon.until("listening")
    assert asked(client, "GET", f"/units/{UNIT}")["applied"] == commit
    (run, *_) = asked(client, "GET", "/runs?unit=objects/network&limit=1")["runs"]
    assert asked(client, "POST", f"/rollback/{run['run']}")["writes"] > 0
    daemon.until("unit", unit="objects/network", condition="held")
    assert asked(client, "GET", f"/units/{UNIT}")["state"] == "held"
    daemon.signal(signal.SIGTERM)
    assert daemon.end() == 0
    assert TOKEN not in str(daemon.seen)


@pytest.mark.timeout(300)
def test_it_is_as_it_is_described(daemon: Process, client: httpx.Client, tmp_path: Path) -> None:
    daemon.until("round", trigger="start")
    (run, *_) = asked(client, "GET", "/runs?limit=1")["runs"]
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.source" = "default"\n"path.unit" = "objects/network"\n"path.run" = "{run["run"]}"\n'
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
            *(f"{client.base_url}openapi.json", "-H", f"Authorization: Bearer {TOKEN}"),
            *("--exclude-operation-id", "events", "--phases", "coverage"),
            *("--seed", "1", "--no-color", "--generation-database", "none"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout
    assert "Tested: 14" in done.stdout
    assert [own for own in daemon.seen if own["action"] == "bug"] == []
    assert client.get("/units").status_code == 200

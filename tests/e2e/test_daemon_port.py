"""The daemon's port as probes and Prometheus meet it."""

import os
import signal
import subprocess
import sys

import httpx

from commands import edit
from repositories import Repository
from tending import Process

LEAVES = "objects/network/leaves.yml"
ANY = {"STATEWARD_LISTEN": "127.0.0.1:0"}


def ask(address: str, path: str) -> httpx.Response:
    return httpx.get(f"http://{address}{path}", timeout=10)


def test_is_answered_from_the_first_look_to_the_last_round(repo: Repository) -> None:
    with Process(repo.path, **ANY) as daemon:
        address = daemon.until("listening")["address"]
        assert ask(address, "/healthz").text == "ok\n"
        daemon.until("round", trigger="start")
        assert ask(address, "/readyz").json() == {"ready": True, "because": {}}
        edit(repo, LEAVES, "status: active", "status: asleep")
        repo.commit("a mistake")
        daemon.until("unit", unit="objects/network", condition="stalled")
        daemon.until("round")
        assert ask(address, "/readyz").status_code == 200
        told = ask(address, "/metrics").text
        assert 'stateward_unit_stalled{source="default",unit="objects/network"} 1.0\n' in told
        daemon.signal(signal.SIGHUP)
        assert daemon.until("listening")["address"] == address
        assert ask(address, "/healthz").status_code == 200
        daemon.signal(signal.SIGTERM)
        assert daemon.end(within=10) == 0


def test_that_cannot_be_had_is_refused_with_its_configuration(repo: Repository) -> None:
    config = repo.path / "stateward.yaml"
    config.write_text('server: {listen: "127.0.0.1:0"}\n')
    with (
        Process(repo.path) as other,
        Process(repo.path, STATEWARD_STATE="sqlite:///b.db") as daemon,
    ):
        taken = other.until("listening")["address"]
        address = daemon.until("listening")["address"]
        config.write_text(f'server: {{listen: "{taken}"}}\n')
        daemon.signal(signal.SIGHUP)
        refused = daemon.until("reload-refused")
        assert f"server.listen: {taken}: Address already in use" in refused["message"]
        assert ask(address, "/healthz").status_code == 200


def test_costs_nobody_anything_who_does_not_want_it() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stateward", "status", "--format", "json"],
        env={**os.environ, "STATEWARD_STATE": "sqlite:////nonexistent/state.db"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "stateward.wiring.daemon" in imported
    assert {"starlette", "uvicorn", "prometheus_client"} & imported == set()

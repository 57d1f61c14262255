"""A real server: reconciling against loading the same files with Infrahub's own tool.

Both tools work on one server, each on a branch of its own, in turn. INFRAHUB_ADDRESS and
INFRAHUB_API_TOKEN name the server; STATEWARD_BENCH_OBJECTS says how many objects (200),
STATEWARD_BENCH_ROUNDS how often each is repeated (3).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

RIVAL = Path(__file__).parents[1] / ".venv-rival" / "bin" / "infrahubctl"
ROUNDS = int(os.environ.get("STATEWARD_BENCH_ROUNDS", "3"))
SCHEMA = {
    "version": "1.0",
    "nodes": [
        {
            "namespace": "Bench",
            "name": "Rack",
            "human_friendly_id": ["name__value"],
            "attributes": [{"name": "name", "kind": "Text", "unique": True}],
        },
        {
            "namespace": "Bench",
            "name": "Device",
            "human_friendly_id": ["name__value"],
            "attributes": [
                {"name": "name", "kind": "Text", "unique": True},
                {"name": "role", "kind": "Text", "optional": True},
                {"name": "height", "kind": "Number", "optional": True},
            ],
            "relationships": [
                {
                    "name": "rack",
                    "peer": "BenchRack",
                    "cardinality": "one",
                    "optional": False,
                    "identifier": "bench_rack__devices",
                }
            ],
        },
    ],
}


def main() -> None:
    address, token = os.environ.get("INFRAHUB_ADDRESS"), os.environ.get("INFRAHUB_API_TOKEN")
    if not (address and token):
        print("server: left out: INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name no server")
        return
    count = int(os.environ.get("STATEWARD_BENCH_OBJECTS", "200"))
    with (
        connected(address, token) as server,
        tempfile.TemporaryDirectory() as directory,
    ):
        repo = repository(Path(directory), count)
        ours, theirs = (f"bench-{uuid4().hex[:8]}" for _ in range(2))
        try:
            for branch in (ours, theirs):
                make_branch(server, branch)
            _compare(repo, address, ours, theirs, count)
        finally:
            for branch in (ours, theirs):
                mutate(server, "BranchDelete", branch)


def connected(address: str, token: str) -> httpx.Client:
    """Speak to the server: a connection is not kept, since it closes idle ones without a word."""
    headers = {"X-INFRAHUB-KEY": token, "Connection": "close"}
    return httpx.Client(base_url=address, headers=headers, timeout=600)


def _compare(repo: Path, address: str, ours: str, theirs: str, count: int) -> None:
    target = f"{address}?branch={ours}"
    ours_ = [sys.executable, "-m", "stateward"]
    full = [*ours_, "apply", str(repo), "--target", target]
    probe = [*ours_, "run", "--once", str(repo), "--target", target]
    load = [str(RIVAL), "object", "load", str(repo / "objects"), "--branch", theirs]
    print(f"server: {count} objects, seconds as whole processes, {ROUNDS} rounds in turn")
    _row("first load", timed(full), timed(load))
    again: tuple[list[float], ...] = [], [], []
    for _ in range(ROUNDS):
        for command, times in zip((full, probe, load), again, strict=True):
            times.append(timed(command))
    fully, probing, theirs_ = (statistics.median(own) for own in again)
    _row("no-op, full", fully, theirs_)
    _row("no-op, run", probing, theirs_)
    edit(repo)
    _row("one changed", timed(probe), timed(load))


def _row(what: str, ours: float, theirs: float) -> None:
    print(
        f"  {what:<12} stateward {ours:7.2f}  infrahubctl {theirs:7.2f}  ratio {theirs / ours:6.1f}"
    )


def timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return time.perf_counter() - started


def repository(directory: Path, count: int) -> Path:
    racks = max(1, count // 20)
    _write(
        directory / "objects/1_racks.yml", "BenchRack", [{"name": f"r{n}"} for n in range(racks)]
    )
    devices = [
        {"name": f"d{n}", "role": "leaf", "height": n % 4, "rack": f"r{n % racks}"}
        for n in range(count - racks)
    ]
    _write(directory / "objects/2_devices.yml", "BenchDevice", devices)
    (directory / "stateward.yaml").write_text("sources: [{manageSchema: 'off'}]\n")
    _git(directory, "init", "--quiet", "-b", "main")
    _git(directory, "add", "-A")
    _git(directory, "commit", "--quiet", "-m", "all")
    return directory


def _git(directory: Path, *arguments: str) -> None:
    own = ["git", "-C", str(directory), "-c", "user.name=b", "-c", "user.email=b@b"]
    subprocess.run([*own, *arguments], check=True)


def edit(repo: Path, role: str = "spine") -> None:
    """Commit another value of the last object."""
    file = repo / "objects/2_devices.yml"
    head, _, tail = file.read_text().rpartition("role: ")
    file.write_text(f"{head}role: {role}\n{tail.partition(chr(10))[2]}")
    _git(repo, "commit", "--quiet", "--all", "-m", role)


def _write(path: Path, kind: str, data: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = {"kind": kind, "data": data}
    text = {"apiVersion": "infrahub.app/v1", "kind": "Object", "spec": spec}
    path.write_text("---\n" + yaml.safe_dump(text, sort_keys=False))


def make_branch(server: httpx.Client, branch: str) -> None:
    mutate(server, "BranchCreate", branch, ", sync_with_git: false")
    loaded = server.post(f"/api/schema/load?branch={branch}", json={"schemas": [SCHEMA]})
    loaded.raise_for_status()
    status = {"query": "{ InfrahubStatus { summary { schema_hash_synced } } }"}
    while True:
        answer = server.post(f"/graphql/{branch}", json=status).json()
        if answer["data"]["InfrahubStatus"]["summary"]["schema_hash_synced"]:
            return


def mutate(server: httpx.Client, name: str, branch: str, more: str = "") -> None:
    text = f'mutation {{ {name}(data: {{name: "{branch}"{more}}}) {{ ok }} }}'
    answer = server.post("/graphql/main", json={"query": text}).json()
    if answer.get("errors"):
        print(f"server: {name} {branch}: {answer['errors'][0]['message']}", file=sys.stderr)

"""A real server: reconciling against loading the same files with Infrahub's own tool.

Both tools work on one server, each on a branch of its own, in turn. INFRAHUB_ADDRESS and
INFRAHUB_API_TOKEN name the server; STATEWARD_BENCH_OBJECTS says how many objects (200),
STATEWARD_BENCH_ROUNDS how often each is repeated (3).
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

from stateward import wiring
from stateward.model.run import Report
from stateward.wiring import Invocation

RIVAL = Path(__file__).parents[1] / ".venv-rival" / "bin" / "infrahubctl"
READ, RECALLED = "no-op, all read", "no-op, recalled"
SETTLED = 31.0
"""Seconds after which a change is known to be through, and not looked for any more."""
ROUNDS = int(os.environ.get("STATEWARD_BENCH_ROUNDS", "3"))
OBJECTS = int(os.environ.get("STATEWARD_BENCH_OBJECTS", "200"))
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
    named = named_server("server")
    if named is None:
        return
    address, token = named
    with (
        connected(address, token) as server,
        tempfile.TemporaryDirectory() as directory,
        ExitStack() as stack,
    ):
        repo = repository(Path(directory), OBJECTS)

        def branches() -> tuple[str, str]:
            here, there = (stack.enter_context(branch(server)) for _ in range(2))
            return f"{address}?branch={here}", there

        print(f"server: {OBJECTS} objects, seconds, medians of {ROUNDS} rounds in turn", flush=True)
        target, theirs = _first_loads(repo, branches)
        _again(repo, target, theirs)


def named_server(bench: str) -> tuple[str, str] | None:
    """Return the address and the token that the environment names; says so where it names none."""
    address, token = os.environ.get("INFRAHUB_ADDRESS"), os.environ.get("INFRAHUB_API_TOKEN")
    if address and token:
        return address, token
    print(f"{bench}: left out: INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name no server")
    return None


def _first_loads(repo: Path, branches: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Load into empty branches, each tool first every other time; return the last branches."""
    times: tuple[list[float], list[float]] = [], []
    target, theirs = branches()
    for number in range(ROUNDS):
        commands = enumerate((ours("apply", repo, target), load(repo, theirs)))
        for index, command in sorted(commands, reverse=bool(number % 2)):
            times[index].append(timed(command))
        if number < ROUNDS - 1:
            target, theirs = branches()
    _row("first load", *map(statistics.median, times))
    return target, theirs


def _again(repo: Path, target: str, theirs: str) -> None:
    """Do the same with nothing changed, and with one object changed."""
    probe, loading = ours("run --once", repo, target), load(repo, theirs)
    times: dict[str, list[float]] = {}
    reports: dict[str, Report] = {}

    def running(what: str, *, relying: bool) -> None:
        seconds, reports[what] = _running(repo, target, relying=relying)
        times.setdefault(f"{what}, running", []).append(seconds)

    for number in range(ROUNDS):
        times.setdefault(READ, []).append(timed(ours("apply", repo, target)))
        running(READ, relying=False)
        looked = time.monotonic()
        times.setdefault("rival", []).append(timed(loading))
        time.sleep(max(0.0, SETTLED - (time.monotonic() - looked)))
        timed(probe)
        times.setdefault(RECALLED, []).append(timed(probe))
        running(RECALLED, relying=True)
        edit(repo, f"role{number}")
        times.setdefault("one changed", []).append(timed(probe))
        times.setdefault("rival, one changed", []).append(timed(loading))
    medians = {name: statistics.median(own) for name, own in times.items()}
    rival, changing = medians.pop("rival"), medians.pop("rival, one changed")
    for name, seconds in medians.items():
        _row(name, seconds, changing if name == "one changed" else rival)
    for name, report in reports.items():
        each = report.requests / OBJECTS
        print(
            f"  {name:<24} {report.requests} requests, {each:.3f} an object, {report.writes} writes"
        )


def _running(repo: Path, target: str, *, relying: bool) -> tuple[float, Report]:
    """Return the seconds of a round in a process that had one before, and what it reports."""

    async def rounds() -> tuple[float, Report]:
        async with reconciling(repo, target, relying=relying) as reconcile:
            await reconcile()
            started = time.perf_counter()
            report = await reconcile()
            return time.perf_counter() - started, report

    return asyncio.run(rounds())


@asynccontextmanager
async def reconciling(
    repo: Path, target: str, *, relying: bool
) -> AsyncIterator[Callable[[], Awaitable[Report]]]:
    """Have rounds in this process."""
    asked = Invocation(repo=str(repo), target=target)
    wired = wiring.remembering(wiring.wire(asked), relying=relying)

    async def reconcile() -> Report:
        _, report = await reconciler.apply(
            wired.revision, expected=None, progress=lambda _done, _all: None
        )
        return report

    async with wiring.reconciler(wired) as reconciler:
        yield reconcile


def ours(command: str, repo: Path, target: str) -> list[str]:
    return [sys.executable, "-m", "stateward", *command.split(), str(repo), "--target", target]


def load(repo: Path, branch: str) -> list[str]:
    return [str(RIVAL), "object", "load", str(repo / "objects"), "--branch", branch]


@contextmanager
def branch(server: httpx.Client) -> Iterator[str]:
    """Make a branch with the schema of the objects, and delete it in the end."""
    name = f"bench-{uuid4().hex[:8]}"
    try:
        mutate(server, "BranchCreate", name, ", sync_with_git: false")
        load_schema(server, name)
        yield name
    finally:
        mutate(server, "BranchDelete", name)


def connected(address: str, token: str) -> httpx.Client:
    """Speak to the server: a connection is not kept, since it closes idle ones without a word."""
    headers = {"X-INFRAHUB-KEY": token, "Connection": "close"}
    return httpx.Client(base_url=address, headers=headers, timeout=600)


def _row(what: str, ours: float, theirs: float) -> None:
    print(
        f"  {what:<24} stateward {ours:7.2f}  infrahubctl {theirs:7.2f}  ratio {theirs / ours:6.1f}"
    )


def timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return time.perf_counter() - started


def repository(directory: Path, count: int, unit: int | None = None, mark: str = "") -> Path:
    """Make a repository of so many objects: in one directory, or so many in each.

    Those of two marks may stand on one branch.
    """
    racks = max(1, count // 20)
    devices = [
        {"name": f"{mark}d{n}", "role": "leaf", "height": n % 4, "rack": f"{mark}r{n % racks}"}
        for n in range(count - racks)
    ]
    objects = directory / "objects"
    _write(objects / "1_racks.yml", "BenchRack", [{"name": f"{mark}r{n}"} for n in range(racks)])
    each = unit or len(devices)
    for start in range(0, len(devices), each):
        own = objects / f"{start:06}" if unit else objects
        _write(own / "2_devices.yml", "BenchDevice", devices[start : start + each])
    said = f"instance: bench{mark}\nsources: [{{manageSchema: 'off'}}]\n"
    (directory / "stateward.yaml").write_text(said)
    _git(directory, "init", "--quiet", "-b", "main")
    _git(directory, "add", "-A")
    _git(directory, "commit", "--quiet", "-m", "all")
    return directory


def _git(directory: Path, *arguments: str) -> None:
    own = ["git", "-C", str(directory), "-c", "user.name=b", "-c", "user.email=b@b"]
    subprocess.run([*own, *arguments], check=True)


def edit(repo: Path, role: str = "spine") -> None:
    """Commit another value of the last object."""
    file = max(repo.rglob("2_devices.yml"))
    head, _, tail = file.read_text().rpartition("role: ")
    file.write_text(f"{head}role: {role}\n{tail.partition(chr(10))[2]}")
    _git(repo, "commit", "--quiet", "--all", "-m", role)


def _write(path: Path, kind: str, data: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = {"kind": kind, "data": data}
    text = {"apiVersion": "infrahub.app/v1", "kind": "Object", "spec": spec}
    path.write_text("---\n" + yaml.safe_dump(text, sort_keys=False))


def load_schema(server: httpx.Client, branch: str) -> None:
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

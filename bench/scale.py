"""A real server: one changed object among many against one among few.

INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name the server; STATEWARD_BENCH_LARGE says how many are
many (1,000; the first load of 10,000 takes a quarter of an hour on two cores).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from bench.server import connected, edit, make_branch, mutate, repository

SMALL = 100
ROUNDS = 5


def main() -> None:
    address, token = os.environ.get("INFRAHUB_ADDRESS"), os.environ.get("INFRAHUB_API_TOKEN")
    if not (address and token):
        print("scale: left out: INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name no server")
        return
    large = int(os.environ.get("STATEWARD_BENCH_LARGE", "1000"))
    branches = {size: f"bench-{uuid4().hex[:8]}" for size in (SMALL, large)}
    with connected(address, token) as server, tempfile.TemporaryDirectory() as directory:
        try:
            repos = {}
            for size, branch in branches.items():
                make_branch(server, branch)
                repos[size] = repository(Path(directory) / str(size), size)
                _round(repos[size], f"{address}?branch={branch}")
                _round(repos[size], f"{address}?branch={branch}")
            _compare(repos, {size: f"{address}?branch={own}" for size, own in branches.items()})
        finally:
            for branch in branches.values():
                mutate(server, "BranchDelete", branch)


def _compare(repos: dict[int, Path], targets: dict[int, str]) -> None:
    took: dict[int, list[float]] = {size: [] for size in repos}
    asked: dict[int, set[int]] = {size: set() for size in repos}
    for number in range(ROUNDS):
        for size, repo in repos.items():
            edit(repo, f"role{number}")
            seconds, requests = _round(repo, targets[size])
            took[size].append(seconds)
            asked[size].add(requests)
    print(f"scale: one changed object, `run --once` as whole processes, {ROUNDS} rounds in turn")
    for size in repos:
        print(
            f"  among {size:6}  {statistics.median(took[size]):6.2f} s  {sorted(asked[size])} requests"
        )
    small, large = (statistics.median(own) for own in took.values())
    print(f"  ratio {large / small:.2f}")


def _round(repo: Path, target: str) -> tuple[float, int]:
    """Reconcile once; return the seconds and the requests it took."""
    command = [sys.executable, "-m", "stateward", "run", "--once", str(repo), "--target", target]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--format", "json"], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"stateward: {done.stdout[-500:]}{done.stderr[-500:]}")
    return seconds, json.loads(done.stdout)["requests"]


if __name__ == "__main__":
    main()

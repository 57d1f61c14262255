"""A real server: what the size of batches and the number of requests under way do to a first load.

INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name the server; STATEWARD_BENCH_OBJECTS says how many
objects (200). STATEWARD_BENCH_PROCESSES may name processes of this machine, `neo4j=123,api=456`:
then it is shown what each of them, with its children, took of a processor.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.server import OBJECTS, branch, connected, named_server, repository, timed

SHAPES = ((50, 3), (1, 8), (20, 2), (20, 4), (50, 1), (50, 2), (50, 4), (100, 1), (100, 2))
"""Mutations in a request, and requests under way; the first, the default, is what the others are compared with."""
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    named = named_server("batches")
    if named is None:
        return
    address, token = named
    print(f"batches: first load of {OBJECTS} objects, seconds as whole processes")
    with connected(address, token) as server, tempfile.TemporaryDirectory() as directory:
        first = 0.0
        for batch, in_flight in SHAPES:
            repo = repository(Path(directory) / f"{batch}-{in_flight}", OBJECTS)
            file = repo / "stateward.yaml"
            file.write_text(
                f"target: {{batch: {batch}, inFlight: {in_flight}}}\n{file.read_text()}"
            )
            with branch(server) as own:
                before = dict(_processes())
                target = f"{address}?branch={own}"
                command = [sys.executable, "-m", "stateward", "apply", str(repo)]
                took = timed([*command, "--target", target])
                first = first or took
                shares = "  ".join(
                    f"{name} {(spent - before[name]) / took:.2f}" for name, spent in _processes()
                )
                print(f"  {batch:4} x {in_flight}  {took:6.2f}  ratio {took / first:.2f}  {shares}")


def _processes() -> Iterator[tuple[str, float]]:
    """Yield the seconds of processor time that named processes and their children have taken."""
    named = os.environ.get("STATEWARD_BENCH_PROCESSES", "")
    for name, _, pid in (own.partition("=") for own in named.split(",") if own):
        yield name, sum(_spent(own) for own in _tree(int(pid)))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()

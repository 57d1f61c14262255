"""A real server: one changed object among many against one among few.

Of objects in directories of a hundred each, one is changed and reconciled: in a process that had
rounds before, and as a process of its own. INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name the server;
STATEWARD_BENCH_LARGE says how many are many (1,000; the first load of 10,000 takes seven minutes on
two cores). Each side has a branch of its own, unless STATEWARD_BENCH_BRANCH names one for both: on
`main` the server tells what has changed faster, and what was loaded stays there.
"""

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.server import (
    branch,
    connected,
    edit,
    load_schema,
    named_server,
    ours,
    reconciling,
    repository,
    timed,
)

SMALL = 100
UNIT = 100
ROUNDS = 5


@dataclass
class Side:
    """A repository of one size, where it is applied to, and what that took."""

    repo: Path
    target: str
    seconds: list[float] = field(default_factory=list)
    requests: set[int] = field(default_factory=set)


def main() -> None:
    named = named_server("scale")
    if named is None:
        return
    address, token = named
    large = int(os.environ.get("STATEWARD_BENCH_LARGE", "1000"))
    with (
        connected(address, token) as server,
        tempfile.TemporaryDirectory() as directory,
        ExitStack() as stack,
    ):
        sides = {}
        common = os.environ.get("STATEWARD_BENCH_BRANCH")
        if common:
            load_schema(server, common)
        for size in (SMALL, large):
            target = f"{address}?branch={common or stack.enter_context(branch(server))}"
            repo = repository(Path(directory) / str(size), size, UNIT, f"of-{size}-")
            sides[size] = Side(repo, target)
            timed(ours("apply", sides[size].repo, target))
        print(f"scale: one changed object, {ROUNDS} rounds in turn")
        asyncio.run(_running(list(sides.values())))
        _show("in a running process", sides)
        for number in range(ROUNDS):
            for own in sides.values():
                edit(own.repo, f"process{number}")
                own.seconds.append(timed(ours("run --once", own.repo, own.target)))
        _show("as whole processes", sides)


async def _running(sides: list[Side]) -> None:
    async with AsyncExitStack() as stack:
        rounds = [
            await stack.enter_async_context(reconciling(own.repo, own.target, relying=True))
            for own in sides
        ]
        for reconcile in rounds:
            await reconcile()
        for number in range(ROUNDS):
            for own, reconcile in zip(sides, rounds, strict=True):
                edit(own.repo, f"running{number}")
                started = time.perf_counter()
                own.requests.add((await reconcile()).requests)
                own.seconds.append(time.perf_counter() - started)


def _show(how: str, sides: dict[int, Side]) -> None:
    medians = {size: statistics.median(own.seconds) for size, own in sides.items()}
    print(f"  {how}: ratio {medians[max(sides)] / medians[SMALL]:.2f}", flush=True)
    for size, own in sides.items():
        asked = f"  requests {sorted(own.requests)}" if own.requests else ""
        print(f"    among {size:6}  {medians[size]:6.2f} s{asked}", flush=True)
        own.seconds.clear()
        own.requests.clear()


if __name__ == "__main__":
    main()

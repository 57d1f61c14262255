"""A real server: a tracking session against one of Infrahub's own SDK, for the same script.

Each writes tags of its own in a batch and prunes; in turn, in this process, on a branch of its own.
INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name the server; STATEWARD_BENCH_OBJECTS says how many tags
(200), STATEWARD_BENCH_ROUNDS how often it is repeated (3).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from infrahub_sdk import Config, InfrahubClient

import stateward
from bench.server import OBJECTS, ROUNDS, branch, connected, named_server

TAG = "BuiltinTag"
Script = Callable[[str, int], Awaitable[None]]
"""Wants so many tags, under an identifier."""


def main() -> None:
    named = named_server("tracking")
    if named is None:
        return
    address, token = named
    with (
        connected(address, token) as server,
        tempfile.TemporaryDirectory() as directory,
        ExitStack() as stack,
    ):
        names = [stack.enter_context(branch(server)) for _ in range(2)]
        print(f"tracking: {OBJECTS} tags, seconds, medians of {ROUNDS} rounds in turn", flush=True)
        scripts = (_ours(address, token, names[0], Path(directory)), _sdk(address, token, names[1]))
        asyncio.run(_rounds(OBJECTS, *scripts))


async def _rounds(count: int, *scripts: Script) -> None:
    """Run both scripts, each first every other time."""
    steps = {"first run": count, "second run": count, "one no longer wanted": count - 1}
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in steps}
    for number in range(ROUNDS):
        for name, wanted in steps.items():
            for index, script in sorted(enumerate(scripts), reverse=bool(number % 2)):
                started = time.perf_counter()
                await script(f"bench{number}", wanted)
                times[name][index].append(time.perf_counter() - started)
    for name, found in times.items():
        ours, theirs = map(statistics.median, found)
        print(
            f"  {name:<24} stateward {ours:7.2f}  infrahub_sdk {theirs:7.2f}  ratio {theirs / ours:6.1f}"
        )


def _ours(address: str, token: str, branch: str, directory: Path) -> Script:
    state = f"sqlite:///{directory / 'state.db'}"

    async def script(identifier: str, count: int) -> None:
        async with (
            stateward.connect(address, token=token, branch=branch, state=state) as client,
            client.start_tracking(identifier, delete_unused_nodes=True) as session,
        ):
            batch = session.batch()
            for number in range(count):
                batch.upsert(TAG, {"name": f"{identifier}-{number}", "description": "a tag"})
            await batch.execute()

    return script


def _sdk(address: str, token: str, branch: str) -> Script:
    async def script(identifier: str, count: int) -> None:
        client = InfrahubClient(
            config=Config(address=address, api_token=token, default_branch=branch, timeout=600)
        )
        tracking = client.start_tracking(identifier=identifier, delete_unused_nodes=True)
        async with tracking as own:
            batch = await own.create_batch()
            for number in range(count):
                tag = await own.create(TAG, name=f"{identifier}-{number}", description="a tag")
                batch.add(task=tag.save, node=tag, allow_upsert=True)
            async for _ in batch.execute():
                pass

    return script


if __name__ == "__main__":
    main()

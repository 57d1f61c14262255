"""Scripts of Infrahub's own SDK, each for one of its habits; run by the Python that has the SDK.

``python sdk_scripts.py NAME JSON``: the arguments of the function of that name, and its answer,
are JSON. ``INFRAHUB_ADDRESS`` and ``INFRAHUB_API_TOKEN`` name the server.
"""

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from infrahub_sdk import Config, InfrahubClient, InfrahubClientSync
from infrahub_sdk.query_groups import InfrahubGroupContext

Wanted = list[list[Any]]
"""Objects to save: a kind and its data."""


def _client(branch: str = "main") -> InfrahubClient:
    return InfrahubClient(config=Config(default_branch=branch))


async def _save(client: InfrahubClient, wanted: Wanted, branch: str | None = None) -> list[str]:
    ids = []
    for kind, data in wanted:
        node = await client.create(kind=kind, branch=branch, **data)
        await node.save(allow_upsert=True)
        ids.append(node.id)
    return ids


async def run(
    identifier: str,
    wanted: Wanted,
    *,
    params: dict[str, Any] | None = None,
    branch: str | None = None,
    default: str = "main",
) -> dict[str, Any]:
    """Save objects in one tracking session that prunes; say what became of it."""
    client = _client(default)
    ids: list[str] = []
    error = None
    given = {"identifier": identifier, "params": params, "branch": branch}
    try:
        async with client.start_tracking(delete_unused_nodes=True, **given) as tracking:
            ids = await _save(tracking, wanted, branch)
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is the answer
        error = f"{type(raised).__name__}: {raised}"
    related = client.group_context.related_node_ids
    return {"ids": ids, "error": error, "mode": client.mode.name, "related": related}


def run_sync(
    identifier: str, wanted: Wanted, branch: str | None = None, default: str = "main"
) -> dict[str, Any]:
    """Do the same without awaiting."""
    client = InfrahubClientSync(config=Config(default_branch=default))
    error = None
    try:
        with client.start_tracking(
            identifier=identifier, delete_unused_nodes=True, branch=branch
        ) as tracking:
            for kind, data in wanted:
                tracking.create(kind=kind, branch=branch, **data).save(allow_upsert=True)
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is the answer
        error = f"{type(raised).__name__}: {raised}"
    return {"error": error}


async def overlap(one: str, two: str, wanted: Wanted, default: str) -> dict[str, Any]:
    """Have two sessions of one client open at once; each saves one of two objects."""
    client = _client(default)
    async with (
        client.start_tracking(identifier=one) as first,
        client.start_tracking(identifier=two) as second,
    ):
        await _save(first, wanted[:1])
        await _save(second, wanted[1:])
    return {one: await members(one, default=default), two: await members(two, default=default)}


async def mutations(identifier: str, wanted: Wanted, default: str) -> dict[str, int]:
    """Run a script for the second time; count what it writes, and the members that it sends."""
    ids = (await run(identifier, wanted, default=default))["ids"]
    client = _client(default)
    sent: list[str] = []
    execute = client.execute_graphql

    async def counted(query: str, *given: Any, **more: Any) -> Any:
        if "mutation" in query:
            sent.append(query)
        return await execute(query, *given, **more)

    client.execute_graphql = counted
    async with client.start_tracking(identifier=identifier, delete_unused_nodes=True) as tracking:
        await _save(tracking, wanted)
    return {"writes": len(sent), "members": sum(own in sent[-1] for own in set(ids))}


async def fails(identifier: str, wanted: Wanted, default: str) -> list[str]:
    """Save objects in a tracking session that ends with an error of the script; return their ids."""
    ids = []
    with suppress(ZeroDivisionError):
        async with _client(default).start_tracking(identifier=identifier) as tracking:
            ids = await _save(tracking, wanted)
            _ = 1 / 0
    return ids


async def members(
    identifier: str, params: dict[str, Any] | None = None, *, default: str = "main"
) -> list[str] | None:
    """Return what the SDK finds in a session's group; None where it finds none."""
    client = _client(default)
    client.set_context_properties(identifier=identifier, params=params)
    group = await client.group_context.get_group(store_peers=True)
    return (
        None if group is None else sorted(own.id for own in client.group_context.previous_members)
    )


def names(asked: list[dict[str, Any]]) -> list[str]:
    """Return what the groups of some parameters are called."""
    found = []
    for params in asked:
        context = InfrahubGroupContext(_client())
        context.set_properties(identifier="site", params=params)
        found.append(context._generate_group_name())
    return found


def describes() -> list[str]:
    """Return what a session of the SDK has to show and to tell."""
    return [name for name in dir(InfrahubGroupContext) if not name.startswith("_")] + [
        name for name in dir(InfrahubClient) if not name.startswith("_")
    ]


def main() -> None:
    answer = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps(asyncio.run(answer) if asyncio.iscoroutine(answer) else answer))  # noqa: T201


if __name__ == "__main__":
    main()

"""A script of the SDK on a real server, with the one line changed: what its guide promises holds.

The SDK's guide to tracking: a session's objects are in its group, a script that is run again changes
nothing, what it does not want any more is deleted, and an error is taken back.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from infrahub_sdk import Config, InfrahubClient, InfrahubClientSync

from branches import Branch, fresh
from live import Lab
from stateward.errors import PruneBlocked
from stateward.model.unit import Limits
from stateward.sdk import tracked

TAG, GROUP = "BuiltinTag", "CoreStandardGroup"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "tracked") as found:
        yield found


@pytest.fixture
def config(lab: Lab, branch: Branch) -> Config:
    return Config(address=lab.address, api_token=lab.token, default_branch=branch.name)


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    return {"state": f"sqlite:///{tmp_path / 'state.db'}", "delete_unused_nodes": True}


def named(branch: Branch, kind: str) -> dict[str, str]:
    """Return the ids of the objects of a kind, by name."""
    found = branch.find(kind, "name { value }")
    return {own["name"]["value"]: own["id"] for own in found}


def members(branch: Branch, group: str) -> set[str]:
    """Return the names of the tags in a group, as the server has it."""
    (found,) = branch.find(GROUP, "members { edges { node { id } } }", name__value=group)
    inside = {own["node"]["id"] for own in found["members"]["edges"]}
    return {name for name, node in named(branch, TAG).items() if node in inside}


async def script(client: InfrahubClient, *names: str, note: str | None = None) -> None:
    """Save tags, each by itself."""
    for name in names:
        tag = await client.create(TAG, name=name, description=note)
        await tag.save(allow_upsert=True)


async def test_guide(config: Config, branch: Branch, given: dict[str, Any]) -> None:
    client = InfrahubClient(config=config)
    async with tracked(client, "guide", {"site": "ams"}, **given) as tracking:
        await script(tracking, "guide-a", "guide-b", note="first")
    (group,) = [name for name in named(branch, GROUP) if name.startswith("guide-")]
    assert members(branch, group) == {"guide-a", "guide-b"}
    made = named(branch, TAG)

    again = tracked(client, "guide", {"site": "ams"}, **given)
    async with again as tracking:
        await script(tracking, "guide-a", "guide-b", note="first")
    assert (again.report.writes, str(again.report)) == (0, "2 unchanged")

    less = tracked(client, "guide", {"site": "ams"}, **given)
    async with less as tracking:
        await script(tracking, "guide-a", note="second")
    assert str(less.report) == "1 updated, 1 deleted"
    assert members(branch, group) == {"guide-a"}
    assert named(branch, TAG) == {name: id_ for name, id_ in made.items() if name != "guide-b"}


async def test_error_is_taken_back(config: Config, branch: Branch, given: dict[str, Any]) -> None:
    client = InfrahubClient(config=config)
    async with tracked(client, "error", **given) as tracking:
        await script(tracking, "error-a", note="first")

    async def failing() -> None:
        async with tracked(client, "error", on_error="rollback", **given) as tracking:
            await script(tracking, "error-a", "error-b", note="second")
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert members(branch, "error") == {"error-a"}
    assert "error-b" not in named(branch, TAG)
    (tag,) = branch.find(TAG, "description { value }", name__value="error-a")
    assert tag["description"]["value"] == "first"


async def test_prune_beyond_the_limits(
    config: Config, branch: Branch, given: dict[str, Any]
) -> None:
    client = InfrahubClient(config=config)
    async with tracked(client, "limits", **given) as tracking:
        await script(tracking, "limits-a", "limits-b")
    with pytest.raises(PruneBlocked):
        async with tracked(client, "limits", limits=Limits(deletes=0, percent=0), **given):
            pass
    assert members(branch, "limits") == {"limits-a", "limits-b"}


async def test_batches_and_mutations(config: Config, branch: Branch, given: dict[str, Any]) -> None:
    client = InfrahubClient(config=config)
    async with tracked(client, "batch", **given) as tracking:
        batch = await tracking.create_batch()
        for name in ("batch-a", "batch-b"):
            tag = await tracking.create(TAG, name=name)
            batch.add(task=tag.save, node=tag, allow_upsert=True)
        assert len([own async for own, _ in batch.execute()]) == 2
        text = f'mutation {{ {TAG}Upsert(data: {{name: {{value: "batch-c"}}}}) {{ object {{ id }} }} }}'
        answer = await tracking.execute_graphql(text)
        found = await tracking.get(TAG, name__value="batch-c")
        assert found.id == answer[f"{TAG}Upsert"]["object"]["id"]
    assert members(branch, "batch") == {"batch-a", "batch-b", "batch-c"}


def test_without_awaiting(config: Config, branch: Branch, given: dict[str, Any]) -> None:
    client = InfrahubClientSync(config=config)
    for wanted, told in (
        (("sync-a", "sync-b"), "2 created"),
        (("sync-a", "sync-b"), "2 unchanged"),
        (("sync-b",), "1 unchanged, 1 deleted"),
    ):
        own = tracked(client, "sync", **given)
        with own as tracking:
            for name in wanted:
                tracking.create(TAG, name=name).save(allow_upsert=True)
        assert str(own.report) == told
        assert members(branch, "sync") == set(wanted)

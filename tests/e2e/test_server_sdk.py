"""Tracking as Infrahub's own SDK does it, on a real server, and beside it as it is done here.

The numbers are those of the SDK's defects as they were found; what it does is asserted as well, so
that a test says so when it is mended there.
"""

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from branches import Branch, fresh
from live import Lab
from sessions import Desk
from stateward.errors import PruneBlocked
from stateward.model.mutation import Enrol, Relate
from stateward.model.unit import Limits
from stateward.tracking.naming import group_name
from targets import SCHEMA, schema

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-rival" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "sdk_scripts.py"
TAG, SITE, DEVICE = "BuiltinTag", "SuiteSite", "SuiteDevice"
GROUP = "CoreStandardGroup"
CREATED, ENROLLED = "infrahub.node.created", "infrahub.group.member_added"
EVENTS = """
query($event: [String!], $node: [String!]) {
  InfrahubEvent(event_type: $event, primary_node__ids: $node) {
    edges { node { ... on GroupEvent { members { id } } } }
  }
}"""
PATIENCE, PAUSE = 60.0, 0.2
"""Seconds: the server tells of what happened some time later."""

pytestmark = pytest.mark.timeout(900)


class Sdk:
    """Scripts of the SDK, on a branch of the server."""

    def __init__(self, lab: Lab, branch: str) -> None:
        self.branch = branch
        self._environment = {
            "PATH": os.environ["PATH"],
            "INFRAHUB_ADDRESS": lab.address,
            "INFRAHUB_API_TOKEN": lab.token,
        }

    def __call__(self, name: str, *given: Any, **more: Any) -> Any:
        assert PYTHON.is_file(), "make .venv-rival/ready"
        names = {"run": ("identifier", "wanted"), "run_sync": ("identifier", "wanted")}
        asked = {
            "default": self.branch,
            **dict(zip(names.get(name, ()), given, strict=True)),
            **more,
        }
        if name in {"names", "describes"}:
            del asked["default"]
        done = subprocess.run(
            [str(PYTHON), str(SCRIPTS), name, json.dumps(asked)],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "sdk") as found:
        found.load_schema(yaml.safe_load(SCHEMA))
        yield found


@pytest.fixture
def sdk(lab: Lab, branch: Branch) -> Sdk:
    return Sdk(lab, branch.name)


@pytest.fixture
async def desk(lab: Lab, branch: Branch, tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(lab.target(tmp_path, branch.name), schema(), tmp_path / "state.db")
    yield found
    await found.journal.close()


def tags(desk: Desk, *names: str) -> list[list[Any]]:
    return [[TAG, {"name": desk.named(name)}] for name in names]


def told(branch: Branch, event: str, node: str) -> list[dict[str, Any]]:
    """Return what a server has to tell of an object, which it has been told of before."""
    deadline = time.monotonic() + PATIENCE
    while not (found := branch.ask(EVENTS, event=[event], node=[node])["InfrahubEvent"]["edges"]):
        assert time.monotonic() < deadline, f"nothing is told of {node}: {event}"
        time.sleep(PAUSE)
    return [own["node"] for own in found]


async def ours(desk: Desk, *names: str, identifier: str = "ours", **given: Any) -> Any:
    """Run a script that wants some tags."""
    async with desk.tracking(identifier, delete_unused_nodes=True, **given) as session:
        batch = session.batch()
        for name in names:
            batch.upsert(TAG, {"name": desk.named(name)})
        await batch.execute()
    return session.report


async def test_d1_an_empty_session_prunes(sdk: Sdk, desk: Desk) -> None:
    sdk("run", desk.named("sdk"), tags(desk, "theirs"))
    sdk("run", desk.named("sdk"), [])
    assert await desk.there(TAG, "theirs")

    await ours(desk, "mine")
    report = await ours(desk)
    assert report.deleted == (desk.key(TAG, "mine"),)
    assert not await desk.there(TAG, "mine")


async def test_d2_a_prune_is_of_the_branch_that_was_asked_for(
    lab: Lab, desk: Desk, tmp_path: Path
) -> None:
    state = tmp_path / "state.db"
    main = Desk(lab.target(tmp_path), schema(), state)
    main._mark = desk._mark
    sdk = Sdk(lab, "main")
    names = ("theirs", "mine")
    try:
        sdk("run", desk.named("sdk"), tags(desk, "keep", "theirs"))
        await ours(main, "keep", "mine")
        with fresh(lab, "sdk-d2") as other:
            aside = Desk(lab.target(tmp_path, other.name), schema(), state)
            aside._mark = desk._mark

            sdk("run", desk.named("sdk"), tags(desk, "keep"), branch=other.name)
            assert not await main.there(TAG, "theirs")
            assert await aside.there(TAG, "theirs")

            await ours(aside, "keep")
            assert await main.there(TAG, "mine")
            assert not await aside.there(TAG, "mine")
            await aside.journal.close()
    finally:
        await main.journal.close()
        _tidy(lab, [desk.named(name) for name in (*names, "keep", "sdk", "ours")])


async def test_d3_d4_d7_a_refused_delete_stays_ours_and_stops_nothing(sdk: Sdk, desk: Desk) -> None:
    site, device = desk.named("their-site"), desk.named("their-leaf")
    first = sdk("run", desk.named("sdk"), [[SITE, {"name": site}], *tags(desk, "theirs")])
    await desk.stranger(DEVICE, {"site": first["ids"][0]}, name=device)
    second = sdk("run", desk.named("sdk"), tags(desk, "other"))
    assert "mandatory relationship" in second["error"]
    assert second["mode"] == "TRACKING"
    assert sdk("members", identifier=desk.named("sdk")) == second["ids"]
    assert await desk.there(TAG, "theirs")  # not even tried

    async with desk.tracking("ours") as session:
        own = await session.upsert(SITE, {"name": desk.named("my-site")})
        await session.upsert(TAG, {"name": desk.named("mine")})
    await desk.stranger(DEVICE, {"site": own.id}, name=desk.named("my-leaf"))
    report = await ours(desk, "other")
    assert [survivor.key for survivor in report.survivors] == [own.key]
    assert report.deleted == (desk.key(TAG, "mine"),)
    assert own.id in await desk.members(report.group)


async def test_d4_what_needs_others_goes_first(sdk: Sdk, desk: Desk) -> None:
    def wanted(whose: str) -> list[list[Any]]:
        site = desk.named(f"{whose}-site")
        return [[SITE, {"name": site}], [DEVICE, {"name": desk.named(whose), "site": [site]}]]

    sdk("run", desk.named("sdk"), wanted("theirs"))
    assert "mandatory relationship" in sdk("run", desk.named("sdk"), tags(desk, "t"))["error"]

    async with desk.tracking("ours") as session:
        for kind, data in wanted("mine"):
            await session.upsert(kind, data)
    report = await ours(desk)
    assert report.deleted == (desk.key(DEVICE, "mine"), desk.key(SITE, "mine-site"))


async def test_d5_what_went_along_with_another_is_no_error(sdk: Sdk, desk: Desk) -> None:
    site = await desk.stranger(SITE, name=desk.named("site"))

    def wanted(whose: str) -> list[list[Any]]:
        device = desk.named(whose)
        return [
            [DEVICE, {"name": device, "site": site}],
            ["SuiteInterface", {"name": "eth0", "device": [device]}],
        ]

    sdk("run_sync", desk.named("sdk"), wanted("theirs"))
    assert "Unable to find the node" in sdk("run_sync", desk.named("sdk"), tags(desk, "t"))["error"]

    async with desk.tracking("ours") as session:
        for kind, data in wanted("mine"):
            await session.upsert(kind, data)
    assert len((await ours(desk)).deleted) == 2


async def test_d6_former_members_are_those_of_the_branch(
    lab: Lab, desk: Desk, branch: Branch
) -> None:
    sdk = Sdk(lab, "main")
    name = branch.name
    sdk("run_sync", desk.named("sdk"), tags(desk, "keep", "theirs"), branch=name)
    sdk("run_sync", desk.named("sdk"), tags(desk, "keep"), branch=name)
    assert await desk.there(TAG, "theirs")

    await ours(desk, "keep", "mine")
    assert (await ours(desk, "keep")).deleted == (desk.key(TAG, "mine"),)


async def test_d8_sessions_of_one_client_do_not_see_each_other(sdk: Sdk, desk: Desk) -> None:
    one, two = desk.named("one"), desk.named("two")
    found = sdk("overlap", one=one, two=two, wanted=tags(desk, "a", "b"))
    assert found[one] is None
    assert len(found[two]) == 2

    first, second = desk.tracking("first"), desk.tracking("second")
    async with first, second:
        a = await first.upsert(TAG, {"name": desk.named("a")})
        b = await second.upsert(TAG, {"name": desk.named("b")})
    assert await desk.members(first.group) == {a.id}
    assert await desk.members(second.group) == {b.id}


async def test_d9_d10_what_others_have_is_released(sdk: Sdk, desk: Desk) -> None:
    params = {"tenant": "acme"}
    await desk.stranger(TAG, name=desk.named("their-old"))
    await desk.stranger(TAG, name=desk.named("my-old"))
    wanted = tags(desk, "their-old", "their-shared")
    sdk("run", desk.named("sdk"), wanted, params=params)
    sdk("run", desk.named("sdk-2"), wanted[1:], params=params)
    sdk("run", desk.named("sdk"), tags(desk, "other"), params=params)
    assert not await desk.there(TAG, "their-old")
    assert not await desk.there(TAG, "their-shared")

    await ours(desk, "my-old", "my-shared")
    await ours(desk, "my-shared", identifier="ours-2")
    report = await ours(desk)
    assert set(report.released) == {desk.key(TAG, "my-old"), desk.key(TAG, "my-shared")}
    assert (await ours(desk, identifier="ours-2")).deleted == (desk.key(TAG, "my-shared"),)
    assert await desk.there(TAG, "my-old")


async def test_d11_d13_a_second_run_writes_nothing(sdk: Sdk, desk: Desk) -> None:
    wanted = tags(desk, "a", "b", "a")
    assert len(sdk("run", desk.named("sdk"), wanted)["related"]) == 3
    assert sdk("mutations", identifier=desk.named("sdk"), wanted=wanted) == 4

    report = await ours(desk, "c", "d", "c")
    assert len(await desk.members(report.group)) == 2
    desk.sent()
    assert (await ours(desk, "c", "d", "c")).writes == 0
    assert desk.sent() == []


async def test_d12_d16_a_session_tells_what_it_will_do_and_did(sdk: Sdk, desk: Desk) -> None:
    assert not {"preview", "report", "limits", "history", "rollback"} & set(sdk("describes"))

    await ours(desk, "a", "b")
    async with desk.tracking("ours") as session:
        await session.upsert(TAG, {"name": desk.named("a")})
        assert [own.key for own in (await session.preview()).changes] == [desk.key(TAG, "b")]
    with pytest.raises(PruneBlocked):
        await ours(desk, "a", limits=Limits(deletes=0, percent=0))
    assert str(await ours(desk, "a")) == "1 unchanged, 1 deleted"


async def test_d14_a_group_below_is_not_told_to_have_the_one_above(
    sdk: Sdk, desk: Desk, branch: Branch
) -> None:
    """Whatever listens for members of a group that a script makes is started by the SDK's."""
    theirs = sdk("run", desk.named("sdk"), [[GROUP, {"name": desk.named("theirs")}]])["ids"][0]
    (tracking,) = branch.find(GROUP, name__value=group_name(desk.named("sdk"), {}))
    assert [own["members"] for own in told(branch, ENROLLED, theirs)] == [[{"id": tracking["id"]}]]

    async with desk.tracking("ours") as session:
        await session.upsert(GROUP, {"name": desk.named("mine")})
        await session.upsert(TAG, {"name": desk.named("tag")})
    (mine,) = branch.find(GROUP, name__value=desk.named("mine"))
    (tag,) = branch.find(TAG, name__value=desk.named("tag"))
    assert {mine["id"], tag["id"]} == await desk.members(session.report.group)
    assert told(branch, CREATED, tag["id"])  # the later one of the two
    found = branch.ask(EVENTS, event=[ENROLLED], node=[mine["id"]])
    assert found["InfrahubEvent"]["edges"] == []


def test_d15_groups_have_the_names_that_the_sdk_gives(sdk: Sdk) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"tenant": "acme"},
        {"n": 1},
        {"n": "1"},
        {"path": "a/b", "é": "ß\x7f"},
        {"list": [1, None, True, {"z": 1.5, "a": 1e-7}], "far": 1e300},
    ]
    assert sdk("names", asked=asked) == [group_name("site", params) for params in asked]


async def test_a_group_of_the_sdk_is_taken_over(sdk: Sdk, desk: Desk) -> None:
    params = {"tenant": "acme"}
    made = sdk("run", desk.named("ours"), tags(desk, "a", "b"), params=params)
    desk.sent()
    report = await ours(desk, "a", "b", params=params)
    assert len(report.unchanged) == 2
    assert not any(isinstance(own, Enrol | Relate) for own in desk.sent())
    assert await desk.members(report.group) == set(made["ids"])
    assert (await ours(desk, "a", params=params)).deleted == (desk.key(TAG, "b"),)


async def test_the_sdk_reads_and_goes_on_with_a_group_of_ours(sdk: Sdk, desk: Desk) -> None:
    params = {"tenant": "acme"}
    report = await ours(desk, "a", "b", params=params)
    found = sdk("members", identifier=desk.named("ours"), params=params)
    assert set(found) == await desk.members(report.group)
    sdk("run", desk.named("ours"), tags(desk, "a"), params=params)
    assert not await desk.there(TAG, "b")
    assert str(await ours(desk, "a", params=params)) == "1 unchanged"


def _tidy(lab: Lab, names: list[str]) -> None:
    """Take away what was made on the server's own branch."""
    main = Branch(lab, "main")
    try:
        for kind in (TAG, "CoreStandardGroup"):
            for node in main.find(kind, name__values=names):
                text = f"mutation($i: String!) {{ {kind}Delete(data: {{id: $i}}) {{ ok }} }}"
                main.ask(text, i=node["id"])
    finally:
        main.close()

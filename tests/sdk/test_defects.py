"""How Infrahub's own SDK prunes, on a real server, and beside it how it is done here.

The numbers are those of the SDK's defects as they were found; what it does is asserted as well, so
that a test says so when it is mended there.
"""

from pathlib import Path
from typing import Any

import pytest
from scripting import DEVICE, SITE, TAG, Sdk, ours, tags

from branches import Branch, fresh
from live import Lab
from sessions import Desk
from targets import schema

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


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

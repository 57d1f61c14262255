"""What a session of Infrahub's own SDK says, keeps and costs, on a real server, and what ours does.

The numbers are those of the SDK's defects, as in the tests beside these.
"""

import time
from typing import Any

import pytest
from scripting import GROUP, SITE, TAG, Sdk, ours, tags

from branches import Branch
from sessions import Desk
from stateward.errors import PruneBlocked
from stateward.model.mutation import Create, Enrol, Relate, Update
from stateward.model.plan import Action
from stateward.model.run import Outcome
from stateward.model.unit import Limits
from stateward.tracking.naming import group_name

CREATED, ENROLLED = "infrahub.node.created", "infrahub.group.member_added"
EVENTS = """
query($event: [String!], $node: [String!]) {
  InfrahubEvent(event_type: $event, primary_node__ids: $node) {
    edges { node { ... on GroupEvent { members { id } } } }
  }
}"""
PATIENCE, PAUSE = 60.0, 0.2
"""Seconds: the server tells of what happened some time later."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def told(branch: Branch, event: str, node: str) -> list[dict[str, Any]]:
    """Return what a server has to tell of an object, which it has been told of before."""
    deadline = time.monotonic() + PATIENCE
    while not (found := branch.ask(EVENTS, event=[event], node=[node])["InfrahubEvent"]["edges"]):
        assert time.monotonic() < deadline, f"nothing is told of {node}: {event}"
        time.sleep(PAUSE)
    return [own["node"] for own in found]


async def test_d11_d13_a_second_run_writes_nothing(sdk: Sdk, desk: Desk) -> None:
    wanted = tags(desk, "a", "b", "a")
    assert len(sdk("run", desk.named("sdk"), wanted)["related"]) == 3
    assert sdk("mutations", identifier=desk.named("sdk"), wanted=wanted)["writes"] == 4

    report = await ours(desk, "c", "d", "c")
    assert len(await desk.members(report.group)) == 2
    desk.sent()
    assert (await ours(desk, "c", "d", "c")).writes == 0
    assert desk.sent() == []


async def test_d13_one_object_more_is_one_membership_more(sdk: Sdk, desk: Desk) -> None:
    names = [f"n{n}" for n in range(12)]
    found = sdk("mutations", identifier=desk.named("sdk"), wanted=tags(desk, *names))
    assert found == {"writes": 13, "members": 12}

    await ours(desk, *names)
    desk.sent()
    await ours(desk, *names, "one-more")
    (create,) = (own for own in desk.sent() if not isinstance(own, Update))
    assert isinstance(create, Create)


async def test_d12_a_prune_is_shown_and_held_and_recorded(sdk: Sdk, desk: Desk) -> None:
    assert not {"preview", "report", "limits", "history", "rollback"} & set(sdk("describes"))
    sdk("run", desk.named("sdk"), tags(desk, "their-a", "their-b"))
    assert sdk("run", desk.named("sdk"), tags(desk, "their-a"))["error"] is None
    assert not await desk.there(TAG, "their-b")

    await ours(desk, "a", "b")
    async with desk.tracking("ours") as session:
        await session.upsert(TAG, {"name": desk.named("a")})
        assert [own.key for own in (await session.preview()).changes] == [desk.key(TAG, "b")]
    with pytest.raises(PruneBlocked):
        await ours(desk, "a", limits=Limits(deletes=0, percent=0))
    assert await desk.there(TAG, "b")
    assert str(await ours(desk, "a")) == "1 unchanged, 1 deleted"
    (entry,) = (await desk.journal.runs(desk.named("ours"), limit=1))[0].changes
    assert (entry.action, entry.key) == (Action.DELETE, desk.key(TAG, "b"))


async def test_d16_what_a_script_did_before_it_failed_is_recorded_and_taken_back(
    sdk: Sdk, desk: Desk
) -> None:
    left = sdk("fails", identifier=desk.named("sdk"), wanted=tags(desk, "theirs"))
    assert len(left) == 1
    assert await desk.there(TAG, "theirs")
    assert sdk("members", identifier=desk.named("sdk")) is None

    with pytest.raises(ZeroDivisionError):
        await desk.broken(desk.tracking("ours", on_error="rollback"), "mine")
    assert not await desk.there(SITE, "mine")
    back, run = await desk.journal.runs(desk.named("ours"))
    assert run.outcome == Outcome.FAILED
    assert run.error == "ended by ZeroDivisionError, and taken back"
    assert [(own.action, own.key) for own in run.changes] == [
        (Action.CREATE, desk.key(SITE, "mine"))
    ]
    assert back.opening.undoes == (run.id,)


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


async def test_d15_scripts_of_one_name_and_parameters_are_told_of_what_the_other_made(
    sdk: Sdk, desk: Desk
) -> None:
    """They share a group with the SDK's, and with each other: the way out is a parameter more."""
    params = {"tenant": "acme"}
    sdk("run", desk.named("sdk"), tags(desk, "theirs"), params=params)
    sdk("run", desk.named("sdk"), tags(desk, "other"), params=params)
    assert not await desk.there(TAG, "theirs")

    await ours(desk, "mine", params=params)
    with pytest.raises(PruneBlocked, match=desk.named("ours")):
        await ours(desk, "another", params=params, limits=Limits(deletes=0, percent=0))
    await ours(desk, "another", params={**params, "script": "b"})
    assert await desk.there(TAG, "mine")


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

"""A session of a script is taken back, on every target; and taken back again."""

import pytest

from sessions import Desk
from stateward.errors import Code, PruneBlocked, TargetRefused
from stateward.model.plan import Action
from stateward.model.record import Record, RunKind
from stateward.model.unit import Limits


async def newest(desk: Desk) -> Record:
    return (await desk.client.history(limit=1))[0]


async def sites(desk: Desk) -> dict[str, str]:
    """Return the ids of this test's sites, by name."""
    found = await desk.client.all("SuiteSite")
    names = {desk.named(own) for own in "abc"}
    return {own["name"]: own.id for own in found if own["name"] in names}


async def test_history_says_who_where_and_what(desk: Desk) -> None:
    async with desk.tracking(params={"tenant": "acme"}) as session:
        await session.upsert("SuiteSite", {"name": desk.named("a")})
    own = await newest(desk)
    assert own.opening.kind is RunKind.SESSION
    assert own.opening.subject == desk.named("site")
    assert own.opening.params == {"tenant": "acme"}
    assert (own.opening.cause.trigger, own.opening.cause.actor) == ("script", "ada")
    module, _, line = own.opening.caller.rpartition(":")
    assert module in {__name__, "sessions"}
    assert line.isdecimal()
    assert [(one.action, one.state.value) for one in own.changes] == [(Action.CREATE, "applied")]
    assert [one.id for one in await desk.client.history(desk.named("site"))] == [own.id]


async def test_history_has_what_failed_and_what_was_held_back(desk: Desk) -> None:
    await desk.sites("ams")
    await desk.sites("ams")
    with pytest.raises(PruneBlocked):
        await desk.sites(limits=Limits(deletes=0, percent=0))
    with pytest.raises(ZeroDivisionError):
        await desk.broken(desk.tracking("other"), "ams")
    with pytest.raises(TargetRefused):
        await _of_no_kind(desk)
    found = await desk.client.history(desk.named("site"))
    assert [(own.outcome, len(own.changes)) for own in found] == [
        ("failed", 0),
        ("blocked", 0),
        ("unchanged", 0),
        ("applied", 1),
    ]
    assert "more than 0 objects" in found[1].error


async def _of_no_kind(desk: Desk) -> None:
    async with desk.tracking() as session:
        await session.get("SuiteSite", name__value=desk.named("nowhere"))


async def test_round_trip(desk: Desk) -> None:
    await desk.sites("a", "b")
    before = await sites(desk)
    await desk.sites("b", "c")
    after = await sites(desk)
    assert (before.keys(), after.keys()) == (
        {desk.named("a"), desk.named("b")},
        {desk.named("b"), desk.named("c")},
    )
    preview = await desk.client.preview_rollback(await newest(desk))
    plan, report = await desk.client.rollback(await newest(desk), allow_deletes=9)
    assert preview.changes == plan.changes
    assert plan.problems == ()
    assert {own.outcome.value for own in report.runs} == {"applied"}
    now = await sites(desk)
    assert now.keys() == before.keys()
    assert now[desk.named("b")] == before[desk.named("b")]
    assert now[desk.named("a")] != before[desk.named("a")], "a deleted id is never used again"
    plan, _ = await desk.client.rollback((await newest(desk)).id, allow_deletes=9)
    assert plan.problems == ()
    assert (await sites(desk)).keys() == after.keys()
    report = await desk.sites("b", "c")
    assert report.writes == 0, "what was taken back and again is as the script wants it"


async def test_what_somebody_changed_since_is_left_alone(desk: Desk) -> None:
    async with desk.tracking() as session:
        await session.upsert("SuiteSite", {"name": desk.named("a"), "description": "one"})
    async with desk.tracking("other") as session:
        await session.upsert("SuiteSite", {"name": desk.named("a"), "description": "two"})
    first = (await desk.client.history(desk.named("site")))[0]
    plan, _ = await desk.client.rollback(first)
    assert {own.code for own in plan.problems} == {Code.CHANGED_SINCE}
    assert (await sites(desk)).keys() == {desk.named("a")}

"""Health is about the process, readiness about work; files with mistakes are about neither."""

from dataclasses import dataclass

from answering import Desk, asking

from desks import tags
from stateward.errors import Code, SourceRefused, SourceUnavailable, StateUnavailable
from stateward.http import health


async def ready(desk: Desk) -> tuple[int, dict[str, str]]:
    async with asking(*health.routes(desk.view)) as client:
        answer = await client.get("/readyz")
    assert answer.json()["ready"] is (answer.status_code == 200)
    return answer.status_code, answer.json()["because"]


async def test_the_loop_answers_whatever_else_is_wrong(desk: Desk) -> None:
    desk.view.means.stop.set()
    async with asking(*health.routes(desk.view)) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_work_can_begin_once_every_source_was_looked_at(desk: Desk) -> None:
    assert await ready(desk) == (503, {"sources": "not all of them were looked at yet"})
    await desk.turn(a=tags("red"))
    assert await ready(desk) == (200, {})


async def test_files_that_are_wrong_are_no_reason(desk: Desk) -> None:
    await desk.turn(a="kind: Object\nspec: [")
    assert await ready(desk) == (200, {})


async def test_a_source_that_cannot_be_looked_at_is_one_until_it_can(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    desk.shop.source.failure = SourceUnavailable("secret.example is down")
    await desk.turn()
    assert await ready(desk) == (503, {"sources": "none of them can be looked at"})
    desk.shop.source.failure = None
    await desk.turn()
    assert await ready(desk) == (200, {})


async def test_a_commit_that_is_not_gone_along_with_is_no_reason(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    desk.shop.source.failure = SourceRefused("1a4d18cefbfc is not signed", code=Code.NOT_SIGNED)
    await desk.turn()
    (tender,) = desk.view.tenders
    assert tender.source is not None
    assert "SW2011" in (tender.source.error or "")
    assert await ready(desk) == (200, {})


async def test_a_target_that_is_given_a_rest_and_an_end_are_reasons(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    desk.rest = 12.0
    desk.view.means.stop.set()
    assert await ready(desk) == (
        503,
        {"daemon": "stopping", "target": "it failed again and again: it is given a rest"},
    )


@dataclass
class Full:
    """A state database whose disk is full."""

    async def keep(self, *_: object) -> None:
        raise StateUnavailable("no space left")

    keep_source = keep


async def test_a_state_database_that_cannot_be_used_is_one(desk: Desk) -> None:
    await desk.turn(a=tags("red"))
    (tender,) = desk.view.tenders
    tender.keeper.statuses = Full()  # type: ignore[assignment]
    await desk.turn()
    assert await ready(desk) == (503, {"state": "the state database cannot be used"})

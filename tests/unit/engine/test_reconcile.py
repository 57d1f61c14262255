"""Plan and apply in one session, and what is done about runs that were cut short."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from applying import outcomes, run_of

from rounds import Broken, Workshop, objects
from stateward.errors import PlanMoved, TargetUnavailable
from stateward.model.plan import Plan
from stateward.model.run import Outcome
from stateward.ports import Session
from watching import Fuse, MemoryJournal, Watched

RED = {"a/1.yml": objects("BuiltinTag", {"name": "red"})}
BOTH = {"a/1.yml": objects("BuiltinTag", {"name": "red"}, {"name": "blue"})}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def runs(shop: Workshop) -> list[tuple[str, str | None, str | None, str]]:
    with closing(sqlite3.connect(shop.state)) as db:
        return db.execute(
            "SELECT unit, outcome, error, detail FROM run ORDER BY started, id"
        ).fetchall()


class TestExpectedDigest:
    async def test_that_is_met_is_applied(self, shop: Workshop) -> None:
        shop.commit(RED)
        plan = await shop.plan()
        applied, report = await shop.apply(expected=plan.digest)
        assert applied == plan
        assert report.digest == plan.digest

    async def test_that_is_not_met_is_refused_before_anything_is_written(
        self, shop: Workshop
    ) -> None:
        shop.commit(RED)
        watched, journal = Watched(shop.target), MemoryJournal()
        with pytest.raises(PlanMoved, match="has digest aaaaaaaaaaaa, and"):
            await shop.apply(expected="a" * 64, target=watched, journal=journal)
        assert (watched.writes, journal.runs) == (0, {})

    async def test_of_a_schema_with_errors_is_looked_at_too(self, shop: Workshop) -> None:
        shop.source.commit({**RED, "schema.yml": "version: '1.0'\nnodes: 5\n"})
        with pytest.raises(PlanMoved):
            await shop.apply(expected="a" * 64)


async def test_schema_with_errors_writes_nothing_and_fails_every_unit(shop: Workshop) -> None:
    shop.source.commit({**RED, "schema.yml": "version: '1.0'\nnodes: 5\n"})
    watched, journal = Watched(shop.target), MemoryJournal()
    _, report = await shop.apply(target=watched, journal=journal)
    assert outcomes(report) == {"a": "failed"}
    assert "schema.yml" in (run_of(report, "a").error or "")
    assert (watched.writes, journal.runs) == (0, {})


async def test_target_is_held_from_plan_to_apply(shop: Workshop) -> None:
    """Another writer must not come between what is planned and what is done."""
    shop.commit(RED)
    refused: list[str] = []

    async def look(_: Session) -> None:
        with pytest.raises(TargetUnavailable) as refusal:
            await Workshop(shop.state.parent).make("BuiltinTag", name="blue")
        refused.append(refusal.value.code.slug)

    await shop.apply(target=Watched(shop.target, look=look))
    assert set(refused) == {"target-busy"}


class TestJournal:
    async def test_says_which_plan_a_run_carries_out(self, shop: Workshop) -> None:
        shop.commit(RED)
        plan, _ = await shop.apply()
        assert runs(shop) == [("a", "applied", None, f"plan {plan.digest}")]

    async def test_says_what_was_allowed(self, shop: Workshop) -> None:
        shop.commit(RED)
        plan, _ = await shop.apply(allow_deletes=3)
        assert runs(shop)[0][3] == f"plan {plan.digest}, --allow-deletes 3"

    async def test_closes_what_was_interrupted(self, shop: Workshop) -> None:
        shop.commit(BOTH)
        with pytest.raises(Broken):
            await shop.apply(target=Watched(shop.target, fuse=Fuse(6)))
        assert [own[1] for own in runs(shop)] == [None]
        await shop.apply()
        assert [own[1:3] for own in runs(shop)] == [
            ("failed", "interrupted: the next run went on"),
            ("applied", None),
        ]

    async def test_closes_what_was_interrupted_even_with_nothing_left_to_do(
        self, shop: Workshop
    ) -> None:
        shop.commit(RED)
        await shop.apply()
        journal = MemoryJournal(runs={"cut": ""})
        _, report = await shop.apply(journal=journal)
        assert outcomes(report) == {"a": "unchanged"}
        assert journal.runs == {"cut": Outcome.FAILED}

    @pytest.mark.parametrize("when", ["before", "between", "after"])
    async def test_may_be_lost(self, shop: Workshop, when: str) -> None:
        shop.commit(RED)
        if when != "before":
            await shop.apply()
        _lose(shop.state)
        if when == "between":
            shop.commit(BOTH)
        plan, report = await shop.apply()
        assert set(outcomes(report).values()) <= {"applied", "unchanged"}
        assert len(plan.changes) == {"before": 1, "between": 1, "after": 0}[when]
        assert (await shop.plan()).is_empty


def _lose(state: Path) -> None:
    for own in state.parent.glob(f"{state.name}*"):
        own.unlink()


async def test_plan_and_apply_agree(shop: Workshop) -> None:
    shop.commit(BOTH)
    planned: Plan = await shop.plan()
    applied, _ = await shop.apply()
    assert applied == planned

"""Plan and apply in one session, and what is done about runs that were cut short."""

from pathlib import Path

import pytest
from applying import outcomes, run_of

from rounds import Broken, Workshop, objects
from stateward.errors import PlanMoved, TargetUnavailable
from stateward.model.plan import FieldChange, Plan
from stateward.model.record import Cause, Opening, Record, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.ports import Session
from stateward.stores.sqlite import SqliteJournal
from watching import Fuse, MemoryJournal, Watched

RED = {"a/1.yml": objects("BuiltinTag", {"name": "red"})}
BOTH = {"a/1.yml": objects("BuiltinTag", {"name": "red"}, {"name": "blue"})}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def runs(shop: Workshop) -> list[Record]:
    journal = SqliteJournal(shop.state)
    try:
        return [*reversed(await journal.runs())]
    finally:
        await journal.close()


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
    async def test_says_what_a_run_is_about(self, shop: Workshop) -> None:
        shop.commit(RED)
        plan, _ = await shop.apply()
        (own,) = await runs(shop)
        assert own.opening == Opening(
            run=own.id,
            kind=RunKind.ROUND,
            subject="a",
            target=plan.target,
            cause=Cause(trigger="manual", actor="ada"),
            group="stateward/default/default/a",
            revision="r1",
            plan=plan.digest,
            round=own.round,
        )
        assert own.outcome == "applied"

    async def test_says_what_was_allowed(self, shop: Workshop) -> None:
        shop.commit(RED)
        await shop.apply(allow_deletes=3)
        assert (await runs(shop))[0].opening.detail == "--allow-deletes 3"

    async def test_says_what_a_commit_allowed_and_whose_it_is(self, shop: Workshop) -> None:
        shop.commit(RED)
        await shop.apply()
        revision = shop.commit({"other.txt": "x"})
        shop.source.allows[revision] = ("1",)
        plan, _ = await shop.apply(trailers=True)
        assert [own.action for own in plan.changes] == ["delete"]
        said = "Stateward-Allow-Deletes: 1 of 'Ada <ada@example.org>'"
        assert (await runs(shop))[-1].opening.detail == said

    async def test_says_what_stood_on_the_group_before(self, shop: Workshop) -> None:
        shop.commit(RED)
        await shop.apply()
        shop.commit(BOTH)
        plan, _ = await shop.apply()
        assert (await runs(shop))[1].opening.before == str(plan.units["a"].before)
        assert "applied=r1" in str(plan.units["a"].before)

    async def test_says_what_a_field_was_and_is(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": objects("NetDevice", {"name": "d1", "role": "spine", "tags": []})})
        await shop.apply()
        shop.commit({"a/1.yml": objects("NetDevice", {"name": "d1", "role": "leaf"})})
        await shop.apply()
        _, second = await runs(shop)
        ((change),) = second.changes
        assert change.fields == (FieldChange("role", "spine", "leaf"),)
        assert (change.state, change.node) == (EntryState.APPLIED, change.node)

    async def test_says_what_was_written_first_and_what_later(self, shop: Workshop) -> None:
        two = ({"name": "d1", "buddy": "d2"}, {"name": "d2", "buddy": "d1"})
        shop.commit({"a/1.yml": objects("NetDevice", *two)})
        await shop.apply()
        (own,) = await runs(shop)
        written = [[field.name for field in change.fields] for change in own.changes]
        assert sorted(written) == [["buddy"], ["name"], ["name", "buddy"]]

    async def test_closes_what_was_interrupted(self, shop: Workshop) -> None:
        shop.commit(BOTH)
        with pytest.raises(Broken):
            await shop.apply(target=Watched(shop.target, fuse=Fuse(6)))
        assert [own.outcome for own in await runs(shop)] == [""]
        await shop.apply()
        assert [(own.outcome, own.error) for own in await runs(shop)] == [
            ("failed", "interrupted: the next run went on"),
            ("applied", ""),
        ]

    async def test_waits_for_what_was_interrupted_before_it_looks(self, shop: Workshop) -> None:
        """A target goes on with what it was asked for, whatever became of whoever asked."""
        shop.commit(BOTH)
        with pytest.raises(Broken):
            await shop.apply(target=Watched(shop.target, fuse=Fuse(6)))
        (cut,) = await runs(shop)
        under_way = {own.node for own in cut.changes if own.state is EntryState.STARTED}
        assert under_way
        again = Watched(shop.target)
        await shop.apply(target=again)
        assert again.settled == [(0, under_way)]
        again = Watched(shop.target)
        await shop.apply(target=again)
        assert again.settled == []

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

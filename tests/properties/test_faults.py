"""A target that refuses, and one that goes away: what can be done is done, and the rest is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.judging import PLENTY, content, everything, ids, members, share, shown
from properties.test_ownership import Orphans
from properties.worlds import Revision, revisions, workshop
from rounds import Workshop
from stateward.errors import Code
from stateward.model.mutation import Delete, Mutation, Refusal
from stateward.model.plan import Action, Plan
from stateward.model.run import EntryState, Outcome, Report
from watching import MemoryJournal, Watched

PRUNING = {Action.RELEASE, Action.DELETE}


async def _ready(shop: Workshop, first: Revision, second: Revision) -> None:
    shop.commit(first.files())
    await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
    shop.commit(second.files())


async def _ends_as(shop: Workshop, second: Revision) -> None:
    """Run once more, with nothing in the way."""
    with workshop() as wanted:
        wanted.commit(second.files())
        await wanted.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        plan, report = await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        done = {Outcome.APPLIED, Outcome.UNCHANGED}
        assert {own.outcome for own in report.runs} <= done, shown(plan, report)
        found, expected = await everything(shop), await everything(wanted)
        assert content(found) == content(expected)
        assert members(found) == members(expected)
        assert (await shop.plan(allow_deletes=PLENTY)).is_empty


@share(25)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_refusals_stop_only_what_needs_them(
    data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop:
        await _ready(shop, first, second)
        unlucky = data.draw(st.sets(st.integers(0, 25), min_size=1, max_size=6))
        count = 0

        def refuse(mutation: Mutation) -> Refusal | None:
            nonlocal count
            count += 1
            if count - 1 not in unlucky:
                return None
            code = Code.REJECTED if isinstance(mutation, Delete) else Code.CONSTRAINT
            return Refusal(code=code, message="not today")

        watched = Watched(shop.target, refuse=refuse, look=Orphans())
        journal = MemoryJournal()
        plan, report = await shop.apply(target=watched, journal=journal, allow_deletes=PLENTY)
        _is_honest(plan, report, journal, watched.batch)
        await _ends_as(shop, second)


def _is_honest(plan: Plan, report: Report, journal: MemoryJournal, batch: int) -> None:
    """Compare what is said with what happened."""
    ended = {
        (own.run, own.index): own for own in journal.entries if own.state is not EntryState.STARTED
    }
    for run in report.runs:
        kept = {own.key for own in run.survivors}
        mine = [own for own in ended.values() if own.run == run.id and own.key not in kept]
        wrong = [own for own in mine if own.state is not EntryState.APPLIED]
        if wrong:
            assert run.outcome is Outcome.FAILED, shown(plan, report)
            assert run.error
        writes = [own.index for own in wrong if own.action not in PRUNING]
        gone = [own.index for own in mine if own not in wrong and own.action in PRUNING]
        # What is sent together with what is refused cannot be held back any more.
        assert not writes or all(index < min(writes) + batch for index in gone)
        done = sum(own.state is EntryState.APPLIED for own in mine)
        assert sum(run.summary[action] for action in Action) <= done


@pytest.mark.parametrize("when", ["before", "after"])
@share(15)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_lost_answer_is_made_up_for(
    when: str, data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop:
        await _ready(shop, first, second)
        lost = data.draw(st.integers(0, 15))
        watched = Watched(
            shop.target, lose=lambda number: when if number == lost else None, look=Orphans()
        )
        plan, report = await shop.apply(
            target=watched, journal=MemoryJournal(), allow_deletes=PLENTY
        )
        if watched.requests > lost:
            assert watched.requests == lost + 1
            outcomes = {own.outcome for own in report.runs}
            assert Outcome.FAILED in outcomes, shown(plan, report)
            errors = [own.error for own in report.runs if own.outcome is Outcome.FAILED]
            assert all(error and error.startswith("SW3008 ") for error in errors)
        await _ends_as(shop, second)


@share(10)
@given(first=revisions(), second=revisions())
async def test_target_that_refuses_everything_is_left_as_it_is(
    first: Revision, second: Revision
) -> None:
    with workshop() as shop:
        await _ready(shop, first, second)
        before = ids(await everything(shop))
        refusal = Refusal(code=Code.REJECTED, message="read only")
        watched = Watched(shop.target, refuse=lambda _: refusal)
        plan, report = await shop.apply(
            target=watched, journal=MemoryJournal(), allow_deletes=PLENTY
        )
        assert ids(await everything(shop)) == before
        for run in report.runs:
            if run.unit in plan.touched():
                assert run.outcome is Outcome.FAILED or run.survivors, shown(plan, report)
        await _ends_as(shop, second)

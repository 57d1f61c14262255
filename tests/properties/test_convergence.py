"""What is applied is what was planned, it ends where Git says, and then nothing is left to do."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from properties.judging import PLENTY, content, everything, ids, members, of, share, shown
from properties.worlds import Revision, revisions, uplinks, workshop
from rounds import Workshop
from stateward.errors import PlanMoved
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Plan
from stateward.model.run import EntryState, Outcome, Report
from stateward.model.state import Observed
from stateward.planning.compare import references
from watching import MemoryJournal, Watched

HISTORIES = st.lists(revisions(), min_size=1, max_size=3)


async def advance(
    shop: Workshop, revision: Revision, journal: MemoryJournal | None = None
) -> tuple[Plan, Report]:
    """Commit a revision and apply it; nothing may go wrong."""
    shop.commit(revision.files())
    watched = Watched(shop.target, batch=3, in_flight=2)
    plan, report = await shop.apply(
        target=watched, journal=journal or MemoryJournal(), allow_deletes=PLENTY
    )
    assert not plan.problems, shown(plan)
    assert report.writes == watched.writes
    done = {Outcome.APPLIED, Outcome.UNCHANGED}
    assert {own.outcome for own in report.runs} <= done, shown(plan, report)
    return plan, report


@share(40)
@given(HISTORIES)
async def test_second_run_writes_nothing(history: list[Revision]) -> None:
    with workshop() as shop:
        for revision in history:
            plan, _ = await advance(shop, revision)
            watched = Watched(shop.target)
            again, report = await shop.apply(
                target=watched, journal=MemoryJournal(), allow_deletes=PLENTY
            )
            assert watched.writes == 0, shown(plan) + shown(again, report)
            assert again.is_empty
            assert {own.outcome for own in report.runs} <= {Outcome.UNCHANGED}


@share(60)
@given(st.lists(uplinks(), min_size=2, max_size=4))
async def test_places_pass_on_between_objects_of_several_units(history: list[Revision]) -> None:
    with workshop() as shop:
        for revision in history:
            await advance(shop, revision)


@share(40)
@given(HISTORIES)
async def test_whatever_came_before_it_ends_as_if_nothing_had(history: list[Revision]) -> None:
    with workshop() as shop, workshop() as fresh:
        for revision in history:
            await advance(shop, revision)
        await advance(fresh, history[-1])
        found, wanted = await everything(shop), await everything(fresh)
        assert content(found) == content(wanted)
        assert members(found) == members(wanted)


@share(30)
@given(HISTORIES)
async def test_what_is_planned_is_what_is_done(history: list[Revision]) -> None:
    with workshop() as shop:
        for revision in history:
            shop.commit(revision.files())
            planned = await shop.plan(allow_deletes=PLENTY)
            journal = MemoryJournal()
            plan, report = await advance(shop, revision, journal)
            assert plan.changes == planned.changes
            wanted = Counter((own.unit, own.action, own.key) for own in planned.changes)
            # What a delete takes along, or clears, stands in the journal with it.
            applied = [own for own in journal.entries if own.state is EntryState.APPLIED]
            entries = [own for own in applied if own.along is None]
            done = Counter((journal.units[own.run], own.action, own.key) for own in entries)
            # A change in two writes stands in the journal twice.
            late = Counter(
                (own.unit, own.action, own.key) for own in planned.changes if own.deferred
            )
            assert done == wanted + late
            for run in report.runs:
                actions = Counter(own.action for own in planned.changes if own.unit == run.unit)
                assert {a: run.summary[a] for a in Action} == {a: actions[a] for a in Action}
            await _stands(shop, planned)


async def _stands(shop: Workshop, plan: Plan) -> None:
    """Look for every field that a plan promised."""
    observed = await everything(shop)
    by_key = {own.key: own for own in observed.objects.values()}
    for change in plan.changes:
        if change.action is Action.DELETE:
            assert change.node not in observed.objects
        for field in change.fields:
            own = by_key[change.key]
            if field.name in own.attributes:
                new = getattr(field.new, "value", field.new)
                assert own.attributes[field.name] == new, (change.key, field)
            elif field.name in own.relations:
                wanted = {by_key[peer].id for peer in references(field.new)}
                found = own.relations[field.name]
                have = found if isinstance(found, frozenset) else {found} - {None}
                assert wanted <= have, (change.key, field)


@share(15)
@given(revisions(), revisions())
async def test_stale_plan_is_refused(first: Revision, second: Revision) -> None:
    with workshop() as shop:
        shop.commit(first.files())
        stale = await shop.plan(allow_deletes=PLENTY)
        await advance(shop, first)
        shop.commit(second.files())
        watched = Watched(shop.target)
        with pytest.raises(PlanMoved):
            await shop.apply(
                target=watched, journal=MemoryJournal(), expected=stale.digest, allow_deletes=PLENTY
            )
        assert watched.writes == 0
        good = await shop.plan(allow_deletes=PLENTY)
        _, report = await shop.apply(
            journal=MemoryJournal(), expected=good.digest, allow_deletes=PLENTY
        )
        assert report.digest == good.digest


@share(40)
@given(HISTORIES)
async def test_what_goes_on_being_declared_keeps_its_id(history: list[Revision]) -> None:
    with workshop() as shop:
        before: dict[str, str] = {}
        for revision in history:
            await advance(shop, revision)
            now = ids(await everything(shop))
            assert {key: now[key] for key in before if key in now} == {
                key: node for key, node in before.items() if key in now
            }
            before = now


@share(25)
@given(revisions(), revisions())
async def test_order_of_files_and_objects_means_nothing(first: Revision, second: Revision) -> None:
    with workshop() as shop:
        await advance(shop, first)
        shop.commit(second.files())
        one = await shop.plan(allow_deletes=PLENTY)
        shop.commit(second.files(backwards=True))
        other = await shop.plan(allow_deletes=PLENTY)
        assert [replace(own, origin=None) for own in one.changes] == [
            replace(own, origin=None) for own in other.changes
        ]


@share(40)
@given(revisions(), revisions())
async def test_nothing_precedes_what_it_needs(first: Revision, second: Revision) -> None:
    with workshop() as shop:
        for revision in (first, second):
            before = await everything(shop)
            plan, _ = await advance(shop, revision)
            _in_order(plan, before)


def _in_order(plan: Plan, before: Observed) -> None:
    levels = [own.level for own in plan.changes]
    assert levels == sorted(levels)
    made = {own.key: own.level for own in of(plan, Action.CREATE)}
    for change in plan.changes:
        now = [own for own in change.fields if own.name not in change.deferred]
        peers = {peer for own in now for peer in references(own.new)} & made.keys()
        assert all(made[peer] < change.level for peer in peers if isinstance(peer, ObjectKey))
    gone = {own.node: own.level for own in of(plan, Action.DELETE)}
    needing = {"NetCable": ("device",), "NetInterface": ("device",), "NetTeam": ("sites",)}
    for node, level in gone.items():
        own = before.objects[node or ""]
        for name in needing.get(own.key.kind, ()):
            related = own.relations[name]
            peers = related if isinstance(related, frozenset) else {related}
            assert all(level < gone[peer] for peer in peers if peer in gone)


@given(revisions())
async def test_empty_plan_is_for_what_is_there(revision: Revision) -> None:
    assume(revision.items)
    with workshop() as shop:
        shop.commit(revision.files())
        plan = await shop.plan()
        assert {own.action for own in plan.changes} <= {Action.CREATE, Action.ADOPT}
        assert {own.key for own in of(plan, Action.CREATE)}
        assert plan.touched() == {unit for own in revision.items for unit in own.units}

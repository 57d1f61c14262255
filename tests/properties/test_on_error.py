"""All or nothing, unit by unit: what fails stands as before, and stays so until something is another."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.dying import killed
from properties.judging import PLENTY, content, everything, members, share, shown
from properties.test_crashes import FIRST, SECOND
from properties.test_ownership import Orphans
from properties.test_undone import history
from properties.worlds import Revision, revisions, workshop
from rounds import Broken, Workshop
from stateward.errors import Code
from stateward.model.mutation import Create, Mutation, Refusal
from stateward.model.plan import Plan
from stateward.model.run import Outcome, Report
from stateward.model.state import Observed
from watching import Fuse, FusedJournal, Watched

NOT_TODAY = Refusal(code=Code.CONSTRAINT, message="not today")
Refuse = Callable[[Mutation], Refusal | None]


def once(at: int) -> Refuse:
    """Refuse one mutation, whichever comes then."""
    count = -1

    def refuse(_: Mutation) -> Refusal | None:
        nonlocal count
        count += 1
        return NOT_TODAY if count == at else None

    return refuse


def making(*unwanted: str) -> Refuse:
    """Refuse to make objects of some names, but for the tracking groups."""

    def refuse(mutation: Mutation) -> Refusal | None:
        name = mutation.attributes.get("name") if isinstance(mutation, Create) else None
        return NOT_TODAY if name in unwanted else None

    return refuse


def of_units(observed: Observed, units: set[str], before: Observed) -> dict[str, Any]:
    """Return what units hold, with what it is, and how it is related among itself.

    What others delete of theirs is gone, whatever it was related to.
    """
    names = {name for own in (observed, before) for name in _held(own, units)}
    found = {}
    for name in _held(observed, units):
        attributes, relations = content(observed)[name]
        found[name] = attributes, {end: _among(own, names) for end, own in relations.items()}
    return found


def _held(observed: Observed, units: set[str]) -> frozenset[str]:
    return frozenset[str]().union(*holdings(observed, units).values())


def _among(peers: Any, names: set[str]) -> Any:
    if isinstance(peers, frozenset):
        return peers & names
    return peers if peers in names else None


def holdings(observed: Observed, units: set[str]) -> dict[str, frozenset[str]]:
    groups = {f"stateward/default/default/{own}" for own in units}
    return {name: own for name, own in members(observed).items() if name in groups and own}


def _same(found: dict[str, Any], wanted: dict[str, Any], plan: Plan, report: Report) -> None:
    """Compare objects by name, and name those that differ."""
    names = sorted(found.keys() | wanted.keys())
    differing = {own: (found.get(own), wanted.get(own)) for own in names}
    differing = {own: both for own, both in differing.items() if both[0] != both[1]}
    assert not differing, f"{differing}\n{shown(plan, report)}"


async def _is_as_before(shop: Workshop, before: Observed, plan: Plan, report: Report) -> set[str]:
    """Look at the units that were taken back; return which these are."""
    back = {own.unit for own in report.runs if own.taken_back is not None}
    now = await everything(shop)
    assert holdings(now, back) == holdings(before, back), shown(plan, report)
    _same(of_units(now, back, before), of_units(before, back, now), plan, report)
    return back


async def _rests(shop: Workshop, back: set[str], plan: Plan, report: Report) -> None:
    """Run again: of what was taken back nothing is written, and then nothing at all."""
    again, second = await shop.apply(allow_deletes=PLENTY)
    assert not back & again.touched(), shown(plan, report) + shown(again, second)
    watched = Watched(shop.target)
    await shop.apply(target=watched, allow_deletes=PLENTY)
    assert watched.sent == []


async def _ends_well(shop: Workshop, second: Revision) -> None:
    """Have all of it tried again, with nothing in the way."""
    with workshop() as wanted:
        wanted.commit(second.files())
        await wanted.apply(allow_deletes=PLENTY)
        plan, report = await shop.apply(allow_deletes=PLENTY, retries=lambda _: True)
        done = {Outcome.APPLIED, Outcome.UNCHANGED}
        assert {own.outcome for own in report.runs} <= done, shown(plan, report)
        found, expected = await everything(shop), await everything(wanted)
        assert content(found) == content(expected), shown(plan, report)
        assert members(found) == members(expected)


@share(20)
@given(first=revisions(), second=revisions(), at=st.integers(0, 25))
def test_a_unit_that_fails_is_as_before(first: Revision, second: Revision, at: int) -> None:
    async def look() -> None:
        with workshop(onError="rollback") as shop:
            shop.commit(first.files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(second.files())
            watched = Watched(shop.target, refuse=once(at), look=Orphans())
            plan, report = await shop.apply(target=watched, allow_deletes=PLENTY)
            back = await _is_as_before(shop, before, plan, report)
            errors = {own.unit: own.error or "" for own in report.runs}
            # Without its group nothing was done for a unit: there is nothing to take back.
            shut = "its tracking group was refused"
            failed = {
                unit for unit, own in errors.items() if "not today" in own and shut not in own
            }
            assert failed <= back, shown(plan, report)
            await _rests(shop, back, plan, report)
            await _ends_well(shop, second)

    asyncio.run(look())


@share(20)
@given(data=st.data(), first=revisions(), second=revisions(), at=st.integers(0, 60))
def test_what_dies_on_the_way_or_on_the_way_back_is_as_before_after_the_next_round(
    data: st.DataObject, first: Revision, second: Revision, at: int
) -> None:
    known = {own.name for own in first.items}
    new = sorted({own.name for own in second.items} - known) or ["nothing"]
    unwanted = data.draw(st.sampled_from(new))

    async def look() -> None:
        with workshop(onError="rollback") as shop:
            shop.commit(first.files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(second.files())
            with suppress(Broken):
                async with history(shop) as journal:
                    fuse = Fuse(at)
                    target = Watched(shop.target, fuse=fuse, refuse=making(unwanted))
                    broken = FusedJournal(journal, fuse)
                    await shop.apply(target=target, journal=broken, allow_deletes=PLENTY)
            target = Watched(shop.target, refuse=making(unwanted), look=Orphans())
            plan, report = await shop.apply(target=target, allow_deletes=PLENTY)
            tied = {unit for unit, own in plan.units.items() if own.before.tie is not None}
            back = await _is_as_before(shop, before, plan, report) | tied
            now = await everything(shop)
            assert holdings(now, back) == holdings(before, back), shown(plan, report)
            _same(of_units(now, back, before), of_units(before, back, now), plan, report)
            await _ends_well(shop, second)

    asyncio.run(look())


CHILD = dedent("""
    import asyncio, sys
    from pathlib import Path
    from rounds import Workshop
    from properties.test_crashes import FIRST, PLENTY, SECOND
    from properties.test_on_error import making
    from watching import Watched

    async def main():
        shop = Workshop(Path(sys.argv[1]), limits={"protectedKinds": ()}, onError="rollback")
        shop.commit(FIRST)
        shop.commit(SECOND)

        async def look(_session):
            print(flush=True)  # one line for each write

        target = Watched(shop.target, look=look, refuse=making("d3"))
        await shop.apply(target=target, allow_deletes=PLENTY)

    asyncio.run(main())
""")


@pytest.mark.parametrize("writes", [2, 9, 12, 14, 16])
def test_process_that_is_killed_on_the_way_or_on_the_way_back(writes: int) -> None:
    async def look() -> None:
        with workshop(onError="rollback") as shop:
            shop.commit(FIRST)
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(SECOND)
            killed(CHILD, shop.state.parent, writes)
            target = Watched(shop.target, refuse=making("d3"), look=Orphans())
            plan, report = await shop.apply(target=target, allow_deletes=PLENTY)
            back = await _is_as_before(shop, before, plan, report)
            back |= {unit for unit, own in plan.units.items() if own.failed_before}
            assert "east" in back, shown(plan, report)
            now = await everything(shop)
            _same(of_units(now, back, before), of_units(before, back, now), plan, report)
            await _rests(shop, back, plan, report)

    asyncio.run(look())

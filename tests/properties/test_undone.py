"""A rollback restores what stood before; the rollback of a rollback what stood after."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from properties.judging import PLENTY, content, everything, ids, members, share, shown
from properties.worlds import Revision, revisions, workshop
from rounds import Broken, Workshop
from stateward.model.plan import Plan
from stateward.model.record import Cause, Record
from stateward.model.run import Report
from stateward.model.state import Observed
from stateward.settings import UnitOverrides, read_unit
from stateward.stores.sqlite import SqliteJournal
from stateward.tracking.choosing import of_commit
from stateward.tracking.rollback import Rollback
from watching import Fuse, FusedJournal, Watched


def alone(revision: Revision) -> Revision:
    """Let one unit declare all of it."""
    return Revision(tuple(replace(item, units=("base",)) for item in revision.items))


@asynccontextmanager
async def history(shop: Workshop) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(shop.state)
    try:
        yield journal
    finally:
        await journal.close()


async def newest(shop: Workshop) -> Record:
    async with history(shop) as journal:
        return (await journal.runs(limit=1))[0]


async def newest_round(shop: Workshop) -> list[Record]:
    async with history(shop) as journal:
        return list(await journal.together((await journal.runs(limit=1))[0]))


async def of(shop: Workshop, runs: Sequence[str]) -> list[Record]:
    async with history(shop) as journal:
        return [await journal.run(own) for own in runs]


async def runs_of(shop: Workshop, commit: str) -> Sequence[Record]:
    """Return the runs that brought a commit about; none where nothing had to be done for it."""
    async with history(shop) as journal:
        found = await journal.runs(revision=commit)
        return of_commit(found, commit, shop.target.name, None) if found else ()


async def roll_back(
    shop: Workshop, *records: Record, force: bool = False, fuse: Fuse | None = None
) -> tuple[Plan, Report]:
    async with history(shop) as journal:
        settings = read_unit(None, UnitOverrides(), shop.defaults)[0]
        rollback = Rollback(
            target=Watched(shop.target, fuse=fuse or Fuse()),
            journal=FusedJournal(journal, fuse) if fuse else journal,
            trail=journal,
            new_id=lambda: str(uuid4()),
            cause=Cause(trigger="manual", actor="ada"),
            settings=lambda _: settings,
        )
        return await rollback.apply(*records, force=force, allow_deletes=PLENTY)


@share(40)
@given(revisions(), revisions())
def test_restores_what_stood_before_and_what_stood_after(first: Revision, second: Revision) -> None:
    async def look() -> None:
        with workshop() as shop:
            shop.commit(alone(first).files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(alone(second).files())
            _, applied = await shop.apply(allow_deletes=PLENTY)
            if not applied.writes:
                return
            after = await everything(shop)
            record = await newest(shop)
            plan, report = await roll_back(shop, record)
            now = await everything(shop)
            assert content(now) == content(before), shown(plan, report)
            assert members(now) == members(before), shown(plan, report)
            assert (await shop.plan()).is_empty, "a unit that was rolled back is held"
            plan, report = await roll_back(shop, await newest(shop))
            again = await everything(shop)
            assert content(again) == content(after), shown(plan, report)
            assert members(again) == members(after), shown(plan, report)

    asyncio.run(look())


@share(20)
@given(revisions(), revisions())
def test_what_others_refer_to_is_referred_to_again(first: Revision, second: Revision) -> None:
    async def look() -> None:
        with workshop() as shop:
            shop.commit(alone(first).files())
            await shop.apply(allow_deletes=PLENTY)
            found = (await everything(shop)).objects.values()
            tags = frozenset(own.id for own in found if own.key.kind == "BuiltinTag")
            device = next(own.id for own in found if own.key.kind == "NetDevice")
            await shop.make("NetDevice", name="stranger", tags=tags, buddy=device)
            before = content(await everything(shop))
            shop.commit(alone(second).files())
            _, applied = await shop.apply(allow_deletes=PLENTY)
            if not applied.writes:
                return
            after = content(await everything(shop))
            plan, report = await roll_back(shop, await newest(shop))
            assert content(await everything(shop)) == before, shown(plan, report)
            plan, report = await roll_back(shop, await newest(shop))
            assert content(await everything(shop)) == after, shown(plan, report)

    asyncio.run(look())


@share(40)
@given(revisions(), revisions())
def test_a_round_is_restored_whole_over_all_of_its_units(first: Revision, second: Revision) -> None:
    async def look() -> None:
        with workshop() as shop:
            shop.commit(first.files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(second.files())
            _, applied = await shop.apply(allow_deletes=PLENTY)
            if not applied.writes:
                return
            after = await everything(shop)
            plan, report = await roll_back(shop, *await newest_round(shop))
            now = await everything(shop)
            assert content(now) == content(before), shown(plan, report)
            held = await shop.plan()
            assert held_members(now) == held_members(before), shown(plan, report)
            assert held.is_empty, "units that were rolled back are held: " + shown(held)
            kept = ids(before).items() & ids(after).items()
            assert kept <= ids(now).items(), "what had stayed was made anew"
            plan, report = await roll_back(shop, *await newest_round(shop))
            again = await everything(shop)
            assert content(again) == content(after), shown(plan, report)
            assert held_members(again) == held_members(after), shown(plan, report)

    asyncio.run(look())


@share(60)
@given(revisions(), revisions(), st.integers(0, 60))
def test_a_rollback_that_is_cut_short_is_ended_by_the_next(
    first: Revision, second: Revision, at: int
) -> None:
    async def look() -> None:
        with workshop() as shop:
            shop.commit(first.files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            shop.commit(second.files())
            _, applied = await shop.apply(allow_deletes=PLENTY)
            if not applied.writes:
                return
            after = await everything(shop)
            round_ = [own.id for own in await newest_round(shop)]
            with suppress(Broken):
                await roll_back(shop, *await of(shop, round_), fuse=Fuse(at))
            plan, report = await roll_back(shop, *await of(shop, round_))
            now = await everything(shop)
            assert content(now) == content(before), shown(plan, report)
            assert held_members(now) == held_members(before), shown(plan, report)
            kept = ids(before).items() & ids(after).items()
            assert kept <= ids(now).items(), "what had stayed was made anew"
            plan, report = await roll_back(shop, *await of(shop, round_))
            assert (plan.changes, report.writes) == ((), 0), shown(plan, report)

    asyncio.run(look())


@share(30)
@given(revisions(), revisions())
def test_a_commit_is_restored_whole_over_all_of_its_rounds(
    first: Revision, second: Revision
) -> None:
    async def look() -> None:
        with workshop(limits={"deletes": 0, "percent": 0}) as shop:
            shop.commit(first.files())
            await shop.apply(allow_deletes=PLENTY)
            before = await everything(shop)
            commit = shop.commit(second.files())
            await shop.apply()
            for allowed in (1, PLENTY):
                await shop.apply(allow_deletes=allowed)
            records = await runs_of(shop, commit)
            if not records:
                return
            plan, report = await roll_back(shop, *records)
            now = await everything(shop)
            assert content(now) == content(before), shown(plan, report)
            assert held_members(now) == held_members(before), shown(plan, report)
            held = await shop.plan()
            assert held.is_empty, shown(held)

    asyncio.run(look())


def held_members(observed: Observed) -> dict[str, frozenset[str]]:
    """Return who holds what; that a unit has a group with nothing in it says how far it is."""
    return {name: own for name, own in members(observed).items() if own}

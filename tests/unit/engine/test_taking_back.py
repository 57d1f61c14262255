"""``onError: rollback``: what was done for a unit of which something is refused is taken back."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from applying import converges, outcomes, refuse_making, refuse_updating, run_of, stamp

from properties.judging import content, everything, members
from properties.test_undone import history
from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.mutation import Update
from stateward.model.plan import UnitState
from stateward.model.record import Record, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.model.unit import Stamp
from watching import Watched

BACK = "onError: rollback\n"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def tags(*names: str, **fields: str) -> str:
    return objects("BuiltinTag", *({"name": own, **fields} for own in names))


def devices(*names: str, **fields: object) -> str:
    return objects("NetDevice", *({"name": own, **fields} for own in names))


async def runs(shop: Workshop, unit: str) -> Sequence[Record]:
    async with history(shop) as journal:
        return await journal.runs(unit)


class TestUnit:
    async def test_is_as_it_was_before(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2", description="old"), "a/.stateward.yaml": BACK})
        await shop.apply()
        before = await everything(shop)
        shop.commit(
            {"a/x.yml": tags("a2", "a3", "a4", description="new"), "a/.stateward.yaml": BACK}
        )
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making("a4")))
        now = await everything(shop)
        assert content(now) == content(before)
        assert members(now) == members(before)
        own = run_of(report, "a")
        assert own.outcome is Outcome.FAILED
        assert own.error == (
            "BuiltinTag/a4: SW1308 constraint: not today (1 skipped); taken back: 2 changes"
        )
        assert own.taken_back is not None
        assert (own.taken_back.changes, own.taken_back.left) == (2, 0)

    async def test_is_recorded_as_failed_and_then_as_rolled_back(self, shop: Workshop) -> None:
        revision = shop.commit({"a/x.yml": tags("a1", "a2", "a3"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a3"), batch=1))
        back, forth = await runs(shop, "a")
        assert (back.opening.kind, back.opening.undoes) == (RunKind.ROLLBACK, (forth.id,))
        assert (back.opening.cause.trigger, back.opening.cause.actor) == ("on-error", "ada")
        assert (back.opening.detail, back.opening.revision) == ("onError: rollback", revision)
        assert forth.outcome == "failed"
        assert {str(own.key): own.state for own in forth.changes} == {
            "BuiltinTag/a1": EntryState.UNDONE,
            "BuiltinTag/a2": EntryState.UNDONE,
            "BuiltinTag/a3": EntryState.FAILED,
        }

    async def test_is_held_and_nothing_is_written_any_more(self, shop: Workshop) -> None:
        revision = shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a2"), batch=1))
        held = await stamp(shop, "a")
        assert held is not None
        assert (held.applied, held.attempted, held.held) == (None, (revision,), revision)
        assert held.tie is not None
        assert (held.tie.units, held.tie.failed) == (1, True)
        watched = Watched(shop.target)
        plan, report = await shop.apply(target=watched)
        assert watched.sent == []
        assert plan.units["a"].state is UnitState.HELD
        (problem,) = plan.problems
        assert (problem.code, problem.unit) == (Code.TAKEN_BACK, "a")
        assert run_of(report, "a").outcome is Outcome.FAILED

    async def test_is_held_though_nothing_of_it_could_be_done(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a1")))
        assert (await shop.plan()).units["a"].state is UnitState.HELD

    async def test_is_tried_again_with_other_files_of_its_own_only(self, shop: Workshop) -> None:
        files = {"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK}
        shop.commit(files)
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a2"), batch=1))
        shop.commit({**files, "b/x.yml": tags("b1")})
        _, report = await shop.apply()
        assert outcomes(report) == {"a": "failed", "b": "applied"}
        assert await shop.members("a") == set()
        shop.commit({**files, "a/x.yml": tags("a1", "a3"), "b/x.yml": tags("b1")})
        await converges(shop)
        assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a3"}

    async def test_is_tried_again_where_somebody_asks_for_it(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a2"), batch=1))
        _, report = await shop.apply(retries=lambda unit: unit == "a")
        assert outcomes(report) == {"a": "applied"}
        assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a2"}
        assert (await shop.plan()).is_empty

    async def test_is_tried_again_once_its_settings_do_without(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("a2"), batch=1))
        shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": "onError: continue\n"})
        _, report = await shop.apply()
        assert outcomes(report) == {"a": "applied"}

    async def test_that_fails_again_is_as_before_again(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK})
        await shop.apply()
        before = await everything(shop)
        shop.commit({"a/x.yml": tags("a1", "a2", "a3"), "a/.stateward.yaml": BACK})
        watched = Watched(shop.target, refuse=refuse_making("a3"), batch=1)
        await shop.apply(target=watched)
        await shop.apply(target=watched, retries=lambda _: True)
        now = await everything(shop)
        assert (content(now), members(now)) == (content(before), members(before))
        assert (await shop.plan()).units["a"].state is UnitState.HELD

    async def test_may_lose_all_that_it_had_made_whatever_the_limits(self, shop: Workshop) -> None:
        names = [f"t{number:02}" for number in range(30)]
        files = objects("CoreStandardGroup", *({"name": own} for own in names))
        shop.commit({"a/x.yml": files, "a/.stateward.yaml": f"{BACK}protect: ['*']\n"})
        watched = Watched(shop.target, refuse=refuse_making("t29"), batch=1)
        _, report = await shop.apply(target=watched)
        assert run_of(report, "a").error is not None
        assert await shop.members("a") == set()


class TestWhatSomebodyChangedMeanwhile:
    async def test_is_left_and_told(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", description="old"), "a/.stateward.yaml": BACK})
        await shop.apply()
        tag = (await shop.find("BuiltinTag", "a1")).id
        shop.commit({"a/x.yml": tags("a1", "z1", description="new"), "a/.stateward.yaml": BACK})

        watched = Watched(shop.target, refuse=refuse_making("z1"), batch=1)
        done = watched.sent

        async def look(session) -> None:  # type: ignore[no-untyped-def]
            mine = [own for own in done if isinstance(own, Update) and own.id == tag]
            if mine and not meddled:
                meddled.append(True)
                update = Update(id=tag, kind="BuiltinTag", attributes={"description": "theirs"})
                assert await session.apply([update]) == [None]

        meddled: list[bool] = []
        watched.look = look
        plan, report = await shop.apply(target=watched)
        assert (await shop.find("BuiltinTag", "a1")).attributes["description"] == "theirs"
        assert [own.code for own in plan.problems] == [Code.CHANGED_SINCE]
        own = run_of(report, "a")
        assert own.taken_back is not None
        assert own.taken_back.left == 1


class TestOtherUnits:
    async def test_that_have_nothing_to_do_with_it_go_on(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK, "b/x.yml": tags("b1")})
        watched = Watched(shop.target, refuse=refuse_making("a2"), batch=1)
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "applied"}
        assert await shop.members("b") == {"BuiltinTag/b1"}

    async def test_that_refer_to_what_goes_are_taken_back_with_it(self, shop: Workshop) -> None:
        files = {
            "a/x.yml": tags("a1") + "---\n" + devices("zz", tags=["a1"]),
            "a/.stateward.yaml": BACK,
            "b/x.yml": devices("d1", tags=["a1"]),
            "c/x.yml": tags("c1"),
        }
        shop.commit(files)
        watched = Watched(shop.target, refuse=refuse_making("zz"), batch=1)
        plan, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "waiting", "c": "applied"}
        assert (await shop.members("a"), await shop.members("b")) == (set(), set())
        waits = next(own for own in plan.problems if own.unit == "b")
        assert waits.message == "waits for a, along with which it was taken back"
        again = await shop.plan()
        assert again.is_empty
        states = {unit: own.state.value for unit, own in again.units.items()}
        assert states == {"a": "held", "b": "waiting", "c": "ready"}

    async def test_go_on_with_it_once_it_is_mended(self, shop: Workshop) -> None:
        files = {
            "a/x.yml": tags("a1") + "---\n" + devices("zz", tags=["a1"]),
            "a/.stateward.yaml": BACK,
            "b/x.yml": devices("d1", tags=["a1"]),
        }
        shop.commit(files)
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("zz"), batch=1))
        shop.commit({**files, "a/x.yml": tags("a1")})
        _, report = await shop.apply()
        assert outcomes(report) == {"a": "applied", "b": "applied"}
        assert await shop.members("b") == {"NetDevice/d1"}

    async def test_that_were_left_out_of_that_go_on_afterwards(self, shop: Workshop) -> None:
        files = {
            "a/x.yml": tags("a1") + "---\n" + devices("zz", tags=["a1"]),
            "a/.stateward.yaml": BACK,
            "b/x.yml": devices("d1", tags=["a1"]),
        }
        shop.commit(files)
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("zz"), batch=1))
        shop.commit({**files, "a/x.yml": tags("a1")})
        await shop.apply(unit="a")
        assert await shop.members("b") == set()
        await converges(shop)
        assert await shop.members("b") == {"NetDevice/d1"}

    async def test_that_gave_it_something_get_it_back(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK, "b/x.yml": tags("b1", "b2")})
        await shop.apply()
        before = await everything(shop)
        shop.commit(
            {"a/x.yml": tags("a1", "b2", "zz"), "a/.stateward.yaml": BACK, "b/x.yml": tags("b1")}
        )
        watched = Watched(shop.target, refuse=refuse_making("zz"), batch=1)
        _, report = await shop.apply(target=watched)
        now = await everything(shop)
        assert members(now) == members(before)
        assert outcomes(report) == {"a": "failed", "b": "waiting"}
        assert (await shop.plan()).is_empty

    async def test_that_were_only_held_up_by_it_are_not_taken_back(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/x.yml": tags("a1"),
                "b/x.yml": devices("d1", tags=["a1"]) + "---\n" + tags("b1"),
                "b/.stateward.yaml": BACK,
            }
        )
        watched = Watched(shop.target, refuse=refuse_making("a1"), batch=1)
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "failed"}
        assert await shop.members("b") == {"BuiltinTag/b1"}
        await converges(shop)

    async def test_that_declare_what_was_changed_as_well_go_along(self, shop: Workshop) -> None:
        files = {"a/.stateward.yaml": BACK, "a/x.yml": tags("s"), "b/x.yml": tags("s")}
        shop.commit(files)
        await shop.apply()
        before = await everything(shop)
        both = tags("s", description="new")
        shop.commit({**files, "a/x.yml": both, "a/y.yml": tags("zz"), "b/x.yml": both})
        watched = Watched(shop.target, refuse=refuse_making("zz"), batch=1)
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "waiting"}
        assert content(await everything(shop)) == content(before)
        assert (await shop.plan()).is_empty


class TestDrift:
    async def test_that_cannot_be_mended_takes_nothing_back(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2", description="x"), "a/.stateward.yaml": BACK})
        await shop.apply()
        first, second = [(await shop.find("BuiltinTag", own)).id for own in ("a1", "a2")]
        for own in (first, second):
            await shop.do(Update(id=own, kind="BuiltinTag", attributes={"description": "theirs"}))
        watched = Watched(shop.target, refuse=refuse_updating(second), batch=1)
        _, report = await shop.apply(target=watched)
        assert run_of(report, "a").taken_back is None
        assert (await shop.find("BuiltinTag", "a1")).attributes["description"] == "x"
        await converges(shop)


async def test_attempts_that_were_cut_short_are_taken_back_with_the_last(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK})
    await shop.apply()
    before = await everything(shop)
    shop.commit({"a/x.yml": tags("a1", "a2", "a3", "a4"), "a/.stateward.yaml": BACK})
    lost = Watched(shop.target, lose=lambda number: "after" if number == 2 else None, batch=1)
    _, report = await shop.apply(target=lost)
    assert run_of(report, "a").taken_back is None
    assert await shop.members("a") > {"BuiltinTag/a1"}
    await shop.apply(target=Watched(shop.target, refuse=refuse_making("a4"), batch=1))
    now = await everything(shop)
    assert (content(now), members(now)) == (content(before), members(before))


async def test_what_is_lost_on_the_way_back_is_ended_by_the_next_round(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK})
    await shop.apply()
    before = await everything(shop)
    shop.commit({"a/x.yml": tags("a2", "a3", "a4"), "a/.stateward.yaml": BACK})
    # The stamp, two creates, the refusal, the stamp of the hold, the first delete.
    lost = Watched(
        shop.target,
        refuse=refuse_making("a4"),
        lose=lambda number: "after" if number == 5 else None,
        batch=1,
    )
    _, report = await shop.apply(target=lost)
    own = run_of(report, "a")
    assert own.fault == "transient"
    assert content(await everything(shop)) != content(before)
    _, report = await shop.apply()
    now = await everything(shop)
    assert (content(now), members(now)) == (content(before), members(before))
    assert (await shop.plan()).units["a"].state is UnitState.HELD


async def test_stamp_of_what_is_held_together_is_read_back() -> None:
    text = "applied=r1 files=f attempted=r2 held=r2 heldfiles=g heldwith=abc123/2/00ff/along"
    found = Stamp.parse(text)
    assert str(found).endswith(text)
    assert found.attempt("r3").tie is None

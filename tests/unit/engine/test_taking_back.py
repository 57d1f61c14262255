"""``onError: rollback``: what was done for a unit of which something is refused is taken back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from applying import (
    NOT_TODAY,
    converges,
    names,
    outcomes,
    refuse_making,
    refuse_updating,
    run_of,
    stamp,
)

from properties.judging import content, everything, members
from properties.test_undone import history
from rounds import KINDS, MemorySource, Workshop, objects
from stateward.errors import Code, PlanMoved, Severity
from stateward.model.mutation import Mutation, Refusal, Update
from stateward.model.plan import UnitState
from stateward.model.record import Record, RunKind
from stateward.model.run import EntryState, Outcome
from stateward.model.unit import Stamp
from stateward.settings import UnitDefaults
from stateward.targets.embedded import EmbeddedTarget
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

    async def test_go_on_once_what_failed_is_not_to_be_taken_back_any_more(
        self, shop: Workshop
    ) -> None:
        usual, shop.defaults = shop.defaults, UnitDefaults.model_validate({"onError": "rollback"})
        shop.commit(
            {
                "a/x.yml": tags("a1") + "---\n" + devices("zz", tags=["a1"]),
                "b/x.yml": devices("d1", tags=["a1"]),
                "b/.stateward.yaml": BACK,
            }
        )
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("zz"), batch=1))
        assert (await shop.plan()).is_empty
        shop.defaults = usual
        _, report = await shop.apply()
        assert outcomes(report) == {"a": "applied", "b": "applied"}

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


def second_lost(shop: Workshop) -> Watched:
    """Lose the target after the stamp and one change."""
    return Watched(shop.target, lose=lambda number: "after" if number == 2 else None, batch=1)


class TestEarlierRounds:
    async def test_that_went_on_after_failures_are_left_as_they_are(self, shop: Workshop) -> None:
        watched = Watched(shop.target, refuse=refuse_making("bad"), batch=1)
        for own in (["a1"], ["a1", "a2"]):
            shop.commit({"a/x.yml": tags(*own, "bad")})
            await shop.apply(target=watched)
        shop.commit({"a/x.yml": tags("a1", "a2", "a3", "bad"), "a/.stateward.yaml": BACK})
        _, report = await shop.apply(target=watched)
        assert run_of(report, "a").taken_back is not None
        assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a2"}

    async def test_that_were_cut_short_under_another_setting_are_left(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2", "zz")})
        await shop.apply(target=second_lost(shop))
        shop.commit({"a/x.yml": tags("a1", "a2", "zz"), "a/.stateward.yaml": BACK})
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making("zz")))
        assert run_of(report, "a").taken_back is not None
        assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a2"}

    async def test_that_only_waited_for_another_unit_are_left(self, shop: Workshop) -> None:
        rest = devices("dev", tags=["lacking"])
        files = {"a/x.yml": tags("lacking"), "b/.stateward.yaml": BACK}
        for number in (1, 2):
            names = [f"b{own}" for own in range(number)]
            shop.commit({**files, "b/x.yml": f"{tags(*names)}---\n{rest}"})
            await shop.apply(target=Watched(shop.target, refuse=refuse_making("lacking")))
        shop.commit({**files, "b/x.yml": f"{tags('b0', 'b1', 'bad')}---\n{rest}"})
        watched = Watched(shop.target, refuse=refuse_making("lacking", "bad"))
        _, report = await shop.apply(target=watched)
        assert run_of(report, "b").taken_back is not None
        assert await shop.members("b") == {"BuiltinTag/b0", "BuiltinTag/b1"}

    async def test_before_one_that_came_to_an_end_are_left(self, shop: Workshop) -> None:
        shop.commit({"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK})
        await shop.apply(target=second_lost(shop))
        await shop.apply()
        shop.commit({"a/x.yml": tags("a1", "a2", "bad"), "a/.stateward.yaml": BACK})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("bad")))
        assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a2"}

    @pytest.mark.parametrize(
        ("protection", "kept"),
        [
            ("protect: ['*/g1']\nlimits: {protectedKinds: []}\n", ["g1"]),
            ("limits: {protectedKinds: [CoreStandardGroup]}\n", ["g1", "g2"]),
        ],
    )
    async def test_made_what_is_protected(
        self, shop: Workshop, protection: str, kept: list[str]
    ) -> None:
        groups = objects(
            "CoreStandardGroup", {"name": "g1"}, {"name": "g2"}, {"name": "g3"}, {"name": "zz"}
        )
        files = {"a/x.yml": groups, "a/.stateward.yaml": BACK + protection}
        shop.commit(files)
        await shop.apply(target=second_lost(shop))
        assert await shop.members("a") == {"CoreStandardGroup/g1", "CoreStandardGroup/g2"}
        watched = Watched(shop.target, refuse=refuse_making("zz"), batch=1)
        plan, report = await shop.apply(target=watched)
        assert await shop.members("a") == {f"CoreStandardGroup/{own}" for own in kept}
        conflicts = [own.message for own in plan.problems if own.code is Code.CHANGED_SINCE]
        reason = "stays: an earlier run made it, and it is protected"
        assert [own.partition(" by ")[0] for own in sorted(conflicts)] == [
            f"CoreStandardGroup/{own}: {reason}" for own in kept
        ]
        taken = run_of(report, "a").taken_back
        assert taken is not None
        assert taken.left == len(kept)

    async def test_made_what_others_refer_to_by_now(self, shop: Workshop) -> None:
        files = {"a/x.yml": tags("a1", "a2", "bad"), "a/.stateward.yaml": BACK}
        shop.commit(files)
        await shop.apply(target=second_lost(shop))
        shop.commit({**files, "b/x.yml": devices("d1", tags=["a1"])})
        await shop.apply(units=frozenset({"b"}))
        watched = Watched(shop.target, refuse=refuse_making("bad"), batch=1)
        plan, _ = await shop.apply(target=watched)
        assert await shop.members("a") == {"BuiltinTag/a1"}
        tag = (await shop.find("BuiltinTag", "a1")).id
        assert (await shop.find("NetDevice", "d1")).relations["tags"] == {tag}
        (conflict,) = [own for own in plan.problems if own.code is Code.CHANGED_SINCE]
        assert conflict.message == ("BuiltinTag/a1: stays: NetDevice/d1 came to refer to it since")


async def half_taken_back(shop: Workshop, **scope: Any) -> None:
    """Lose the target in the middle of taking a unit back."""
    shop.commit({"a/x.yml": tags("a1"), "a/.stateward.yaml": BACK})
    await shop.apply(**scope)
    shop.commit({"a/x.yml": tags("a2", "a3", "a4"), "a/.stateward.yaml": BACK})
    # The stamp, two creates, the refusal, the stamp of the hold, the first delete.
    lost = Watched(
        shop.target,
        refuse=refuse_making("a4"),
        lose=lambda number: "after" if number == 5 else None,
        batch=1,
    )
    await shop.apply(target=lost, **scope)


class TestUnfinished:
    async def test_is_found_though_another_source_has_the_path(self, shop: Workshop) -> None:
        await half_taken_back(shop, source="ams")
        source, shop.source = shop.source, MemorySource()
        shop.commit({"a/x.yml": tags("z1")})
        await shop.apply(source="rtm")
        shop.source = source
        await shop.apply(source="ams")
        held = (await shop.observe(*KINDS)).groups["stateward/default/ams/a"]
        observed = await shop.observe(*KINDS)
        assert [str(observed.objects[own].key) for own in held.members] == ["BuiltinTag/a1"]

    async def test_on_another_target_is_none_here(self, shop: Workshop, tmp_path: Path) -> None:
        other = EmbeddedTarget(f"sqlite:///{tmp_path}/other.db")
        files = {"a/x.yml": tags("a1", "a2"), "a/.stateward.yaml": BACK}
        shop.commit(files)
        refuse = refuse_making("a2")
        await shop.apply(target=Watched(other, refuse=refuse, batch=1))
        await half_taken_back(shop)
        shop.commit({**files, "b/x.yml": tags("b1")})
        _, report = await shop.apply(target=other)
        assert outcomes(report) == {"a": "failed", "b": "applied"}

    async def test_is_told_and_counted_where_it_is_ended(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        watched = Watched(shop.target)
        plan, report = await shop.apply(target=watched)
        assert len(watched.sent) == report.writes > 0
        ended = [own for own in plan.problems if own.unit is None]
        assert [(own.code, own.severity) for own in ended] == [(Code.TAKEN_BACK, Severity.WARNING)]
        assert "begun to take commit r2 back" in ended[0].message

    async def test_is_left_by_a_round_of_other_units(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        shop.commit(
            {"a/x.yml": tags("a2", "a3", "a4"), "a/.stateward.yaml": BACK, "b/x.yml": tags("b1")}
        )
        before = await shop.members("a")
        await shop.apply(unit="b")
        assert await shop.members("a") == before
        assert await shop.members("b") == {"BuiltinTag/b1"}

    async def test_is_left_where_the_unit_is_suspended(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        shop.commit({"a/x.yml": tags("a2"), "a/.stateward.yaml": BACK + "suspend: true\n"})
        watched = Watched(shop.target)
        await shop.apply(target=watched)
        assert watched.sent == []

    async def test_is_left_and_held_where_its_record_is_lost(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        for own in shop.state.parent.glob(f"{shop.state.name}*"):
            own.unlink()
        watched = Watched(shop.target)
        plan, _ = await shop.apply(target=watched)
        assert watched.sent == []
        assert [(own.code, own.unit) for own in plan.problems] == [(Code.TAKEN_BACK, "a")]

    async def test_is_left_by_a_takeover_and_a_repair(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        watched = Watched(shop.target)
        await shop.adopt(target=watched)
        await shop.repair(target=watched)
        assert watched.sent == []

    async def test_is_left_where_another_plan_was_expected(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        watched = Watched(shop.target)
        with pytest.raises(PlanMoved):
            await shop.apply(target=watched, expected="another")
        assert watched.sent == []

    async def test_is_ended_under_the_plan_that_was_looked_at(self, shop: Workshop) -> None:
        await half_taken_back(shop)
        await shop.apply(expected=(await shop.plan()).digest)
        assert await shop.members("a") == {"BuiltinTag/a1"}


async def test_unit_without_its_group_takes_nothing_of_others_back(shop: Workshop) -> None:
    def refuse(mutation: Mutation) -> Refusal | None:
        return NOT_TODAY if names(mutation) == "stateward/default/default/a" else None

    shop.commit(
        {
            "a/x.yml": tags("s", "a1"),
            "a/.stateward.yaml": BACK,
            "b/x.yml": tags("b1") + "---\n" + tags("s"),
        }
    )
    for _ in range(2):
        watched = Watched(shop.target, refuse=refuse)
        _, report = await shop.apply(target=watched)
        assert run_of(report, "a").taken_back is None
        assert run_of(report, "b").taken_back is None
    assert [names(own) for own in watched.sent] == ["stateward/default/default/a"]
    assert await shop.members("b") == {"BuiltinTag/b1"}


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

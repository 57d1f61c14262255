"""A run is taken back: what comes back, what is left alone and why, and what happens next."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from properties.judging import content
from rounds import KINDS, Broken, Workshop, objects
from stateward.errors import Code, ConfigError
from stateward.model.mutation import Delete, Enrol, Mutation, Refusal, Relate, Update
from stateward.model.plan import Action, Plan, Undone, UnitState
from stateward.model.record import Cause, Record, RunKind
from stateward.model.run import Report
from stateward.model.unit import Stamp
from stateward.settings import UnitDefaults, UnitOverrides, read_unit
from stateward.stores.sqlite import SqliteJournal
from stateward.tracking.choosing import of_commit
from stateward.tracking.rollback import Rollback
from watching import Fuse, Watched

Files = dict[str, str]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@asynccontextmanager
async def opened(shop: Workshop, **limits: Any) -> AsyncIterator[tuple[Rollback, SqliteJournal]]:
    journal = SqliteJournal(shop.state)
    settings = read_unit(None, UnitOverrides(), UnitDefaults.model_validate(limits))[0]
    try:
        yield (
            Rollback(
                target=shop.target,
                journal=journal,
                trail=journal,
                new_id=lambda: str(uuid4()),
                cause=Cause(trigger="manual", actor="ada"),
                settings=lambda _: settings,
            ),
            journal,
        )
    finally:
        await journal.close()


async def newest(shop: Workshop, unit: str | None = None) -> Record:
    async with opened(shop) as (_, journal):
        return (await journal.runs(unit, limit=1))[0]


async def back(
    shop: Workshop, record: Record | None = None, limits: Any = None, **given: Any
) -> tuple[Plan, Report]:
    """Take a run back, by default the newest."""
    record = record or await newest(shop)
    async with opened(shop, **(limits or {})) as (rollback, _):
        return await rollback.apply(record, **given)


async def applied(shop: Workshop, *revisions: Files) -> None:
    for files in revisions:
        shop.commit(files)
        await shop.apply(allow_deletes=99)


def tags(*names: str, **fields: Any) -> str:
    return objects("BuiltinTag", *({"name": name, **fields} for name in names))


def device(name: str = "d1", **fields: Any) -> str:
    return objects("NetDevice", {"name": name, **fields})


def did(plan: Plan) -> list[str]:
    return sorted(f"{own.action} {own.key}" for own in plan.changes)


def told(plan: Plan) -> list[str]:
    return [own.message for own in plan.problems]


KEEP = {"a/0.yml": tags("keep")}


class TestWhatComesBack:
    async def test_what_was_made_goes(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        plan, report = await back(shop)
        assert did(plan) == ["delete BuiltinTag/red"]
        assert report.runs[0].outcome == "applied"
        assert await shop.members("a") == {"BuiltinTag/keep"}

    async def test_what_was_changed_is_as_it_was(self, shop: Workshop) -> None:
        before = {"a/1.yml": device(role="spine", comment="old", rack_unit=3)}
        await applied(shop, before, {"a/1.yml": device(role="leaf", comment="new")})
        await back(shop)
        found = (await shop.find("NetDevice", "d1")).attributes
        assert (found["role"], found["comment"], found["rack_unit"]) == ("spine", "old", 3)

    async def test_what_was_never_set_is_unset_again(self, shop: Workshop) -> None:
        await applied(shop, {"a/1.yml": device()}, {"a/1.yml": device(role="spine", rack_unit=3)})
        await back(shop)
        assert {"role", "rack_unit"} <= (await shop.find("NetDevice", "d1")).defaults

    async def test_what_was_deleted_is_made_again_with_all_that_it_had(
        self, shop: Workshop
    ) -> None:
        crew = await shop.make("CoreStandardGroup", name="crew")
        await applied(shop, {**KEEP, "a/1.yml": device(tags=["keep"], buddy="d1")})
        old = await shop.find("NetDevice", "d1")
        node = old.id
        await shop.do(
            Update(id=node, kind="NetDevice", attributes={"comment": "by hand"}),
            Enrol(id=node, kind="NetDevice", join=(crew,)),
        )
        asset = await shop.make("NetAsset", name="x", serial="1", device=node)
        await applied(shop, KEEP)
        plan, _ = await back(shop)
        assert told(plan) == []
        new = await shop.find("NetDevice", "d1")
        assert new.id != node
        assert new.attributes == old.attributes | {"comment": "by hand"}
        assert (new.relations["buddy"], new.relations["tags"]) == (new.id, old.relations["tags"])
        assert crew in (new.relations["member_of_groups"] or ())
        found = await shop.find("NetAsset", "x")
        assert (found.id, found.relations["device"]) == (asset, new.id)
        assert await shop.members("a") == {"BuiltinTag/keep", "NetDevice/d1"}

    async def test_children_come_back_with_what_they_belong_to(self, shop: Workshop) -> None:
        ports = {"kind": "NetInterface", "data": [{"name": "p1", "mtu": 9000}, {"name": "p2"}]}
        await applied(shop, {**KEEP, "a/1.yml": device(interfaces=ports)}, KEEP)
        plan, _ = await back(shop)
        assert did(plan) == [
            "create NetDevice/d1",
            "create NetInterface/d1/p1",
            "create NetInterface/d1/p2",
        ]
        assert (await shop.find("NetInterface", "d1", "p1")).attributes["mtu"] == 9000

    async def test_what_was_adopted_is_released(self, shop: Workshop) -> None:
        node = await shop.make("BuiltinTag", name="red")
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        plan, _ = await back(shop)
        assert did(plan) == ["release BuiltinTag/red"]
        assert (await shop.find("BuiltinTag", "red")).id == node
        assert await shop.members("a") == {"BuiltinTag/keep"}

    async def test_what_was_adopted_and_changed_gets_its_old_values(self, shop: Workshop) -> None:
        shop.defaults = UnitDefaults.model_validate({"adopt": "always"}, strict=False)
        await shop.make("BuiltinTag", name="red", description="theirs")
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red", description="ours")})
        plan, _ = await back(shop)
        assert did(plan) == ["release BuiltinTag/red", "update BuiltinTag/red"]
        assert (await shop.find("BuiltinTag", "red")).attributes["description"] == "theirs"

    async def test_what_was_released_is_claimed_again_as_adopted(self, shop: Workshop) -> None:
        await shop.make("BuiltinTag", name="red")
        await applied(shop, {**KEEP, "a/1.yml": tags("red")}, KEEP)
        plan, _ = await back(shop)
        (change,) = plan.changes
        assert (change.action, change.adopted) == (Action.ADOPT, True)
        assert await shop.members("a") == {"BuiltinTag/keep", "BuiltinTag/red"}
        assert await shop.members("a/adopted") == {"BuiltinTag/red"}

    async def test_what_was_moved_is_given_back(self, shop: Workshop) -> None:
        both = {"a/1.yml": tags("red", "keep"), "b/1.yml": tags("blue")}
        await applied(shop, both)
        before = await shop.find("BuiltinTag", "red")
        moved = {"a/1.yml": tags("keep"), "b/1.yml": tags("blue", "red", description="x")}
        await applied(shop, moved)
        plan, _ = await back(shop, await newest(shop, "b"))
        assert "move BuiltinTag/red" in did(plan)
        assert await shop.members("a") == {"BuiltinTag/keep", "BuiltinTag/red"}
        assert (await shop.find("BuiltinTag", "red")) == before
        again, _ = await back(shop, await newest(shop, "b"))
        assert "move BuiltinTag/red" in did(again)
        assert await shop.members("b") == {"BuiltinTag/blue", "BuiltinTag/red"}


class TestConflict:
    async def test_with_a_field_that_was_changed_since_leaves_that_field_alone(
        self, shop: Workshop
    ) -> None:
        before = {"a/1.yml": device(role="spine", comment="old")}
        await applied(shop, before, {"a/1.yml": device(role="leaf", comment="new")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Update(id=node, kind="NetDevice", attributes={"comment": "mine"}))
        plan, report = await back(shop)
        (problem,) = plan.problems
        assert problem.code is Code.CHANGED_SINCE
        assert "comment: 'new' was recorded, 'mine' stands there" in problem.message
        assert report.runs[0].outcome == "failed"
        found = (await shop.find("NetDevice", "d1")).attributes
        assert (found["role"], found["comment"]) == ("spine", "mine")

    async def test_is_overruled_by_force(self, shop: Workshop) -> None:
        await applied(shop, {"a/1.yml": device(comment="a")}, {"a/1.yml": device(comment="b")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Update(id=node, kind="NetDevice", attributes={"comment": "mine"}))
        plan, _ = await back(shop, force=True)
        assert told(plan) == []
        assert (await shop.find("NetDevice", "d1")).attributes["comment"] == "a"

    async def test_keeps_what_was_made_and_then_changed(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device(comment="a")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Update(id=node, kind="NetDevice", attributes={"comment": "mine"}))
        plan, _ = await back(shop)
        assert did(plan) == []
        plan, _ = await back(shop, await newest(shop, "a"), force=True)
        assert did(plan) == ["delete NetDevice/d1"]

    async def test_keeps_what_somebody_attached_something_to(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device()})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.make("NetInterface", name="p1", device=node)
        plan, _ = await back(shop)
        assert did(plan) == []
        assert "NetInterface/d1/p1" in told(plan)[0]

    async def test_that_is_forced_records_what_went_along(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device()})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.make("NetInterface", name="p1", device=node, mtu=9000)
        await back(shop, force=True)
        own = await newest(shop)
        assert [(str(one.key), one.along) for one in own.changes] == [
            ("NetDevice/d1", None),
            ("NetInterface/d1/p1", 0),
        ]
        await back(shop)
        assert (await shop.find("NetInterface", "d1", "p1")).attributes["mtu"] == 9000

    async def test_keeps_what_another_cannot_be_without(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device()})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.make("NetCable", name="c1", device=node)
        for force in (False, True):
            plan, _ = await back(shop, await newest(shop, "a"), force=force)
            assert did(plan) == []
            assert "NetCable/c1 cannot be without it" in told(plan)[0]

    async def test_releases_what_another_tool_claims(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        node = (await shop.find("BuiltinTag", "red")).id
        theirs = await shop.make("CoreStandardGroup", name="stateward/other/x/y")
        await shop.do(Enrol(id=node, kind="BuiltinTag", join=(theirs,)))
        plan, _ = await back(shop)
        assert did(plan) == ["release BuiltinTag/red"]
        assert "released and not deleted" in told(plan)[0]

    async def test_does_not_make_twice_what_is_there_again(self, shop: Workshop) -> None:
        await applied(shop, {**KEEP, "a/1.yml": tags("red")}, KEEP)
        await shop.make("BuiltinTag", name="red")
        plan, _ = await back(shop)
        assert did(plan) == []
        assert "somebody made it again" in told(plan)[0]

    async def test_says_what_is_gone(self, shop: Workshop) -> None:
        await applied(shop, {"a/1.yml": device(comment="a")}, {"a/1.yml": device(comment="b")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Delete(id=node, kind="NetDevice"))
        plan, _ = await back(shop)
        assert (did(plan), len(told(plan))) == ([], 1)
        assert "is gone" in told(plan)[0]

    async def test_leaves_out_what_cannot_be_without_what_is_gone(self, shop: Workshop) -> None:
        cable = objects("NetCable", {"name": "c1", "device": "d1"})
        await applied(shop, {**KEEP, "b/1.yml": device(), "a/1.yml": cable})
        await applied(shop, {**KEEP, "b/1.yml": device()})
        record = await newest(shop, "a")
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Delete(id=node, kind="NetDevice"))
        plan, _ = await back(shop, record)
        assert did(plan) == []
        assert "device: NetDevice/d1 is missing" in told(plan)[0]

    async def test_keeps_members_that_others_added(self, shop: Workshop) -> None:
        crew = objects("CoreStandardGroup", {"name": "crew"}, {"name": "mob"})
        await applied(shop, {"a/0.yml": crew, "a/1.yml": device()})
        await applied(shop, {"a/0.yml": crew, "a/1.yml": device(member_of_groups=["crew"])})
        node = (await shop.find("NetDevice", "d1")).id
        mob = (await shop.find("CoreStandardGroup", "mob")).id
        await shop.do(
            Relate(id=node, kind="NetDevice", relationship="member_of_groups", add=(mob,))
        )
        await back(shop)
        groups = (await shop.find("NetDevice", "d1")).relations["member_of_groups"]
        own = (await shop.find("CoreStandardGroup", "stateward/default/default/a")).id
        assert groups == frozenset({mob, own})


class TestSecrets:
    async def test_do_not_come_back_and_that_is_said(self, shop: Workshop) -> None:
        canary = "c4nary-in-the-mine"
        await applied(shop, {**KEEP, "a/1.yml": device(password=canary)}, KEEP)
        plan, _ = await back(shop)
        (problem,) = plan.problems
        assert problem.code is Code.NOT_RESTORED
        assert "password: comes back without its secret value" in problem.message
        assert (await shop.find("NetDevice", "d1")).attributes["password"] is None
        assert not any(
            canary.encode() in own.read_bytes()
            for own in shop.state.parent.glob(f"{shop.state.name}*")
        )

    async def test_that_were_changed_stay(self, shop: Workshop) -> None:
        await applied(
            shop,
            {"a/1.yml": device(password="one")},  # noqa: S106
            {"a/1.yml": device(password="two", role="spine")},  # noqa: S106
        )
        plan, _ = await back(shop)
        assert any("password: keeps its value" in own for own in told(plan))
        assert (await shop.find("NetDevice", "d1")).attributes["role"] == "leaf"


class TestGuard:
    async def test_takes_nothing_back_beyond_the_limits(self, shop: Workshop) -> None:
        await applied(shop, {"a/1.yml": tags(*(f"t{number}" for number in range(12)))})
        plan, report = await back(shop)
        (blocked,) = plan.blocked
        assert (len(blocked.objects), did(plan), report.writes) == (12, [], 0)
        assert report.runs[0].outcome == "blocked"
        plan, _ = await back(shop, allow_deletes=12)
        assert len(plan.changes) == 12

    async def test_counts_what_goes_along_with_a_delete(self, shop: Workshop) -> None:
        """Interfaces that came since go with the device that the run made."""
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device()})
        run = await newest(shop)
        made = await shop.find("NetDevice", "d1")
        for name in ("e1", "e2"):
            await shop.make("NetInterface", name=name, device=made.id)
        limits = {"limits": {"deletes": 2, "percent": 0}}
        plan, _ = await back(shop, run, limits, force=True)
        (blocked,) = plan.blocked
        assert blocked.figures["deletes"] == 3
        assert list(map(str, blocked.objects)) == [
            *("NetDevice/d1", "NetInterface/d1/e1", "NetInterface/d1/e2")
        ]
        plan, _ = await back(shop, run, limits, force=True, allow_deletes=2)
        assert plan.blocked
        plan, _ = await back(shop, run, limits, force=True, allow_deletes=3)
        assert did(plan) == ["delete NetDevice/d1"]

    async def test_what_goes_along_with_a_delete_may_be_protected(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": device()})
        run = await newest(shop)
        made = await shop.find("NetDevice", "d1")
        await shop.make("NetInterface", name="e1", device=made.id)
        limits = {"limits": {"protectedKinds": ("NetInterface",)}}
        plan, _ = await back(shop, run, limits, force=True, allow_deletes=9)
        assert [own.protecting for own in plan.blocked] == [("NetInterface",)]

    @pytest.mark.parametrize(
        "limits", [{"limits": {"protectedKinds": ("BuiltinTag",)}}, {"protect": ("*/red",)}]
    )
    async def test_never_deletes_what_is_protected(self, shop: Workshop, limits: Any) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        plan, _ = await back(shop, limits=limits, allow_deletes=99)
        assert did(plan) == []
        assert plan.blocked[0].protected


class TestHold:
    async def test_keeps_the_same_commit_from_being_applied_again(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        await back(shop)
        plan = await shop.plan()
        assert (plan.is_empty, plan.units["a"].state) == (True, UnitState.HELD)
        _, report = await shop.apply()
        assert (report.writes, report.runs[0].outcome) == (0, "skipped")

    async def test_outlives_the_state_store_and_commits_to_other_units(
        self, shop: Workshop
    ) -> None:
        bad = {**KEEP, "a/1.yml": tags("red")}
        await applied(shop, KEEP, bad)
        await back(shop)
        shop.state.unlink()
        await applied(shop, {**bad, "b/1.yml": tags("blue")})
        assert await shop.members("a") == {"BuiltinTag/keep"}
        assert await shop.members("b") == {"BuiltinTag/blue"}

    async def test_ends_with_a_commit_that_changes_the_unit(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        await back(shop)
        await applied(shop, {**KEEP, "a/1.yml": tags("blue")})
        assert await shop.members("a") == {"BuiltinTag/keep", "BuiltinTag/blue"}
        assert (await shop.plan()).is_empty

    async def test_ends_with_a_commit_that_reverts(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        await back(shop)
        await applied(shop, KEEP)
        plan = await shop.plan()
        assert (plan.is_empty, plan.units["a"].state) == (True, UnitState.READY)

    async def test_what_only_the_bad_commit_declared_is_reset_later(self, shop: Workshop) -> None:
        await applied(shop, {"a/1.yml": device()}, {"a/1.yml": device(comment="bad", role="spine")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Update(id=node, kind="NetDevice", attributes={"comment": "worse"}))
        await back(shop)
        await applied(shop, {"a/1.yml": device(rack_unit=1)})
        assert (await shop.find("NetDevice", "d1")).attributes["comment"] is None

    async def test_is_lifted_by_taking_the_rollback_back(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        before = (await shop.plan()).units["a"].before
        await back(shop)
        await back(shop)
        plan = await shop.plan()
        assert (plan.is_empty, plan.units["a"].state) == (True, UnitState.READY)
        assert plan.units["a"].before == before

    def test_is_written_on_the_group(self) -> None:
        stamp = Stamp(applied="r1", files="f1", attempted=("r2",), held="r2", held_files="f2")
        assert Stamp.parse(str(stamp)) == stamp
        assert stamp.holds("r2", "other")
        assert stamp.holds("r3", "f2")
        assert not stamp.holds("r3", "f3")
        assert not replace(stamp, held=None).holds("r2", "f2")


class TestInterrupted:
    @pytest.mark.parametrize("at", range(4, 10))
    async def test_run_is_taken_back_as_far_as_it_got(self, shop: Workshop, at: int) -> None:
        first = {**KEEP, "a/1.yml": device(role="spine", comment="old"), "a/2.yml": tags("gone")}
        await applied(shop, first)
        before = content(await shop.observe(*KINDS))
        shop.commit({**KEEP, "a/1.yml": device(role="leaf"), "a/2.yml": tags("new")})
        with pytest.raises(Broken):
            await shop.apply(target=Watched(shop.target, fuse=Fuse(at)), allow_deletes=9)
        plan, _ = await back(shop)
        assert told(plan) == []
        assert content(await shop.observe(*KINDS)) == before
        assert await shop.members("a") == {"BuiltinTag/gone", "BuiltinTag/keep", "NetDevice/d1"}
        again = await shop.plan()
        assert (again.is_empty, again.units["a"].state) == (True, UnitState.HELD)


class TestRecord:
    async def test_is_a_run_of_its_own(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        undone = await newest(shop)
        await back(shop)
        own = await newest(shop)
        assert (own.opening.kind, own.opening.undoes) == (RunKind.ROLLBACK, (undone.id,))
        assert (own.opening.subject, own.outcome) == ("a", "applied")
        assert [one.undoes for one in own.changes] == [(Undone(undone.id, 0),)]
        async with opened(shop) as (_, journal):
            again = await journal.run(undone.id)
            assert again.undone_by == (own.id,)
            assert [one.state.value for one in again.changes] == ["undone"]
            assert (await journal.verify()).broken is None

    async def test_once_taken_back_there_is_nothing_left(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        record = await newest(shop)
        await back(shop, record)
        async with opened(shop) as (_, journal):
            record = await journal.run(record.id)
        plan, report = await back(shop, record)
        assert (plan.is_empty, report.writes) == (True, 0)

    async def test_of_another_target_is_refused(self, shop: Workshop, tmp_path: Path) -> None:
        await applied(shop, KEEP)
        record = await newest(shop)
        (tmp_path / "other").mkdir()
        elsewhere = Workshop(tmp_path / "other")
        with pytest.raises(ConfigError, match="name that one as the target"):
            await back(elsewhere, record)

    async def test_of_an_older_version_is_refused(self, shop: Workshop) -> None:
        await applied(shop, KEEP)
        record = await newest(shop)
        old = replace(record, opening=replace(record.opening, group=""))
        with pytest.raises(ConfigError, match="older version"):
            await back(shop, old)

    async def test_planning_writes_nothing(self, shop: Workshop) -> None:
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        record = await newest(shop)
        async with opened(shop) as (rollback, journal):
            plan = await rollback.plan(record)
            assert did(plan) == ["delete BuiltinTag/red"]
            assert len(await journal.runs()) == 2
        assert await shop.members("a") == {"BuiltinTag/keep", "BuiltinTag/red"}
        done, _ = await back(shop, record)
        assert done == plan


class TestOfARound:
    """Several units, one plan."""

    BOTH: ClassVar = {"a/1.yml": tags("red", "keep"), "b/1.yml": device(tags=["red"])}

    async def together(self, shop: Workshop) -> list[Record]:
        async with opened(shop) as (_, journal):
            return list(await journal.together((await journal.runs(limit=1))[0]))

    async def test_what_refers_across_units_comes_back_in_order(self, shop: Workshop) -> None:
        await applied(shop, {**self.BOTH, **KEEP})
        before = content(await shop.observe(*KINDS))
        await applied(shop, KEEP)
        plan, _ = await taken_back(shop, await self.together(shop))
        levels = {str(own.key): own.level for own in plan.changes}
        assert levels["BuiltinTag/red"] < levels["NetDevice/d1"]
        assert content(await shop.observe(*KINDS)) == before
        assert {own.unit for own in plan.changes} == {"a", "b"}

    async def test_what_was_moved_keeps_its_id(self, shop: Workshop) -> None:
        await applied(shop, {**KEEP, "a/1.yml": tags("red"), "b/0.yml": tags("blue")})
        node = (await shop.find("BuiltinTag", "red")).id
        await applied(shop, {**KEEP, "b/0.yml": tags("blue", "red")})
        plan, _ = await taken_back(shop, await self.together(shop))
        assert did(plan) == ["move BuiltinTag/red"]
        assert (await shop.find("BuiltinTag", "red")).id == node
        assert await shop.members("a") == {"BuiltinTag/keep", "BuiltinTag/red"}
        states = (await shop.plan()).units
        assert {states["a"].state, states["b"].state} == {UnitState.HELD}

    async def test_what_has_moved_on_since_is_a_conflict(self, shop: Workshop) -> None:
        first = {**KEEP, "a/1.yml": tags("red"), "b/0.yml": tags("blue"), "c/0.yml": tags("x")}
        await applied(shop, first, {**KEEP, "b/0.yml": tags("blue", "red"), "c/0.yml": tags("x")})
        records = await self.together(shop)
        await applied(shop, {**KEEP, "b/0.yml": tags("blue"), "c/0.yml": tags("x", "red")})
        plan, _ = await taken_back(shop, records)
        assert did(plan) == []
        assert told(plan) == ["BuiltinTag/red: has left b since: it is not given back to a"]

    async def test_what_several_units_had_is_made_once(self, shop: Workshop) -> None:
        await applied(shop, {**KEEP, "a/1.yml": tags("red"), "b/1.yml": tags("red")})
        await applied(shop, KEEP)
        plan, _ = await taken_back(shop, await self.together(shop))
        assert did(plan) == ["adopt BuiltinTag/red", "create BuiltinTag/red"]
        assert await shop.members("b") == {"BuiltinTag/red"}

    async def test_beyond_the_limits_of_one_unit_nothing_is_taken_back(
        self, shop: Workshop
    ) -> None:
        many = tags(*(f"t{number}" for number in range(12)))
        await applied(shop, {"a/1.yml": many, "b/1.yml": tags("blue")})
        records = await self.together(shop)
        plan, report = await taken_back(shop, records)
        assert [own.unit for own in plan.blocked] == ["a"]
        assert (did(plan), report.writes) == ([], 0)
        plan, _ = await taken_back(shop, records, allow_deletes=13)
        assert len(plan.changes) == 13

    async def test_is_a_round_itself(self, shop: Workshop) -> None:
        await applied(shop, {**self.BOTH, **KEEP}, KEEP)
        undone = await self.together(shop)
        await taken_back(shop, undone)
        own = await self.together(shop)
        assert [one.opening.subject for one in own] == [one.opening.subject for one in undone]
        assert [one.opening.undoes for one in own] == [(one.id,) for one in undone]
        async with opened(shop) as (_, journal):
            again = [await journal.run(one.id) for one in undone]
        assert {change.state.value for one in again for change in one.changes} == {"undone"}
        plan, report = await taken_back(shop, again)
        assert (plan.is_empty, report.writes) == (True, 0)

    async def test_what_one_run_took_back_already_stays_held(self, shop: Workshop) -> None:
        await applied(shop, {**self.BOTH, **KEEP}, KEEP)
        undone = await self.together(shop)
        await back(shop, next(own for own in undone if own.opening.subject == "a"))
        before = (await shop.plan()).units["a"].before
        async with opened(shop) as (_, journal):
            again = [await journal.run(one.id) for one in undone]
        plan, _ = await taken_back(shop, again)
        assert did(plan) == ["create NetDevice/d1"]
        assert (await shop.plan()).units["a"].before == before

    async def test_a_claim_that_outlives_its_directory_comes_back(self, shop: Workshop) -> None:
        """What two directories had is deleted by one: until that is let through, both have it."""
        both = {f"{unit}/1.yml": tags("red", "blue") for unit in ("a", "b")}
        shop.defaults = UnitDefaults.model_validate({"limits": {"deletes": 0, "percent": 0}})
        await applied(shop, {**both, "c/1.yml": tags("keep")})
        commit = shop.commit({"c/1.yml": tags("keep")})
        await shop.apply()
        assert await shop.members("b") == {"BuiltinTag/red", "BuiltinTag/blue"}
        await shop.apply(allow_deletes=9)
        async with opened(shop) as (_, journal):
            found = await journal.runs(revision=commit)
        await taken_back(shop, of_commit(found, commit, shop.target.name, None))
        assert await shop.members("a") == await shop.members("b")
        assert await shop.members("b") == {"BuiltinTag/red", "BuiltinTag/blue"}

    async def test_what_was_deleted_and_made_again_in_between_gets_back_what_it_had(
        self, shop: Workshop
    ) -> None:
        old = {**KEEP, "a/1.yml": device(role="spine", comment="old", tags=["keep"])}
        await applied(shop, old)
        before = content(await shop.observe(*KINDS))
        await applied(shop, KEEP)
        records = await self.together(shop)
        await applied(shop, {**KEEP, "b/1.yml": device(rack_unit=3)})
        node = (await shop.find("NetDevice", "d1")).id
        plan, _ = await taken_back(shop, [*records, *await self.together(shop)])
        assert (told(plan), did(plan)) == ([], ["move NetDevice/d1"])
        assert content(await shop.observe(*KINDS)) == before
        assert (await shop.find("NetDevice", "d1")).id == node
        assert "NetDevice/d1" in await shop.members("a")

    @pytest.mark.parametrize(("by_hand", "shown"), [("by hand", "'by hand'"), (None, "nothing")])
    async def test_what_was_changed_after_it_was_made_again_is_a_conflict(
        self, shop: Workshop, by_hand: str | None, shown: str
    ) -> None:
        await applied(shop, {**KEEP, "a/1.yml": device(comment="old")}, KEEP)
        records = await self.together(shop)
        await applied(shop, {**KEEP, "a/1.yml": device(comment="new")})
        node = (await shop.find("NetDevice", "d1")).id
        await shop.do(Update(id=node, kind="NetDevice", attributes={"comment": by_hand}))
        plan, _ = await taken_back(shop, [*records, *await self.together(shop)])
        assert f"comment: 'new' was recorded, {shown} stands there" in told(plan)[0]
        assert did(plan) == []

    async def test_what_was_made_again_and_has_left_since_is_a_conflict(
        self, shop: Workshop
    ) -> None:
        await applied(shop, {**KEEP, "a/1.yml": tags("red"), "b/0.yml": tags("x")})
        await applied(shop, {**KEEP, "b/0.yml": tags("x")})
        records = await self.together(shop)
        await applied(shop, {**KEEP, "a/1.yml": tags("red"), "b/0.yml": tags("x")})
        records += await self.together(shop)
        await applied(shop, {**KEEP, "b/0.yml": tags("x", "red")})
        plan, _ = await taken_back(shop, records)
        assert (did(plan), told(plan)) == (
            [],
            ["BuiltinTag/red: has left a since: it is not given back"],
        )

    async def test_what_came_and_went_in_between_is_referred_to_no_more(
        self, shop: Workshop
    ) -> None:
        both = {**KEEP, "a/1.yml": device("d1") + "---\n" + device("d3")}
        await applied(shop, both, {**both, "a/2.yml": device("d2")})
        records = await self.together(shop)
        one, two = [(await shop.find("NetDevice", own)).id for own in ("d1", "d2")]
        await shop.do(Update(id=one, kind="NetDevice", relations={"buddy": two}))
        told_now = {**KEEP, "a/1.yml": device("d1", buddy="d3") + "---\n" + device("d3")}
        await applied(shop, told_now)
        plan, _ = await taken_back(shop, [*records, *await self.together(shop)])
        assert "NetDevice/d2 is not there any more" in told(plan)[0]
        assert did(plan) == []

    async def test_a_set_that_is_written_late_keeps_what_peers_have_said_by_then(
        self, shop: Workshop
    ) -> None:
        """A group that is made again waits for one device; another one has joined it meanwhile."""
        port = {"interfaces": {"kind": "NetInterface", "data": [{"name": "p"}]}}
        owning = {"b/1.yml": device("d9", uplink=["d9", "p"], **port)}
        joined = {
            "a/0.yml": objects("CoreStandardGroup", {"name": "g"}),
            "a/1.yml": device("d1", uplink=["d9", "p"], member_of_groups=["g"]),
            "b/1.yml": device("d9", member_of_groups=["g"], **port),
        }
        await applied(shop, owning, joined)
        after = content(await shop.observe(*KINDS))
        async with opened(shop, limits={"protectedKinds": ()}) as (rollback, _):
            await rollback.apply(*await self.together(shop), allow_deletes=99)
            plan, _ = await rollback.apply(*await self.together(shop))
        group = next(own for own in plan.changes if own.key.kind == "CoreStandardGroup")
        assert "members" in group.deferred
        assert content(await shop.observe(*KINDS)) == after

    async def test_what_could_not_be_deleted_since_is(self, shop: Workshop) -> None:
        """Of a commit that made an object, and that a later round failed to delete."""
        await applied(shop, KEEP, {**KEEP, "a/1.yml": tags("red")})
        records = await self.together(shop)
        refused = Watched(shop.target, refuse=_refuse_deletes)
        shop.commit(KEEP)
        await shop.apply(target=refused, allow_deletes=99)
        plan, _ = await taken_back(shop, [*records, *await self.together(shop)])
        assert (told(plan), did(plan)) == ([], ["delete BuiltinTag/red"])

    async def test_what_was_changed_and_could_not_be_deleted_since_is_put_back(
        self, shop: Workshop
    ) -> None:
        await applied(shop, {**KEEP, "a/1.yml": device(comment="old", role="leaf")})
        before = content(await shop.observe(*KINDS))
        await applied(shop, {**KEEP, "a/1.yml": device(comment="new", role="leaf")})
        records = await self.together(shop)
        refused = Watched(shop.target, refuse=_refuse_deletes)
        shop.commit(KEEP)
        for _ in range(2):
            await shop.apply(target=refused, allow_deletes=99)
            records += await self.together(shop)
        await applied(shop, {**KEEP, "a/1.yml": device(comment="new", role="spine")})
        plan, _ = await taken_back(shop, [*records, *await self.together(shop)])
        assert (told(plan), did(plan)) == ([], ["update NetDevice/d1"])
        assert content(await shop.observe(*KINDS)) == before
        assert "NetDevice/d1" in await shop.members("a")

    @pytest.mark.parametrize("at", range(3, 12, 2))
    async def test_that_is_cut_short_holds_all_units_and_can_be_gone_on_with(
        self, shop: Workshop, at: int
    ) -> None:
        await applied(shop, {**self.BOTH, **KEEP})
        before = content(await shop.observe(*KINDS))
        await applied(shop, {**KEEP, "b/1.yml": device("d2")})
        after = content(await shop.observe(*KINDS))
        undone = await self.together(shop)
        async with opened(shop) as (rollback, journal):
            broken = replace(rollback, target=Watched(shop.target, fuse=Fuse(at)))
            with pytest.raises(Broken):
                await broken.apply(*undone)
            again = [await journal.run(one.id) for one in undone]
        stood = content(await shop.observe(*KINDS))
        if stood != after:
            units = (await shop.plan()).units
            assert {units[unit].state for unit in ("a", "b")} == {UnitState.HELD}
        await taken_back(shop, again)
        assert content(await shop.observe(*KINDS)) == before


def _refuse_deletes(mutation: Mutation) -> Refusal | None:
    return (
        Refusal(code=Code.REJECTED, message="somebody needs it")
        if isinstance(mutation, Delete)
        else None
    )


async def taken_back(
    shop: Workshop, records: Sequence[Record], **given: Any
) -> tuple[Plan, Report]:
    async with opened(shop) as (rollback, _):
        return await rollback.apply(*records, **given)


async def test_takeover_is_taken_back_and_rounds_leave_it_alone_then(shop: Workshop) -> None:
    await applied(shop, {"a/1.yml": tags("red", "blue")})
    await shop.forget()
    await shop.adopt()
    record = await newest(shop)
    assert record.opening.kind is RunKind.ADOPTION
    plan, _ = await back(shop, record)
    assert did(plan) == ["release BuiltinTag/blue", "release BuiltinTag/red"]
    assert await shop.members("a") == set()
    assert (await shop.plan()).units["a"].state is UnitState.HELD
    await back(shop)
    assert await shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}
    assert (await shop.plan()).is_empty


async def test_mark_that_was_set_again_is_taken_back_alone(shop: Workshop) -> None:
    adopted = "stateward/default/default/a/adopted"
    await shop.make("BuiltinTag", name="old")
    await applied(shop, {"a/1.yml": tags("old")})

    async def marked() -> set[str]:
        return set((await shop.observe("BuiltinTag")).groups[adopted].members)

    old = (await shop.find("BuiltinTag", "old")).id
    marks = (await shop.observe("BuiltinTag")).groups[adopted].id
    await shop.do(Enrol(id=old, kind="BuiltinTag", leave=(marks,)))
    await shop.repair()
    assert await marked() == {old}
    await back(shop)
    assert await marked() == set()
    assert await shop.members("a") == {"BuiltinTag/old"}
    await back(shop)
    assert await marked() == {old}

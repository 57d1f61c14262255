"""One source tended: looks, rounds, and what is said of them; the time is the test's to set."""

from pathlib import Path
from typing import Any

from desks import Desk, tags
from repositories import Repository, far
from rounds import SCHEMA, objects
from stateward.errors import Code, SourceUnavailable
from stateward.model.command import Verb
from stateward.model.drift import Departure, DriftedField
from stateward.model.event import Action, Level
from stateward.model.fight import Writer
from stateward.model.mutation import Delete, Mutation, Refusal, Update
from stateward.model.record import Cause
from stateward.model.status import Condition, Reason
from stateward.model.unit import DriftMode
from stateward.ports import Session
from stateward.targets.embedded import EmbeddedTarget

BAD = "kind: Object\nspec: ["
CANARY = "hunter2"


class TestRound:
    async def test_brings_what_is_due_in_line_and_says_so(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"), b=tags("blue"))
        assert await desk.shop.members("a") == {"BuiltinTag/red"}
        assert {own.condition for own in desk.known.values()} == {Condition.READY}
        assert desk.told(Action.REVISION) == [
            {"source": "default", "revision": "r1", "before": None, "units": 2, "due": 2}
        ]
        (done,) = desk.told(Action.ROUND)
        assert (done["units"], done["trigger"], done["revision"]) == (2, "start", "r1")
        assert {own["unit"]: own["outcome"] for own in desk.told(Action.UNIT)} == {
            "a": "applied",
            "b": "applied",
        }

    async def test_is_of_the_units_that_a_commit_touches(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"), b=tags("blue"))
        await desk.turn(a=tags("red", "green"), b=tags("blue"))
        assert (desk.known["a"].applied, desk.known["b"].applied) == ("r2", "r1")
        assert desk.told(Action.ROUND)[-1]["units"] == 1

    async def test_asks_nothing_of_the_target_until_it_is_due(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"))
        sessions = count_sessions(desk)
        for _ in range(5):
            desk.now += 100
            await desk.turn()
        assert sessions == []
        desk.now += 70
        await desk.turn()
        assert len(sessions) == 1
        assert desk.told(Action.ROUND)[-1]["trigger"] == "interval"

    async def test_is_of_the_newest_commit_and_of_no_other(self, desk: Desk) -> None:
        for name in ("one", "two", "three"):
            desk.shop.commit({"a/x.yml": tags(name)})
            await desk.tender.look(0)
        await desk.tender.work()
        assert len(desk.told(Action.ROUND)) == 1
        assert await desk.shop.members("a") == {"BuiltinTag/three"}

    async def test_a_commit_on_the_way_is_for_the_next_one(self, desk: Desk) -> None:
        async def commit(_session: Session) -> None:
            desk.target.look = None
            desk.shop.commit({"a/x.yml": tags("red", "green")})
            await desk.tender.look(0)

        desk.target.look = commit
        await desk.turn(a=tags("red"))
        assert await desk.shop.members("a") == {"BuiltinTag/red"}
        assert desk.known["a"].reason is Reason.COMMIT
        await desk.tender.work()
        assert await desk.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/green"}

    async def test_of_a_directory_that_is_gone_ends_with_nothing_left(self, desk: Desk) -> None:
        desk.shop.commit({"a/x.yml": tags("red"), "b/x.yml": tags("blue", "green")})
        await desk.turn()
        desk.shop.commit({"b/x.yml": tags("blue", "green"), "c/x.yml": tags("red")})
        await desk.turn()
        assert set(desk.known) == {"b", "c"}
        assert await desk.shop.members("c") == {"BuiltinTag/red"}
        assert [own["condition"] for own in desk.told(Action.UNIT) if own["unit"] == "a"] == [
            "ready",
            "gone",
        ]


class TestRemote:
    async def test_a_commit_elsewhere_is_fetched_and_applied(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        repository = Repository(tmp_path / "work")
        repository.commit(schema=SCHEMA, a__x=tags("red"))
        desk.shop.source = far(repository.path, tmp_path / "cache")  # type: ignore[assignment]
        desk.tender = desk.tended()
        await desk.turn()
        newest = repository.commit(a__x=tags("red", "blue"))
        await desk.turn()
        assert desk.known["a"].applied == newest
        assert await desk.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}


class TestTrouble:
    async def test_in_one_unit_is_its_own(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"), b=tags("blue"))
        await desk.turn(a=BAD, b=tags("blue", "green"))
        assert (desk.known["a"].condition, desk.known["a"].next) == (Condition.STALLED, None)
        assert "a/x.yml:" in (desk.known["a"].message or "")
        assert desk.known["b"].applied == "r2"
        await desk.turn(a=tags("white"), b=tags("blue", "green"))
        assert desk.known["a"].condition is Condition.READY

    async def test_with_what_the_schema_lacks_is_looked_at_again(self, desk: Desk) -> None:
        await desk.turn(a=objects("NetUnheardOf", {"name": "red"}))
        own = desk.known["a"]
        assert own.condition is Condition.STALLED
        assert "SW1301" in (own.message or "")
        assert own.next == 1000 + 600 * 0.95, "somebody may have loaded another one by then"

    async def test_with_the_target_is_tried_again_to_the_second(self, desk: Desk) -> None:
        desk.target.lose = lambda _number: "before"
        await desk.turn(a=tags("red"))
        own = desk.known["a"]
        assert (own.condition, own.next, own.failures) == (Condition.RETRYING, 1005.0, 1)
        assert "SW3008" in (own.message or "")
        desk.now = 1004.9
        await desk.tender.work()
        assert len(desk.told(Action.ROUND)) == 1
        desk.now = 1005.0
        await desk.tender.work()
        assert (desk.known["a"].next, desk.known["a"].failures) == (1015.0, 2)
        desk.target.lose = lambda _number: None
        desk.now = 1015.0
        await desk.tender.work()
        assert (desk.known["a"].condition, desk.known["a"].failures) == (Condition.READY, 0)

    async def test_with_a_target_that_is_held_is_tried_again(self, desk: Desk) -> None:
        async with desk.shop.target.session(None, write=True):
            await desk.turn(a=tags("red"))
        assert desk.known["a"].condition is Condition.RETRYING
        assert "SW3005" in (desk.known["a"].message or "")
        assert desk.told(Action.ROUND)[-1]["requests"] is None

    async def test_with_the_source_is_told_once_and_when_it_is_over(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"))
        desk.shop.source.failure = SourceUnavailable("no route to host")
        for _ in range(3):
            await desk.turn()
        desk.shop.source.failure = None
        await desk.turn()
        found = [own.action for own in desk.events if own.action.value.startswith("source")]
        assert found == [Action.SOURCE_FAILED, Action.SOURCE_BACK]
        assert "no route to host" in desk.told(Action.SOURCE_FAILED)[0]["message"]

    async def test_of_our_own_making_is_told_without_what_it_says(self, desk: Desk) -> None:
        def wrong(_mutation: Mutation) -> Refusal | None:
            raise RuntimeError(CANARY)

        desk.target.refuse = wrong
        await desk.turn(a=tags("red"))
        (told,) = desk.told(Action.BUG)
        assert "RuntimeError at test_tending.py:" in told["message"]
        assert CANARY not in str(desk.events)
        assert desk.known["a"].condition is Condition.RETRYING
        desk.target.refuse = lambda _mutation: None
        desk.now += 5
        await desk.tender.work()
        assert desk.known["a"].condition is Condition.READY

    async def test_of_our_own_making_in_a_look_ends_nothing(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"))
        desk.shop.source.failure = RuntimeError(CANARY)
        await desk.turn()
        desk.shop.source.failure = None
        await desk.turn(a=tags("blue", "red"))
        assert (len(desk.told(Action.BUG)), desk.known["a"].applied) == (1, "r2")
        assert CANARY not in str(desk.events)

    async def test_with_the_state_costs_what_is_remembered(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        (tmp_path / "state.db").mkdir()
        await desk.turn(a=tags("red"))
        assert desk.known["a"].condition is Condition.READY
        assert {own.level for own in desk.events if own.action is Action.STATE_LOST} == {
            Level.WARNING
        }


class TestDrift:
    async def test_that_is_only_reported_is_told_and_left(self, desk: Desk) -> None:
        desk.shop.defaults = desk.shop.defaults.model_copy(
            update={"drift": desk.shop.defaults.drift.model_copy(update={"mode": DriftMode.REPORT})}
        )
        desk.tender = desk.tended()
        await desk.turn(a=tags("red"))
        assert await desk.shop.members("a") == {"BuiltinTag/red"}
        writes = desk.target.writes
        await desk.shop.make("BuiltinTag", name="other")
        red = await desk.shop.find("BuiltinTag", "red")
        await desk.shop.do(Delete(id=red.id, kind="BuiltinTag"))
        desk.now += 600
        await desk.turn()
        own = desk.known["a"]
        assert (own.condition, desk.target.writes) == (Condition.DRIFTED, writes)
        assert "create BuiltinTag/red" in (own.message or "")
        await desk.turn(a=tags("red", "blue"))
        assert desk.known["a"].condition is Condition.READY
        assert await desk.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}

    async def test_that_was_found_is_forgotten_where_nobody_looks_any_more(
        self, desk: Desk
    ) -> None:
        await desk.turn(a=tags("red"))
        red = await desk.shop.find("BuiltinTag", "red")
        await desk.shop.do(Delete(id=red.id, kind="BuiltinTag"))
        desk.now += 600
        await desk.turn()
        assert desk.known["a"].drift is not None
        desk.shop.defaults = desk.shop.defaults.model_copy(
            update={"drift": desk.shop.defaults.drift.model_copy(update={"mode": DriftMode.IGNORE})}
        )
        desk.tender = desk.tended()
        await desk.tender.recall()
        await desk.turn(a=tags("red", "blue"))
        assert desk.known["a"].drift is None

    async def test_is_told_field_by_field_until_the_next_look(self, desk: Desk) -> None:
        described = objects("BuiltinTag", {"name": "red", "description": "ours"})
        await desk.turn(a=described)
        red = await desk.shop.find("BuiltinTag", "red")
        desk.target.writers = {red.id: Writer("Eve", "at noon")}
        mine = Update(id=red.id, kind="BuiltinTag", attributes={"description": "mine"})
        await desk.shop.do(mine)
        desk.now += 600
        await desk.turn()
        found = desk.known["a"].drift
        assert found is not None
        assert (found.at, found.mended, found.revision) == (1600, True, "r1")
        (own,) = found.differences
        assert (own.fields, own.writer) == (
            (DriftedField("description", "mine", "ours"),),
            Writer("Eve", "at noon"),
        )
        again = desk.tended()
        await again.recall()
        assert again.board.statuses["a"].drift == found
        desk.now += 600
        await desk.turn()
        assert desk.known["a"].drift is None
        assert (await desk.statuses.load(desk.target.name, "default"))["a"].drift is None

    async def test_that_is_only_reported_is_told_until_it_is_gone(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        desk.shop.defaults = desk.shop.defaults.model_copy(
            update={"drift": desk.shop.defaults.drift.model_copy(update={"mode": DriftMode.REPORT})}
        )
        desk.tender = desk.tended()
        await desk.turn(a=tags("red", "blue"))
        red = await desk.shop.find("BuiltinTag", "red")
        await desk.shop.do(Delete(id=red.id, kind="BuiltinTag"))
        desk.now += 600
        await desk.turn()
        found = desk.known["a"].drift
        assert found is not None
        assert (found.at, found.mended) == (1600, False)
        assert [own.what for own in found.differences] == [Departure.MISSING]
        desk.tender.tended.reconciler.round.target = EmbeddedTarget(f"sqlite:///{tmp_path}")
        desk.now += 600
        await desk.turn()
        assert desk.known["a"].condition in {Condition.STALLED, Condition.RETRYING}
        assert desk.known["a"].drift == found
        desk.tender.tended.reconciler.round.target = desk.target
        await desk.turn(a=tags("blue"))
        assert desk.known["a"].drift is None

    async def test_a_first_round_applies_whatever_is_said_of_drift(self, desk: Desk) -> None:
        desk.shop.defaults = desk.shop.defaults.model_copy(
            update={"drift": desk.shop.defaults.drift.model_copy(update={"mode": DriftMode.IGNORE})}
        )
        desk.tender = desk.tended()
        await desk.turn(a=tags("red"))
        assert await desk.shop.members("a") == {"BuiltinTag/red"}
        assert desk.known["a"].next is None


class TestStop:
    async def test_before_anything_is_written_leaves_nothing(self, desk: Desk) -> None:
        desk.shop.commit({"a/x.yml": tags("red")})
        await desk.tender.look(0)
        desk.tender.means.stop.set()
        await desk.tender.work()
        assert (desk.target.writes, desk.journal.runs) == (0, {})
        assert desk.known["a"].condition is Condition.PENDING
        assert [own.action for own in desk.events] == [Action.REVISION]
        assert desk.tender.board.take(desk.now) == {"a": {Reason.START}}

    async def test_on_the_way_ends_with_the_change_in_flight(self, desk: Desk) -> None:
        async def stop(_session: Session) -> None:
            desk.tender.means.stop.set()

        desk.target.look = stop
        await desk.turn(a=tags("a", "b", "c", "d", "e", "f", "g"))
        through = await desk.shop.members("a")
        assert 0 < len(through) < 7
        assert set(desk.journal.runs.values()) == {"failed"}
        assert (desk.known["a"].message or "").startswith(
            "SW5003 stopped: told to end after 2 of 7"
        )

    async def test_ends_the_waiting_of_who_works(self, desk: Desk) -> None:
        desk.tender.means.stop.set()
        await desk.tender.working()
        assert desk.events == []


class TestMemory:
    async def test_a_new_process_goes_on_with_what_the_last_one_knew(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"), b=BAD)
        before = desk.known
        desk.tender = desk.tended()
        await desk.tender.recall()
        assert desk.known == before
        sessions = count_sessions(desk)
        await desk.turn()
        assert sessions == []
        assert desk.known["b"] == before["b"]
        (overview,) = await desk.statuses.overviews()
        assert (overview.source.revision, overview.source.error) == ("r1", None)
        assert {own.unit: own.condition for own in overview.units} == {
            "a": Condition.READY,
            "b": Condition.STALLED,
        }


def count_sessions(desk: Desk) -> list[bool]:
    """Return a list that grows with every conversation with the target."""
    found: list[bool] = []
    inner = desk.target.inner

    class Counted:
        name = inner.name
        batch = inner.batch
        in_flight = inner.in_flight

        def session(self, declared: Any, *, write: bool, shared: bool = False) -> Any:
            found.append(write)
            return inner.session(declared, write=write, shared=shared)

    desk.target.inner = Counted()  # type: ignore[assignment]
    return found


class TestCommand:
    async def test_suspends_even_what_is_gone_from_git(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"), b=tags("blue"))
        await desk.give(Verb.SUSPEND, "a")
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        assert await desk.shop.members("a") == {"BuiltinTag/red"}
        assert await desk.shop.members("b") == {"BuiltinTag/green"}
        assert desk.known["a"].condition is Condition.READY

    async def test_for_a_round_is_recorded_under_the_name_of_who_asked(self, desk: Desk) -> None:
        await desk.turn(a=tags("red"))
        await desk.shop.do(
            Delete(id=(await desk.shop.find("BuiltinTag", "red")).id, kind="BuiltinTag")
        )
        await desk.give(Verb.RECONCILE)
        await desk.tender.work()
        assert desk.told(Action.ROUND)[-1]["trigger"] == "manual"
        assert desk.journal.causes[-1] == Cause(trigger="manual", actor="ada")
        assert await desk.commands.standing() == []
        assert [own["command"] for own in desk.told(Action.TOLD)] == ["reconcile"]

    async def test_that_stands_is_looked_for_once(self, desk: Desk) -> None:
        desk.shop.source.failure = SourceUnavailable("no route to host")
        await desk.give(Verb.RECONCILE)
        assert desk.tender.hint.is_set()
        desk.tender.hint.clear()
        await desk.turn()
        await desk.heed()
        assert len(await desk.commands.standing()) == 1
        assert not desk.tender.hint.is_set(), "each look would lead to the next one"

    async def test_that_stands_is_credited_with_one_round(self, desk: Desk) -> None:
        await desk.turn(a=tags("red", "blue"))
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        await desk.give(Verb.APPROVE, "a", digest="f" * 12)
        await desk.tender.work()
        assert len(await desk.commands.standing()) == 1
        await desk.heed()
        await desk.turn(a=tags("red", "blue", "white"), b=tags("green"))
        assert desk.journal.causes[-1] == Cause(trigger="commit", actor="stateward")

    async def test_lets_a_prune_through_once(self, desk: Desk) -> None:
        await desk.turn(a=tags("red", "blue"))
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        digest = desk.known["a"].blocked
        assert digest is not None
        await desk.give(Verb.APPROVE, "a", digest=digest[:12])
        await desk.tender.work()
        assert await desk.shop.members("a") == set()
        assert await desk.commands.standing() == []
        assert desk.journal.details[-1] == "prune approved by ada"
        desk.shop.commit({"a/x.yml": tags("red", "blue"), "b/x.yml": tags("green")})
        await desk.turn()
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        assert desk.known["a"].condition is Condition.BLOCKED

    async def test_approval_of_other_objects_lets_nothing_through(self, desk: Desk) -> None:
        await desk.turn(a=tags("red", "blue"))
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        await desk.give(Verb.APPROVE, "a", digest="f" * 12)
        await desk.tender.work()
        assert desk.known["a"].condition is Condition.BLOCKED
        assert len(await desk.commands.standing()) == 1

    async def test_approval_counts_again_where_nothing_was_deleted(self, desk: Desk) -> None:
        await desk.turn(a=tags("red", "blue"))
        desk.shop.commit({"b/x.yml": tags("green")})
        await desk.turn()
        desk.target.refuse = lambda own: (
            Refusal(code=Code.TARGET_PERMISSION, message="no") if isinstance(own, Delete) else None
        )
        await desk.give(Verb.APPROVE, "a", digest=desk.known["a"].blocked)
        await desk.tender.work()
        assert len(await desk.commands.standing()) == 1
        desk.target.refuse = lambda _own: None
        await desk.give(Verb.RECONCILE)
        await desk.tender.work()
        assert await desk.shop.members("a") == set()


class TestWindow:
    WEEKLY = "windows: [{schedule: 0 0 * * SUN, duration: 1h}]\n"

    async def test_keeps_even_what_is_gone_from_git_for_its_next_opening(self, desk: Desk) -> None:
        sunday = 3 * 86400.0  # the first one of 1970
        desk.now = sunday
        closed = {"c/.stateward.yaml": self.WEEKLY}
        desk.shop.commit({"b/x.yml": tags("blue"), "c/x.yml": tags("white"), **closed})
        await desk.turn()
        assert await desk.shop.members("c") == {"BuiltinTag/white"}
        desk.now = sunday + 3600
        # A move out of a unit that is outside of its windows would change it, too.
        desk.shop.commit({"b/x.yml": tags("blue", "green", "white")})
        await desk.turn()
        assert await desk.shop.members("c") == {"BuiltinTag/white"}
        assert "BuiltinTag/green" in await desk.shop.members("b")
        desk.now = sunday + 7 * 86400
        await desk.give(Verb.RECONCILE)
        await desk.turn()
        assert await desk.shop.members("c") == set()
        assert "BuiltinTag/white" in await desk.shop.members("b")


class TestFight:
    async def meddle(self, desk: Desk) -> None:
        """Have somebody else change what Git says, and let a look for drift find it."""
        red = await desk.shop.find("BuiltinTag", "red")
        mine = Update(id=red.id, kind="BuiltinTag", attributes={"description": "mine"})
        await desk.shop.do(mine)
        due = desk.known["a"].next
        assert due is not None
        desk.now = due
        await desk.turn()

    async def test_is_told_with_who_it_is_and_looked_at_less_often(self, desk: Desk) -> None:
        described = objects("BuiltinTag", {"name": "red", "description": "ours"})
        await desk.turn(a=described)
        desk.target.writers = {
            (await desk.shop.find("BuiltinTag", "red")).id: Writer("Eve", "at noon")
        }
        for _ in range(2):
            await self.meddle(desk)
            assert desk.known["a"].condition is Condition.READY
        await self.meddle(desk)
        own = desk.known["a"]
        assert own.condition is Condition.FIGHTING
        assert own.message == (
            "SW1511 fight: BuiltinTag/red: description: set back 3 times, and changed again each"
            " time, last by Eve at at noon: looked at less often now: have one of both leave it alone"
        )
        assert own.next == desk.now + 2 * 570
        assert (await desk.shop.find("BuiltinTag", "red")).attributes["description"] == "ours"
        await desk.turn(a=objects("BuiltinTag", {"name": "red"}))
        assert desk.known["a"].condition is Condition.READY
        assert desk.known["a"].next == desk.now + 570

    async def test_is_none_where_only_git_changes(self, desk: Desk) -> None:
        for name in ("one", "two", "three", "four"):
            await desk.turn(a=objects("BuiltinTag", {"name": "red", "description": name}))
        assert desk.known["a"].condition is Condition.READY

    async def test_is_told_where_the_target_knows_nobody(self, desk: Desk) -> None:
        await desk.turn(a=objects("BuiltinTag", {"name": "red", "description": "ours"}))
        for _ in range(3):
            await self.meddle(desk)
        assert "changed again each time: looked at" in (desk.known["a"].message or "")

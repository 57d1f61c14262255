"""Carrying a plan out: what did not work stops only what needs it, and all of it is told."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from applying import (
    HELD,
    NOT_TODAY,
    Requests,
    converges,
    group,
    names,
    outcomes,
    refuse_deleting,
    refuse_making,
    refuse_updating,
    run_of,
    stamp,
    told,
)

from rounds import Workshop, objects
from stateward.engine.reconcile import Reconciler
from stateward.errors import StateUnavailable
from stateward.model.mutation import Create, Delete, Enrol, Mutation, Refusal, Relate, Update
from stateward.model.record import Cause
from stateward.model.run import Entry, EntryState, Outcome
from stateward.model.unit import Stamp
from stateward.ports import Session
from watching import MemoryJournal, Watched


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def tags(*names: str, **fields: str) -> str:
    return objects("BuiltinTag", *({"name": own, **fields} for own in names))


def devices(*names: str, **fields: str) -> str:
    return objects("NetDevice", *({"name": own, **fields} for own in names))


def cables(**ends: str) -> str:
    return objects("NetCable", *({"name": own, "device": to} for own, to in ends.items()))


async def first(shop: Workshop, files: dict[str, str]) -> None:
    shop.commit(files)
    _, report = await shop.apply()
    assert set(outcomes(report).values()) == {"applied"}


async def node(shop: Workshop, kind: str, *hfid: str) -> str:
    return (await shop.find(kind, *hfid)).id


class TestRefusedChange:
    async def test_skips_what_needs_it_and_nothing_else(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/1.yml": devices("d1", "d2"),
                "b/1.yml": cables(c1="d1", c2="d2"),
                "c/1.yml": tags("red"),
            }
        )
        watched = Watched(shop.target, refuse=refuse_making("d1"))
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "failed", "c": "applied"}
        assert await shop.members("a") == {"NetDevice/d2"}
        assert await shop.members("b") == {"NetCable/c2"}
        assert "c1" not in map(names, watched.sent)

    async def test_is_told_in_the_targets_own_words(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1")})
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making("d1")))
        assert run_of(report, "a").error == "NetDevice/d1: SW1308 constraint: not today"

    @pytest.mark.parametrize(
        ("refused", "cabled", "end"),
        [
            (["d1", "d2", "d3"], {}, "not today (and 2 more)"),
            (["d1", "d2"], {"c1": "d1"}, "not today (and 1 more, 1 skipped)"),
            (["d1"], {"c1": "d1"}, "not today (1 skipped)"),
        ],
        ids=["more", "more-and-skipped", "skipped"],
    )
    async def test_error_says_how_many_more_there_are(
        self, shop: Workshop, refused: list[str], cabled: dict[str, str], end: str
    ) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2", "d3"), "a/2.yml": cables(**cabled)})
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making(*refused)))
        error = run_of(report, "a").error
        assert error is not None
        assert error.endswith(end)

    async def test_unit_of_which_all_is_skipped_says_so(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1"), "b/1.yml": cables(c1="d1", c2="d1")})
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making("d1")))
        error = run_of(report, "b").error
        assert error == "2 changes skipped, because what they need failed"

    async def test_withholds_the_prune_of_its_unit(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue", "green")})
        shop.commit({"a/1.yml": tags("red", "blue", description="x")})
        refuse = refuse_updating(await node(shop, "BuiltinTag", "red"))
        journal = MemoryJournal()
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse), journal=journal)
        assert outcomes(report) == {"a": "failed"}
        assert "BuiltinTag/green" in await shop.members("a")
        assert journal.entries[-1].detail.startswith("the unit's prune is withheld")

    async def test_withholds_the_prune_of_no_other_unit(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        shop.commit({"a/1.yml": tags("red", description="x"), "b/1.yml": tags("blue")})
        refuse = refuse_updating(await node(shop, "BuiltinTag", "red"))
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse))
        assert outcomes(report) == {"a": "failed", "b": "applied"}
        assert await shop.members("b") == {"BuiltinTag/blue"}

    async def test_stops_the_units_that_come_after_its_own(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/1.yml": tags("red"),
                "b/1.yml": tags("blue"),
                "b/.stateward.yaml": "dependsOn: [a]\n",
            }
        )
        watched = Watched(shop.target, refuse=refuse_making("red"))
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed", "b": "failed"}
        assert "blue" not in map(names, watched.sent)

    async def test_is_made_up_for_by_the_next_run(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1"), "b/1.yml": cables(c1="d1")})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("d1")))
        await converges(shop)
        assert await shop.members("b") == {"NetCable/c1"}

    async def test_move_that_fails_leaves_the_object_with_the_giver(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green")})
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green", "blue")})
        watched = Watched(
            shop.target, refuse=lambda own: NOT_TODAY if isinstance(own, Enrol) else None
        )
        await shop.apply(target=watched)
        assert await shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}
        assert (await stamp(shop, "a") or Stamp()).applied == "r1"
        await converges(shop)
        assert await shop.members("a") == {"BuiltinTag/red"}

    async def test_object_that_could_not_be_adopted_is_not_written_to(self, tmp_path: Path) -> None:
        shop = Workshop(tmp_path, adopt="always")
        await first(shop, {"a/1.yml": tags("red")})
        blue = await shop.make("BuiltinTag", name="blue", description="theirs")
        shop.commit({"a/1.yml": tags("red", "blue", description="ours")})
        watched = Watched(
            shop.target, refuse=lambda own: NOT_TODAY if isinstance(own, Enrol) else None
        )
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed"}
        assert blue not in {own.id for own in watched.sent if isinstance(own, Update)}
        assert (await shop.find("BuiltinTag", "blue")).attributes["description"] == "theirs"


class TestRefusedDelete:
    async def test_leaves_a_survivor_that_stays_a_member(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue", "green")})
        blue = await node(shop, "BuiltinTag", "blue")
        shop.commit({"a/1.yml": tags("red")})
        watched = Watched(shop.target, refuse=refuse_deleting(blue))
        _, report = await shop.apply(target=watched)
        run = run_of(report, "a")
        assert (run.outcome, run.error) == (Outcome.APPLIED, None)
        assert [(str(own.key), own.id, own.reason) for own in run.survivors] == [
            ("BuiltinTag/blue", blue, HELD.message)
        ]
        assert run.summary["delete"] == 1
        assert await shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}

    async def test_is_tried_again_by_the_next_run(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue")})
        shop.commit({"a/1.yml": tags("red")})
        refuse = refuse_deleting(await node(shop, "BuiltinTag", "blue"))
        await shop.apply(target=Watched(shop.target, refuse=refuse))
        plan = await converges(shop)
        assert [str(own.key) for own in plan.changes] == ["BuiltinTag/blue"]

    async def test_keeps_what_the_survivor_needs(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "a/2.yml": devices("d1"), "b/1.yml": cables(c1="d1")})  # fmt: skip
        shop.commit({"a/1.yml": tags("red")})
        cable = await node(shop, "NetCable", "c1")
        watched = Watched(shop.target, refuse=refuse_deleting(cable))
        _, report = await shop.apply(target=watched, allow_deletes=9)
        assert [own.reason for own in run_of(report, "a").survivors] == [
            "NetCable/c1 is still there"
        ]
        assert await shop.members("a") == {"BuiltinTag/red", "NetDevice/d1"}

    async def test_for_another_reason_than_a_rejection_is_a_failure(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue")})
        shop.commit({"a/1.yml": tags("red")})
        blue = await node(shop, "BuiltinTag", "blue")
        refuse = refuse_deleting(blue, refusal=NOT_TODAY)
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse))
        assert outcomes(report) == {"a": "failed"}
        assert run_of(report, "a").survivors == ()

    async def test_keeps_the_group_of_a_unit_that_is_gone(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        shop.commit({"a/1.yml": tags("red")})
        refuse = refuse_deleting(await node(shop, "BuiltinTag", "blue"))
        await shop.apply(target=Watched(shop.target, refuse=refuse), allow_deletes=9)
        assert await shop.members("b") == {"BuiltinTag/blue"}

    async def test_of_what_is_gone_already_is_none(self, shop: Workshop) -> None:
        """Whoever deleted it between our look and our delete did what we wanted."""
        await first(shop, {"a/1.yml": tags("red", "blue")})
        shop.commit({"a/1.yml": tags("red")})
        blue = await node(shop, "BuiltinTag", "blue")

        async def look(session: Session) -> None:
            await session.apply([Delete(id=blue, kind="BuiltinTag")])

        _, report = await shop.apply(target=Watched(shop.target, look=look))
        assert outcomes(report) == {"a": "applied"}
        assert run_of(report, "a").survivors == ()


class TestRefusedGroup:
    async def test_shuts_its_unit_and_no_other(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        watched = Watched(shop.target, refuse=refuse_making(group("a")))
        journal = MemoryJournal()
        _, report = await shop.apply(target=watched, journal=journal)
        assert outcomes(report) == {"a": "failed", "b": "applied"}
        error = run_of(report, "a").error
        assert error is not None
        assert error.startswith("its tracking group was refused: not today")
        assert "red" not in map(names, watched.sent)
        assert "skipped create BuiltinTag/red" in told(journal.entries)

    async def test_of_the_adopted_shuts_its_unit(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("blue")})
        await shop.apply()
        await shop.make("BuiltinTag", name="red")
        shop.commit({"a/1.yml": tags("red", "blue", "green")})
        watched = Watched(shop.target, refuse=refuse_making(group("a") + "/adopted"))
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "failed"}
        assert await shop.members("a") == {"BuiltinTag/blue"}
        assert not any(isinstance(own, Enrol) for own in watched.sent)

    async def test_at_the_end_fails_the_unit(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red")})

        def refuse(own: Mutation) -> Refusal | None:
            return NOT_TODAY if "applied=" in str(own) else None

        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse))
        assert outcomes(report) == {"a": "failed"}
        assert await shop.members("a") == {"BuiltinTag/red"}
        await converges(shop)

    async def test_that_cannot_be_removed_fails_the_unit(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        observed = await shop.observe("CoreStandardGroup")
        shop.commit({"a/1.yml": tags("red")})
        refuse = refuse_deleting(observed.groups[group("b")].id)
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse), allow_deletes=1)
        assert outcomes(report) == {"a": "unchanged", "b": "failed"}
        await converges(shop)
        assert await stamp(shop, "b") is None


class TestStamp:
    async def test_says_what_is_attempted_before_the_first_change(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        shop.commit({"a/1.yml": tags("red", description="x"), "b/1.yml": tags("blue", "green")})
        told: list[bool] = []
        watched = Watched(shop.target)

        async def look(session: Session) -> None:
            if isinstance(watched.sent[-1], Create) or "description': 'x'" in str(watched.sent[-1]):
                told.append(
                    all("attempted=r2" in own for own in (await session.groups("stat")).values())
                )

        watched.look = look
        await shop.apply(target=watched)
        assert told == [True, True]

    async def test_is_moved_on_when_all_is_through(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red")})
        before = await stamp(shop, "a")
        shop.commit({"a/1.yml": tags("red", "blue")})
        await shop.apply()
        after = await stamp(shop, "a")
        assert before is not None
        assert after is not None
        assert (before.applied, after.applied, after.attempted) == ("r1", "r2", ())
        assert before.files != after.files

    async def test_stays_where_it_was_when_something_failed(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red")})
        before = await stamp(shop, "a")
        shop.commit({"a/1.yml": tags("red", "blue")})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("blue")))
        after = await stamp(shop, "a")
        assert before is not None
        assert after == Stamp(applied="r1", files=before.files, attempted=("r2",))

    async def test_moves_on_with_a_survivor(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue")})
        shop.commit({"a/1.yml": tags("red")})
        refuse = refuse_deleting(await node(shop, "BuiltinTag", "blue"))
        await shop.apply(target=Watched(shop.target, refuse=refuse))
        assert (await stamp(shop, "a") or Stamp()).applied == "r2"

    async def test_remembers_every_revision_that_was_begun(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red")})
        for name in ("blue", "green"):
            shop.commit({"a/1.yml": tags("red", name)})
            await shop.apply(target=Watched(shop.target, refuse=refuse_making(name)))
        assert (await stamp(shop, "a") or Stamp()).attempted == ("r2", "r3")

    async def test_is_not_written_again_for_a_second_attempt(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red")})
        shop.commit({"a/1.yml": tags("red", "blue")})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("blue")))
        watched = Watched(shop.target, refuse=refuse_making("blue"))
        await shop.apply(target=watched)
        assert [names(own) for own in watched.sent] == ["blue"]

    async def test_holds_the_last_fifty_attempts(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red")})
        before = await stamp(shop, "a")
        assert before is not None
        many = tuple(f"{number:040}" for number in range(60))
        full = Stamp(applied="r1", files=before.files, attempted=many)
        kept = (await shop.observe("CoreStandardGroup")).groups[group("a")].id
        await shop.do(
            Update(id=kept, kind="CoreStandardGroup", attributes={"description": str(full)})
        )
        shop.commit({"a/1.yml": tags("red", "blue")})
        await shop.apply(target=Watched(shop.target, refuse=refuse_making("blue")))
        after = await stamp(shop, "a")
        assert after is not None
        assert after.attempted == (*many[-49:], "r2")

    async def test_of_a_unit_that_nothing_changed_is_left_alone(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        await shop.apply()
        assert (await stamp(shop, "a") or Stamp()).applied == "r1"


class TestTargetThatGoesAway:
    FILES = {"a/1.yml": tags("red", "blue"), "b/1.yml": cables(c1="d1"), "b/2.yml": devices("d1")}  # noqa: RUF012

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("request_", range(4))
    async def test_is_told_and_made_up_for(self, shop: Workshop, when: str, request_: int) -> None:
        shop.commit(self.FILES)
        watched = Watched(shop.target, lose=lambda own: when if own == request_ else None)
        _, report = await shop.apply(target=watched)
        assert watched.requests == request_ + 1
        failed = [own for own in report.runs if own.outcome is Outcome.FAILED]
        assert failed
        assert all((own.error or "").startswith("SW3008 target-unreachable: ") for own in failed)
        await converges(shop)
        assert await shop.members("b") == {"NetCable/c1", "NetDevice/d1"}

    async def test_leaves_units_that_were_through_as_they_are(self, shop: Workshop) -> None:
        files = {f"{unit}/1.yml": tags(unit) for unit in "abc"}
        shop.commit(files)
        # Two requests for three groups, two for three tags, and then two for the stamps.
        watched = Watched(shop.target, lose=lambda own: "before" if own == 5 else None)
        _, report = await shop.apply(target=watched)
        assert outcomes(report) == {"a": "applied", "b": "applied", "c": "failed"}

    async def test_finishes_the_runs_in_the_journal(self, shop: Workshop) -> None:
        shop.commit(self.FILES)
        journal = MemoryJournal()
        watched = Watched(shop.target, lose=lambda own: "before" if own == 2 else None)
        await shop.apply(target=watched, journal=journal)
        assert set(journal.runs.values()) == {"failed"}

    async def test_lets_the_other_requests_end(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags(*(f"tag{number}" for number in range(8)))})
        target = Requests(
            shop.target, batch=2, in_flight=4, lose=lambda own: "before" if own == 1 else None
        )
        await shop.apply(target=target, journal=MemoryJournal())
        assert target.running == 0
        assert len(await shop.members("a")) == 6


class FullDisk(MemoryJournal):
    """A journal that takes one record and no more."""

    async def record(self, entries: Sequence[Entry]) -> None:
        if self.entries:
            raise StateUnavailable("the disk is full")
        await super().record(entries)

    async def finish(self, run: str, outcome: str, detail: str = "") -> None:  # noqa: ARG002
        raise StateUnavailable("the disk is full")


async def test_journal_that_goes_away_stops_the_writing_and_is_told(shop: Workshop) -> None:
    shop.commit({"a/1.yml": tags("red", "blue", "green")})
    watched = Watched(shop.target)
    _, report = await shop.apply(target=watched, journal=FullDisk())
    assert run_of(report, "a").error == "SW5001 state: the disk is full"
    assert [names(own) for own in watched.sent] == [group("a"), "blue", "green"]
    await converges(shop)


class TestCycle:
    async def test_of_new_objects_is_written_in_two_steps(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/1.yml": objects(
                    "NetDevice", {"name": "d1", "buddy": "d2"}, {"name": "d2", "buddy": "d1"}
                )
            }
        )
        _, report = await shop.apply()
        one, other = await shop.find("NetDevice", "d1"), await shop.find("NetDevice", "d2")
        assert (one.relations["buddy"], other.relations["buddy"]) == (other.id, one.id)
        assert run_of(report, "a").summary["create"] == 2
        assert (await shop.plan()).is_empty

    async def test_of_what_exists_is_let_go_of_first(self, shop: Workshop) -> None:
        ports = objects(
            "NetInterface", {"name": "e0", "device": "d1"}, {"name": "e0", "device": "d2"}
        )

        def uplinks(one: str, other: str) -> str:
            return objects("NetDevice", {"name": "d1", "uplink": [one, "e0"]}, {"name": "d2", "uplink": [other, "e0"]})  # fmt: skip

        await first(shop, {"a/1.yml": ports, "a/2.yml": uplinks("d1", "d2")})
        shop.commit({"a/1.yml": ports, "a/2.yml": uplinks("d2", "d1")})
        _, report = await shop.apply()
        assert outcomes(report) == {"a": "applied"}
        assert run_of(report, "a").summary["update"] == 2
        assert (await shop.plan()).is_empty

    async def test_whose_other_half_was_not_made_fails_there_only(self, shop: Workshop) -> None:
        shop.commit(
            {
                "a/1.yml": objects(
                    "NetDevice", {"name": "d1", "buddy": "d2"}, {"name": "d2", "buddy": "d1"}
                )
            }
        )
        _, report = await shop.apply(target=Watched(shop.target, refuse=refuse_making("d2")))
        assert outcomes(report) == {"a": "failed"}
        assert len(await shop.members("a")) == 1
        await converges(shop)


class TestBatches:
    @pytest.mark.parametrize(
        ("batch", "sizes"),
        [(1, [1] * 7), (2, [1, 2, 2, 1, 1]), (20, [1, 5, 1])],
        ids=["one", "two", "all"],
    )
    async def test_hold_as_many_mutations_as_the_target_takes(
        self, shop: Workshop, batch: int, sizes: list[int]
    ) -> None:
        shop.commit({"a/1.yml": tags("a", "b", "c", "d", "e")})
        target = Requests(shop.target, batch=batch)
        await shop.apply(target=target)
        assert target.sizes == sizes

    @pytest.mark.parametrize("in_flight", [1, 2, 3])
    async def test_are_under_way_as_many_at_once_as_the_target_takes(
        self, shop: Workshop, in_flight: int
    ) -> None:
        shop.commit({"a/1.yml": tags(*(f"tag{number}" for number in range(13)))})
        target = Requests(shop.target, batch=2, in_flight=in_flight)
        _, report = await shop.apply(target=target, journal=MemoryJournal())
        assert target.most == in_flight
        assert run_of(report, "a").summary["create"] == 13

    async def test_go_on_beside_one_that_takes_long(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags(*(f"tag{number}" for number in range(13)))})
        target = Requests(shop.target, batch=2, in_flight=2)
        all_begun = asyncio.Event()

        async def slow() -> None:
            if len(target.sizes) == 2:  # the first is the group's
                async with asyncio.timeout(10):
                    await all_begun.wait()
            elif len(target.sizes) == 8:
                all_begun.set()

        target.slow = slow
        _, report = await shop.apply(target=target)
        assert run_of(report, "a").summary["create"] == 13

    async def test_of_what_needs_each_other_follow_each_other(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1"), "a/2.yml": cables(c1="d1")})
        target = Requests(shop.target, batch=20, in_flight=5)
        await shop.apply(target=target)
        assert target.most == 1

    async def test_of_group_upkeep_hold_no_more_either(self, shop: Workshop) -> None:
        shop.commit({f"{unit}/1.yml": tags(unit) for unit in "abcde"})
        target = Requests(shop.target, batch=2)
        await shop.apply(target=target)
        assert max(target.sizes) == 2


class TestJournal:
    async def test_knows_of_a_change_before_it_is_sent(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red", "blue", "green"), "b/1.yml": devices("d1")})
        journal = MemoryJournal()
        watched = Watched(shop.target)
        missing: list[str] = []

        async def look(session: Session) -> None:  # noqa: ARG001
            own = watched.sent[-1]
            state = {one.node: one.state for one in journal.entries}
            if own.kind != "CoreStandardGroup" and state.get(own.id) is not EntryState.STARTED:
                missing.append(str(own))

        watched.look = look
        await shop.apply(target=watched, journal=journal)
        assert missing == []
        assert sum(own.state is EntryState.STARTED for own in journal.entries) == 4

    async def test_knows_what_came_of_each(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2"), "a/2.yml": cables(c1="d1", c2="d2")})
        journal = MemoryJournal()
        watched = Watched(shop.target, refuse=refuse_making("d1"))
        await shop.apply(target=watched, journal=journal)
        assert sorted(told(journal.entries)) == [
            "applied create NetCable/c2",
            "applied create NetDevice/d2",
            "failed create NetDevice/d1",
            "skipped create NetCable/c1",
            "started create NetCable/c2",
            "started create NetDevice/d1",
            "started create NetDevice/d2",
        ]

    async def test_knows_why(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1"), "a/2.yml": cables(c1="d1")})
        journal = MemoryJournal()
        watched = Watched(shop.target, refuse=refuse_making("d1"))
        await shop.apply(target=watched, journal=journal)
        assert [own.detail for own in journal.entries] == [
            "",
            "not today",
            "needs NetDevice/d1, which failed",
        ]

    async def test_numbers_the_changes_of_a_round(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2", "d3"), "b/1.yml": cables(c1="d1", c2="d2")})
        journal = MemoryJournal()
        watched = Watched(shop.target, refuse=refuse_making("d1"))
        await shop.apply(target=watched, journal=journal)
        ended = [own.index for own in journal.entries if own.state is not EntryState.STARTED]
        assert sorted(ended) == [0, 1, 2, 3, 4]

    async def test_has_a_run_for_each_unit_that_is_written_to(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        journal = MemoryJournal()
        await shop.apply(journal=journal)
        assert list(journal.units.values()) == ["b"]
        assert {journal.units[own.run] for own in journal.entries} == {"b"}

    async def test_has_a_run_for_the_giver_of_a_move(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green")})
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green", "blue")})
        journal = MemoryJournal()
        await shop.apply(journal=journal)
        assert sorted(journal.units.values()) == ["a", "b"]

    async def test_is_told_the_end_of_every_run(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1"), "b/1.yml": tags("red")})
        journal = MemoryJournal()
        watched = Watched(shop.target, refuse=refuse_making("d1"))
        await shop.apply(target=watched, journal=journal)
        ends = {journal.units[run]: outcome for run, outcome in journal.runs.items()}
        assert ends == {"a": "failed", "b": "applied"}

    async def test_never_holds_a_password(self, shop: Workshop) -> None:
        canary = "c4nary-in-the-mine"
        shop.commit({"a/1.yml": devices("d1", password=canary)})
        _, report = await shop.apply()
        files = list(shop.state.parent.glob(f"{shop.state.name}*"))
        assert files
        assert not any(canary.encode() in own.read_bytes() for own in files)
        assert canary not in repr(report)


class TestWrites:
    async def test_are_counted_by_the_mutation(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2"), "b/1.yml": cables(c1="d1")})
        watched = Watched(shop.target)
        _, report = await shop.apply(target=watched)
        assert report.writes == watched.writes
        assert report.writes == sum(own.writes for own in report.runs) + 1  # the schema

    async def test_are_counted_where_they_are_refused(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2"), "b/1.yml": cables(c1="d1")})
        watched = Watched(shop.target, refuse=refuse_making("d1", group("b")))
        _, report = await shop.apply(target=watched)
        assert report.writes == watched.writes

    async def test_are_none_at_all_the_second_time(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": devices("d1", "d2"), "b/1.yml": cables(c1="d1")})
        await shop.apply()
        watched, journal = Watched(shop.target), MemoryJournal()
        _, report = await shop.apply(target=watched, journal=journal)
        assert (watched.writes, report.writes) == (0, 0)
        assert journal.runs == {}
        assert outcomes(report) == {"a": "unchanged", "b": "unchanged"}

    async def test_of_shared_relationships_leave_the_others_peers(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": objects("CoreStandardGroup", {"name": "crew"}), "a/2.yml": devices("d1")})  # fmt: skip
        shop.commit(
            {
                "a/1.yml": objects("CoreStandardGroup", {"name": "crew"}),
                "a/2.yml": objects("NetDevice", {"name": "d1", "member_of_groups": ["crew"]}),
            }
        )
        watched = Watched(shop.target)
        await shop.apply(target=watched)
        (relate,) = (own for own in watched.sent if isinstance(own, Relate))
        assert (relate.relationship, relate.remove) == ("member_of_groups", ())


class TestGroupOfAVanishedUnit:
    async def test_goes_when_its_last_member_is_gone(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        shop.commit({"a/1.yml": tags("red")})
        _, report = await shop.apply(allow_deletes=1)
        assert outcomes(report) == {"a": "unchanged", "b": "applied"}
        assert await stamp(shop, "b") is None

    async def test_is_not_stamped(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        shop.commit({"a/1.yml": tags("red")})
        watched = Watched(shop.target)
        await shop.apply(target=watched, allow_deletes=1)
        assert not any(isinstance(own, Update) for own in watched.sent)

    async def test_goes_with_the_list_of_its_adopted(self, shop: Workshop) -> None:
        await first(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        await shop.make("BuiltinTag", name="green")
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        await shop.apply()
        shop.commit({"a/1.yml": tags("red")})
        await shop.apply(allow_deletes=1)
        async with shop.target.session(None, write=False) as session:
            assert list(await session.groups("stateward/")) == [group("a")]

    async def test_stays_with_what_was_kept(self, shop: Workshop) -> None:
        await first(
            shop,
            {
                "a/1.yml": tags("red"),
                "b/1.yml": tags("blue", "green"),
                "b/.stateward.yaml": "protect: ['*/blue']\n",
            },
        )
        shop.commit({"a/1.yml": tags("red")})
        await shop.apply(allow_deletes=1)
        assert await shop.members("b") == {"BuiltinTag/blue"}

    async def test_stays_with_what_another_unit_did_not_delete_for_it(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("a", "both"), "b/1.yml": tags("both")})
        await shop.apply()
        shop.commit({"a/1.yml": tags("a", "bad")})
        target = Watched(shop.target, refuse=refuse_making("bad"))
        await shop.apply(target=target, allow_deletes=9)
        assert await shop.members("a") == {"BuiltinTag/a", "BuiltinTag/both"}
        assert await shop.members("b") == {"BuiltinTag/both"}
        await shop.apply(allow_deletes=9)
        async with shop.target.session(None, write=False) as session:
            assert list(await session.groups("stateward/")) == [group("a")]


async def test_progress_counts_changes_up_to_all_of_them(shop: Workshop) -> None:
    shop.commit({"a/1.yml": tags("a", "b", "c"), "a/2.yml": objects("NetDevice", {"name": "d", "buddy": "d"})})  # fmt: skip
    seen: list[tuple[int, int]] = []
    reconciler = Reconciler(
        round=shop.round(Requests(shop.target)),
        journal=MemoryJournal(),
        new_id=lambda: str(uuid4()),
        cause=Cause(trigger="manual", actor="ada"),
    )
    await reconciler.apply(
        None, expected=None, progress=lambda done, all_: seen.append((done, all_))
    )
    assert seen == sorted(seen)
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)

"""The one way to write: what is journaled, what is counted, which groups there are."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Enrol, Refusal, Update
from stateward.model.plan import Action, Change, FieldChange, Secret
from stateward.model.run import EntryState
from stateward.model.state import Group, Observed
from stateward.model.unit import Stamp
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget
from stateward.tracking.session import Tracking
from unit.builders import key, schema
from watching import MemoryJournal, Watched

NO = Refusal(code=Code.CONSTRAINT, message="no")


def change(name: str, action: Action = Action.CREATE, **given: Any) -> Change:
    known = {
        "unit": "a",
        "key": key("BuiltinTag", name),
        "fields": (FieldChange("name", None, name),),
    }
    return Change(action=action, **{**known, **given})


@pytest.fixture
def target(tmp_path: Path) -> Watched:
    return Watched(EmbeddedTarget(f"sqlite:///{tmp_path}/target.db"))


@pytest.fixture
async def tracking(target: Watched) -> AsyncIterator[Tracking]:
    """A round that has begun on an empty target, with a group for unit ``a``."""
    numbers = count(1)
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        found = Tracking(
            session=session,
            journal=MemoryJournal(),
            ids={},
            group_of=lambda unit: f"stateward/i/s/{unit}",
            new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
            runs={"a": "run-a", "b": "run-b"},
        )
        assert await found.stamp({"a": Stamp(attempted=("r1",))}) == {}
        yield found


def journal(tracking: Tracking) -> MemoryJournal:
    assert isinstance(tracking.journal, MemoryJournal)
    return tracking.journal


async def observed(tracking: Tracking) -> Observed:
    groups = await tracking.session.groups("stateward/")
    return await tracking.session.observe(Query(groups=list(groups), kinds=["CoreStandardGroup"]))


async def group(tracking: Tracking, unit: str) -> Group:
    return (await observed(tracking)).groups[f"stateward/i/s/{unit}"]


class TestGroups:
    async def test_are_made_once_and_then_written_to(
        self, tracking: Tracking, target: Watched
    ) -> None:
        await tracking.stamp({"a": Stamp(applied="r1", files="f")})
        assert [type(own) for own in target.sent] == [Create, Update]
        assert (await group(tracking, "a")).description == str(Stamp(applied="r1", files="f"))

    async def test_are_known_from_then_on(self, tracking: Tracking) -> None:
        assert tracking.has_group("a", adopts=False)
        assert not tracking.has_group("b", adopts=False)

    async def test_that_were_refused_are_told_and_not_known(
        self, tracking: Tracking, target: Watched
    ) -> None:
        target.refuse = lambda own: NO if "/b" in str(own) else None
        refused = await tracking.stamp({"b": Stamp(), "c": Stamp()})
        assert refused == {"b": NO}
        assert not tracking.has_group("b", adopts=False)
        assert tracking.has_group("c", adopts=False)

    async def test_of_the_adopted_are_children(self, tracking: Tracking) -> None:
        assert not tracking.has_group("a", adopts=True)
        assert await tracking.open_adopted(["a"]) == {}
        assert tracking.has_group("a", adopts=True)
        adopted, parent = await group(tracking, "a/adopted"), await group(tracking, "a")
        child = (await observed(tracking)).objects[adopted.id]
        assert child.relations["parent"] == parent.id

    async def test_are_internal(self, tracking: Tracking) -> None:
        own = (await observed(tracking)).objects[(await group(tracking, "a")).id]
        assert own.attributes["group_type"] == "internal"

    async def test_are_removed_with_the_list_of_their_adopted(self, tracking: Tracking) -> None:
        await tracking.open_adopted(["a"])
        assert await tracking.remove_groups(["a", "never-made"]) == {}
        assert await tracking.session.groups("stateward/") == {}
        assert not tracking.has_group("a", adopts=False)

    async def test_that_cannot_be_removed_are_told(
        self, tracking: Tracking, target: Watched
    ) -> None:
        target.refuse = lambda _: NO
        assert await tracking.remove_groups(["a"]) == {"a": NO}


class TestChanges:
    async def test_made_are_members_from_the_first_moment(
        self, tracking: Tracking, target: Watched
    ) -> None:
        (result,) = await tracking.apply([change("red")])
        assert result.refusal is None
        assert [type(own) for own in target.sent] == [Create, Create]
        assert (await group(tracking, "a")).members == {tracking.ids[key("BuiltinTag", "red")]}

    async def test_keep_the_id_that_the_files_ask_for(self, tracking: Tracking) -> None:
        node = "11111111-1111-4111-8111-111111111111"
        await tracking.apply([change("red", node=node)])
        assert tracking.ids == {key("BuiltinTag", "red"): node}

    async def test_refused_leave_no_id_to_point_at(
        self, tracking: Tracking, target: Watched
    ) -> None:
        target.refuse = lambda _: NO
        (result,) = await tracking.apply([change("red")])
        assert result.refusal == NO
        assert tracking.ids == {}

    async def test_come_back_in_the_order_they_went(
        self, tracking: Tracking, target: Watched
    ) -> None:
        target.refuse = lambda own: NO if "'blue'" in str(own) else None
        results = await tracking.apply([change("red"), change("blue"), change("green")])
        assert [(str(own.change.key), own.refusal) for own in results] == [
            ("BuiltinTag/red", None),
            ("BuiltinTag/blue", NO),
            ("BuiltinTag/green", None),
        ]

    async def test_that_point_at_what_was_not_made_are_not_sent(
        self, tracking: Tracking, target: Watched
    ) -> None:
        field = FieldChange("buddy", None, key("NetDevice", "nobody"))
        before = len(target.sent)
        (result,) = await tracking.apply(
            [change("d1", key=key("NetDevice", "d1"), fields=(field,))]
        )
        assert result.refusal == Refusal(
            code=Code.UNRESOLVED, message="NetDevice/nobody was not made"
        )
        assert len(target.sent) == before

    async def test_end_where_their_first_mutation_is_refused(
        self, tracking: Tracking, target: Watched
    ) -> None:
        await tracking.apply([change("red"), change("blue")])
        red, blue = tracking.ids.values()
        target.refuse = lambda own: NO if isinstance(own, Enrol) and own.id == red else None
        field = FieldChange("description", None, "x")
        results = await tracking.apply(
            [
                change("red", Action.ADOPT, node=red, fields=(field,)),
                change("blue", Action.ADOPT, node=blue, fields=(field,)),
            ]
        )
        assert [own.refusal for own in results] == [NO, None]
        assert [own.id for own in target.sent if isinstance(own, Update)] == [blue]

    async def test_that_are_none_send_nothing(self, tracking: Tracking, target: Watched) -> None:
        requests = target.requests
        assert await tracking.apply([]) == []
        assert target.requests == requests


class TestEntries:
    async def test_are_numbered_over_all_batches(self, tracking: Tracking) -> None:
        await tracking.apply([change("red"), change("blue")])
        await tracking.skip([(change("green"), "because")])
        await tracking.apply([change("black")])
        numbers = [own.index for own in journal(tracking).entries]
        assert numbers == [0, 1, 0, 1, 2, 3, 3]

    async def test_go_to_the_run_of_their_unit(self, tracking: Tracking) -> None:
        await tracking.stamp({"b": Stamp()})
        await tracking.apply([change("red"), change("blue", unit="b")])
        assert [(own.run, str(own.key)) for own in journal(tracking).entries[:2]] == [
            ("run-a", "BuiltinTag/red"),
            ("run-b", "BuiltinTag/blue"),
        ]

    async def test_name_the_id_of_what_is_to_be_made(self, tracking: Tracking) -> None:
        await tracking.apply([change("red")])
        ids = {own.node for own in journal(tracking).entries}
        assert ids == {tracking.ids[key("BuiltinTag", "red")]}

    async def test_of_what_is_skipped_say_why(self, tracking: Tracking) -> None:
        await tracking.skip([(change("red"), "because")])
        (own,) = journal(tracking).entries
        assert (own.state, own.detail, own.node) == (EntryState.SKIPPED, "because", None)

    async def test_say_what_is_written_before_it_is(self, tracking: Tracking) -> None:
        await tracking.apply([change("red")])
        started, applied = journal(tracking).entries
        assert (started.fields, applied.fields) == (change("red").fields, ())

    async def test_do_not_repeat_a_secret_that_the_target_repeats(
        self, tracking: Tracking, target: Watched
    ) -> None:
        refusal = Refusal(code=Code.CONSTRAINT, message="hunter2 is too short")
        target.refuse = lambda _mutation: refusal
        fields = (FieldChange("password", None, Secret("hunter2")),)
        (result,) = await tracking.apply([change("d1", key=key("NetDevice", "d1"), fields=fields)])
        assert result.refusal is not None
        assert result.refusal.message == "(sensitive) is too short"
        assert journal(tracking).entries[-1].detail == "(sensitive) is too short"

    async def test_of_what_could_not_be_spelled_fail(self, tracking: Tracking) -> None:
        field = FieldChange("buddy", None, key("NetDevice", "nobody"))
        await tracking.apply([change("d1", key=key("NetDevice", "d1"), fields=(field,))])
        assert [own.state for own in journal(tracking).entries] == ["started", "failed"]


class TestCount:
    async def test_is_of_mutations_by_unit(self, tracking: Tracking) -> None:
        await tracking.stamp({"b": Stamp()})
        await tracking.apply([change("red"), change("blue"), change("green", unit="b")])
        assert dict(tracking.written) == {"a": 3, "b": 2}
        assert tracking.writes == 5

    async def test_has_the_schema_on_top(self, tracking: Tracking) -> None:
        before = tracking.writes, sum(tracking.written.values())
        await tracking.load_schema()
        assert (tracking.writes, sum(tracking.written.values())) == (before[0] + 1, before[1])

    async def test_leaves_out_what_was_not_sent(self, tracking: Tracking, target: Watched) -> None:
        field = FieldChange("buddy", None, key("NetDevice", "nobody"))
        await tracking.apply([change("d1", key=ObjectKey("NetDevice", ("d1",)), fields=(field,))])
        assert tracking.writes == len(target.sent)

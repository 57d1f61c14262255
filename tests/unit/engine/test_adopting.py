"""A takeover of what another tool made from the same files: members, and no other write."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rounds import Workshop, objects
from stateward.cli import exits
from stateward.engine import adopting
from stateward.errors import Code, ConfigError, Severity
from stateward.model.adoption import Adoption, Taking
from stateward.model.mutation import Create, Enrol, Relate, Update
from stateward.model.plan import Action, UnitState
from stateward.model.record import Record, RunKind
from stateward.model.unit import ADOPTED, Adopt, Stamp
from stateward.reporting.adoption import as_text
from stateward.stores.sqlite import SqliteJournal
from watching import Watched

TAG = "BuiltinTag"
GROUP = "CoreStandardGroup"


def tags(*names: str, description: str = "a") -> str:
    return objects(TAG, *({"name": own, "description": description} for own in names))


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    """Two directories whose objects another tool has made."""
    shop = Workshop(tmp_path)
    shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("green")})
    await shop.apply()
    await shop.forget()
    shop.state.unlink()
    return shop


async def members(shop: Workshop, name: str) -> set[str]:
    observed = await shop.observe(TAG)
    group = observed.groups.get(f"stateward/default/default/{name}")
    return {observed.objects[own].key.hfid[0] for own in group.members} if group else set()


async def stamp(shop: Workshop, unit: str) -> Stamp:
    observed = await shop.observe(TAG)
    return Stamp.parse(observed.groups[f"stateward/default/default/{unit}"].description)


def left(found: Adoption) -> list[tuple[str, str]]:
    return [(own.code.slug, str(own.change.key)) for own in found.taken.left]


async def runs(shop: Workshop) -> list[Record]:
    journal = SqliteJournal(shop.state)
    try:
        return [*reversed(await journal.runs())]
    finally:
        await journal.close()


class TestWhatIsAsDeclared:
    async def test_becomes_members_and_nothing_is_left_to_be_done(self, shop: Workshop) -> None:
        found = await shop.adopt()
        assert found.complete
        assert found.rest.is_empty
        assert await members(shop, "a") == await members(shop, "a" + ADOPTED) == {"red", "blue"}
        assert (await shop.plan()).is_empty
        assert (await stamp(shop, "a")).applied == "r1"

    async def test_is_taken_without_a_write_to_any_object(self, shop: Workshop) -> None:
        watched = Watched(shop.target)
        await shop.adopt(target=watched)
        written = [own for own in watched.sent if not isinstance(own, Enrol)]
        assert {type(own) for own in written} <= {Create, Update}
        assert {own.kind for own in written} == {GROUP}

    async def test_is_written_once(self, shop: Workshop) -> None:
        await shop.adopt()
        watched = Watched(shop.target)
        found = await shop.adopt(target=watched)
        assert (found.complete, watched.writes) == (True, 0)

    async def test_is_released_when_git_drops_it(self, shop: Workshop) -> None:
        await shop.adopt()
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green")})
        plan, _ = await shop.apply()
        assert [(own.action, str(own.key)) for own in plan.changes] == [
            (Action.RELEASE, f"{TAG}/blue")
        ]

    async def test_is_deleted_when_git_drops_it_if_that_was_said(self, shop: Workshop) -> None:
        await shop.adopt(own=True)
        assert await members(shop, "a" + ADOPTED) == set()
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("green")})
        plan, _ = await shop.apply()
        assert [own.action for own in plan.changes] == [Action.DELETE]

    async def test_counts_as_ours_where_that_is_said_afterwards(self, shop: Workshop) -> None:
        await shop.adopt()
        seen = await adopting.foresee(shop.round(), Taking(own=True), None)
        watched = Watched(shop.target)
        found = await shop.adopt("a", own=True, target=watched)
        assert {str(own.key) for own in found.taken.changes} == {f"{TAG}/blue", f"{TAG}/red"}
        assert "& adopt BuiltinTag/red  (counts as made by us from now on)" in as_text(seen)
        assert found.complete
        assert seen.rest.is_empty
        assert await members(shop, "a") == {"red", "blue"}
        assert await members(shop, "a" + ADOPTED) == set()
        assert await members(shop, "b" + ADOPTED) == {"green"}
        assert all(isinstance(own, Enrol) for own in watched.sent if own.kind == TAG)
        again = await shop.adopt("a", own=True)
        assert again.taken.is_empty
        assert again.complete
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue")})
        plan, _ = await shop.apply(allow_deletes=10)
        assert [(own.action, str(own.key)) for own in plan.changes] == [
            (Action.MOVE, f"{TAG}/blue"), (Action.RELEASE, f"{TAG}/green"),
        ]  # fmt: skip
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags()})
        plan, _ = await shop.apply(allow_deletes=10)
        assert [(own.action, str(own.key)) for own in plan.changes] == [
            (Action.DELETE, f"{TAG}/blue")
        ]

    async def test_counts_as_ours_to_all_of_its_units_or_to_none(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("red"), "c/1.yml": tags("blue")})
        await shop.adopt()
        found = await shop.adopt("a", own=True)
        assert found.taken.is_empty
        await shop.adopt(own=True)
        assert await members(shop, "a" + ADOPTED) == await members(shop, "b" + ADOPTED) == set()

    async def test_counts_as_ours_to_units_that_come_to_it_then(self, shop: Workshop) -> None:
        await shop.adopt()
        shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("red")})
        await shop.adopt("[ab]", own=True)
        assert "red" in await members(shop, "b")
        assert (
            await members(shop, "a" + ADOPTED)
            == await members(shop, "b" + ADOPTED) - {"green"}
            == set()
        )

    async def test_is_taken_whatever_rounds_may_adopt(self, shop: Workshop) -> None:
        never = ".stateward.yaml"
        shop.commit({f"a/{never}": "adopt: never", "a/1.yml": tags("red", "blue")})
        found = await shop.adopt()
        assert {own.key.hfid[0] for own in found.taken.changes} == {"red", "blue"}

    async def test_is_recorded_and_can_be_seen_whose_doing_it_was(self, shop: Workshop) -> None:
        await shop.adopt(own=True)
        found = await runs(shop)
        assert {own.opening.kind for own in found} == {RunKind.ADOPTION}
        assert {own.opening.detail for own in found} == {"--own"}
        assert {one.action for own in found for one in own.changes} == {Action.ADOPT}
        assert {own.outcome for own in found} == {"applied"}

    async def test_of_another_unit_is_left_alone(self, shop: Workshop) -> None:
        found = await shop.adopt("a")
        assert {own.unit for own in found.taken.changes} == {"a"}
        assert found.rest.units["b"].state is UnitState.SUSPENDED
        assert found.complete
        assert await members(shop, "b") == set()

    async def test_of_units_that_a_pattern_names(self, shop: Workshop) -> None:
        found = await shop.adopt("[ab]")
        assert {own.unit for own in found.taken.changes} == {"a", "b"}

    async def test_of_a_unit_that_is_not_there_is_refused(self, shop: Workshop) -> None:
        with pytest.raises(ConfigError, match="nothing: no unit matches") as refusal:
            await shop.adopt("a", "nothing")
        assert refusal.value.code is Code.NO_SUCH_UNIT

    async def test_of_two_units_is_shared(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("red")})
        found = await shop.adopt()
        assert found.complete
        assert await members(shop, "a") == await members(shop, "b") == {"red"}

    async def test_that_another_unit_has_already_is_shared(self, shop: Workshop) -> None:
        await shop.adopt("a")
        shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("red", "green")})
        assert (await shop.adopt()).complete
        assert await members(shop, "b" + ADOPTED) == {"red", "green"}

    async def test_that_another_unit_gives_up_is_a_move_for_a_round(self, shop: Workshop) -> None:
        await shop.adopt("a")
        shop.commit({"a/1.yml": tags("red"), "b/1.yml": tags("blue", "green")})
        found = await shop.adopt()
        assert [str(own.key) for own in found.taken.changes] == [f"{TAG}/green"]
        assert [own.action for own in found.rest.changes] == [Action.MOVE]


class TestWhatDiffers:
    @pytest.fixture
    async def differing(self, shop: Workshop) -> Workshop:
        red = await shop.find(TAG, "red")
        await shop.do(Update(id=red.id, kind=TAG, attributes={"description": "by hand"}))
        return shop

    async def test_is_told_by_its_fields_and_where_they_are_declared(
        self, differing: Workshop
    ) -> None:
        found = await differing.adopt()
        (own,) = found.taken.left
        assert (own.code, str(own.change.key)) == (Code.STRANGER, f"{TAG}/red")
        assert [(one.name, one.old, one.new) for one in own.change.fields] == [
            ("description", "by hand", "a")
        ]
        assert str(own.places["description"]) == "a/1.yml:7:18"
        assert await members(differing, "a") == {"blue"}
        assert not found.complete

    async def test_does_not_count_as_applied(self, differing: Workshop) -> None:
        await differing.adopt()
        assert await stamp(differing, "a") == Stamp()
        assert (await stamp(differing, "b")).applied == "r1"

    @pytest.mark.parametrize("by", ["option", "setting"])
    async def test_is_taken_as_it_is_where_that_is_asked(
        self, differing: Workshop, by: str
    ) -> None:
        if by == "setting":
            differing.defaults = differing.defaults.model_copy(update={"adopt": Adopt.ALWAYS})
        found = await differing.adopt(differing=by == "option")
        assert left(found) == []
        assert (await differing.find(TAG, "red")).attributes["description"] == "by hand"
        assert [(own.action, own.key.hfid) for own in found.rest.changes] == [
            (Action.UPDATE, ("red",))
        ]
        await differing.apply()
        assert (await differing.plan()).is_empty
        assert await members(differing, "a" + ADOPTED) == {"red", "blue"}

    async def test_that_was_mended_in_git_completes_the_takeover(self, differing: Workshop) -> None:
        await differing.adopt(differing=True)
        differing.commit(
            {
                "a/1.yml": tags("blue"),
                "a/2.yml": tags("red", description="by hand"),
                "b/1.yml": tags("green"),
            }
        )
        found = await differing.adopt()
        assert found.complete
        assert (await stamp(differing, "a")).applied == "r2"


class TestWhatIsNotThere:
    async def test_is_made_by_a_round_and_not_by_a_takeover(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": tags("red", "blue", "new"), "b/1.yml": tags("green")})
        found = await shop.adopt()
        assert [(own.action, own.key.hfid[0]) for own in found.rest.changes] == [
            (Action.CREATE, "new")
        ]
        assert await stamp(shop, "a") == Stamp()

    async def test_schema_is_loaded_by_a_round(self, shop: Workshop) -> None:
        text = shop.source.revisions["r1"]["schema.yml"].decode()
        more = text + "  - {name: Later, namespace: Net, attributes: [{name: name, kind: Text}]}\n"
        shop.source.commit({"schema.yml": more, "a/1.yml": tags("red", "blue")})
        watched = Watched(shop.target)
        found = await shop.adopt(target=watched)
        assert watched.schemas == 0
        assert await members(shop, "a") == {"red", "blue"}
        assert found.rest.loads_schema
        assert not found.complete

    async def test_a_directory_that_is_gone_is_left_to_a_round(self, shop: Workshop) -> None:
        await shop.adopt(own=True)
        shop.commit({"a/1.yml": tags("red", "blue")})
        found = await shop.adopt()
        assert found.taken.is_empty
        assert [own.unit for own in found.rest.blocked] == ["b"]
        assert await members(shop, "b") == {"green"}


class TestComplete:
    async def test_it_is_whatever_warnings_stand_in_the_files(self, shop: Workshop) -> None:
        files = {"apiVersion": "infrahub.app/v1", "kind": "Object"}
        spec = {"kind": TAG, "strategy": "range_expand", "data": [{"name": "red"}]}
        shop.commit({"a/1.yml": yaml.safe_dump({**files, "spec": spec})})
        found = await shop.adopt("a")
        assert {own.severity for own in found.rest.problems} == {Severity.WARNING}
        assert (found.complete, exits.of_adoption(found)) == (True, exits.DONE)

    async def test_it_is_not_while_a_unit_waits(self, shop: Workshop) -> None:
        shop.commit(
            {"a/1.yml": tags("red"), "c/1.yml": objects("NetCheck", {"name": "x", "query": "q"})}
        )
        found = await shop.adopt()
        assert {own.severity for own in found.rest.problems} == {Severity.WARNING}
        assert (found.complete, exits.of_adoption(found)) == (False, exits.WAITING)


class TestWhatOthersHave:
    async def _claim(self, shop: Workshop, kind: str, name: str, *members: str) -> None:
        group = await shop.make(kind, name=name)
        ids = [(await shop.find(TAG, own)).id for own in members]
        await shop.do(Relate(id=group, kind=kind, relationship="members", add=tuple(ids)))

    @pytest.mark.parametrize("kind", ["CoreGeneratorGroup", "CoreRepositoryGroup"])
    async def test_is_told_and_left_to_them(self, shop: Workshop, kind: str) -> None:
        if kind == "CoreRepositoryGroup":
            upstream = await shop.make("CoreRepository", name="up", location="x")
            group = await shop.make(kind, name="tool", content="object", repository=upstream)
            red = await shop.find(TAG, "red")
            await shop.do(Relate(id=group, kind=kind, relationship="members", add=(red.id,)))
        else:
            await self._claim(shop, kind, "tool", "red")
        found = await shop.adopt()
        assert left(found) == [("claimed", f"{TAG}/red")]
        assert [own.by for own in found.taken.left] == ["tool"]
        assert await members(shop, "a") == {"blue"}

    async def test_of_the_group_that_is_named_is_taken_and_stays_in_it(
        self, shop: Workshop
    ) -> None:
        await self._claim(shop, "CoreGeneratorGroup", "tool", "red", "green")
        found = await shop.adopt(group="tool")
        assert {own.key.hfid[0] for own in found.taken.changes} == {"red", "green"}
        assert found.claimed == 2
        group = await shop.find("CoreGeneratorGroup", "tool")
        red = await shop.find(TAG, "red")
        assert group.id in red.peers(["member_of_groups"])

    async def test_that_two_claim_needs_more_than_one_of_them(self, shop: Workshop) -> None:
        await self._claim(shop, "CoreGeneratorGroup", "one", "red")
        await self._claim(shop, "CoreGeneratorGroup", "other", "red")
        found = await shop.adopt(group="one")
        assert [(own.code, own.by) for own in found.taken.left] == [(Code.CLAIMED, "other")]

    async def test_of_a_plain_group_that_is_named_is_all_that_is_taken(
        self, shop: Workshop
    ) -> None:
        """As the SDK makes it of an identifier without parameters."""
        await self._claim(shop, GROUP, "script", "red")
        found = await shop.adopt(group="script")
        assert {own.key.hfid[0] for own in found.taken.changes} == {"red"}
        assert found.claimed == 0
        assert [own.key.hfid[0] for own in found.rest.changes] == ["blue", "green"]

    async def test_counts_as_ours_where_that_is_said_afterwards(self, shop: Workshop) -> None:
        await shop.adopt()
        await self._claim(shop, GROUP, "script", "red")
        found = await shop.adopt(group="script", own=True)
        assert {own.key.hfid[0] for own in found.taken.changes} == {"red"}
        assert await members(shop, "a" + ADOPTED) == {"blue"}

    async def test_and_no_file_declares_is_told_and_not_taken(self, shop: Workshop) -> None:
        await shop.make(TAG, name="extra")
        await self._claim(shop, GROUP, "script", "red", "extra")
        found = await shop.adopt(group="script")
        assert left(found) == [("undeclared", f"{TAG}/extra")]
        assert await members(shop, "a") == {"red"}

    async def test_and_an_unreadable_file_may_declare_is_told_as_that(self, shop: Workshop) -> None:
        await shop.make(TAG, name="extra")
        await self._claim(shop, GROUP, "script", "extra")
        shop.commit({"a/1.yml": tags("red", "blue"), "b/1.yml": tags("extra") + "- [\n"})
        found = await shop.adopt(group="script")
        assert [(own.code, own.by) for own in found.taken.left] == [(Code.UNDECLARED, "b")]

    async def test_of_no_group_at_all_is_refused(self, shop: Workshop) -> None:
        with pytest.raises(ConfigError, match="--group nobody: the target has no such group"):
            await shop.adopt(group="nobody")

    async def test_of_our_own_group_is_refused(self, shop: Workshop) -> None:
        with pytest.raises(ConfigError, match="is a tracking group of this very source"):
            await shop.adopt(group="stateward/default/default/a")

    async def test_another_instance_has_is_taken_from_its_group(self, shop: Workshop) -> None:
        await shop.apply(instance="other")
        found = await shop.adopt()
        assert "stateward/other/default/b, stateward/other/default/b/adopted" in {
            own.by for own in found.taken.left
        }
        found = await shop.adopt(group="stateward/other/default/b")
        assert [str(own.key) for own in found.taken.changes] == [f"{TAG}/green"]
        assert found.claimed == 1

    async def test_another_source_has_is_for_a_round_to_take_over(self, shop: Workshop) -> None:
        await shop.apply(source="other")
        text = as_text(await shop.adopt())
        assert "SW1514 claimed: BuiltinTag/green: is claimed by stateward/default/other/b" in text
        assert ": `stateward apply` takes it over from there" in text
        assert "--group" not in text

    async def test_another_source_made_is_taken_as_a_round_takes_it(self, shop: Workshop) -> None:
        """Whoever has it last deletes it."""
        await shop.make(TAG, name="found")
        theirs = {"b/1.yml": tags("made") + "---\n" + objects(TAG, {"name": "found"})}
        shop.commit(theirs)
        await shop.apply(source="other")
        name = "stateward/default/other/b"
        found = await shop.adopt(group=name)
        assert {str(own.key): own.adopted for own in found.taken.changes} == {
            f"{TAG}/made": False,
            f"{TAG}/found": True,
        }
        assert f"2 objects stay in {name}, too: drop them there, and apply there" in as_text(found)
        shop.commit({"b/1.yml": objects(TAG)})
        for source, action in (("other", Action.RELEASE), ("default", Action.DELETE)):
            plan, _ = await shop.apply(source=source, allow_deletes=9)
            done = {str(own.key): own.action for own in plan.changes}
            assert done == {f"{TAG}/made": action, f"{TAG}/found": Action.RELEASE}


class TestForeseen:
    async def test_writes_nothing_and_says_what_would_be(self, shop: Workshop) -> None:
        watched = Watched(shop.target)
        found = await adopting.foresee(shop.round(watched), Taking(), None)
        assert watched.writes == 0
        assert found.report is None
        assert found.complete
        assert found.rest.is_empty
        assert {own.key.hfid[0] for own in found.taken.changes} == {"red", "blue", "green"}

    async def test_is_what_comes_of_it(self, shop: Workshop) -> None:
        red = await shop.find(TAG, "red")
        await shop.do(Update(id=red.id, kind=TAG, attributes={"description": "by hand"}))
        shop.commit({"a/1.yml": tags("red", "blue", "new"), "b/1.yml": tags("green")})
        seen = await adopting.foresee(shop.round(), Taking(differing=True), None)
        found = await shop.adopt(differing=True)
        assert seen.taken == found.taken
        assert replace(seen.rest, groups={}, ids={}) == replace(found.rest, groups={}, ids={})

    async def test_of_a_schema_with_errors_is_that(self, shop: Workshop) -> None:
        shop.source.commit({"schema.yml": "version: '1.0'\nnodes: 5\n", "a/1.yml": tags("red")})
        found = await adopting.foresee(shop.round(), Taking(), None)
        assert found.rest.problems
        assert not found.complete


async def test_units_that_cannot_be_read_or_are_left_alone_are_not_taken(shop: Workshop) -> None:
    shop.commit(
        {
            "a/1.yml": tags("red", "blue") + "---\n- [\n",
            "b/1.yml": tags("green"),
            "b/.stateward.yaml": "suspend: true",
        }
    )
    found = await shop.adopt()
    assert found.taken.changes == ()
    assert not found.complete

"""What has gone wrong for users of other tools, done to Stateward on purpose: on every target.

docs/safety.md lists the accidents and names these tests.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from rounds import Workshop, objects
from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Delete, Update
from stateward.model.plan import Action, Plan, UnitState
from stateward.model.unit import group_name
from stateward.ports import Query, Target
from targets import SMALL, Fresh

TAG = "BuiltinTag"
MANY = 14
"""More than the ten objects of a unit that may always be deleted."""


@dataclass
class Place:
    """A repository and a target, which may hold what others have put there."""

    shop: Workshop
    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    instance: str = field(init=False)

    def __post_init__(self) -> None:
        self.instance = f"accident-{self.mark}"

    def tags(self, names: Iterable[int], description: str = "a") -> str:
        """Return a file that declares some tags, which nobody else has."""
        named = ({"name": self.name(own), "description": description} for own in names)
        return objects(TAG, *named)

    def name(self, number: int) -> str:
        return f"{self.mark}-{number}"

    def commit(self, files: Mapping[str, str]) -> None:
        self.shop.source.commit(files)

    async def plan(self) -> Plan:
        return await self.shop.plan(instance=self.instance)

    async def apply(self, allow_deletes: int | None = None) -> Plan:
        plan, _ = await self.shop.apply(instance=self.instance, allow_deletes=allow_deletes)
        return plan

    async def there(self, numbers: Iterable[int] = range(MANY)) -> dict[int, str]:
        """Return the ids of those that are there."""
        keys = {ObjectKey(TAG, (self.name(own),)): own for own in numbers}
        async with self.shop.target.session(None, write=False) as session:
            found = (await session.observe(Query(references=list(keys)))).references
        return {number: found[key][0] for key, number in keys.items() if key in found}


@pytest.fixture
def place(target: Target, tmp_path: Path) -> Place:
    shop = Workshop(tmp_path)
    shop.target = target
    return Place(shop)


def actions(plan: Plan) -> set[Action]:
    return {own.action for own in plan.changes}


async def test_generator_that_writes_nothing_deletes_nothing(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    before = await place.there()
    place.commit({"net/tags.yml": objects(TAG)})
    plan = await place.apply()
    assert [own.reason for own in plan.blocked] == ["the directory declares nothing any more"]
    assert await place.there() == before


async def test_file_that_was_cut_short_deletes_nothing(place: Place) -> None:
    text = place.tags(range(3))
    place.commit({"net/tags.yml": text})
    await place.apply()
    before = await place.there()
    for left in ("", text[: text.rindex("name") + 2]):
        place.commit({"net/tags.yml": left})
        plan = await place.apply()
        assert Action.DELETE not in actions(plan)
        assert plan.blocked or plan.units["net"].state is UnitState.STALLED
    assert await place.there() == before


async def test_fetch_that_fails_is_no_empty_repository(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    before = await place.there()
    place.shop.source.failure = SourceUnavailable("no answer")
    with pytest.raises(SourceUnavailable):
        await place.apply()
    place.shop.source.failure = None
    place.commit({"net/tags.yml": place.tags(range(2))})
    place.shop.source.lost = {"net/tags.yml"}
    with pytest.raises(SourceRefused):
        await place.apply()
    assert await place.there() == before


async def test_directory_that_is_renamed_keeps_its_objects(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(MANY))})
    await place.apply()
    before = await place.there()
    place.commit({"core/tags.yml": place.tags(range(MANY))})
    plan = await place.apply()
    assert actions(plan) == {Action.MOVE}
    assert await place.there() == before
    assert (await place.plan()).is_empty


async def test_object_of_two_directories_goes_with_the_last(place: Place) -> None:
    both, alone = place.tags([0]), place.tags([1])
    place.commit({"east/tags.yml": both, "west/tags.yml": both, "west/more.yml": alone})
    await place.apply()
    before = await place.there()
    place.commit({"east/more.yml": place.tags([2]), "west/tags.yml": both, "west/more.yml": alone})
    await place.apply()
    assert (await place.there())[0] == before[0]
    place.commit({"east/more.yml": place.tags([2]), "west/more.yml": alone})
    await place.apply()
    assert (await place.there()).keys() == {1, 2}


async def test_directory_that_is_deleted_waits_for_somebody_who_means_it(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags([0, 1]), "other/tags.yml": place.tags([2])})
    await place.apply()
    place.commit({"other/tags.yml": place.tags([2])})
    plan = await place.apply()
    assert [own.reason for own in plan.blocked] == ["the directory is gone"]
    assert (await place.there()).keys() == {0, 1, 2}
    await place.apply(allow_deletes=2)
    assert (await place.there()).keys() == {2}
    assert (await place.plan()).is_empty


async def test_controller_of_another_name_deletes_nothing(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(MANY))})
    await place.apply()
    before, own = await place.there(), place.instance
    place.instance += "-other"
    assert actions(await place.apply()) == {Action.ADOPT}
    place.commit({"net/tags.yml": place.tags([0])})
    plan = await place.apply(allow_deletes=MANY)
    assert actions(plan) == {Action.RELEASE}
    assert await place.there() == before
    # The first one declares the same by now, and holds what it made: it is asked before they go.
    place.instance = own
    plan = await place.apply()
    assert [(own.unit, own.figures["deletes"]) for own in plan.blocked] == [("net", MANY - 1)]
    assert await place.there() == before


async def test_wrong_revision_is_held_back(place: Place) -> None:
    """A branch that holds little of it, an ancient commit, a repository that was mixed up."""
    place.commit({"net/tags.yml": place.tags(range(2))})
    await place.apply()
    place.commit({"net/tags.yml": place.tags(range(MANY))})
    await place.apply()
    before = await place.there()
    place.commit({"net/tags.yml": place.tags(range(2), "as it was")})
    plan = await place.apply()
    assert [(own.unit, own.figures["deletes"]) for own in plan.blocked] == [("net", MANY - 2)]
    assert actions(plan) == {Action.UPDATE}
    assert await place.there() == before


async def test_state_of_an_old_backup_changes_nothing(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    shutil.copy(place.shop.state, place.shop.state.with_suffix(".backup"))
    place.commit({"net/tags.yml": place.tags([0, 1, 3], "b")})
    await place.apply()
    before = await place.there()
    shutil.copy(place.shop.state.with_suffix(".backup"), place.shop.state)
    assert (await place.plan()).is_empty
    place.commit({"net/tags.yml": place.tags([0, 3], "b")})
    await place.apply()
    assert await place.there() == {number: before[number] for number in (0, 3)}


async def test_state_that_is_lost_loses_nothing(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    before = await place.there()
    place.shop.state.unlink()
    assert (await place.plan()).is_empty
    place.commit({"net/tags.yml": place.tags([0, 1])})
    await place.apply()
    assert await place.there() == {number: before[number] for number in (0, 1)}


async def test_target_of_an_old_backup_is_brought_up_again(place: Place) -> None:
    """With the groups as they were then: members, and what they say was applied."""
    shop, group = place.shop, group_name(place.instance, "default", "net")
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    old = await _group(place, group)
    place.commit({"net/tags.yml": place.tags([0, 1, 3], "b")})
    await place.apply()
    now = await place.there()
    await shop.do(
        Delete(id=now[3], kind=TAG),
        *(Update(id=now[own], kind=TAG, attributes={"description": "a"}) for own in (0, 1)),
        Update(id=old[0], kind="CoreStandardGroup", attributes={"description": old[1]}),
    )
    gone = await shop.make(TAG, (old[0],), name=place.name(2), description="a")
    plan = await place.apply()
    assert {own.node for own in plan.changes if own.action is Action.DELETE} == {gone}
    after = await place.there()
    assert after.keys() == {0, 1, 3}
    assert [after[own] for own in (0, 1)] == [now[own] for own in (0, 1)]
    assert (await place.plan()).is_empty


async def _group(place: Place, name: str) -> tuple[str, str]:
    async with place.shop.target.session(None, write=False) as session:
        found = (await session.observe(Query(groups=[name]))).groups[name]
    return found.id, found.description


async def test_what_somebody_deletes_by_hand_is_made_again_and_nothing_else(place: Place) -> None:
    place.commit({"net/tags.yml": place.tags(range(3))})
    await place.apply()
    before = await place.there()
    await place.shop.do(Delete(id=before[1], kind=TAG))
    plan = await place.apply()
    assert [(own.action, own.key.hfid) for own in plan.changes] == [
        (Action.CREATE, (place.name(1),))
    ]
    after = await place.there()
    assert {own: after[own] for own in (0, 2)} == {own: before[own] for own in (0, 2)}


async def test_hand_made_object_of_a_declared_name_is_nobodys_to_delete(place: Place) -> None:
    made = await place.shop.make(TAG, name=place.name(0), description="a")
    place.commit({"net/tags.yml": place.tags([0, 1])})
    assert actions(await place.apply()) == {Action.ADOPT, Action.CREATE}
    place.commit({"net/tags.yml": place.tags([1])})
    plan = await place.apply(allow_deletes=MANY)
    assert actions(plan) == {Action.RELEASE}
    assert (await place.there())[0] == made


async def test_kind_that_the_files_have_no_longer_takes_nothing_along(
    fresh: Fresh, tmp_path: Path
) -> None:
    shop = Workshop(tmp_path)
    shop.target, place = fresh.target, Place(shop)
    site = f"{fresh.namespace}Site"
    files = {
        "net/sites.yml": objects(site, {"name": place.name(0)}),
        "other/tags.yml": place.tags([1]),
    }
    schema = SMALL.replace("Suite", fresh.namespace)
    place.commit({"schema.yml": schema, **files})
    await place.apply()
    # Schema and objects are mostly not in one repository: that one is gone, this one is as it was.
    place.commit(files)
    assert (await place.plan()).is_empty
    place.commit({**files, "net/sites.yml": objects(f"{site}s", {"name": place.name(0)})})
    plan = await place.apply()
    assert not plan.changes
    assert plan.units["net"].state is UnitState.STALLED
    assert [own.code for own in plan.errors("net")] == [Code.UNKNOWN_KIND]

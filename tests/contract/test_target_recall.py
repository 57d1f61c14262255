"""What is relied on from an earlier look is what a look at everything would have shown."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Delete, Enrol, Relate, Update
from stateward.model.state import Observed
from stateward.ports import Query, Recall
from targets import World, new_id

FIELDS = {
    "SuiteSite": frozenset({"name", "description"}),
    "SuiteDevice": frozenset({"name", "comment", "interfaces", "tags", "neighbours"}),
    "SuiteInterface": frozenset({"name"}),
}


@dataclass
class Scene:
    """Two groups with members that point at each other, and what stands beside them."""

    world: World
    ids: dict[str, str]

    @property
    def query(self) -> Query:
        named = self.world.named
        groups = [named("one"), named("two"), f"{named('one')}/adopted", named("late")]
        keys = [ObjectKey("SuiteDevice", (named(name),)) for name in ("leaf", "spine", "late")]
        references = [ObjectKey("SuiteLocation", (named("outside"),))]
        return Query(groups=groups, keys=keys, references=references, fields=FIELDS)

    async def anew(self) -> Observed:
        return await self.world.session.observe(self.query)

    async def recalled(self, max_age: float = 3600) -> Observed:
        recall = Recall(name=self.world.named("scene"), max_age=max_age)
        return await self.world.session.observe(replace(self.query, recall=recall))

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


@pytest.fixture
async def scene(world: World) -> AsyncIterator[Scene]:
    ids = {"one": await world.group("one"), "two": await world.group("two")}
    ids["site"] = await world.make("SuiteSite", groups=(ids["one"],), name=world.named("site"))
    ids["outside"] = await world.site("outside")
    ids["tag"] = await world.make("BuiltinTag", name=world.named("tag"))
    for name, where in (("leaf", "one"), ("spine", "two"), ("stranger", None)):
        groups = (ids[where],) if where else ()
        relations = {"site": ids["site"], "tags": frozenset({ids["tag"]})}
        ids[name] = await world.make("SuiteDevice", relations, groups, name=world.named(name))
    for name, device, where in (
        ("eth0", "leaf", "one"),
        ("eth1", "spine", "two"),
        ("eth2", "stranger", "two"),
    ):
        relations = {"device": ids[device]}
        ids[name] = await world.make("SuiteInterface", relations, (ids[where],), name=name)
    found = Scene(world, ids)
    await found.recalled()
    return found


def edit(node: str, **values: object) -> Callable[[Scene], Awaitable[None]]:
    async def change(scene: Scene) -> None:
        kind = "SuiteSite" if node == "outside" else "SuiteDevice"
        await scene.world.do(Update(id=scene[node], kind=kind, attributes=values))

    return change


async def nothing(_scene: Scene) -> None: ...


async def rename(scene: Scene) -> None:
    await edit("leaf", name=scene.world.named("renamed"))(scene)


async def rename_a_stranger_that_lends_its_name(scene: Scene) -> None:
    await edit("stranger", name=scene.world.named("renamed"))(scene)


async def rename_what_is_referred_to(scene: Scene) -> None:
    await edit("outside", name=scene.world.named("elsewhere"))(scene)


async def add_a_member_that_points_at_one(scene: Scene) -> None:
    relations = {"device": scene["leaf"]}
    await scene.world.make("SuiteInterface", relations, (scene["two"],), name="eth9")


async def delete_a_member(scene: Scene) -> None:
    await scene.world.do(Delete(id=scene["eth1"], kind="SuiteInterface"))


async def delete_with_all_that_goes_along(scene: Scene) -> None:
    await scene.world.do(Delete(id=scene["leaf"], kind="SuiteDevice"))


async def delete_a_peer(scene: Scene) -> None:
    await scene.world.do(Delete(id=scene["tag"], kind="BuiltinTag"))


async def leave(scene: Scene) -> None:
    await scene.world.do(Enrol(id=scene["leaf"], kind="SuiteDevice", leave=(scene["one"],)))


async def join(scene: Scene) -> None:
    await scene.world.do(Enrol(id=scene["stranger"], kind="SuiteDevice", join=(scene["one"],)))


async def move(scene: Scene) -> None:
    own = Enrol(
        id=scene["eth0"], kind="SuiteInterface", join=(scene["two"],), leave=(scene["one"],)
    )
    await scene.world.do(own)


async def relate(scene: Scene) -> None:
    own = Relate(
        id=scene["leaf"], kind="SuiteDevice", relationship="neighbours", add=(scene["spine"],)
    )
    await scene.world.do(own)


async def open_a_group_below(scene: Scene) -> None:
    name = {"name": f"{scene.world.named('one')}/adopted"}
    parent = {"parent": scene["one"]}
    node = new_id()
    kind = "CoreStandardGroup"
    await scene.world.do(Create(id=node, kind=kind, attributes=name, relations=parent))
    await scene.world.do(Enrol(id=scene["leaf"], kind="SuiteDevice", join=(node,)))


async def make_a_group_a_member(scene: Scene) -> None:
    group = await scene.world.group("child", description="first")
    kind = "CoreStandardGroup"
    await scene.world.do(Enrol(id=group, kind=kind, join=(scene["one"],)))
    assert (await scene.recalled()) == (await scene.anew())
    await scene.world.do(Update(id=group, kind=kind, attributes={"description": "second"}))


async def open_a_group_that_takes_over(scene: Scene) -> None:
    group = await scene.world.group("late")
    kind = "SuiteDevice"
    await scene.world.do(Enrol(id=scene["spine"], kind=kind, join=(group,), leave=(scene["two"],)))
    await edit("spine", comment="moved")(scene)


async def delete_a_group(scene: Scene) -> None:
    await scene.world.do(Delete(id=scene["two"], kind="CoreStandardGroup"))


@pytest.mark.parametrize(
    "change",
    [
        nothing,
        edit("leaf", comment="by hand"),
        rename,
        rename_a_stranger_that_lends_its_name,
        rename_what_is_referred_to,
        add_a_member_that_points_at_one,
        delete_a_member,
        delete_with_all_that_goes_along,
        delete_a_peer,
        leave,
        join,
        move,
        relate,
        open_a_group_below,
        make_a_group_a_member,
        open_a_group_that_takes_over,
        delete_a_group,
    ],
    ids=lambda change: change.__name__,
)
async def test_recalled_is_what_is_there(
    scene: Scene, change: Callable[[Scene], Awaitable[None]]
) -> None:
    await change(scene)
    assert await scene.recalled() == await scene.anew()
    assert await scene.recalled() == await scene.anew()  # and what was kept of that look


async def test_other_fields_are_read(scene: Scene) -> None:
    fields = {**FIELDS, "SuiteDevice": frozenset({"name", "label"})}
    recall = Recall(name=scene.world.named("scene"), max_age=3600)
    query = replace(scene.query, fields=fields, recall=recall)
    found = await scene.world.session.observe(query)
    assert found.objects[scene["leaf"]].attributes["label"] == "plain"
    assert await scene.recalled() == await scene.anew()


async def test_two_names_do_not_know_of_each_other(scene: Scene) -> None:
    recall = Recall(name=scene.world.named("other"), max_age=3600)
    query = Query(groups=[scene.world.named("two")], fields=FIELDS, recall=recall)
    await scene.world.session.observe(query)
    await edit("leaf", comment="changed")(scene)
    found = await scene.world.session.observe(query)
    assert found.objects.keys() == {scene["spine"], scene["eth1"], scene["eth2"]}
    assert await scene.recalled() == await scene.anew()

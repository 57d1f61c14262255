"""Groups as members of tracking groups: a server has a place for them, not a membership."""

from stateward.model.mutation import Create, Enrol
from stateward.ports import Query
from targets import World, new_id

KIND = "CoreStandardGroup"


async def groups(world: World, *names: str) -> dict[str, frozenset[str]]:
    found = await world.session.observe(Query(groups=[world.named(name) for name in names]))
    return {name: found.groups[world.named(name)].members for name in names}


async def test_group_is_a_member_from_its_first_moment(world: World) -> None:
    ours = await world.group("ours")
    made = await world.make(KIND, groups=(ours,), name=world.named("made"))
    assert await groups(world, "ours") == {"ours": {made}}


async def test_group_joins_moves_and_leaves(world: World) -> None:
    first, second = await world.group("first"), await world.group("second")
    made = await world.group("made")
    await world.do(Enrol(id=made, kind=KIND, join=(first,)))
    assert await groups(world, "first", "second") == {"first": {made}, "second": frozenset()}
    await world.do(Enrol(id=made, kind=KIND, join=(second,), leave=(first,)))
    assert await groups(world, "first", "second") == {"first": frozenset(), "second": {made}}
    await world.do(Enrol(id=made, kind=KIND, leave=(second,)))
    assert await groups(world, "first", "second") == {"first": frozenset(), "second": frozenset()}


async def test_adopted_group_is_in_the_group_and_in_that_of_the_adopted(world: World) -> None:
    ours = await world.group("ours")
    adopted = new_id()
    name = {"name": f"{world.named('ours')}/adopted"}
    await world.do(Create(id=adopted, kind=KIND, attributes=name, relations={"parent": ours}))
    made = await world.group("made")
    await world.do(Enrol(id=made, kind=KIND, join=(adopted, ours)))

    names = [world.named("ours"), name["name"]]
    found = (await world.session.observe(Query(groups=names))).groups
    assert [found[own].members for own in names] == [{made}, {made}]

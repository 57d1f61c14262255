"""What objects are called where the schema makes it hard: peers that may be missing, and chains."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Delete, Relate, Update
from stateward.model.schema import (
    Attribute,
    Cardinality,
    Direction,
    Kind,
    Relationship,
    Schema,
)
from stateward.model.schema import Path as Part
from stateward.ports import Query
from stateward.schema.api import assemble
from stateward.schema.files import core_schema
from stateward.targets.embedded import EmbeddedTarget
from targets import World, new_id

NAME, LABEL = Part(None, "name"), Part(None, "label")


def text(name: str, default: str | None = None, *, optional: bool = True) -> Attribute:
    return Attribute(name=name, kind="Text", optional=optional, default=default)


def one(name: str, peer: str, identifier: str) -> Relationship:
    return Relationship(
        name=name, peer=peer, identifier=identifier, cardinality=Cardinality.ONE, optional=True
    )


def many(name: str, peer: str, identifier: str) -> Relationship:
    return Relationship(name=name, peer=peer, identifier=identifier)


def kind(name: str, *fields: Attribute | Relationship, **settings: object) -> Kind:
    found = Kind(
        kind=name,
        attributes={own.name: own for own in fields if isinstance(own, Attribute)},
        relationships={own.name: own for own in fields if isinstance(own, Relationship)},
        inherits=frozenset({"CoreNode"}),
    )
    for setting, value in settings.items():
        object.__setattr__(found, setting, value)
    return found


def schema(label: str | None = None) -> Schema:
    """Owner > Thing (named after its owner) > Tail (told apart by its thing, without a name)."""
    return assemble(
        [
            *core_schema().kinds.values(),
            kind(
                "LabOwner",
                text("name"),
                text("label", label),
                many("things", "LabThing", "owner__thing"),
                hfid=(NAME,),
                default_filter=LABEL,
            ),
            kind(
                "LabThing",
                text("name"),
                one("owner", "LabOwner", "owner__thing"),
                many("tails", "LabTail", "thing__tail"),
                hfid=(Part("owner", "name"), NAME),
                uniqueness=((Part("owner", None), NAME),),
            ),
            kind(
                "LabTail",
                text("name"),
                one("thing", "LabThing", "thing__tail"),
                uniqueness=((Part("thing", None), NAME),),
                default_filter=NAME,
            ),
            kind(
                "LabBadge",
                text("name"),
                one("owner", "LabOwner", "owner__badge"),
                hfid=(Part("owner", "label"), NAME),
            ),
            kind("LabPlain", text("name")),
            kind(
                "LabRing",
                text("name"),
                Relationship(
                    name="next",
                    peer="LabRing",
                    identifier="ring",
                    cardinality=Cardinality.ONE,
                    direction=Direction.OUTBOUND,
                ),
                Relationship(
                    name="previous",
                    peer="LabRing",
                    identifier="ring",
                    cardinality=Cardinality.ONE,
                    direction=Direction.INBOUND,
                ),
                uniqueness=((Part("next", None), NAME), (NAME,)),
            ),
        ]
    )


@pytest.fixture
def target(tmp_path: Path) -> EmbeddedTarget:
    return EmbeddedTarget(f"sqlite:///{tmp_path}/target.db")


@pytest.fixture
async def world(target: EmbeddedTarget) -> AsyncIterator[World]:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        yield World(session)


async def called(world: World, node: str) -> tuple[str, ...]:
    return (await world.read(node)).key.hfid


async def test_name_follows_a_peer_that_comes_and_goes(world: World) -> None:
    owner = await world.make("LabOwner", name="ann")
    thing = await world.make("LabThing", name="cup")
    assert await called(world, thing) == ("None", "cup")
    things = frozenset({thing})
    await world.do(Update(id=owner, kind="LabOwner", relations={"things": things}))
    assert await called(world, thing) == ("ann", "cup")
    await world.do(Relate(id=owner, kind="LabOwner", relationship="things", remove=(thing,)))
    assert await called(world, thing) == ("None", "cup")
    await world.do(Relate(id=owner, kind="LabOwner", relationship="things", add=(thing,)))
    await world.do(Delete(id=owner, kind="LabOwner"))
    assert await called(world, thing) == ("None", "cup")
    assert await world.find("LabThing", "None", "cup") == (thing,)


async def test_what_is_unique_with_a_peer_is_free_without_one(world: World) -> None:
    owner = await world.make("LabOwner", name="ann")
    await world.make("LabThing", {"owner": owner}, name="cup")
    first, second = [await world.make("LabThing", name="cup") for _ in range(2)]
    for mutation in (
        Update(id=first, kind="LabThing", relations={"owner": owner}),
        Relate(id=owner, kind="LabOwner", relationship="things", add=(second,)),
        Create(
            id=new_id(), kind="LabThing", attributes={"name": "cup"}, relations={"owner": owner}
        ),
    ):
        assert (await world.refused(mutation)).code == Code.UNIQUE
    assert await world.related(owner, "things") != {first, second}


async def test_name_follows_through_a_chain_of_names(world: World) -> None:
    owner = await world.make("LabOwner", name="ann")
    thing = await world.make("LabThing", {"owner": owner}, name="cup")
    tail = await world.make("LabTail", {"thing": thing}, name="ear")
    assert await called(world, tail) == ("ann__cup", "ear")
    await world.do(Update(id=owner, kind="LabOwner", attributes={"name": "bob"}))
    assert await called(world, tail) == ("bob__cup", "ear")
    assert await world.find("LabTail", "bob__cup", "ear") == (tail,)
    await world.do(Update(id=tail, kind="LabTail", relations={"thing": None}))
    assert await called(world, tail) == ("ear",)


async def test_object_that_nothing_tells_apart_goes_by_its_id(world: World) -> None:
    plain = await world.make("LabPlain", name="x")
    assert await called(world, plain) == (plain,)
    assert await world.find("LabPlain", plain) == (plain,)


async def test_names_that_go_round_in_a_ring_come_to_an_end(world: World) -> None:
    first = await world.make("LabRing", name="a")
    second = await world.make("LabRing", {"next": first}, name="b")
    await world.do(Update(id=first, kind="LabRing", relations={"next": second}))
    await world.do(Update(id=first, kind="LabRing", attributes={"name": "c"}))
    assert await world.related(second, "previous") == first
    assert await world.related(second, "next") == first


async def test_name_is_looked_for_before_what_is_only_a_filter(world: World) -> None:
    named = await world.make("LabOwner", name="ann", label="bob")
    await world.make("LabOwner", name="carl", label="ann")
    assert await world.find("LabOwner", "ann") == (named,)
    assert await world.find("LabOwner", "bob") == (named,)
    assert await world.find("LabOwner", "nobody") == ()


async def test_key_that_is_not_the_objects_own_is_answered_as_a_reference(world: World) -> None:
    owner = await world.make("LabOwner", name="ann", label="bob")
    asked, own = ObjectKey("LabOwner", ("bob",)), ObjectKey("LabOwner", ("ann",))
    found = await world.session.observe(Query(keys=[asked, own]))
    assert found.objects[owner].key == own
    assert found.references == {asked: (owner,)}


async def test_new_default_of_a_peer_is_in_the_names_made_of_it(target: EmbeddedTarget) -> None:
    async with target.session(schema("old"), write=True) as session:
        await session.load_schema()
        world = World(session)
        owner = await world.make("LabOwner", name="ann")
        badge = await world.make("LabBadge", {"owner": owner}, name="7")
        assert await called(world, badge) == ("old", "7")
    async with target.session(schema("new"), write=True) as session:
        world = World(session)
        assert await called(world, badge) == ("new", "7")
        await session.load_schema()
        assert await called(world, badge) == ("new", "7")
        assert await world.find("LabBadge", "new", "7") == (badge,)
        assert await world.find("LabOwner", "new") == (owner,)
        assert await world.find("LabOwner", "old") == ()


async def test_to_one_relationship_takes_a_second_peer_only_in_exchange(world: World) -> None:
    first, second = [await world.make("LabOwner", name=name) for name in ("ann", "bob")]
    thing = await world.make("LabThing", {"owner": first}, name="cup")

    def relate(*, remove: tuple[str, ...]) -> Relate:
        return Relate(id=thing, kind="LabThing", relationship="owner", add=(second,), remove=remove)

    assert (await world.refused(relate(remove=()))).code == Code.CONSTRAINT
    await world.do(relate(remove=(first,)))
    assert await called(world, thing) == ("bob", "cup")


async def test_text_without_utf8_is_refused(world: World) -> None:
    owner = Create(id=new_id(), kind="LabOwner", attributes={"name": "half \ud83d of a pair"})
    assert (await world.refused(owner)).code == Code.TYPE
    refusal = await world.refused(Create(id=new_id(), kind="LabPlain", groups=("\ud83d",)))
    assert refusal.code == Code.TYPE

"""A schema that objects do not conform to: they keep what they have until they are written."""

from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.mutation import Update
from stateward.model.schema import Schema
from stateward.targets.embedded import EmbeddedTarget
from targets import Data, World, attribute, changed, schema


@pytest.fixture
def target(tmp_path: Path) -> EmbeddedTarget:
    return EmbeddedTarget(f"sqlite:///{tmp_path / 'target.db'}")


async def two_devices(target: EmbeddedTarget) -> tuple[str, str]:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        world = World(session)
        return (
            await world.device("first", comment="green"),
            await world.device("second", comment="green"),
        )


def with_comment(change: Data, name: str = "comment") -> Schema:
    return changed(lambda kinds: attribute(kinds["Device"], name).update(change))


@pytest.mark.parametrize(
    ("change", "wrong", "right"),
    [
        pytest.param({"kind": "Number"}, "blue", 5, id="other-type"),
        pytest.param({"regex": "^[0-9]+$"}, "blue", "5", id="regex"),
        pytest.param({"enum": ["red", "blue"]}, "green", "blue", id="choices"),
    ],
)
async def test_value_that_fits_no_more_stays_until_it_is_written(
    target: EmbeddedTarget, change: Data, wrong: object, right: object
) -> None:
    first, _ = await two_devices(target)
    async with target.session(with_comment(change), write=True) as session:
        await session.load_schema()
        world = World(session)
        assert (await world.read(first, "comment")).attributes["comment"] == "green"

        await world.refused(Update(id=first, kind="SuiteDevice", attributes={"comment": wrong}))
        await world.do(Update(id=first, kind="SuiteDevice", attributes={"comment": right}))
        assert (await world.read(first, "comment")).attributes["comment"] == right


async def test_value_that_is_mandatory_now_may_be_missing_until_it_is_written(
    target: EmbeddedTarget,
) -> None:
    first, _ = await two_devices(target)
    async with target.session(with_comment({"optional": False}, "mac"), write=True) as session:
        await session.load_schema()
        world = World(session)
        await world.do(Update(id=first, kind="SuiteDevice", attributes={"comment": "other"}))
        await world.do(Update(id=first, kind="SuiteDevice", attributes={"mac": "0:0:0:0:0:1"}))
        refusal = await world.refused(
            Update(id=first, kind="SuiteDevice", attributes={"mac": None})
        )
        assert refusal.code is Code.MANDATORY


async def test_value_that_two_objects_have_when_it_becomes_unique_is_the_older_ones(
    target: EmbeddedTarget,
) -> None:
    first, second = await two_devices(target)
    async with target.session(with_comment({"unique": True}), write=True) as session:
        await session.load_schema()
        world = World(session)
        assert (await world.read(second, "comment")).attributes["comment"] == "green"
        await world.do(Update(id=second, kind="SuiteDevice", attributes={"comment": "red"}))
        await world.do(Update(id=first, kind="SuiteDevice", attributes={"label": "x"}))


async def test_peers_that_fit_no_more_are_taken_off(target: EmbeddedTarget) -> None:
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        world = World(session)
        device = await world.device("first")
        tags = [await world.make("BuiltinTag", name=world.named(name)) for name in ("a", "b")]
        await world.do(Update(id=device, kind="SuiteDevice", relations={"tags": frozenset(tags)}))

    def other_peer(kinds: dict[str, Data]) -> None:
        own = next(item for item in kinds["Device"]["relationships"] if item["name"] == "tags")
        own.update(peer="SuiteSite", identifier=own.get("identifier", "builtintag__suitedevice"))

    async with target.session(changed(other_peer), write=True) as session:
        await session.load_schema()
        found = await World(session).read(device, "tags")
        assert found.relations["tags"] == frozenset()

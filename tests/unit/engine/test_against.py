"""What changes between two revisions, told without any target."""

from pathlib import Path
from typing import Any

import pytest

from rounds import Workshop, objects
from stateward.engine.against import plan_against
from stateward.errors import InvalidDesired, SourceRefused
from stateward.model.plan import Plan
from watching import Watched

TAGS = ("red", "blue")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def device(**fields: Any) -> str:
    return objects("NetDevice", {"name": "d1", **fields})


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


async def between(
    shop: Workshop, before: dict[str, str], after: dict[str, str], **scope: Any
) -> Plan:
    old, new = shop.commit(before), shop.commit(after)
    return await plan_against(shop.round(**scope), new, old)


def told(plan: Plan) -> list[str]:
    return [
        f"{own.action} {own.key} {[field.name for field in own.fields]}" for own in plan.changes
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a/1.yml": tags("red")}, {"a/1.yml": tags("red")}, []),
        ({}, {"a/1.yml": tags("red")}, ["create BuiltinTag/red ['name']"]),
        ({"a/1.yml": tags("red", "blue")}, {"a/1.yml": tags("red")}, ["delete BuiltinTag/blue []"]),
        (
            {"a/1.yml": tags("red"), "b/1.yml": tags("blue")},
            {"a/1.yml": tags("red", "blue")},
            ["move BuiltinTag/blue []"],
        ),
        (
            {"a/1.yml": device(comment="x")},
            {"a/1.yml": device(comment="y")},
            ["update NetDevice/d1 ['comment']"],
        ),
        ({"a/1.yml": device(comment="x")}, {"a/1.yml": device()}, ["update NetDevice/d1 ['comment']"]),
        (
            {"a/1.yml": tags(*TAGS), "b/1.yml": device(tags=["red"])},
            {"a/1.yml": tags(*TAGS), "b/1.yml": device(tags=["blue"])},
            ["update NetDevice/d1 ['tags']"],
        ),
        (
            {"b/1.yml": device(tags=["not-ours"])},
            {"b/1.yml": device(tags=["not-ours"])},
            [],
        ),
        (
            {"b/1.yml": device(site="not-ours")},
            {"b/1.yml": device(site="not-ours", comment="x")},
            ["update NetDevice/d1 ['comment']"],
        ),
    ],
    ids=["same", "create", "delete", "move", "update", "reset", "references", "externals",
         "external-of-a-generic"],
)  # fmt: skip
async def test_older_revision_takes_the_targets_place(
    shop: Workshop, before: dict[str, str], after: dict[str, str], changes: list[str]
) -> None:
    assert told(await between(shop, before, after)) == changes


async def test_no_target_is_looked_at(shop: Workshop) -> None:
    old, new = shop.commit({"a/1.yml": tags("red")}), shop.commit({"a/1.yml": tags("blue", "red")})
    await shop.make("BuiltinTag", name="blue")
    watched = Watched(shop.target)
    plan = await plan_against(shop.round(watched), new, old)
    assert told(plan) == ["create BuiltinTag/blue ['name']"]
    assert plan.target == f"revision {old}"


async def test_changes_have_no_ids(shop: Workshop) -> None:
    plan = await between(shop, {"a/1.yml": tags("red", "blue")}, {"a/1.yml": tags("red")})
    assert [own.node for own in plan.changes] == [None]


async def test_guard_holds_back_what_it_would_hold_back(shop: Workshop) -> None:
    plan = await between(shop, {"a/1.yml": tags("red"), "b/1.yml": tags("blue")}, {"b/1.yml": tags("blue")})  # fmt: skip
    assert [own.unit for own in plan.blocked] == ["a"]
    old = {"a/1.yml": tags("red"), "b/1.yml": tags("blue")}
    plan = await between(shop, old, {"b/1.yml": tags("blue")}, allow_deletes=1)
    assert told(plan) == ["delete BuiltinTag/red []"]


async def test_schema_with_errors_is_refused(shop: Workshop) -> None:
    old = shop.commit({"a/1.yml": tags("red")})
    new = shop.source.commit({"schema.yml": "version: '1.0'\nnodes: 5\n", "a/1.yml": tags("red")})
    with pytest.raises(InvalidDesired):
        await plan_against(shop.round(), new, old)


async def test_revision_that_is_not_there_is_refused(shop: Workshop) -> None:
    shop.commit({"a/1.yml": tags("red")})
    with pytest.raises(SourceRefused):
        await plan_against(shop.round(), None, "r9")

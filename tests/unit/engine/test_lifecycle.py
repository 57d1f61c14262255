"""What becomes of a field on the target when its file says null, or says nothing of it any more."""

from pathlib import Path
from typing import Any

import pytest

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.mutation import Update

BESIDE = {
    "b/x.yml": objects("LocationCountry", {"name": "nl"}),
    "c/x.yml": objects("BuiltinTag", {"name": "red"}, {"name": "blue"}),
}
FIELDS = [
    pytest.param("comment", "x", None, id="an attribute"),
    pytest.param("role", "spine", "leaf", id="an attribute with a default"),
    pytest.param("site", "nl", None, id="one peer"),
    pytest.param("tags", ["red", "blue"], frozenset(), id="peers"),
    pytest.param("comment", {"value": "x", "is_protected": True}, None, id="with metadata"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def applied(shop: Workshop, **fields: Any) -> None:
    shop.commit({**BESIDE, "a/x.yml": objects("NetDevice", {"name": "leaf1", **fields})})
    plan, _ = await shop.apply()
    assert not plan.problems
    assert (await shop.plan()).is_empty


async def shown(shop: Workshop, name: str) -> Any:
    own = await shop.find("NetDevice", "leaf1")
    return own.attributes[name] if name in own.attributes else own.relations[name]


@pytest.mark.parametrize(("name", "value", "unset"), FIELDS)
async def test_what_is_dropped_goes_back(shop: Workshop, name: str, value: Any, unset: Any) -> None:
    await applied(shop, **{name: value})
    assert await shown(shop, name) != unset
    await applied(shop)
    assert await shown(shop, name) == unset


@pytest.mark.parametrize(("name", "value", "unset"), FIELDS)
async def test_null_goes_back_and_is_held_to(
    shop: Workshop, name: str, value: Any, unset: Any
) -> None:
    await applied(shop, **{name: value})
    await applied(shop, **{name: None})
    assert await shown(shop, name) == unset


async def test_null_is_said_of_what_others_set(shop: Workshop) -> None:
    await applied(shop, comment=None)
    own = await shop.find("NetDevice", "leaf1")
    await shop.do(Update(id=own.id, kind="NetDevice", attributes={"comment": "theirs"}))
    await applied(shop, comment=None)
    assert await shown(shop, "comment") is None


async def test_what_was_never_declared_is_the_others(shop: Workshop) -> None:
    await applied(shop, role="spine")
    own = await shop.find("NetDevice", "leaf1")
    await shop.do(Update(id=own.id, kind="NetDevice", attributes={"comment": "theirs"}))
    await applied(shop)
    assert await shown(shop, "comment") == "theirs"
    assert await shown(shop, "role") == "leaf"


async def test_where_nobody_knows_what_was_declared_nothing_goes_back(shop: Workshop) -> None:
    await applied(shop, comment="x")
    shop.source.lost.add("r1")
    shop.commit({**BESIDE, "a/x.yml": objects("NetDevice", {"name": "leaf1"})})
    plan, _ = await shop.apply()
    assert [own.code for own in plan.problems] == [Code.LAST_APPLIED_UNKNOWN]
    assert await shown(shop, "comment") == "x"

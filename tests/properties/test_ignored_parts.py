"""Of a value that is JSON, what is ignored stays as others have it, and all else is as Git says."""

from typing import Any

import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from properties.judging import share
from properties.worlds import workshop
from rounds import Workshop, objects
from stateward.model.mutation import Update
from stateward.schema import parts
from stateward.schema.parts import Part

SCHEMA = """
version: "1.0"
nodes:
  - name: Box
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: settings, kind: JSON, optional: true}
"""
NAMES = st.sampled_from(["a", "b", "c/d"])
VALUES = st.recursive(
    st.integers(0, 2) | st.sampled_from(["x", ""]) | st.lists(st.integers(0, 1), max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=3)
LISTS = st.lists(st.integers(0, 1), max_size=2)
PARTS = st.lists(st.lists(NAMES, min_size=1, max_size=2).map(tuple), min_size=1, max_size=2)
_NONE: Any = object()
_DROPPED: Any = object()


def at(value: Any, part: Part) -> Any:
    for name in part:
        if not isinstance(value, dict) or name not in value:
            return _NONE
        value = value[name]
    return value


def roomy(value: Any, ignored: list[Part]) -> bool:
    """Tell whether a value has mappings, or nothing, wherever a part is to be in it."""
    outer = [at(value, part[:n]) for part in ignored for n in range(len(part))]
    return all(own is _NONE or isinstance(own, dict) for own in outer)


def commit(shop: Workshop, value: Any, ignored: list[Part]) -> None:
    box = {"name": "box"} if value is _DROPPED else {"name": "box", "settings": {"value": value}}
    fields = [f"settings#{parts.spelled(own)}" for own in ignored]
    shop.commit(
        {
            "boxes.yml": SCHEMA,
            "a/x.yml": objects("NetBox", box),
            "a/.stateward.yaml": yaml.safe_dump({"ignore": [{"kind": "NetBox", "fields": fields}]}),
        }
    )


@share(40)
@given(MAPPINGS, MAPPINGS | LISTS, MAPPINGS | st.none() | st.just(_DROPPED), PARTS)
@example({"a": 1}, {"a": 1, "b": {"c/d": 5, "a": 6}}, {"a": 2}, [("b", "c/d")])
@example({"a": 1, "b": 2}, {"a": 1, "b": 5}, None, [("b",)])
@example({"a": 1, "b": 2}, {"a": 1, "b": 5}, _DROPPED, [("b",)])
async def test_nobody_loses_a_part(
    first: dict[str, Any], theirs: Any, last: Any, ignored: list[Part]
) -> None:
    wanted = None if last is _DROPPED else last
    assume(wanted is None or roomy(wanted, ignored))
    with workshop() as shop:
        commit(shop, first, ignored)
        await shop.apply()
        made = await shop.find("NetBox", "box")
        assert made.attributes["settings"] == first  # it is made as Git says, with all of it
        await shop.do(Update(id=made.id, kind="NetBox", attributes={"settings": theirs}))
        commit(shop, last, ignored)
        plan, _ = await shop.apply()
        assert not plan.problems
        found = (await shop.find("NetBox", "box")).attributes["settings"]
        assert found == parts.kept(wanted, theirs, ignored)
        for part in ignored:
            assert at(found, part) == at(theirs, part)
        assert (await shop.plan()).is_empty


@share(40)
@given(MAPPINGS, MAPPINGS)
async def test_parts_that_differ_silence_a_difference(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    with workshop() as shop:
        commit(shop, ours, [])
        await shop.apply()
        made = await shop.find("NetBox", "box")
        await shop.do(Update(id=made.id, kind="NetBox", attributes={"settings": theirs}))
        commit(shop, ours, list(parts.differing(theirs, ours)))
        assert (await shop.plan()).changes == ()

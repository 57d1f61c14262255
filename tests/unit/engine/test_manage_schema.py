"""Who loads the schema of a source: the round, or somebody else."""

from pathlib import Path
from typing import Any

import pytest

from rounds import SCHEMA, Workshop, objects
from stateward.errors import Code
from stateward.model.plan import Action, UnitState
from stateward.model.unit import ManageSchema

MORE = (
    SCHEMA
    + """
  - name: Extra
    namespace: Net
    human_friendly_id: [name__value]
    attributes: [{name: name, kind: Text, unique: true}]
"""
)
TAGS = {"a/1.yml": objects("BuiltinTag", {"name": "red"})}


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    """A target that has a schema already."""
    found = Workshop(tmp_path)
    found.commit(TAGS)
    await found.apply()
    return found


def another(shop: Workshop, **files: Any) -> str:
    """Commit a schema with one kind more."""
    return shop.source.commit({"schema.yml": MORE, **TAGS, **files})


async def test_apply_loads_it(shop: Workshop) -> None:
    extra = {"a/2.yml": objects("NetExtra", {"name": "x"})}
    another(shop, **extra)
    plan, report = await shop.apply(manage_schema=ManageSchema.APPLY)
    assert (plan.loads_schema, list(plan.schema_changes)) == (True, ["NetExtra: added"])
    assert [own.outcome.value for own in report.runs] == ["applied"]


async def test_check_does_nothing_while_it_is_another_one(shop: Workshop) -> None:
    another(shop, **{"a/2.yml": objects("BuiltinTag", {"name": "blue"})})
    plan, report = await shop.apply(manage_schema=ManageSchema.CHECK)
    (problem,) = plan.problems
    assert problem.code is Code.SCHEMA_DIFFERS
    assert "NetExtra: added: load it, or set manageSchema: apply" in problem.message
    assert (plan.changes, report.writes) == ((), 0)
    assert plan.units["a"].state is UnitState.STALLED


async def test_check_goes_on_once_it_is_the_same(shop: Workshop) -> None:
    another(shop)
    await shop.apply(manage_schema=ManageSchema.APPLY)
    another(shop, **{"a/2.yml": objects("BuiltinTag", {"name": "blue"})})
    plan, _ = await shop.apply(manage_schema=ManageSchema.CHECK)
    assert (plan.loads_schema, plan.problems) == (False, ())
    assert [own.action for own in plan.changes] == [Action.CREATE]


async def test_off_takes_the_target_as_it_is(shop: Workshop) -> None:
    another(shop, **{"a/2.yml": objects("BuiltinTag", {"name": "blue"})})
    plan, report = await shop.apply(manage_schema=ManageSchema.OFF)
    assert (plan.loads_schema, plan.schema_changes) == (False, ())
    assert [str(own.key) for own in plan.changes] == ["BuiltinTag/blue"]
    assert [own.outcome.value for own in report.runs] == ["applied"]


async def test_off_reads_no_schema_file(shop: Workshop) -> None:
    shop.source.commit({"schema.yml": "nodes: [not a kind]", **TAGS})
    plan = await shop.plan(manage_schema=ManageSchema.OFF)
    assert (plan.problems, plan.changes) == ((), ())


async def test_off_does_not_know_kinds_that_were_not_loaded(shop: Workshop) -> None:
    another(shop, **{"a/2.yml": objects("NetExtra", {"name": "x"})})
    plan = await shop.plan(manage_schema=ManageSchema.OFF)
    assert [own.code for own in plan.problems] == [Code.UNKNOWN_KIND]
    assert plan.changes == ()

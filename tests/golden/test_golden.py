"""Named cases: files and a target, and the plan as people and programs see it.

A case is a directory: ``before`` is committed and applied, ``case.yml`` says what others do to the
target (``madeFirst``, ``made`` and ``claimed``) and how the plan is asked for, ``after`` is
committed and planned, under the schema of the rounds unless the case has one. What that has to
look like stands beside it; ``--update-golden`` writes it anew. Ids and digests are left out of it:
they are never the same twice.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from rounds import Workshop
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Enrol
from stateward.model.plan import Plan
from stateward.model.run import Outcome
from stateward.model.unit import Budget, Reach
from stateward.reporting import plan as plans

CASES = sorted(own.parent for own in Path(__file__).parent.glob("*/case.yml"))
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b|(?<= )[0-9a-f]{12}(?=$|\")", re.MULTILINE)


@pytest.mark.parametrize("case", CASES, ids=lambda own: own.name)
async def test_plan_is_as_expected(
    case: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    given = yaml.safe_load((case / "case.yml").read_text())
    shop = Workshop(tmp_path, **given.get("defaults", {}))
    if not (case / "before" / "schema.yml").exists():
        await _apply(shop, {})
    await _others(shop, {"made": given.get("madeFirst", ())})
    if (case / "before").is_dir():
        await _apply(shop, _files(case / "before"))
    await _others(shop, given)
    shop.commit(_files(case / "after"))
    plan = await shop.plan(
        allow_deletes=given.get("allowDeletes"),
        budgets=tuple(
            Budget(reach=Reach(reach), **limits)
            for reach, limits in given.get("budgets", {}).items()
        ),
    )
    for name, text in _rendered(plan).items():
        found = _steady(text, plan)
        if request.config.getoption("--update-golden"):
            (case / name).write_text(found)
        assert found == (case / name).read_text(), f"{case.name}/{name}: {given['about']}"


async def _apply(shop: Workshop, files: Mapping[str, bytes]) -> None:
    shop.commit(files)
    plan, report = await shop.apply()
    done = {own.outcome for own in report.runs} <= {Outcome.APPLIED, Outcome.UNCHANGED}
    assert done, plans.as_text(plan)


def _files(directory: Path) -> dict[str, bytes]:
    found = (own for own in sorted(directory.rglob("*")) if own.is_file())
    return {own.relative_to(directory).as_posix(): own.read_bytes() for own in found}


async def _others(shop: Workshop, given: Mapping[str, Any]) -> None:
    """Do what others do to the target: make objects, and put objects into groups of theirs."""
    for own in given.get("made", ()):
        fields = {
            name: await _id(shop, value) if isinstance(value, list) else value
            for name, value in own.items()
            if name != "kind"
        }
        await shop.make(own["kind"], **fields)
    for own in given.get("claimed", ()):
        group = await shop.make("CoreGeneratorGroup", name=own["by"])
        await shop.do(
            Enrol(id=await _id(shop, own["object"]), kind=own["object"][0], join=(group,))
        )


async def _id(shop: Workshop, reference: list[str]) -> str:
    return (await shop.find(reference[0], *reference[1:])).id


def _rendered(plan: Plan) -> dict[str, str]:
    return {
        "plan.txt": plans.as_text(plan),
        "plan.json": json.dumps(plans.as_json(plan), indent=1, ensure_ascii=False) + "\n",
        "plan.md": plans.as_markdown(plan),
    }


def _steady(text: str, plan: Plan) -> str:
    """Put names where ids are, and leave out what is another one on every machine."""
    names = {node: own for own, node in plan.ids.items() if isinstance(own, ObjectKey)}
    text = _ID.sub(lambda own: f"<id of {names.get(own[0], 'nothing known')}>", text)
    return _DIGEST.sub("<digest>", text.replace(plan.target, "<target>"))

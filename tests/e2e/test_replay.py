"""Real repositories, commit by commit: the main job on real input.

After every commit the target holds what that commit declares, a second run writes nothing, what
both commits declare keeps its id, and what was put there by hand is still there.
"""

import csv
import subprocess
from pathlib import Path
from typing import Any

import pytest
from serving import ALL_MAY_GO

from stateward import wiring
from stateward.desired.load import load as load_desired
from stateward.engine.export import export
from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Round
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create
from stateward.model.plan import Plan, UnitState
from stateward.model.run import Report
from stateward.model.schema import Schema
from stateward.model.state import DesiredObject, FromPool
from stateward.reporting.export import as_json

BUNDLES = ("demo-sp", "arista-avd", "service-catalog")
ONE_DATASET = """
sources:
  - units:
      - {path: objects}
      - {path: objects/datasets/isp}
      - {path: objects/events}
"""
"""Of demo-sp: the two data sets are alternatives, and so are the two repositories."""
STRANGERS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def history_of(name: str, data: Path, place: Path, env: pytest.MonkeyPatch) -> Path:
    """Clone a real repository, and have runs on it recorded beside it; return where it is."""
    repo = place / name
    git("clone", "--quiet", "-b", "main", str(data / f"{name}.bundle"), str(repo))
    env.setenv("STATEWARD_STATE", f"sqlite:///{place / 'state.db'}")
    return repo


class Replay:
    """One repository, one target, and what is declared at the commit that was applied last."""

    def __init__(self, repo: Path, directory: Path, config: str | None) -> None:
        self.path = directory / "target.db"
        file = directory / "stateward.yaml"
        file.write_text((config or "") + ALL_MAY_GO)
        self.asked = wiring.Invocation(
            repo=str(repo),
            target=f"sqlite:///{self.path}",
            config=str(file),
            allow_deletes=1_000_000,
        )
        self.wired = wiring.wire(self.asked)

    @property
    def round(self) -> Round:
        return self.wired.round

    async def put_strangers(self) -> None:
        async with self.round.target.session(None, write=True) as session:
            tags = [
                Create(id=node, kind="BuiltinTag", attributes={"name": f"by-hand-{node[-1]}"})
                for node in STRANGERS
            ]
            assert not any(await session.apply(tags))

    async def apply(self, revision: str, reconciler: Reconciler) -> tuple[Plan, Report]:
        return await reconciler.apply(revision, expected=None, progress=lambda _done, _all: None)

    async def exported(self) -> dict[ObjectKey, dict[str, Any]]:
        document = as_json(await export(self.round.target, (), None))
        return {ObjectKey(own["kind"], tuple(own["hfid"])): own for own in document["objects"]}

    async def declared(
        self, revision: str, schema: Schema
    ) -> dict[str, dict[ObjectKey, DesiredObject]]:
        loaded, _, _ = await self.round.load(revision)
        desired = load_desired(loaded.units, schema)
        return {name: dict(unit.objects) for name, unit in desired.units.items()}

    async def schema(self) -> Schema:
        async with self.round.target.session(None, write=False) as session:
            return session.schema


@pytest.fixture(
    params=[
        *(pytest.param((name, None), id=name) for name in BUNDLES),
        pytest.param(("demo-sp", ONE_DATASET), id="demo-sp-with-one-dataset"),
    ]
)
def replay(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    shared_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Replay, list[str], list[dict[str, str]], bool]:
    name, config = request.param
    repo = history_of(name, shared_data, tmp_path, monkeypatch)
    commits = git("-C", str(repo), "rev-list", "--reverse", "main").split()
    with (shared_data / f"{name}.tsv").open() as lines:
        facts = list(csv.DictReader(lines, delimiter="\t"))
    return Replay(repo, tmp_path, config), commits, facts, config is None


@pytest.mark.timeout(900)
async def test_every_commit_of_a_real_history(replay):
    history, commits, facts, whole = replay
    await history.put_strangers()
    before: dict[ObjectKey, dict[str, Any]] = {}
    declared_before: set[ObjectKey] = set()
    async with wiring.reconciler(history.wired) as reconciler:
        for number, commit in enumerate(commits, 1):
            plan, report = await history.apply(commit, reconciler)
            _, again = await history.apply(commit, reconciler)
            assert again.writes == 0, f"commit {number}: a second run writes"

            now = await history.exported()
            for node in STRANGERS:
                assert ObjectKey("BuiltinTag", (f"by-hand-{node[-1]}",)) in now
            declared = await history.declared(commit, await history.schema())
            if whole and facts[number - 1]["schema_loads"] == "yes":
                keys = {(unit, key) for unit, own in declared.items() for key in own}
                check_identities(number, facts[number - 1], {key for _, key in keys})
            check_units(number, plan, declared, now)
            together = {key for own in declared.values() for key in own}
            moved = [
                key
                for key in together & declared_before & before.keys() & now.keys()
                if before[key]["id"] != now[key]["id"]
            ]
            assert moved == [], f"commit {number}: other ids"
            before, declared_before = now, together
            assert report.digest == plan.digest


def check_identities(number: int, facts: dict[str, str], keys: set[ObjectKey]) -> None:
    """The identities are those that others counted, menus aside."""
    found = sum(key.kind != "CoreMenuItem" for key in keys)

    assert found == int(facts["identities"]), f"commit {number}"


def check_units(
    number: int,
    plan: Plan,
    declared: dict[str, dict[ObjectKey, DesiredObject]],
    now: dict[ObjectKey, dict[str, Any]],
) -> None:
    """Every unit that is ready is in the target as declared, and nothing else is ours."""
    left_out = {problem.subject for problem in plan.problems}
    ready = {unit for unit, own in plan.units.items() if own.state is UnitState.READY}
    # What a unit that is not ready is to take over stays with the one that has it.
    awaited = {key for unit, own in declared.items() if unit not in ready for key in own}
    for unit in declared.keys() & ready:
        objects = declared[unit]
        for key, obj in objects.items():
            if str(key) not in left_out:
                assert key in now, f"commit {number}: {key} of {unit} is missing"
                check_fields(number, obj, now[key]["fields"], left_out)
        ours = {key for key, own in now.items() if own["unit"] == unit}
        survivors = {own.key for own in plan.units[unit].survivors}
        more = ours - objects.keys() - survivors - awaited
        # A name that is awaited and not there may be what another object is going to be called.
        renamed = {key.kind for key in awaited - now.keys()}
        assert {key for key in more if key.kind not in renamed} == set(), f"commit {number}: {unit}"
        assert len(more) <= len(awaited - now.keys()), f"commit {number}: {unit} has more"


def check_fields(
    number: int, obj: DesiredObject, fields: dict[str, Any], left_out: set[str | None]
) -> None:
    """What is declared stands there; a peer that is left out may still have its old name."""
    for name, value in obj.attributes.items():
        if "." in name or isinstance(value, FromPool) or "password" in name:
            continue
        assert fields.get(name) == value, f"commit {number}: {obj.key}: {name}"
    for name, related in obj.relations.items():
        found = fields.get(name)
        if isinstance(related, frozenset):
            wanted = {peer.hfid for peer in related if isinstance(peer, ObjectKey)}
            peers = {tuple(own) for own in found or []}
            prefixes = {own[: len(next(iter(wanted), own))] for own in peers}
            assert wanted <= peers | prefixes, f"commit {number}: {obj.key}: {name}"
        elif isinstance(related, ObjectKey) and str(related) not in left_out:
            assert found is not None, f"commit {number}: {obj.key}: {name}"
            assert tuple(found)[: len(related.hfid)] == related.hfid, f"{number}: {obj.key}: {name}"
        elif related is None:
            assert not found

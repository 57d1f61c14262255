"""``onError: rollback`` on the command line: a pool runs dry in the middle of a commit."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from rounds import objects
from stateward import wiring
from watching import Watched

SCHEMA = """
version: "1.0"
nodes:
  - name: Leaf
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: vlan, kind: Number, optional: true}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Leafs that take their VLANs from a pool of two."""
    repo = Repository(tmp_path / "site")
    pool = {"name": "vlans", "node": "NetLeaf", "node_attribute": "vlan"}
    for file, text in {
        "schema.yml": SCHEMA,
        "base/pool.yml": objects("CoreNumberPool", {**pool, "start_range": 100, "end_range": 101}),
        "site/leafs.yml": leafs("leaf1"),
        "site/.stateward.yaml": "onError: rollback\n",
    }.items():
        path = repo.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repo.commit("one leaf")
    return repo


def leafs(*names: str) -> str:
    return objects("NetLeaf", *({"name": own, "vlan": {"from_pool": "vlans"}} for own in names))


def test_is_told_by_every_command(repo: Repository, cli: Cli) -> None:
    asked(cli, "apply")
    before = cli("export", "--unit", "site")
    (repo.path / "site/leafs.yml").write_text(leafs("leaf1", "leaf2", "leaf3"))
    repo.commit("three leafs")
    planned = asked(cli, "plan")
    assert planned["units"]["site"]["onError"] == "rollback"
    report = asked(cli, "apply", code=1)
    run = next(own for own in report["runs"] if own["unit"] == "site")
    back = run["takenBack"]
    assert (run["outcome"], back["changes"], back["left"], back["error"]) == ("failed", 1, 0, None)
    assert "The pool vlans is exhausted" in run["error"]
    assert cli("export", "--unit", "site") == before

    rollback, forth, _ = asked(cli, "history", "site")["runs"]
    assert (rollback["kind"], rollback["run"]) == ("rollback", back["run"])
    assert rollback["undoes"] == forth["run"]
    assert rollback["trigger"] == "on-error"
    code, shown = cli("show", back["run"])
    assert code == 0
    assert "onError: rollback" in shown

    again = asked(cli, "apply", code=1)
    assert again["writes"] == 0
    assert [own["code"] for own in again["problems"]] == ["SW1520"]
    edit(repo, "base/pool.yml", "end_range: 101", "end_range: 109")
    repo.commit("a larger pool")
    asked(cli, "apply", code=1)
    assert cli("export", "--unit", "site") == before
    asked(cli, "apply", "--retry")
    assert asked(cli, "apply")["writes"] == 0
    assert cli("plan")[0] == 0


async def applied_and_cut_short(repo: Repository) -> None:
    """Lose the target on the way back: after the stamp, two leafs, and the stamp of the hold."""
    wired = wiring.wire(wiring.Invocation(repo=str(repo.path)))
    lost = Watched(
        wired.round.target, batch=1, lose=lambda number: "before" if number == 4 else None
    )
    wired = replace(wired, round=replace(wired.round, target=lost))
    async with wiring.reconciler(wired) as reconciler:
        await reconciler.apply(None, expected=None, progress=lambda _through, _of: None)


def test_plan_tells_what_is_taken_back_before_it(repo: Repository, cli: Cli) -> None:
    asked(cli, "apply")
    before = cli("export", "--unit", "site")
    (repo.path / "site/leafs.yml").write_text(leafs("leaf1", "leaf2", "leaf3"))
    repo.commit("three leafs")
    asyncio.run(applied_and_cut_short(repo))
    assert cli("export", "--unit", "site") != before

    code, said = cli("plan")
    assert code == 1
    assert "was cut short: applying takes the rest back first, and plans again" in said
    (first,) = (own for own in asked(cli, "plan", code=1)["problems"] if own["unit"] is None)
    assert (first["code"], first["severity"]) == ("SW1520", "warning")
    asked(cli, "apply", code=1)
    assert cli("export", "--unit", "site") == before
    assert "was cut short" not in cli("plan")[1]

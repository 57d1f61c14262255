"""Some commits of each real history, one after the other on one branch of a real server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving import Repo, fitted, schemas
from test_replay import Replay, check_units

from branches import fresh
from live import Lab
from repositories import git
from stateward import wiring
from stateward.model.identity import ObjectKey
from stateward.model.run import Outcome

BY_HAND = tuple(f"by-hand-{number}" for number in range(3))
ONE_DATASET = """
sources:
  - units:
      - {path: "objects/**", exclude: [objects/git-repo, objects/datasets/isp]}
      - {path: menus}
"""
"""Of demo-sp: its data sets are alternatives, and so are its repositories, of which the server can
clone neither.
"""


@dataclass(frozen=True, slots=True)
class History:
    name: str
    commits: tuple[int, ...]
    config: str | None = None


HISTORIES = (
    # Objects go to directories of their own; a directory is renamed; more of them.
    History("demo-sp", (6, 12, 17, 18), ONE_DATASET),
    # The schema grows; a tenth of the objects goes, and others come. Before these commits a mandatory
    # attribute is renamed, which a server keeps, and afterwards kinds with objects inherit from others,
    # which it refuses.
    History("arista-avd", (16, 19, 21, 22)),
    # From a schema alone to objects; identities change; more comes. A server refuses the schema of
    # the commits after these on top of what it has: it does not change a relationship's identifier.
    History("service-catalog", (7, 8, 9, 10)),
)


EACH = [pytest.param(own, id=own.name) for own in HISTORIES]
FINE = {Outcome.APPLIED, Outcome.UNCHANGED, Outcome.WAITING}


@pytest.mark.parametrize("own", EACH)
async def test_commits_can_be_applied_at_all(
    own: History, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server takes half an hour to refuse is seen here in seconds."""
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    path = fitted(shared_data, own.name, tmp_path, own.commits)
    history = Replay(path, tmp_path, own.config)
    async with wiring.reconciler(history.wired) as reconciler:
        for number, revision in zip(own.commits, revisions(path), strict=True):
            _, report = await history.apply(revision, reconciler)
            assert {run.outcome for run in report.runs} <= FINE, f"commit {number}: {report.runs}"


def revisions(path: Path) -> list[str]:
    return git("-C", str(path), "rev-list", "--reverse", "main").decode().split()


@pytest.fixture(params=EACH)
def history(
    request: pytest.FixtureRequest, lab: Lab, shared_data: Path, tmp_path: Path
) -> Iterator[tuple[History, Repo]]:
    own: History = request.param
    path = fitted(shared_data, own.name, tmp_path, own.commits)
    with fresh(lab, f"{own.name}-history", schemas(path, own.name)) as branch:
        yield own, Repo(path, tmp_path, branch, own.config)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_commit_by_commit(
    history: tuple[History, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, repo = history
    by_hand = {repo.branch.make("BuiltinTag", name=name) for name in BY_HAND}
    before: dict[ObjectKey, str] = {}
    for number, revision in zip(own.commits, revisions(repo.path), strict=True):
        asked = ("--rev", revision, "--allow-deletes", "1000000")
        report = repo.applied_at_last(*asked)
        outcomes = {run["unit"]: (run["outcome"], run.get("error")) for run in report["runs"]}
        assert {outcome for outcome, _ in outcomes.values()} <= FINE, outcomes
        assert repo.asked("apply", *asked, code=None)["writes"] == 0, f"commit {number}"

        plan, declared = await repo.declared(revision, monkeypatch)
        now = repo.exported()
        check_units(number, plan, declared, now)
        here = {key: now[key]["id"] for unit in declared.values() for key in unit if key in now}
        assert {key: here[key] for key in here.keys() & before.keys()} == {
            key: before[key] for key in here.keys() & before.keys()
        }, f"commit {number}: other ids"
        assert {node["id"] for node in repo.branch.find("BuiltinTag")} >= by_hand
        before = here

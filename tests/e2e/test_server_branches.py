"""One directory on two branches of a server: what is done on the one is nothing to the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from serving import Repo

from branches import Branch, fresh
from live import Lab
from repositories import Repository

HEAD = "---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: BuiltinTag\n  data:\n"
STATE = """
query {
  BuiltinTag { edges { node_metadata { updated_at } node {
    id display_label description { value } member_of_groups { edges { node { id display_label } } }
  } } }
  CoreStandardGroup { edges { node_metadata { updated_at } node {
    id display_label description { value } members { count }
  } } }
}
"""

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def east(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "east") as own:
        yield own


@pytest.fixture(scope="module")
def west(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "west") as own:
        yield own


class Both:
    """One repository, one instance and one state database, for two branches."""

    def __init__(self, directory: Path, east: Branch, west: Branch) -> None:
        self.mark = uuid4().hex[:8]
        self.files = Repository(directory / "repo")
        self.east, self.west = (self._repo(directory, own) for own in (east, west))

    def _repo(self, directory: Path, branch: Branch) -> Repo:
        found = Repo(self.files.path, directory, branch)
        found.environment["STATEWARD_INSTANCE"] = self.mark
        return found

    def declare(self, **tags: str) -> None:
        items = (
            f"    - {{name: {name}-{self.mark}, description: {text}}}\n"
            for name, text in tags.items()
        )
        self.files.write("tags/tags.yml", (HEAD + "".join(items)).encode())
        self.files.commit(" ".join(tags))

    def state(self, repo: Repo) -> list[Any]:
        """Return all that is ours on a branch, when it was changed last, and what is in what."""
        found = repo.branch.ask(STATE)
        both = [*found["BuiltinTag"]["edges"], *found["CoreStandardGroup"]["edges"]]
        return [own for own in both if self.mark in own["node"]["display_label"]]

    def take_back(self, repo: Repo) -> None:
        """Roll back the newest run on a branch."""
        place = ("--repo", str(self.files.path), "--format", "json")
        runs = json.loads(repo.stateward("history", *place))["runs"]
        run = next(own["run"] for own in runs if own["branch"] == repo.branch.name)
        repo.stateward("rollback", run, *place, "--target", repo.branch.url)

    def told(self, plan: Any) -> set[tuple[str, str]]:
        return {
            (own["action"], own["hfid"][0].removesuffix(f"-{self.mark}")) for own in plan["changes"]
        }


def test_branches_are_nothing_to_each_other(tmp_path: Path, east: Branch, west: Branch) -> None:
    both = Both(tmp_path, east, west)
    both.declare(kept="a", changed="a", gone="a")
    for repo in (both.east, both.west):
        assert repo.asked("apply")["writes"] > 0
        assert repo.asked("apply")["writes"] == 0
    east_before, west_before = both.state(both.east), both.state(both.west)
    assert len(west_before) == 4
    ids = [{own["node"]["id"] for own in state} for state in (east_before, west_before)]
    assert not ids[0] & ids[1]

    both.declare(kept="a", changed="b", new="a")
    changes = {("update", "changed"), ("delete", "gone"), ("create", "new")}
    assert both.told(both.east.asked("plan")) == changes
    both.east.asked("apply")
    assert both.east.asked("apply")["writes"] == 0
    assert both.state(both.west) == west_before

    assert both.told(both.west.asked("plan")) == changes
    east_after = both.state(both.east)
    both.west.asked("apply")
    assert both.west.asked("apply")["writes"] == 0
    assert both.state(both.east) == east_after

    west_after = both.state(both.west)
    both.take_back(both.east)
    assert both.told(both.east.asked("plan")) == set()
    assert both.state(both.west) == west_after
    assert both.west.asked("plan")["units"]["tags"]["state"] == "ready"
    names = {own["node"]["display_label"].split("-")[0] for own in both.state(both.east)}
    assert names >= {"kept", "changed", "gone"}
    assert "new" not in names

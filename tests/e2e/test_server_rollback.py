"""A round on a real server is taken back, and the rollback is taken back, on a branch of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from branches import fresh
from live import Lab
from repositories import Repository
from stateward.cli import run

FIRST = """---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: CoreStandardGroup
  data: [{name: crew-MARK}]
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: BuiltinTag
  data:
    - {name: blue-MARK, description: sky, member_of_groups: [crew-MARK]}
    - {name: red-MARK, description: old}
"""
SECOND = """---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: CoreStandardGroup
  data: [{name: crew-MARK}]
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: BuiltinTag
  data:
    - {name: green-MARK}
    - {name: red-MARK, description: new, member_of_groups: [crew-MARK]}
"""

CREW, TAGS = FIRST.split("---\n")[1:]
"""The same in two directories, of which one refers to the other."""
MOVED = """---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: BuiltinTag
  data: [{name: red-MARK, description: new}]
"""


class Place:
    """A repository, and the branch of the server that it is applied to."""

    def __init__(
        self, directory: Path, target: str, captured: pytest.CaptureFixture[bytes]
    ) -> None:
        self.mark = uuid4().hex[:8]
        self.repo = Repository(directory / "repo")
        self._target = ("--target", target)
        self._captured = captured

    def commit(self, text: str) -> None:
        self.write("tags", text)
        self.repo.commit("tags")

    def write(self, unit: str, text: str) -> None:
        self.repo.write(f"{unit}/{unit}.yml", text.replace("MARK", self.mark).encode())

    def ask(self, *words: str, code: int = 0) -> Any:
        found = run([*words, *self._target, "--format", "json"])
        captured = self._captured.readouterr()
        assert found == code, (captured.out, captured.err)
        return json.loads(captured.out)

    def newest(self) -> str:
        assert run(["history", "--limit", "1", "--format", "json"]) == 0
        return str(json.loads(self._captured.readouterr().out)["runs"][0]["run"])

    def content(self, *units: str) -> list[Any]:
        """Return what units of ours hold, but for the ids: others have units of these names, too."""
        found = [
            own
            for unit in units or ("tags",)
            for own in self.ask("export", str(self.repo.path), "--unit", unit)["objects"]
        ]
        return [{**own, "id": None} for own in found if own["hfid"][0].endswith(self.mark)]


@pytest.fixture
def place(
    tmp_path: Path,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Place]:
    with fresh(lab, "rollback") as branch:
        own = Place(tmp_path, branch.url, capsysbinary)
        monkeypatch.chdir(own.repo.path)
        monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
        monkeypatch.setenv("STATEWARD_INSTANCE", own.mark)
        monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
        yield own


@pytest.mark.long
@pytest.mark.timeout(600)
def test_round_trip(place: Place) -> None:
    place.commit(FIRST)
    place.ask("apply")
    before = place.content()
    place.commit(SECOND)
    place.ask("apply")
    after = place.content()
    assert after != before
    report = place.ask("rollback", place.newest())
    assert report["problems"] == []
    assert place.content() == before
    held = place.ask("plan", str(place.repo.path))
    assert (held["units"]["tags"]["state"], held["changes"]) == ("held", [])
    assert place.ask("rollback", place.newest())["problems"] == []
    assert place.content() == after
    assert place.ask("apply")["writes"] == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_commit_is_taken_back_over_its_units(place: Place) -> None:
    """A directory goes, what referred to it goes, and another tag moves, in one commit."""
    place.write("crew", CREW)
    place.write("tags", TAGS)
    place.repo.write("crew/.stateward.yaml", b"limits: {protectedKinds: []}\n")
    place.repo.commit("two directories")
    place.ask("apply")
    before = place.content("crew", "tags")
    assert len(before) == 3
    (place.repo.path / "crew" / "crew.yml").unlink()
    (place.repo.path / "tags" / "tags.yml").unlink()
    place.write("others", MOVED)
    commit = place.repo.commit("all of it goes")
    place.ask("apply", "--allow-deletes", "10")
    assert [own["hfid"] for own in place.content("others")] == [[f"red-{place.mark}"]]

    dry = place.ask("rollback", "--commit", commit[:12], "--dry-run", code=0)
    report = place.ask("rollback", "--commit", commit[:12])
    assert (report["problems"], report["digest"]) == ([], dry["digest"])
    assert place.content("crew", "tags") == before
    held = place.ask("plan", str(place.repo.path))
    assert {own["state"] for own in held["units"].values()} == {"held"}
    assert held["changes"] == []

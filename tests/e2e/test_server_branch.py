"""Strategy branch: a round takes effect as a whole, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from branches import Branch, fresh
from live import Lab
from repositories import Repository
from stateward.cli import run

HEAD = "---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: BuiltinTag\n  data:\n"


class Tags:
    """A repository of tags that are nobody else's, and the server's main branch."""

    def __init__(self, directory: Path, lab: Lab) -> None:
        self.mark = uuid4().hex[:8]
        self.lab = lab
        self.main = Branch(lab, "main")
        self.repo = Repository(directory / "repo")
        self.repo.write("stateward.yaml", b"target: {strategy: branch}\n")

    def declare(self, *names: str) -> None:
        items = "".join(f"    - {{name: {name}-{self.mark}}}\n" for name in names)
        self.repo.write("tags/tags.yml", (HEAD + items).encode())
        self.repo.commit(" ".join(names))

    def there(self) -> set[str]:
        return {name.removesuffix(f"-{self.mark}") for name in self.nodes().values()}

    def nodes(self) -> dict[str, str]:
        """Return the names of our tags that are on the main branch, by id."""
        found = self.main.find("BuiltinTag", "name { value }")
        names = {node["id"]: node["name"]["value"] for node in found}
        return {node: name for node, name in names.items() if name.endswith(self.mark)}

    def branches(self) -> set[str]:
        return {own["name"] for own in self.main.ask("{ Branch { name } }")["Branch"]}

    def apply(self, capsysbinary: pytest.CaptureFixture[bytes], *more: str) -> tuple[int, Any]:
        asked = ["apply", str(self.repo.path), "--target", self.lab.address, "--format", "json"]
        code = run([*asked, "--allow-deletes", "100", *more])
        captured = capsysbinary.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err.decode()


@pytest.fixture
def tags(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tags]:
    own = Tags(tmp_path, lab)
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    monkeypatch.setenv("STATEWARD_INSTANCE", own.mark)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    yield own
    for node in own.nodes():
        own.main.ask(f'mutation {{ BuiltinTagDelete(data: {{id: "{node}"}}) {{ ok }} }}')
    own.main.close()


@pytest.mark.timeout(600)
def test_round_is_merged_as_a_whole_or_thrown_away(
    tags: Tags, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    tags.declare("blue", "red")
    code, report = tags.apply(capsysbinary)
    assert code == 0, [own.get("error") for own in report["runs"]]
    assert report["merge"]["branch"] == "stateward-round"
    assert report["merge"]["added"] >= 2
    assert tags.there() == {"blue", "red"}
    assert "stateward-round" not in tags.branches()
    code, report = tags.apply(capsysbinary)
    assert (code, report["writes"]) == (0, 0)
    assert "merge" not in report

    tags.declare("blue", "green", "x" * 5000)
    code, report = tags.apply(capsysbinary)
    assert code == 1
    assert "merge" not in report
    assert tags.there() == {"blue", "red"}
    assert "stateward-round" not in tags.branches()


def test_only_the_default_branch_can_be_branched_off(
    tags: Tags, lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    with fresh(lab, "strategy") as branch:
        tags.declare("blue")
        code, said = tags.apply(capsysbinary, "--target", branch.url)
    assert code == 1
    assert "strategy: direct" in said

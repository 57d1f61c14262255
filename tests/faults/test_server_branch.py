"""Strategy branch: a round takes effect as a whole, or not at all."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import mishaps
import pytest
import yaml
from cases import objects
from fault_proxy import Exchange, Fault, FaultProxy, pass_on

from branches import NO_TASKS, Branch, fresh
from live import Lab
from repositories import Repository
from stateward.cli import run
from stateward.targets.infrahub.aside import prefix_of

_TRIES, _PAUSE = 6, 5.0
"""Seconds."""


class AsideProxy(FaultProxy):
    """Goes wrong once at what is asked about a branch, from BranchCreate to BranchDelete."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.due: dict[bytes, Fault] = {}

    def fault_of(self, exchange: Exchange) -> Fault:
        met = [word for word in self.due if word in exchange.body]
        return self.due.pop(met[0]) if met else pass_on


class Tags:
    """A repository of tags that are nobody else's, and the server's main branch."""

    def __init__(
        self, directory: Path, lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        self.mark = uuid4().hex[:8]
        self.aside = prefix_of(self.mark)
        self.lab = lab
        self.main = Branch(lab, "main")
        self.repo = Repository(directory / "repo")
        self.repo.write("stateward.yaml", b"target: {strategy: branch}\n")
        self.proxy = AsideProxy(lab.address)
        self._capsysbinary = capsysbinary

    def declare(self, *names: str, description: str = "") -> None:
        items = [f"{{name: {name}-{self.mark}, description: '{description}'}}" for name in names]
        self.repo.write("tags/tags.yml", objects("BuiltinTag", *items))
        self.repo.commit(" ".join(names))

    def there(self) -> list[str]:
        return sorted(name.removesuffix(f"-{self.mark}") for name in self.nodes().values())

    def nodes(self) -> dict[str, str]:
        """Return the names of our tags that are on the main branch, by id."""
        found = self.main.find("BuiltinTag", "name { value }")
        names = {node["id"]: node["name"]["value"] for node in found}
        return {node: name for node, name in names.items() if name.endswith(self.mark)}

    def descriptions(self) -> set[str]:
        found = self.main.find("BuiltinTag", "description { value }", ids=list(self.nodes()))
        return {node["description"]["value"] for node in found}

    def is_aside(self) -> bool:
        """Tell whether there is a branch of a round."""
        branches = self.main.ask("{ Branch { name } }")["Branch"]
        return any(own["name"].startswith(self.aside) for own in branches)

    def apply(self, target: str = "") -> tuple[int, Any]:
        """Run a round; another one, where the server's tasks were not to be had in the first."""
        for _ in range(_TRIES):
            code, report = self._apply(target)
            if NO_TASKS not in str(report):
                break
            time.sleep(_PAUSE)
        return code, report

    def _apply(self, target: str) -> tuple[int, Any]:
        address = target or self.proxy.url
        asked = ["apply", str(self.repo.path), "--target", address, "--format", "json"]
        code = run([*asked, "--allow-deletes", "100"])
        captured = self._capsysbinary.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err.decode()

    def refuse(self, name: str) -> None:
        """Have somebody take a name on the next round's branch, before anything is written there."""

        def take(exchange: Exchange) -> None:
            reply = exchange.ask()
            there = Branch(self.lab, json.loads(exchange.body)["variables"]["n"])
            there.make("BuiltinTag", name=f"{name}-{self.mark}")
            there.close()
            exchange.answer(reply)

        self.proxy.due[b"BranchCreate"] = take

    def settled(self) -> bool:
        """Tell whether a round has nothing to do, and no branch is left of an earlier one."""
        code, report = self.apply()
        assert code == 0, report
        return (report["writes"], self.is_aside()) == (0, False)


@pytest.fixture
def tags(
    tmp_path: Path,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Tags]:
    own = Tags(tmp_path, lab, capsysbinary)
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    monkeypatch.setenv("STATEWARD_INSTANCE", own.mark)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    with own.proxy:
        yield own
    for node in own.nodes():
        own.main.ask(f'mutation {{ BuiltinTagDelete(data: {{id: "{node}"}}) {{ ok }} }}')
    own.main.close()


def errors(report: Any) -> str:
    return " ".join(own.get("error", "") for own in report["runs"])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_round_is_merged_as_a_whole_or_thrown_away(tags: Tags) -> None:
    tags.declare("blue", "red")
    code, report = tags.apply()
    assert code == 0, errors(report)
    assert report["merge"]["branch"].startswith(tags.aside)
    assert report["merge"]["added"] >= 2
    assert tags.there() == ["blue", "red"]
    assert not tags.is_aside()
    code, report = tags.apply()
    assert (code, report["writes"]) == (0, 0)
    assert "merge" not in report

    tags.declare("blue", "green", "pink")
    tags.refuse("pink")
    code, report = tags.apply()
    assert code == 1
    assert "pink" in errors(report)
    assert "merge" not in report
    assert tags.there() == ["blue", "red"]
    assert not tags.is_aside()

    tags.declare("blue", "green")
    code, report = tags.apply()
    assert code == 0, errors(report)
    assert report["merge"]["removed"] >= 1
    assert tags.there() == ["blue", "green"]
    assert tags.settled()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_somebody_changed_meanwhile_is_not_merged_over(tags: Tags) -> None:
    tags.declare("blue", description="old")
    code, report = tags.apply()
    assert code == 0, errors(report)
    (node,) = tags.nodes()

    def edit(exchange: Exchange) -> None:
        tags.main.edit("BuiltinTag", node, description="by hand")
        pass_on(exchange)

    tags.declare("blue", description="new")
    tags.proxy.due[b"DiffUpdate"] = edit
    code, report = tags.apply()
    assert code == 1
    assert "SW3005" in errors(report)
    assert "somebody else has changed" in errors(report)
    assert tags.descriptions() == {"by hand"}
    assert not tags.is_aside()
    code, report = tags.apply()
    assert code == 0, errors(report)
    assert tags.descriptions() == {"new"}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (b"BranchCreate", mishaps.lose_the_answer),
        (b"DiffUpdate", mishaps.unavailable),
        (b"BranchMerge", mishaps.refuse),
        (b"BranchMerge", mishaps.leave_at_once),
    ],
)
def test_what_goes_wrong_on_the_way_is_made_up_for(tags: Tags, what: bytes, fault: Fault) -> None:
    tags.declare("blue")
    tags.proxy.due[what] = fault
    code, report = tags.apply()
    assert code in {0, 1}, report
    assert not tags.proxy.due, "nothing went wrong"
    assert tags.there() == (["blue"] if code == 0 else [])
    assert not tags.is_aside()
    code, report = tags.apply()
    assert code == 0, errors(report)
    assert tags.there() == ["blue"]
    assert tags.settled()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", [b"BranchMerge", b"BranchDelete"])
def test_round_that_took_effect_is_no_failure_whatever_was_lost(tags: Tags, what: bytes) -> None:
    tags.declare("blue")
    tags.proxy.due[what] = mishaps.lose_the_answer
    code, report = tags.apply()
    assert code == 0, errors(report)
    assert report["merge"]["branch"].startswith(tags.aside)
    assert tags.there() == ["blue"]
    assert tags.settled()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("merging", [False, True])
def test_what_a_killed_process_left_is_thrown_away_before_anything_is_looked_at(
    tags: Tags, merging: bool
) -> None:
    name = f"{tags.aside}left"
    tags.main.ask(
        "mutation($n: String!) { BranchCreate(data: {name: $n, sync_with_git: false}) { ok } }",
        n=name,
    )
    left = Branch(tags.lab, name)
    left.make("BuiltinTag", name=f"blue-{tags.mark}")
    left.make("BuiltinTag", name=f"stray-{tags.mark}")
    left.close()
    if merging:
        text = "mutation($n: String!) { BranchMerge(data: {name: $n}, wait_until_completion: false) { ok } }"
        tags.main.ask(text, n=name)
    tags.declare("blue", "red")
    code, report = tags.apply()
    assert code == 0, errors(report)
    there = tags.there()
    assert there in [["blue", "red"], *([["blue", "red", "stray"]] if merging else [])]
    assert tags.settled()
    assert tags.there() == there


SCHEMA = """
version: "1.0"
nodes:
  - namespace: Aside
    name: NAME
    STATE
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
"""


@pytest.mark.long  # the schema of the default branch changes under whoever works there
@pytest.mark.timeout(600)
def test_schema_of_the_same_commit_is_merged_with_what_it_is_for(tags: Tags) -> None:
    name = f"Thing{tags.mark}"
    text = SCHEMA.replace("NAME", name)
    kind = f"Aside{name}"
    tags.repo.write("schemas/aside.yml", text.replace("STATE", "icon: mdi:cube").encode())
    tags.repo.write(".infrahub.yml", b"schemas: [schemas/aside.yml]\n")
    tags.repo.write("things/things.yml", objects(kind, "{name: one}"))
    tags.declare("blue")
    tags.refuse("blue")
    try:
        code, report = tags.apply()
        assert code == 1
        assert "merge" not in report
        assert kind not in {own["kind"] for own in tags.main.schema()["nodes"]}

        code, report = tags.apply()
        assert code == 0, errors(report)
        assert tags.there() == ["blue"]
        assert len(tags.main.find(kind)) == 1
        assert tags.settled()
    finally:
        for node in tags.main.find(kind):
            tags.main.ask(f'mutation {{ {kind}Delete(data: {{id: "{node["id"]}"}}) {{ ok }} }}')
        tags.main.load_schema(yaml.safe_load(text.replace("STATE", "state: absent")))


def test_only_the_default_branch_can_be_branched_off(tags: Tags, lab: Lab) -> None:
    with fresh(lab, "strategy") as branch:
        tags.declare("blue")
        code, said = tags.apply(branch.url)
    assert code == 1
    assert "strategy: direct" in said

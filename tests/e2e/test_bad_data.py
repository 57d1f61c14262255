"""Real mistakes out of real histories: each is found, at its line and column.

The mistakes and their places are listed in ``data/bad/expected.tsv``. Each is put into the tree in
which it was made, or one in which it shows, and that is validated without a target.
"""

import asyncio
import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repositories import git
from stateward import wiring
from stateward.cli import run
from stateward.desired.load import load
from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.state import Desired
from stateward.wiring import Invocation

CODES = {
    "yaml": Code.YAML,
    "duplicate-key": Code.DUPLICATE_KEY,
    "schema": Code.SCHEMA,
    "generic-kind": Code.GENERIC_KIND,
    "relationship-form": Code.RELATIONSHIP_FORM,
    "unresolved": Code.UNRESOLVED,
    "unknown-kind": Code.UNKNOWN_KIND,
    "mandatory": Code.MANDATORY,
    "enum": Code.ENUM,
    "unknown-field": Code.UNKNOWN_FIELD,
    "owned-twice": Code.OWNED_TWICE,
    "unique": Code.UNIQUE,
    "stray-key": Code.STRAY_KEY,
}
"""Our codes for the table's words. One word is ours in one case only:"""
WAITING = "20-reference-to-server-made-object.yml"
"""What only the server can make is no error: the object waits for it."""
MERGED = "24-same-identity-twice-in-one-file.yml"
"""No mistake at all: both parts of an object have to survive."""
WARNINGS = {Code.STRAY_KEY, Code.WAITING}

INSTEAD_OF = {
    "04-relationship-name-too-short.yml": "service_l3vpn.yml",
    "05-display-label-of-missing-attribute.yml": "topology.yml",
    "25-mandatory-attribute-missing.yml": "fabric.yml",
}
"""Files that are put in the place of the one they were taken from, under its name."""
WITHOUT = {
    "10-mapping-without-data.yml": ["60_backbone.yml"],
    "11-reference-by-label.yml": ["60_backbone.yml"],
    "14-dangling-tag.yml": ["12a_fabric_c_evpn.yml"],
    "15-dangling-vlan.yml": ["14a_services_l3ls_multi_domain.yml"],
    "16-dangling-vlan-in-list.yml": ["07a_server_templates_l3ls_multi_domain.yml"],
    "20-reference-to-server-made-object.yml": ["00_triggers.yml"],
    "21-owned-twice": ["20_asns.yml", "70_topology.yml"],
    "22-unique-value-twice": ["80_l3vpn.yml"],
}
"""Files that declare the same as the mistaken one, and would be named in its stead."""

_TABLE = Path(__file__).parents[3] / "shared" / "data" / "bad" / "expected.tsv"


@dataclass(frozen=True)
class Mistake:
    """One line of the table."""

    file: str
    apply_to: str
    line: str
    column: str
    code: str
    what: str

    @property
    def case(self) -> str:
        """The file, or the directory of files that are mistaken together."""
        return self.file.split("/")[0]

    @property
    def path(self) -> str:
        """Where the file is put."""
        directory = "schemas" if self.apply_to == "-" else self.apply_to.split(":")[1]
        name = INSTEAD_OF.get(self.case, self.file.split("/")[-1])
        return name if directory == "." else f"{directory}/{name}"


def _mistakes() -> list[Mistake]:
    if not _TABLE.is_file():
        return []
    with _TABLE.open() as table:
        return [Mistake(*row.values()) for row in csv.DictReader(table, delimiter="\t")]


MISTAKES = _mistakes()
Tree = Callable[[str], Path]


@pytest.fixture(scope="module")
def tree(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a function that makes the repository of a case, once."""
    made: dict[str, Path] = {}

    def make(case: str) -> Path:
        if case not in made:
            made[case] = tmp_path_factory.mktemp(case)
            _make(shared_data, case, made[case])
        return made[case]

    return make


def _make(data: Path, case: str, place: Path) -> None:
    mistakes = [own for own in MISTAKES if own.case == case]
    origin = mistakes[0].apply_to.split(":")[0]
    if origin == "-":
        git("init", "-q", "-b", "main", str(place))
    else:
        bundle, commit = origin.split("@")
        git("clone", "-q", "-b", "main", str(data / f"{bundle}.bundle"), str(place))
        if commit != "HEAD":
            history = git("-C", str(place), "rev-list", "--reverse", "main").decode().split()
            git("-C", str(place), "reset", "-q", "--hard", history[int(commit) - 1])
    for own in mistakes:
        path = place / own.path
        path.parent.mkdir(parents=True, exist_ok=True)
        for name in WITHOUT.get(case, ()):
            (path.parent / name).unlink(missing_ok=True)
        shutil.copy(data / "bad" / own.file, path)
    git("-C", str(place), "add", "--all")
    git("-C", str(place), "commit", "-q", "--allow-empty", "-m", case)


def _validated(repository: Path, capture: pytest.CaptureFixture[bytes]) -> tuple[int, Any]:
    code = run(["validate", "--format", "json", str(repository)])
    return code, json.loads(capture.readouterr().out)


def test_the_table_is_known(shared_data: Path) -> None:
    assert len(MISTAKES) == 50, shared_data
    assert {own.code for own in MISTAKES} == {*CODES, "ok-merge"}
    assert set(WITHOUT) | set(INSTEAD_OF) | {WAITING, MERGED} <= {own.case for own in MISTAKES}


@pytest.mark.parametrize(
    "mistake",
    [own for own in MISTAKES if own.file != MERGED],
    ids=lambda own: f"{own.file}:{own.line}:{own.column}",
)
def test_the_mistake_is_found_at_its_place(
    mistake: Mistake, tree: Tree, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code = Code.WAITING if mistake.file == WAITING else CODES[mistake.code]
    exit_code, answer = _validated(tree(mistake.case), capsysbinary)
    found = [
        (own["name"], own["severity"])
        for own in answer["problems"]
        if (own["file"], own["line"], own["column"])
        == (mistake.path, int(mistake.line), int(mistake.column))
    ]
    assert (code.slug, "warning" if code in WARNINGS else "error") in found, mistake.what
    assert exit_code == (any(own["severity"] == "error" for own in answer["problems"]))


def test_parts_of_one_object_are_no_mistake(
    tree: Tree, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    repository = tree(MERGED)
    exit_code, answer = _validated(repository, capsysbinary)
    path = next(own.path for own in MISTAKES if own.file == MERGED)
    assert exit_code == 0
    assert not [own for own in answer["problems"] if own["file"] == path]
    objects = asyncio.run(_desired(repository)).units["manual_objects"].objects
    port = objects[ObjectKey("InterfacePhysical", ("leaf-infrahub-dc1-1-1", "Ethernet5"))]
    link = ObjectKey("NetworkLink", ("Fabric-L3LS-Multi-Domain-DCI-1",))
    assert port.attributes["role"] == "peering"
    assert port.relations["connector"] == link
    assert len(port.parts) > 1


async def _desired(repository: Path) -> Desired:
    wired = wiring.wire(Invocation(repo=str(repository)), offline=True)
    loaded, schema, _ = await wired.round.load(None)
    assert schema is not None
    return load(loaded.units, schema)

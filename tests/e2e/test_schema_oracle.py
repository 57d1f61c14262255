"""Schemas of real repositories, against what a real server made of them."""

import csv
import gzip
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stateward.desired.documents import parse
from stateward.errors import Severity
from stateward.model.document import Document
from stateward.model.schema import Schema
from stateward.schema.api import from_api
from stateward.schema.files import core_schema, load

BUNDLES = ("demo-sp", "arista-avd", "service-catalog")
PARTS = {"nodes", "generics", "extensions"}


class History:
    """A bundle, with the schema documents of each of its commits."""

    def __init__(self, bundle: Path, target: Path) -> None:
        self.path = target
        clone = ["git", "clone", "--quiet", "--bare", "-b", "main", str(bundle), str(target)]
        subprocess.run(clone, check=True, capture_output=True)
        self.commits = self.git("rev-list", "--reverse", "main").decode().split()
        self._parsed: dict[tuple[str, str], tuple[Document, ...]] = {}

    def git(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def blobs(self, commit: str) -> dict[str, str]:
        lines = self.git("ls-tree", "-r", commit).decode().splitlines()
        return {line.split("\t")[1]: line.split()[2] for line in lines}

    def schema_blobs(self, commit: str) -> dict[str, str]:
        """Return the files that ``.infrahub.yml`` lists as schemas, or all YAML files."""
        blobs = self.blobs(commit)
        listed: list[str] = []
        if ".infrahub.yml" in blobs:
            settings = yaml.safe_load(self.git("cat-file", "blob", blobs[".infrahub.yml"]))
            listed = (settings or {}).get("schemas") or []
        folders = tuple(f"{item.rstrip('/')}/" for item in listed)
        return {
            path: blob
            for path, blob in blobs.items()
            if path.endswith((".yml", ".yaml")) and (not listed or path.startswith(folders))
        }

    def documents(self, blobs: Iterable[tuple[str, str]]) -> list[Document]:
        return [document for path, blob in blobs for document in self._documents(path, blob)]

    def _documents(self, path: str, blob: str) -> tuple[Document, ...]:
        if (path, blob) not in self._parsed:
            found, _ = parse(path, self.git("cat-file", "blob", blob))
            self._parsed[path, blob] = tuple(filter(is_schema, found))
        return self._parsed[path, blob]


def is_schema(document: Document) -> bool:
    root = document.root
    return isinstance(root, dict) and "version" in root and bool(PARTS & root.keys())


def files(folder: Path, *parts: str) -> Iterator[Document]:
    for part in parts:
        for path in sorted((folder / part).rglob("*.y*ml")):
            yield from parse(str(path.relative_to(folder)), path.read_bytes())[0]


def processed(shared_data: Path, name: str) -> Schema:
    with gzip.open(shared_data / f"{name}.schema.json.gz") as file:
        return from_api(json.load(file))


def checked(documents: Iterable[Document]) -> Schema:
    found, problems = load(documents)
    assert [str(problem) for problem in problems] == []
    assert found is not None
    return found


@pytest.fixture(scope="session", params=BUNDLES)
def history(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> History:
    target = tmp_path_factory.mktemp("bundles") / request.param
    return History(shared_data / f"{request.param}.bundle", target)


def test_schema_at_head_is_what_the_server_made_of_it(history: History, shared_data: Path) -> None:
    documents = history.documents(history.schema_blobs("main").items())
    found, expected = checked(documents), processed(shared_data, history.path.name)
    assert found.kinds == expected.kinds
    assert found.hash == expected.hash


def test_schema_library_is_what_the_server_made_of_it(shared_data: Path) -> None:
    found = checked(files(shared_data / "schema-library", "base", "extensions"))
    assert found == processed(shared_data, "schema-library")


def test_schema_loads_where_it_loads_on_the_server(history: History, shared_data: Path) -> None:
    verdicts = (shared_data / f"{history.path.name}.tsv").read_text().splitlines()
    expected = [row["schema_loads"] == "yes" for row in csv.DictReader(verdicts, delimiter="\t")]
    known: dict[tuple[tuple[str, str], ...], bool] = {}
    found = []
    for commit in history.commits:
        blobs = tuple(history.schema_blobs(commit).items())
        if blobs not in known:
            known[blobs] = load(history.documents(blobs))[0] is not None
        found.append(known[blobs])
    assert found == expected


@pytest.mark.parametrize("name", ["04", "05", "06", "07"])
def test_real_mistake_is_found_at_its_place(name: str, shared_data: Path, tmp_path: Path) -> None:
    lines = (shared_data / "bad" / "expected.tsv").read_text().splitlines()
    rows = csv.DictReader(lines, delimiter="\t")
    expected = next(row for row in rows if row["file"].startswith(name))
    file = expected["file"]
    bad = parse(file, (shared_data / "bad" / file).read_bytes())[0]
    around: list[Document] = []
    if expected["apply_to"] != "-":
        history = History(shared_data / "demo-sp.bundle", tmp_path / "demo-sp")
        blobs = history.schema_blobs(history.commits[0])
        same = history.git("hash-object", str(shared_data / "bad" / file)).decode().strip()
        around = history.documents(item for item in blobs.items() if item[1] != same)
    _, problems = load([*around, *bad])
    errors = {
        (problem.location.file, problem.location.line, problem.location.column): problem.code.slug
        for problem in problems
        if problem.location and problem.severity is Severity.ERROR
    }
    place = (file, int(expected["line"]), int(expected["column"]))
    assert errors.get(place) == expected["code"]


def test_core_kinds_are_those_of_an_empty_server(shared_data: Path) -> None:
    payload: dict[str, Any] = json.loads((shared_data / "core-schema.json").read_bytes())
    for kind in [*payload["nodes"], *payload["generics"]]:
        # What is internal to the server is not in what it answers.
        shown = [item for item in kind["relationships"] if not item["peer"].startswith("Internal")]
        kind["relationships"] = shown
    expected = from_api(payload).kinds
    found = core_schema().kinds
    assert {name: found.get(name) for name in expected} == expected
    assert {name for name in found if name not in expected} == {
        "ProfileBuiltinIPAddress",
        "ProfileBuiltinIPPrefix",
        "ProfileBuiltinTag",
        "ProfileIpamNamespace",
    }

"""Drift on a real server: it tells who, and parts of JSON values stay whose they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Repo

from accounts import account
from branches import Branch, fresh
from live import Lab
from repositories import Repository

SCHEMA = """
version: "1.0"
nodes:
  - namespace: Drifting
    name: Device
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
      - {name: settings, kind: JSON, optional: true}
"""
OBJECTS = """
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: DriftingDevice
  data: [{{name: {name}, note: ours, settings: {{mtu: 9000, seen: 1}}}}]
"""
UPDATE = "mutation($d: DriftingDeviceUpdateInput!) { DriftingDeviceUpdate(data: $d) { ok } }"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "drift") as own:
        yield own


@pytest.fixture
def repo(request: pytest.FixtureRequest, branch: Branch, tmp_path: Path) -> Repo:
    name = request.node.name.removeprefix("test_").replace("_", "-")
    files = Repository(tmp_path / "repo")
    files.write("schemas/device.yml", SCHEMA.encode())
    files.write("objects/all.yml", OBJECTS.format(name=name).encode())
    ignore = b"ignore: [{kind: DriftingDevice, fields: ['settings#/seen']}]\n"
    files.write("objects/.stateward.yaml", ignore)
    files.commit("what is wanted")
    found = Repo(files.path, tmp_path, branch)
    found.environment["STATEWARD_INSTANCE"] = name
    found.asked("apply")
    return found


def device(repo: Repo) -> Any:
    name = repo.environment["STATEWARD_INSTANCE"]
    selection = "note { value } settings { value }"
    (found,) = repo.branch.find("DriftingDevice", selection, name__value=name)
    return found


def meddle(repo: Repo, **fields: Any) -> None:
    """Have somebody else change fields of the device."""
    data = {"id": device(repo)["id"], **{name: {"value": own} for name, own in fields.items()}}
    with account(repo.branch.lab, {"*": "any"}, "edit_default_branch") as token:
        answer = httpx.post(
            f"{repo.branch.lab.address}/graphql/{repo.branch.name}",
            headers={"X-INFRAHUB-KEY": token},
            json={"query": UPDATE, "variables": {"d": data}},
            timeout=120,
        ).json()
    assert answer == {"data": {"DriftingDeviceUpdate": {"ok": True}}}


def drift(repo: Repo) -> Any:
    answer = repo.stateward(
        *("drift", "--repo", str(repo.path), "--target", repo.branch.url, "--format", "json")
    )
    (source,) = json.loads(answer)["sources"]
    return source["units"]["objects"]


def test_it_tells_who_changed_what(repo: Repo) -> None:
    assert drift(repo)["differences"] == []
    meddle(repo, note="theirs")
    (own,) = drift(repo)["differences"]
    assert own["fields"] == [
        {"name": "note", "old": "theirs", "new": "ours", "parts": [], "cut": False}
    ]
    assert own["by"]["name"]
    assert own["by"]["at"]


def test_parts_of_others_stay(repo: Repo) -> None:
    meddle(repo, settings={"mtu": 9000, "seen": 2})
    assert drift(repo)["differences"] == []
    meddle(repo, settings={"mtu": 1500, "seen": 3, "more": True})
    (own,) = drift(repo)["differences"]
    assert own["fields"][0]["parts"] == ["/more", "/mtu"]
    repo.asked("apply")
    assert device(repo)["settings"]["value"] == {"mtu": 9000, "seen": 3}
    assert repo.asked("apply")["writes"] == 0

"""What an object has of others, on a real server: profiles, templates, what the server computes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving import Repo

from branches import Branch, fresh
from live import Lab
from repositories import Repository

SCHEMA = """
version: "1.0"
nodes:
  - namespace: Given
    name: Device
    human_friendly_id: [name__value]
    generate_template: true
    generate_profile: true
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
      - {name: role, kind: Text, optional: true, default_value: leaf}
      - {name: made, kind: Text, optional: true, read_only: true}
      - name: title
        kind: Text
        read_only: true
        optional: true
        computed_attribute: {kind: Jinja2, jinja2_template: "{{ name__value }} ({{ role__value }})"}
    relationships:
      - {name: interfaces, peer: GivenInterface, cardinality: many, kind: Component, identifier: given_device__interfaces}
  - namespace: Given
    name: Interface
    human_friendly_id: [device__name__value, name__value]
    uniqueness_constraints: [[device, name__value]]
    attributes:
      - {name: name, kind: Text}
      - {name: note, kind: Text, optional: true}
    relationships:
      - {name: device, peer: GivenDevice, cardinality: one, optional: false, kind: Parent, identifier: given_device__interfaces}
"""
PROFILE = """
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: ProfileGivenDevice
  data: [{profile_name: NAME, note: by profile}]
"""
TEMPLATE = """
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: TemplateGivenDevice
  data:
    - template_name: NAME
      note: by template
      interfaces:
        kind: TemplateGivenInterface
        data: [{template_name: NAME, name: eth0, note: by template}]
"""
DEVICES = """
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: GivenDevice
  data:
"""
NOTE = "note { value is_from_profile }"
FIELDS = (
    f"{NOTE} title {{ value }} interfaces {{ edges {{ node {{ id name {{ value }} {NOTE} }} }} }}"
)
PATIENCE = 120.0

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "given") as own:
        own.load_schema(*yaml.safe_load_all(SCHEMA))
        yield own


class Given(Repo):
    """A repository of devices, and what the server holds of them."""

    def __init__(self, name: str, directory: Path, branch: Branch) -> None:
        self.name = name
        self.files = Repository(directory / "repo")
        self.files.write("schemas/given.yml", SCHEMA.encode())
        super().__init__(self.files.path, directory, branch)
        self.environment["STATEWARD_INSTANCE"] = name

    def declare(self, before: str, *devices: str) -> None:
        """Commit devices, each as the lines of its item; ``NAME`` is what is ours is called by."""
        items = "".join(f"    - {own}\n" for own in devices)
        text = before + DEVICES + items
        self.files.write("objects/all.yml", text.replace("NAME", self.name).encode())
        self.files.commit("another wish")

    def applied(self) -> int:
        """Apply, and return how many mutations were sent."""
        report = self.asked("apply")
        assert not report["problems"], report
        return int(report["writes"])

    def is_as_declared(self) -> bool:
        return self.asked("plan")["changes"] == [] and self.applied() == 0

    def device(self, name: str) -> Any:
        (found,) = self.branch.find("GivenDevice", FIELDS, name__value=f"{self.name}-{name}")
        return found

    def note(self, name: str) -> tuple[str | None, bool]:
        found = self.device(name)["note"]
        return found["value"], found["is_from_profile"]

    def ports(self, name: str) -> dict[str, str | None]:
        found = (edge["node"] for edge in self.device(name)["interfaces"]["edges"])
        return {own["name"]["value"]: own["note"]["value"] for own in found}


@pytest.fixture
def given(request: pytest.FixtureRequest, branch: Branch, tmp_path: Path) -> Given:
    name = request.node.name.removeprefix("test_").replace("_", "-")
    return Given(name, tmp_path, branch)


def wait(until: Callable[[], bool]) -> None:
    """Wait for what the server does by itself, in its own time."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.long
def test_values_of_a_profile(given: Given) -> None:
    plain = "{name: NAME-plain, profiles: [NAME]}"
    given.declare(PROFILE, plain, "{name: NAME-own, profiles: [NAME], note: ours}")
    given.applied()
    wait(lambda: given.note("plain") == ("by profile", True))
    assert given.note("own") == ("ours", False)
    assert given.is_as_declared()

    given.declare(
        PROFILE,
        "{name: NAME-plain, profiles: [NAME], note: ours}",
        "{name: NAME-own, profiles: [NAME]}",
    )
    changes = {own["hfid"][0]: own["fields"] for own in given.asked("plan")["changes"]}
    assert changes[f"{given.name}-plain"] == [{"name": "note", "old": "by profile", "new": "ours"}]
    given.applied()
    assert given.note("plain") == ("ours", False)
    wait(lambda: given.note("own") == ("by profile", True))
    assert given.is_as_declared()
    assert given.note("plain") == ("ours", False)
    assert given.note("own") == ("by profile", True)


def test_what_a_template_makes(given: Given) -> None:
    """It stays beside what is declared; what is declared of it is ours from the first round on."""
    given.declare(
        TEMPLATE,
        "name: NAME-beside\n      object_template: NAME\n"
        "      interfaces: {kind: GivenInterface, data: [{name: eth1}]}",
    )
    given.applied()
    assert given.ports("beside") == {"eth0": "by template", "eth1": None}
    assert given.note("beside") == ("by template", False)
    assert given.is_as_declared()

    given.declare(
        TEMPLATE,
        "name: NAME-beside\n      object_template: NAME\n      note: ours",
        "name: NAME-same\n      object_template: NAME\n"
        "      interfaces: {kind: GivenInterface, data: [{name: eth0}]}",
        "name: NAME-other\n      object_template: NAME\n"
        "      interfaces: {kind: GivenInterface, data: [{name: eth0, note: ours}]}",
    )
    given.applied()
    assert given.is_as_declared()
    assert given.ports("beside") == {"eth0": "by template"}
    assert given.ports("same") == {"eth0": "by template"}
    assert given.ports("other") == {"eth0": "ours"}
    assert given.note("beside") == ("ours", False)

    given.declare(
        TEMPLATE,
        "name: NAME-beside\n      object_template: NAME\n      note: ours\n"
        "      interfaces: {kind: GivenInterface, data: [{name: eth0, note: later}]}",
        "name: NAME-same\n      object_template: NAME",
    )
    given.applied()
    assert given.is_as_declared()
    assert given.ports("beside") == {"eth0": "later"}
    assert given.ports("same") == {}


def test_what_the_server_computes(given: Given) -> None:
    given.declare("", "{name: NAME-titled, role: spine}")
    given.applied()
    title = f"{given.name}-titled"
    wait(lambda: given.device("titled")["title"]["value"] == f"{title} (spine)")
    assert given.is_as_declared()
    given.declare("", "{name: NAME-titled, role: leaf}")
    given.applied()
    wait(lambda: given.device("titled")["title"]["value"] == f"{title} (leaf)")
    assert given.is_as_declared()

    given.declare("", "name: NAME-titled\n      role: spine\n      title: mine\n      made: by me")
    report = given.asked("apply", code=1)
    lines = len(DEVICES.splitlines())
    assert [(own["code"], own["file"], own["line"]) for own in report["problems"]] == [
        ("SW1304", "objects/all.yml", lines + 3),
        ("SW1304", "objects/all.yml", lines + 4),
    ]
    assert report["writes"] == 0

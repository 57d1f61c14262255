"""How many requests rounds take on a real server: cost follows change, not size."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest
import yaml
from serving import Repo

from branches import Branch, fresh
from live import Lab
from repositories import Repository

SCHEMA = """
version: "1.0"
nodes:
  - namespace: Count
    name: Rack
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
  - namespace: Count
    name: Device
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
    relationships:
      - {name: rack, peer: CountRack, cardinality: one, optional: false, kind: Attribute, identifier: count__rack}
"""
AT_REST = 3
"""The schema's hash, the tracking groups, and what has changed in them."""
LOADING = 16
"""Apart from the objects: the schema and its hash, the groups, one search for each kind by name."""
BATCH = 50
READING = 6
"""The schema's hash, the groups by prefix and by name, their members, the objects, and no more."""


class Racks(Repo):
    """A repository with as many devices as asked for."""

    def __init__(self, name: str, count: int, directory: Path, branch: Branch) -> None:
        self.name, self.count = name, count
        self.files = Repository(directory / name)
        self.files.write("schemas/count.yml", SCHEMA.encode())
        self.declare(note="first")
        super().__init__(self.files.path, directory, branch)
        self.environment["STATEWARD_INSTANCE"] = name

    def declare(self, note: str) -> None:
        """Commit the devices; the last one bears a note of its own."""
        racks = [{"name": f"{self.name}-{n}"} for n in range(self.count // 10)]
        devices = [
            {"name": f"{self.name}-{n}", "note": "plain", "rack": f"{self.name}-{n // 10}"}
            for n in range(self.count)
        ]
        devices[-1]["note"] = note
        for kind, data in (("CountRack", racks), ("CountDevice", devices)):
            text = {
                "apiVersion": "infrahub.app/v1",
                "kind": "Object",
                "spec": {"kind": kind, "data": data},
            }
            self.files.write(f"objects/{kind}.yml", yaml.safe_dump(text).encode())
        self.files.commit(note)

    def rounds(self, *arguments: str) -> tuple[int, int]:
        """Reconcile once; return how many writes and requests that took."""
        report = self.asked("run", "--once", *arguments)
        return report["writes"], report["requests"]


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "requests") as own:
        yield own


@pytest.mark.timeout(600)
def test_requests_of_rounds(branch: Branch, tmp_path: Path) -> None:
    changed: dict[str, list[tuple[int, int]]] = {}
    for name, count in (("small", 10), ("large", 100)):
        racks = Racks(name, count, tmp_path, branch)
        objects = count + count // 10
        writes, requests = racks.rounds()
        # The group, which is made before and stamped afterwards; the schema, the first time, which
        # is waited for in as many requests as it takes.
        loads = name == "small"
        assert writes == objects + 2 + loads
        assert loads or requests <= LOADING + ceil(objects / BATCH)

        writes, requests = racks.rounds("--full")
        assert writes == 0
        assert requests <= READING
        assert racks.rounds() == (0, AT_REST)

        racks.declare(note="second")
        in_git = racks.rounds()
        racks.rounds()
        (last,) = branch.find("CountDevice", name__value=f"{name}-{count - 1}")
        branch.edit("CountDevice", last["id"], note="by hand")
        by_hand = racks.rounds()
        assert racks.rounds()[0] == 0
        assert racks.rounds() == (0, AT_REST)
        changed[name] = [in_git, by_hand]

    assert changed["small"] == changed["large"]
    (in_git, by_hand) = changed["large"]
    assert in_git[0] == by_hand[0] == 3  # the object, and its group before and after
    assert max(in_git[1], by_hand[1]) <= 12

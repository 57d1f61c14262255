"""Weeks of a daemon in minutes, on a real server: commits, hand edits, requests that go wrong, ends.

How long it goes on is ``STATEWARD_SOAK_SECONDS``, which of the histories ``STATEWARD_SOAK_SEED``.
What comes when is up to the server, too: a seed tells what is done, and not how far it has come.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cases import groups_of
from fault_proxy import Fault, FaultProxy, everything
from mishaps import FAULTS, too_large, weather

from branches import Branch, Node, fresh
from commands import Cli, asked
from fleet import Fleet
from live import Lab
from repositories import Repository
from soaking import NEEDS_PROC, Usage, approve, end_somehow
from tending import Process

SECONDS = float(os.environ.get("STATEWARD_SOAK_SECONDS", "180"))
SEED = int(os.environ.get("STATEWARD_SOAK_SEED", "1"))
UNITS = 15
RATES = (0.0, 0.05, 0.2)
"""How many of the requests are met by something, at times."""
LIGHT = [fault for fault in FAULTS if fault is not too_large]
"""What leaves memory as it was: 64 MiB that are thrown away leave half of it to the heap, or none."""
SETTLED = 300.0
"""Seconds that all may take to be as the last commit says, once nothing goes wrong any more."""
SCHEMA = """
version: "1.0"
nodes:
  - name: Device
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text}
      - {name: comment, kind: Text, optional: true}
    relationships:
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true, identifier: device__tags}
      - {name: interfaces, peer: NetInterface, cardinality: many, kind: Component, identifier: device__interfaces}
  - name: Interface
    namespace: Net
    human_friendly_id: [device__name__value, name__value]
    attributes:
      - {name: name, kind: Text}
    relationships:
      - {name: device, peer: NetDevice, cardinality: one, optional: false, kind: Parent, identifier: device__interfaces}
"""
"""The server has nothing against two devices of one name: what is made twice is there twice."""
CONFIGURATION = """
instance: {branch.name}
target:
  url: '{proxy.url}?branch={branch.name}'
  batch: 5
  timeout: 10
  writeTimeout: 20
defaults:
  drift: {{interval: 5s}}
  limits: {{deletes: 100000, percent: 100}}
sources:
  - name: default
    git: {{url: '{repo.path}', ref: main, interval: 5s}}
    limits: {{deletes: 100000, percent: 100}}
run: {{backoff: 1s, backoffCap: 5s, grace: 10s}}
"""
"""Less grace than a write may take: some rounds are cut short when the daemon is told to end."""
_DELETE = "mutation($n: String!) {{ {kind}Delete(data: {{id: $n}}) {{ ok }} }}"
_UPDATE = (
    "mutation($n: String!, $c: String!)"
    " { NetDeviceUpdate(data: {id: $n, comment: {value: $c}}) { ok } }"
)
_GONE = "Unable to find the node"
_GUEST = (
    "hfid name { value updated_at } comment { value updated_at } tags { edges { node { id } } }"
    " interfaces { edges { node { id hfid } } } member_of_groups { edges { node { id } } }"
)
_GROUPS = "hfid member_of_groups { edges { node { display_label } } }"


@dataclass
class Scene:
    """What a daemon follows and writes to, and others who write there, too."""

    place: Path
    cli: Cli
    fleet: Fleet
    proxy: FaultProxy
    branch: Branch
    """The daemon's target, behind its back."""
    random: Random
    guest: list[Node] = field(default_factory=list)
    """An object that is none of ours, as its owner left it."""
    faults: list[Fault] = field(default_factory=lambda: FAULTS)
    met: int = 0
    """How many requests something came in between of."""

    def receive(self) -> None:
        """Have a guest, with something below it and in a group of its own."""
        node = self.branch.make("NetDevice", name="guest", comment="hello")
        self.branch.make("NetInterface", name="p0", device={"id": node})
        self.branch.make("CoreStandardGroup", name="guests", members=[{"id": node}])
        self.guest = self.look_at_guest()

    def look_at_guest(self) -> list[Node]:
        return self.branch.find("NetDevice", _GUEST, name__value="guest")

    def meddle(self) -> None:
        """Have somebody change or delete something of ours, or something of their own."""
        fate = self.random.random()
        name = self.random.choice(self.fleet.devices())
        if fate < 0.2:
            self._do(_UPDATE, n=self.guest[0]["id"], c=f"guest {fate}")
            self.guest = self.look_at_guest()
            return
        found = self.branch.find(
            "NetDevice", "interfaces { edges { node { id } } }", name__value=name
        )
        if not found:
            return
        node, below = found[0]["id"], found[0]["interfaces"]["edges"]
        if fate < 0.6:
            self._do(_UPDATE, n=node, c="by hand")
        elif fate < 0.8 or not below:
            self._do(_DELETE.format(kind="NetDevice"), n=node)
        else:
            self._do(_DELETE.format(kind="NetInterface"), n=below[0]["node"]["id"])
        self.fleet.done.append(f"meddle with {name}")

    def _do(self, query: str, **variables: str) -> None:
        """Do something by hand, unless the daemon has deleted it meanwhile."""
        errors = self.branch.answer(query, **variables).get("errors") or []
        assert all(_GONE in own["message"] for own in errors), errors

    def go_on(self, own: Process, until: float) -> None:
        """Let things happen for a while."""
        while time.monotonic() < until:
            self._turn(self.random.choice(RATES))
            self.fleet.change()
            own.maybe("round", within=self.random.uniform(0.5, 4))
            if self.random.random() < 0.3:
                self.meddle()

    def clear_up(self) -> None:
        """Have nothing go wrong any more."""
        self._turn(0)

    def settle(self, own: Process) -> None:
        """Wait until all is as the last commit says."""
        wanted, deadline = self.wanted(), time.monotonic() + SETTLED
        while (now := self.observed()) != wanted:
            amiss = (
                [own for own in now if own not in wanted],
                [own for own in wanted if own not in now],
            )
            assert time.monotonic() < deadline, (amiss, self.cli("status"), self.history())
            approve(self.cli, self.fleet)
            own.maybe("round", within=2)

    def _turn(self, rate: float) -> None:
        self.met += self.proxy.met
        self.proxy.begin(weather(self.random, 5_000, rate, self.faults), everything)

    def wanted(self) -> list[Any]:
        """Return what is declared: each once, in the group of its unit."""
        found: list[Any] = [("BuiltinTag", ["all"], [self._group("tags")])]
        for unit, devices in self.fleet.units.items():
            held = [self._group(unit)]
            for name, said in devices.items():
                found.append(("NetDevice", [name], held, said, [["all"]]))
                found.append(("NetInterface", [name, "p0"], held))
        groups = [self._group(unit) for unit in ("tags", *self.fleet.units)]
        return sorted([*found, *(("CoreStandardGroup", [name]) for name in groups)])

    def observed(self) -> list[Any]:
        """Return what is there, but for the guest."""
        devices = self.branch.find(
            "NetDevice", f"{_GROUPS} comment {{ value }} tags {{ edges {{ node {{ hfid }} }} }}"
        )
        found: list[Any] = [
            (
                *_named("NetDevice", own),
                own["comment"]["value"],
                [edge["node"]["hfid"] for edge in own["tags"]["edges"]],
            )
            for own in devices
        ]
        interfaces = self.branch.find("NetInterface", _GROUPS)
        found += [_named("NetInterface", own) for own in interfaces]
        # The branch has the tags that others made on the server's own.
        tags = self.branch.find("BuiltinTag", _GROUPS, name__value="all")
        found += [_named("BuiltinTag", own) for own in tags]
        groups = self.branch.find("CoreStandardGroup", "name { value }")
        names = [own["name"]["value"] for own in groups]
        ours = [name for name in names if name.startswith(self._group(""))]
        found += [("CoreStandardGroup", [name]) for name in ours]
        return sorted(own for own in found if own[1][0] != "guest")

    def _group(self, unit: str) -> str:
        return f"stateward/{self.branch.name}/default/{unit}"

    def history(self) -> str:
        """Return what led here, for the message of a test that fails."""
        return str(self.fleet.done[-50:])


def _named(kind: str, node: Node) -> tuple[str, list[str], list[str]]:
    return kind, node["hfid"], sorted(groups_of(node))


@pytest.fixture
def scene(
    seed: int,
    lab: Lab,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    random = Random(seed)  # noqa: S311
    repo = Repository(tmp_path / "site")
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    with fresh(lab, "soak") as branch, FaultProxy(lab.address) as proxy:
        text = CONFIGURATION.format(branch=branch, proxy=proxy, repo=repo)
        (place / "stateward.yaml").write_text(text)
        yield Scene(place, Cli(capsysbinary), Fleet(repo, random), proxy, branch, random)


@NEEDS_PROC
@pytest.mark.long
@pytest.mark.timeout(3 * SECONDS + 1500)
@pytest.mark.parametrize("seed", [SEED], ids="seed-{}".format)
def test_ends_as_the_last_commit_says(scene: Scene) -> None:
    bugs = []
    scene.fleet.begin(UNITS, SCHEMA)
    with Process(scene.place) as own:
        own.until("round", within=SETTLED)
        scene.settle(own)
        own.signal(signal.SIGTERM)
        assert own.end() == 0, own.seen[-10:]
    scene.receive()
    begun = time.monotonic()
    while time.monotonic() < begun + SECONDS / 2:
        with Process(scene.place) as own:
            own.until("started", within=SETTLED)
            scene.go_on(own, time.monotonic() + scene.random.uniform(5, 25))
            end_somehow(own, scene.random, may_be_cut=True)
            bugs += [told for told in own.seen if told["action"] == "bug"]
    scene.clear_up()
    scene.faults = LIGHT
    with Process(scene.place) as own:
        own.until("round", within=SETTLED)
        scene.go_on(own, begun + SECONDS * 0.65)
        usual = Usage.least(own)
        scene.go_on(own, begun + SECONDS)
        scene.clear_up()
        scene.fleet.mend()
        scene.settle(own)
        last = Usage.least(own)
        own.signal(signal.SIGTERM)
        assert own.end() == 0, own.seen[-10:]
        bugs += [told for told in own.seen if told["action"] == "bug"]
    assert bugs == [], scene.history()
    assert scene.look_at_guest() == scene.guest, scene.history()
    assert scene.met >= SECONDS / 20, "it was a fine day"
    last.check_flat(usual)
    assert asked(scene.cli, "plan")["changes"] == [], scene.history()
    assert asked(scene.cli, "apply")["writes"] == 0, scene.history()
    assert scene.cli("audit", "verify")[0] == 0
    assert not list(scene.place.rglob("*.tmp"))

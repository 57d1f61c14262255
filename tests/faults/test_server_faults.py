"""Whatever goes wrong between us and the server: the next clean run converges.

Nothing is made twice, nothing of ours is outside its group, and nothing foreign is touched.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fault_proxy
import pytest
import yaml
from fault_proxy import Fault, FaultProxy

from branches import Branch, fresh
from live import Lab
from repositories import Repository
from stateward.cli import run

SCHEMA = """---
version: "1.0"
nodes:
  - name: Site
    namespace: Fault
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
  - name: Port
    namespace: Fault
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text}
      - {name: mode, kind: Text, optional: true}
    relationships:
      - {name: site, peer: FaultSite, cardinality: one, optional: false, identifier: fault_site__ports}
"""
PORTS = 12
MANY = 240


def objects(kind: str, *items: str) -> bytes:
    head = f"---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {kind}\n  data:\n"
    return (head + "".join(f"    - {item}\n" for item in items)).encode()


@dataclass(slots=True)
class Case:
    """A repository of its own on a branch that all cases share."""

    name: str
    repo: Repository
    branch: Branch
    proxy: FaultProxy
    capsysbinary: pytest.CaptureFixture[bytes]

    def declare(self, mode: str, ports: int = PORTS) -> None:
        site = f"ams-{self.name}"
        self.repo.write("net/sites.yml", objects("FaultSite", f"{{name: {site}}}"))
        items = [f"{{name: {self.name}-{n}, mode: {mode}, site: {site}}}" for n in range(ports)]
        self.repo.write("net/ports.yml", objects("FaultPort", *items))
        self.repo.commit(mode)

    def apply(self) -> tuple[int, Any]:
        address = f"{self.proxy.url}?branch={self.branch.name}"
        asked = ["apply", str(self.repo.path), "--target", address, "--format", "json"]
        code = run([*asked, "--allow-deletes", "100"])
        captured = self.capsysbinary.readouterr()
        if not captured.out:
            return code, {"error": captured.err.decode()}
        report = json.loads(captured.out)
        return code, {
            "writes": report["writes"],
            "errors": [own.get("error") for own in report["runs"]],
            "problems": [own["message"] for own in report["problems"]],
        }

    def ports(self) -> dict[str, tuple[str, list[str]]]:
        """Return the mode of each port, and the names of the groups that it is in."""
        found = self.branch.ask(
            "{ FaultPort { edges { node { name { value } mode { value }"
            " member_of_groups { edges { node { display_label } } } } } } }"
        )["FaultPort"]["edges"]
        own = [edge["node"] for edge in found]
        mine = [node for node in own if node["name"]["value"].startswith(f"{self.name}-")]
        names = [node["name"]["value"] for node in mine]
        assert len(names) == len(set(names)), "something was made twice"
        return {
            node["name"]["value"]: (
                node["mode"]["value"],
                [edge["node"]["display_label"] for edge in node["member_of_groups"]["edges"]],
            )
            for node in mine
        }

    def check(self, mode: str, ports: int = PORTS) -> None:
        """After a clean run all is there once, in its group, and the next run writes nothing."""
        self.proxy.begin({})
        code, report = self.apply()
        assert code == 0, report
        group = f"stateward/{self.name}/default/net"
        assert self.ports() == {f"{self.name}-{n}": (mode, [group]) for n in range(ports)}
        code, report = self.apply()
        assert (code, report["writes"]) == (0, 0)


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "faults") as branch:
        branch.load_schema(yaml.safe_load(SCHEMA))
        yield branch


@pytest.fixture
def case(
    request: pytest.FixtureRequest,
    branch: Branch,
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Case]:
    name = f"c{abs(hash(request.node.name)) % 10**9}"
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    monkeypatch.setenv("STATEWARD_INSTANCE", name)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    repo = Repository(tmp_path / "repo")
    repo.write("stateward.yaml", b"target: {batch: 5}\n")
    with FaultProxy(lab.address) as proxy:
        yield Case(name, repo, branch, proxy, capsysbinary)


CERTAIN = [
    pytest.param(fault_proxy.shed, id="shed"),
]
UNCERTAIN = [
    pytest.param(fault_proxy.refuse, id="reset-before"),
    pytest.param(fault_proxy.lose_the_answer, id="answer-lost"),
    pytest.param(fault_proxy.leave_at_once, id="reset-meanwhile"),
    pytest.param(fault_proxy.half_an_answer, id="half-an-answer"),
    pytest.param(fault_proxy.plain_500, id="plain-500-after-all-was-done"),
    pytest.param(fault_proxy.slow_down, id="429-of-a-gateway"),
    pytest.param(fault_proxy.unavailable, id="503"),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", CERTAIN)
def test_what_did_certainly_not_happen_is_sent_again(case: Case, fault: Fault) -> None:
    case.declare("access")
    case.proxy.begin({0: fault, 2: fault})
    code, report = case.apply()
    assert code == 0, report
    case.check("access")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", UNCERTAIN)
def test_what_may_have_happened_is_looked_at_by_the_next_run(case: Case, fault: Fault) -> None:
    """The change that makes objects is hit: the one before it has made the group."""
    case.declare("access")
    case.proxy.begin({2: fault})
    code, report = case.apply()
    assert code == 1
    assert "is not known" in str(report)
    made = case.ports()
    assert all(groups for _, groups in made.values()), "something of ours is in no group"
    case.check("access")


@pytest.mark.timeout(300)
def test_answer_that_never_comes_ends_at_the_deadline(case: Case) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 5, writeTimeout: 10}\n")
    case.declare("access")
    case.proxy.begin({2: fault_proxy.hold})
    code, report = case.apply()
    assert code == 1
    assert "is not known" in str(report)
    case.check("access")


@pytest.mark.timeout(300)
def test_every_change_of_a_round_is_hit_in_turn(case: Case) -> None:
    """Made, changed and deleted, with the answer lost at one change after another."""
    for mode, ports in (("access", PORTS), ("trunk", PORTS), ("trunk", 4)):
        case.declare(mode, ports)
        number = 0
        while True:
            case.proxy.begin({number: fault_proxy.lose_the_answer})
            code, report = case.apply()
            if code == 0:
                break
            assert "is not known" in str(report)
            assert all(groups for _, groups in case.ports().values())
            number += 1
        case.check(mode, ports)


@pytest.mark.timeout(600)
def test_server_is_stopped_in_the_middle_and_brought_back(case: Case) -> None:
    """It is away for longer than anybody tries again; what it was at, it may have done."""
    case.repo.write("stateward.yaml", b"target: {batch: 20}\n")
    case.declare("access", MANY)
    case.proxy.begin({6: case.proxy.stop})
    code, report = case.apply()
    assert code == 1, report
    assert report["errors"] == report["errors"][:1]
    assert "SW3008" in report["errors"][0]
    assert "what happened to the changes under way is not known" in report["errors"][0]
    code, report = case.apply()
    assert code == 1
    assert "SW3008" in report["error"]
    assert "cannot be reached" in report["error"]

    made = case.ports()
    assert 0 < len(made) < MANY
    assert all(groups for _, groups in made.values()), "something of ours is in no group"
    case.proxy.come_back()
    case.check("access", MANY)


@pytest.mark.timeout(600)
def test_server_that_is_started_anew_is_waited_for(case: Case) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 5, inFlight: 1}\n")
    case.declare("access")
    case.proxy.begin({2: case.proxy.leave_between})
    back = threading.Timer(5, case.proxy.come_back)
    back.start()
    try:
        code, report = case.apply()
    finally:
        back.join()
    assert code == 0, report
    case.check("access")

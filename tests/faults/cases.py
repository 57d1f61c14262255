"""A repository that is applied through a proxy, and what is there of it after that."""

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FaultProxy

from branches import Branch
from repositories import Repository
from stateward.cli import run
from stateward.errors import Code

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
"""The server has nothing against two ports of one name: what is made twice is there twice."""
PORTS = 12
_CODE = re.compile(r"SW\d{4}")


def objects(kind: str, *items: str) -> bytes:
    head = f"---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {kind}\n  data:\n"
    return (head + "".join(f"    - {item}\n" for item in items)).encode()


@dataclass(slots=True)
class Case:
    """A repository of its own on a branch that all cases share."""

    name: str
    repo: Repository
    state: Path
    branch: Branch
    proxy: FaultProxy
    capsysbinary: pytest.CaptureFixture[bytes]

    @property
    def site(self) -> str:
        return f"{self.name}-ams"

    @property
    def group(self) -> str:
        return f"stateward/{self.name}/default/net"

    def declare(self, mode: str, ports: int = PORTS) -> None:
        self.commit({f"{self.name}-{n}": mode for n in range(ports)})

    def commit(self, ports: dict[str, str]) -> None:
        """Declare ports by their names, each with its mode."""
        self.repo.write("net/sites.yml", objects("FaultSite", f"{{name: {self.site}}}"))
        items = [f"{{name: {own}, mode: {mode}, site: {self.site}}}" for own, mode in ports.items()]
        self.repo.write("net/ports.yml", objects("FaultPort", *items))
        self.repo.commit("other ports")

    def forget(self) -> None:
        """Lose what is kept from run to run."""
        shutil.rmtree(self.state)

    @property
    def _asked(self) -> list[str]:
        address = f"{self.proxy.url}?branch={self.branch.name}"
        asked = ["apply", str(self.repo.path), "--target", address, "--format", "json"]
        return [*asked, "--allow-deletes", "100"]

    def command(self) -> list[str]:
        """Return what a process of its own is to run for the same."""
        return [sys.executable, "-m", "stateward", *self._asked]

    def apply(self) -> tuple[int, Any]:
        code = run(self._asked)
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
        mine = self._nodes("FaultPort", "mode { value }")
        return {name: (node["mode"]["value"], groups_of(node)) for name, node in mine.items()}

    def ids(self) -> dict[str, str]:
        return {name: node["id"] for name, node in self._nodes("FaultPort").items()}

    def by_hand(self, text: str) -> Any:
        """Return ports that somebody else made, as they are: they are made where there are none."""
        name = f"{text}-{self.name}"
        own = "name { value } mode { value updated_at } site { node { id } }"
        own += " member_of_groups { edges { node { id } } }"
        found = self.branch.find("FaultPort", own, name__value=name)
        if not found:
            site = self.branch.make("FaultSite", name=name)
            self.branch.make("FaultPort", name=name, mode="access", site={"id": site})
            return self.by_hand(text)
        return found

    def _nodes(self, kind: str, selection: str = "") -> dict[str, Any]:
        own = f"name {{ value }} {selection} member_of_groups {{ edges {{ node {{ display_label }} }} }}"
        found = self.branch.find(kind, own)
        mine = [node for node in found if node["name"]["value"].startswith(f"{self.name}-")]
        named = {node["name"]["value"]: node for node in mine}
        assert len(named) == len(mine), "something was made twice"
        return named

    def check_groups(self) -> None:
        """Whatever has happened, what is ours is in our group, and nothing is there twice."""
        sites = self._nodes("FaultSite")
        found = [groups_of(node) for node in sites.values()]
        found += [groups for _, groups in self.ports().values()]
        assert all(own == [self.group] for own in found), "something of ours is not in its group"

    def check(self, mode: str, ports: int = PORTS) -> None:
        self.converges({f"{self.name}-{n}": mode for n in range(ports)})

    def converges(self, ports: dict[str, str]) -> None:
        """After a clean run all is there, and the next run writes nothing."""
        self.clean(ports)
        code, report = self.apply()
        assert (code, report["writes"]) == (0, 0)

    def clean(self, ports: dict[str, str]) -> None:
        """Run with nothing in the way: all is there once, in its group."""
        self.proxy.begin({})
        code, report = self.apply()
        assert code == 0, report
        self.check_groups()
        self.check_ports(ports)

    def check_ports(self, ports: dict[str, str]) -> None:
        """Just what is declared is there, in its group."""
        assert self.ports() == {name: (mode, [self.group]) for name, mode in ports.items()}


def groups_of(node: Any) -> list[str]:
    return [edge["node"]["display_label"] for edge in node["member_of_groups"]["edges"]]


def is_clear(code: int, report: Any) -> bool:
    """Tell whether a run that failed says why, in words of ours and with a code."""
    codes = set(_CODE.findall(str(report)))
    return code == 1 and bool(codes) and Code.BUG not in codes

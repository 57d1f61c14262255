"""Real repositories, and the command line on a branch of a real server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from branches import Branch
from repositories import Repository, git
from stateward import wiring
from stateward.desired.load import load as load_desired
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan
from stateward.model.state import DesiredObject

BUNDLES = ("demo-sp", "arista-avd", "service-catalog")
ONE_DATASET = """
sources:
  - units:
      - {path: objects}
      - {path: objects/datasets/isp}
      - {path: objects/events}
      - {path: menus}
"""
"""Of demo-sp: the two data sets are alternatives, and so are the two repositories."""
SCHEMAS = {
    "demo-sp": ("schemas",),
    "arista-avd": ("schemas",),
    "service-catalog": (
        "schemas/base",
        "schemas/location_minimal",
        "schemas/vlan",
        "schemas/service",
    ),
}
"""Where the repositories have the schemas that their objects need."""
_TRIES = 3
_NOT_UP_TO_IT = ("SW3005", "SW3008")
_RIVAL = Path(__file__).parents[2] / ".venv-rival" / "bin" / "infrahubctl"


ALL_MAY_GO = "defaults: {limits: {protectedKinds: []}}\n"
"""Histories remove groups and accounts, too, and are to be followed in that."""


class Repo:
    """A repository on the disk and a branch that it is applied to, as scripts would."""

    def __init__(self, path: Path, home: Path, branch: Branch, config: str | None = None) -> None:
        self.path = path
        self.branch = branch
        self.errors = ""
        self._home = home
        self._config = home / "stateward.yaml"
        self._config.write_text((config or "") + ALL_MAY_GO)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "INFRAHUB_ADDRESS": branch.lab.address,
            "INFRAHUB_API_TOKEN": branch.lab.token,
            "STATEWARD_STATE": f"sqlite:///{home / 'state.db'}",
            "STATEWARD_INSTANCE": branch.name,
        }

    def run(self, command: str, *arguments: str, code: int | None = 0) -> str:
        """Run a command on the repository and the branch; return what it answers."""
        given = [command, str(self.path), "--target", self.branch.url]
        given += ["--config", str(self._config)]
        return self.stateward(*given, *arguments, code=code)

    def stateward(self, *arguments: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stateward", *arguments],
            env=self.environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            check=False,
        )
        self.errors = done.stderr
        assert code is None or done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def asked(self, command: str, *arguments: str, code: int | None = 0) -> Any:
        """Return an answer as programs read it."""
        answer = self.run(command, *arguments, "--format", "json", code=code)
        assert answer, self.errors
        return json.loads(answer)

    def applied_at_last(self, *arguments: str) -> Any:
        """Apply, and again where the server was not up to it: a small one loses tasks of its own."""
        for _ in range(_TRIES):
            report = self.asked("apply", *arguments, code=None)
            errors = [run.get("error") or "" for run in report["runs"]]
            if not any(own.startswith(_NOT_UP_TO_IT) for own in errors):
                break
        return report

    def exported(self) -> dict[ObjectKey, dict[str, Any]]:
        """Return what is exported, by its key."""
        given = ["export", "--target", self.branch.url, "--format", "json"]
        document = json.loads(self.stateward(*given))
        return {ObjectKey(own["kind"], tuple(own["hfid"])): own for own in document["objects"]}

    async def declared(
        self, revision: str, patch: pytest.MonkeyPatch
    ) -> tuple[Plan, dict[str, dict[ObjectKey, DesiredObject]]]:
        """Return the plan of a revision, and what it declares by unit, read as the target asks."""
        for variable, value in self.environment.items():
            patch.setenv(variable, value)
        config = str(self._config)
        asked = wiring.Invocation(repo=str(self.path), target=self.branch.url, config=config)
        round_ = wiring.wire(asked).round
        loaded, _, _ = await round_.load(revision)
        async with round_.target.session(None, write=False) as session:
            desired = load_desired(loaded.units, session.schema)
        plan = await round_.plan(revision)
        return plan, {name: dict(unit.objects) for name, unit in desired.units.items()}


_REPOSITORY = re.compile(r'(?<=location: )"(?:/upstream|https://[^"]+\.git)"')
_POOL = re.compile(r'node: "?\w+"?\n(\s+)node_attribute: "?\w+"?')
_POOL_HERE = r"node: CoreIPAddressPool\n\1node_attribute: default_prefix_length"
_CIRCUIT = "data/09_circuit.yml"


def fitted(shared_data: Path, name: str, directory: Path, numbers: Sequence[int]) -> Path:
    """Return a repository of these commits of a bundle's history, fit for a branch of a server.

    A server makes number pools only for kinds that its default branch has, and repositories only
    of what it can clone. One file of service-catalog is of a kind that its schema leaves out.
    """
    origin, path = directory / "origin", directory / name
    bundle = str(shared_data / f"{name}.bundle")
    git("clone", "-q", "-b", "main", bundle, str(origin))
    upstream = Repository(directory / "upstream")
    upstream.commit("nothing to import")
    commits = git("-C", str(origin), "rev-list", "--reverse", "main").decode().split()
    found = Repository(path)
    for number in numbers:
        found.git("rm", "-q", "-r", "--ignore-unmatch", ".")
        tree = git("-C", str(origin), "archive", commits[number - 1])
        subprocess.run(["tar", "-x", "-C", str(path)], input=tree, check=True)
        (path / _CIRCUIT).unlink(missing_ok=True)
        for file in path.rglob("*.y*ml"):
            text = file.read_text()
            fit = _REPOSITORY.sub(f'"{upstream.path}"', _POOL.sub(_POOL_HERE, text))
            if fit != text:
                file.write_text(fit)
        found.commit(f"commit {number}")
    return path


def schemas(path: Path, name: str) -> list[Path]:
    """Return the files of a repository's schemas."""
    return sorted(file for own in SCHEMAS[name] for file in (path / own).rglob("*.y*ml"))


def infrahubctl(repo: Repo, *arguments: str) -> tuple[int, str]:
    """Run Infrahub's own tool on the branch; return its exit code and all that it says."""
    assert _RIVAL.is_file(), "make .venv-rival/ready"
    done = subprocess.run(
        [str(_RIVAL), *arguments, "--branch", repo.branch.name],
        env=repo.environment,
        cwd=repo.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout

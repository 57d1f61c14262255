"""A real Infrahub server to test against: the one that the environment names."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import yaml

from stateward.targets.infrahub import InfrahubTarget
from stateward.targets.infrahub.connection import Connection

_SYNCED = "{ InfrahubStatus { summary { schema_hash_synced } } }"
_DEADLINE = 300.0
"""Seconds for one request: branches and schemas take their time on a small machine."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch made for some tests, as a person would work with it: without Stateward."""

    address: str
    token: str
    name: str

    def query(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        """Return the data of a query or a mutation, which has to be without errors."""
        found = self._post(f"/graphql/{self.name}", {"query": text, "variables": variables or {}})
        assert not found.get("errors"), found["errors"]
        return found["data"]

    def load_schema(self, text: str) -> None:
        """Load a schema, and return when every worker of the server has it."""
        schemas = list(yaml.safe_load_all(text))
        self._post(f"/api/schema/load?branch={self.name}", {"schemas": schemas})
        deadline = time.monotonic() + _DEADLINE
        while not self.query(_SYNCED)["InfrahubStatus"]["summary"]["schema_hash_synced"]:
            assert time.monotonic() < deadline, "the server's workers do not agree on a schema"

    def _post(self, path: str, body: Any) -> Any:
        answer = httpx.post(
            self.address + path,
            json=body,
            headers={"X-INFRAHUB-KEY": self.token},
            timeout=_DEADLINE,
        )
        assert answer.is_success, answer.text[:1000]
        return answer.json()


@dataclass(frozen=True, slots=True)
class Lab:
    """One server. It is shared by all tests: what they make is named so that nobody else has it."""

    address: str
    token: str

    def connection(self, branch: str = "main") -> Connection:
        return Connection(
            address=self.address,
            branch=branch,
            token=self.token,
            timeout=60.0,
            write_timeout=120.0,
            in_flight=2,
        )

    @contextmanager
    def branch(self, purpose: str) -> Iterator[Branch]:
        """Make a branch, and delete it afterwards."""
        main = Branch(self.address, self.token, "main")
        name = f"{purpose}-{uuid4().hex[:8]}"
        main.query(
            "mutation($n: String!) { BranchCreate(data: {name: $n, sync_with_git: false}) { ok } }",
            {"n": name},
        )
        try:
            yield Branch(self.address, self.token, name)
        finally:
            # A server under load may fail to delete it, which is no failure of what was tested.
            with suppress(AssertionError, httpx.HTTPError):
                main.query(
                    "mutation($n: String!) { BranchDelete(data: {name: $n}) { ok } }", {"n": name}
                )

    def target(self, directory: Path, branch: str = "main") -> InfrahubTarget:
        return InfrahubTarget(self.connection(branch), batch=20, leases=directory / "leases")


def from_environment() -> Lab | None:
    address, token = os.environ.get("INFRAHUB_ADDRESS"), os.environ.get("INFRAHUB_API_TOKEN")
    return Lab(address, token) if address and token else None

"""A real Infrahub server to test against: the one that the environment names."""

import os
from dataclasses import dataclass
from pathlib import Path

from stateward.targets.infrahub import InfrahubTarget
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.lineage import NO_LINEAGE, Lineage


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

    def target(
        self, directory: Path, branch: str = "main", lineage: Lineage = NO_LINEAGE
    ) -> InfrahubTarget:
        return InfrahubTarget(
            self.connection(branch), batch=20, leases=directory / "leases", lineage=lineage
        )


def from_environment() -> Lab | None:
    address, token = os.environ.get("INFRAHUB_ADDRESS"), os.environ.get("INFRAHUB_API_TOKEN")
    return Lab(address, token) if address and token else None

"""Scripts of Infrahub's own SDK, and of the library here, side by side on a branch of a server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from live import Lab
from sessions import Desk

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-rival" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "sdk_scripts.py"
TAG, SITE, DEVICE = "BuiltinTag", "SuiteSite", "SuiteDevice"
GROUP = "CoreStandardGroup"


class Sdk:
    """Scripts of the SDK, on a branch of the server."""

    def __init__(self, lab: Lab, branch: str) -> None:
        self.branch = branch
        self._environment = {
            "PATH": os.environ["PATH"],
            "INFRAHUB_ADDRESS": lab.address,
            "INFRAHUB_API_TOKEN": lab.token,
        }

    def __call__(self, name: str, *given: Any, **more: Any) -> Any:
        assert PYTHON.is_file(), "make .venv-rival/ready"
        names = {"run": ("identifier", "wanted"), "run_sync": ("identifier", "wanted")}
        asked = {
            "default": self.branch,
            **dict(zip(names.get(name, ()), given, strict=True)),
            **more,
        }
        if name in {"names", "describes"}:
            del asked["default"]
        done = subprocess.run(
            [str(PYTHON), str(SCRIPTS), name, json.dumps(asked)],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


def tags(desk: Desk, *names: str) -> list[list[Any]]:
    return [[TAG, {"name": desk.named(name)}] for name in names]


async def ours(desk: Desk, *names: str, identifier: str = "ours", **given: Any) -> Any:
    """Run a script that wants some tags."""
    async with desk.tracking(identifier, delete_unused_nodes=True, **given) as session:
        batch = session.batch()
        for name in names:
            batch.upsert(TAG, {"name": desk.named(name)})
        await batch.execute()
    return session.report

"""Helm, on the chart of this checkout."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stateward import settings
from stateward.desired import documents
from stateward.settings import Configuration

CHART = Path(__file__).parents[1] / "charts" / "stateward"
CI = sorted(CHART.glob("ci/*-values.yaml"))
MINIMAL = CHART / "ci" / "minimal-values.yaml"
_DEADLINE = 60
"""Seconds."""


@dataclass(frozen=True)
class Helm:
    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path) -> str:
        """Return what it prints; fails with what it says."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE,
            env={"PATH": "/usr/bin:/bin", **self.environment},
        )

    def template(self, values: Path = MINIMAL, *more: str) -> list[dict[str, Any]]:
        """Return what would be installed."""
        text = self("template", "gitops", CHART, "-n", "tools", "-f", values, *more)
        return [own for own in yaml.safe_load_all(text) if own]

    def refusal(self, *more: str) -> str:
        """Return why values are refused."""
        done = self.run("template", "gitops", CHART, "-f", MINIMAL, *more)
        assert done.returncode != 0, done.stdout
        return done.stderr


def configuration(text: str) -> Configuration:
    """Read a configuration as the daemon does; raises ``ConfigError``."""
    found, problems = documents.parse("stateward.yaml", text.encode())
    assert not problems
    return settings.read_configuration(found)


def of_kind(objects: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [own for own in objects if own["kind"] == kind]
    return found

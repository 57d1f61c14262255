"""A daemon that is used for long and badly: how it ends, what it holds, what a person lets go."""

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self

import pytest

from commands import Cli
from fleet import Fleet
from tending import Process

_PROC = Path("/proc")
KIB_MORE = 16 * 1024
"""What a process may have grown by: what former revisions declared is kept parsed, up to a bound."""
FILES_MORE = 4

NEEDS_PROC = pytest.mark.skipif(
    not _PROC.is_dir(), reason="what a process has is looked up in /proc"
)


@dataclass(frozen=True)
class Usage:
    """What a process has of its machine."""

    memory: int
    """KiB."""
    files: int
    children: list[str]

    @classmethod
    def at_rest(cls, own: Process) -> Self:
        """Look while no program of Git runs for it, if there is such a moment."""
        found = cls.of(own)
        for _ in range(50):
            if not found.children:
                break
            own.maybe("round", within=0.1)
            found = cls.of(own)
        return found

    @classmethod
    def least(cls, own: Process) -> Self:
        """Look again and again where it hardly ever rests: what is left over is always there."""
        seen = []
        for _ in range(50):
            own.maybe("round", within=0.1)
            seen.append(cls.of(own))
        return cls(
            min(one.memory for one in seen),
            min(one.files for one in seen),
            min((one.children for one in seen), key=len),
        )

    @classmethod
    def of(cls, own: Process) -> Self:
        place = _PROC / str(own.pid)
        lines = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        children = [
            child for thread in (place / "task").iterdir() for child in _read(thread / "children")
        ]
        return cls(int(lines["VmRSS"].split()[0]), len(list((place / "fd").iterdir())), children)

    def check_flat(self, usual: Self) -> None:
        """What was used before is used now, and nothing is left over."""
        assert self.memory <= usual.memory + KIB_MORE, (usual, self)
        assert self.files <= usual.files + FILES_MORE, (usual, self)
        assert self.children == [], (usual, self)


def _read(path: Path) -> list[str]:
    """Return the words of a file; none where its thread has ended since."""
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []


CUT = 130
"""The exit code of a daemon whose round was still under way when its grace was over."""


def end_somehow(own: Process, random: Random, *, may_be_cut: bool = False) -> None:
    """End a daemon that has started, as an operator does or as a machine that fails."""
    number, code = random.choice([(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
    own.signal(number)
    found = own.end()
    if may_be_cut and own.seen[-1].get("cut"):
        code = CUT
    assert found == code, own.seen[-10:]


def approve(cli: Cli, fleet: Fleet) -> None:
    """Let go what guards hold back, as a person does who reads status."""
    _, shown = cli("status")
    for unit, digest in re.findall(r"stateward approve (\S+) ([0-9a-f]{12,})", shown):
        said = f"approve {unit} {digest}"
        if said in fleet.done:
            continue  # it may be gone by now
        fleet.done.append(said)
        assert cli("approve", unit, digest)[0] == 0, cli.errors

"""A daemon in a process of its own, heard by its log."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from commands import edit
from repositories import Repository

Event = dict[str, Any]
LEAVES = "objects/network/leaves.yml"
STATEWARD = (sys.executable, "-m", "stateward")


class Process:
    """``stateward run``; it is killed at the latest when the test ends."""

    def __init__(
        self,
        repo: Path,
        *arguments: str,
        command: Sequence[str] = STATEWARD,
        **environment: str,
    ) -> None:
        self.seen: list[Event] = []
        self._rest = b""
        self._process = subprocess.Popen(
            [*command, "run", *arguments, "--log-format", "json"],
            cwd=repo,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        self._stderr = self._process.stderr
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._stderr, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._ready.close()
        self._stderr.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def until(self, action: str, *, within: float = 30, **fields: Any) -> Event:
        """Return the next event that is like this; all before it are passed over."""
        found = self.maybe(action, within=within, **fields)
        assert found is not None, (action, fields, self.seen)
        return found

    def maybe(self, action: str, *, within: float, **fields: Any) -> Event | None:
        wanted = {"action": action, **fields}
        return self._next(lambda own: wanted.items() <= own.items(), time.monotonic() + within)

    def end(self, within: float = 30) -> int:
        """Wait for the end of it; return the exit code."""
        self._next(lambda _: False, time.monotonic() + within)
        return self._process.wait(timeout=within)

    def _next(self, wanted: Callable[[Event], bool], deadline: float) -> Event | None:
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                assert line.startswith(b"{"), (line + b"\n" + rest).decode()
                self.seen.append(json.loads(line))
                if wanted(self.seen[-1]):
                    return self.seen[-1]
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not self._ready.select(left):
                return None
            read = os.read(self._stderr.fileno(), 1 << 16)
            if not read:
                return None
            self._rest += read


def wrote(own: Process) -> bool:
    """Whether it writes within a second: a round that was under way ends with nothing."""
    done = own.maybe("round", within=1)
    return done is not None and done["writes"] > 0


def change(repo: Repository, before: int, after: int) -> str:
    """Commit another value in a repository that is followed."""
    edit(repo, LEAVES, f"mtu: {before}", f"mtu: {after}")
    return repo.commit(f"{after}")

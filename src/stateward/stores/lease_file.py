"""A lease of the daemons that share one state database: a symbolic link beside it.

A link is there with all that it says, or not at all, and of several that make one of the same name
a single one succeeds: no lock is needed, so none can be kept by a process that was stopped. Each
change is a link with the next number, and the highest one counts.

Whoever could lead also holds a lock of its own for as long as it lives. Where that is free, on the
machine that it was taken on, nobody has to wait for a lease that will never be renewed again.
"""

import asyncio
import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from stateward.errors import LeaseUnavailable
from stateward.model.tenure import Tenure

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class FileLease:
    """One lease, as one candidate sees it; ``name`` is another one for each process."""

    def __init__(self, directory: Path, subject: str, name: str) -> None:
        self._directory = directory
        self._key = sha256(subject.encode()).hexdigest()[:16]
        self._link = re.compile(rf"{self._key}\.leader\.(\d+)")
        self._name = name
        self._machine = _machine()
        self._life: int | None = None

    async def read(self) -> Tenure | None:
        return await asyncio.to_thread(self._read)

    async def replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        return await asyncio.to_thread(self._replace, known, new)

    async def close(self) -> None:
        if self._life is not None:
            with suppress(OSError):
                self._alive(self._name).unlink(missing_ok=True)
            os.close(self._life)
            self._life = None

    def _read(self) -> Tenure | None:
        try:
            while self._directory.is_dir() and (number := max(self._numbers(), default=0)):
                try:
                    text = self._path(number).readlink()
                except FileNotFoundError:
                    continue  # the next one is there
                return self._tenure(str(text), number)
        except OSError as error:
            raise self._unavailable(error) from error
        return None

    def _replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        number = 1 + (int(known.version) if known else 0)
        said = {"holder": new.holder, "term": new.term, "patience": new.patience}
        try:
            self._live()
            try:
                self._path(number).symlink_to(json.dumps({**said, "machine": self._machine}))
            except FileExistsError:
                return None
            numbers = list(self._numbers())
            # An old number may be free again: then others are far ahead.
            won = max(numbers) == number
            for own in [own for own in numbers if own < number] if won else [number]:
                self._path(own).unlink(missing_ok=True)
        except OSError as error:
            raise self._unavailable(error) from error
        return replace(new, version=str(number)) if won else None

    def _numbers(self) -> Iterator[int]:
        for name in os.listdir(self._directory):  # noqa: PTH208 - links come and go meanwhile
            if found := self._link.fullmatch(name):
                yield int(found[1])

    def _path(self, number: int) -> Path:
        return self._directory / f"{self._key}.leader.{number}"

    def _alive(self, name: str) -> Path:
        return self._directory / f"{self._key}.{sha256(name.encode()).hexdigest()[:16]}.alive"

    def _tenure(self, text: str, number: int) -> Tenure:
        """Return what a link says; one that cannot be understood says that nobody leads."""
        try:
            known: dict[str, Any] = json.loads(text)
            holder, machine = str(known["holder"]), known["machine"]
            term, patience = int(known["term"]), float(known["patience"])
        except (ValueError, TypeError, KeyError):
            return Tenure(holder="", term=0, patience=0, version=str(number))
        if holder and machine == self._machine and self._is_dead(holder):
            holder = ""
        return Tenure(holder=holder, term=term, patience=patience, version=str(number))

    def _live(self) -> None:
        """Show for as long as we live that we do."""
        if self._life is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._life = os.open(self._alive(self._name), os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._life, fcntl.LOCK_EX)

    def _is_dead(self, name: str) -> bool:
        if name == self._name:
            return False
        path = self._alive(name)
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True

    def _unavailable(self, error: OSError) -> LeaseUnavailable:
        message = f"{self._directory}: {error.strerror}: mend the disk, or its permissions"
        return LeaseUnavailable(message)


def _machine() -> str:
    """Return what tells this machine, since it was started, from all others."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return socket.gethostname()

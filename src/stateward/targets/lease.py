"""Who may write at a time: a lock of the operating system on a file beside the database.

A round has a target for itself. Tracking sessions share it, each having its own group to itself.
The system takes a lock back when the process that holds it ends, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from stateward.errors import Code, TargetUnavailable


@contextmanager
def held(directory: Path, group: str, target: str = "") -> Iterator[None]:
    """Hold a tracking group, alone; raises ``TargetUnavailable`` while somebody else holds it.

    ``target`` tells it from those of the same name on others that use the same directory.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{target} {group}" if target else group
    path = directory / sha256(name.encode()).hexdigest()[:16]
    lease = Lease(path, f"the tracking group {group}")
    lease.take()
    try:
        yield
    finally:
        lease.release()


class Lease:
    """The right to write to a database. The lock file stays: removing it would let two in."""

    def __init__(self, path: Path, what: str = "") -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._what = what or str(self._path)
        """What it is a lease of, for messages."""
        self._file: int | None = None

    def take(self, *, shared: bool = False) -> None:
        """Take it alone, or together with others that share it."""
        file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
            os.close(file)
            who = "this process" if holder == str(os.getpid()) else f"process {holder or 'unknown'}"
            message = f"{self._what}: held by {who}"
            raise TargetUnavailable(message, code=Code.TARGET_BUSY) from error
        except OSError:
            os.close(file)
            raise
        self._file = file
        with suppress(OSError):  # the number only serves the message above
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)

    def holder(self) -> str | None:
        """Return which process has it, None where nobody has; no file is made to find out."""
        try:
            file = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
        finally:
            os.close(file)
        return None

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

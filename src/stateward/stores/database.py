"""Tables of the state database that hold no history: they are written over, and may be lost."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stateward.errors import StateUnavailable
from stateward.stores import tables

_T = TypeVar("_T")
_File = tuple[int, int]


class Database:
    """A connection with a thread of its own; the file is made when it is first written to."""

    def __init__(self, path: Path, table: str, name: str) -> None:
        self._path = path
        self._table = table
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None
        self._file: _File | None = None
        """Which file it is connected to: one that is removed lives on for who has it open."""

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do some work in one transaction; raises ``StateUnavailable``."""
        return await self._run(work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[sqlite3.Connection], _T], nothing: _T) -> _T:
        """Look at what is there; where there is nothing, nothing is made."""
        if not self._path.exists():
            return nothing
        return await self._run(work, "BEGIN")

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work, begin)

    def _do(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        try:
            if self._connection is not None and _file(self._path) != self._file:
                self._connection.close()
                self._connection = None
            if self._connection is None:
                self._connection = tables.connect(self._path)
                self._connection.execute(self._table).close()
                self._file = _file(self._path)
            with self._connection:
                self._connection.execute(begin).close()
                return work(self._connection)
        except (sqlite3.Error, OSError, UnicodeError) as error:
            message = f"{self._path}: {error}: nothing is lost but history: mend the disk, or remove the file"
            raise StateUnavailable(message) from error


def _file(path: Path) -> _File | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""The state database as one SQLite file: WAL, ``synchronous=FULL``, one thread for each connection."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from stateward.errors import StateUnavailable
from stateward.model.finding import Finding, fine, wrong
from stateward.stores import tables
from stateward.stores.database import Connection, Dialect, Unusable
from stateward.stores.journal import KeptJournal

_T = TypeVar("_T")
_File = tuple[int, int]


def _told(name: str) -> str:
    return f"json_extract(body, '$.{name}')"


DIALECT = Dialect(told=_told, spelled=str)


class SqliteDatabase:
    """A connection with a thread of its own; the file is made when it is first written to."""

    def __init__(self, path: Path, name: str, table: str | None = None) -> None:
        self._path = path
        self._table = table
        """A table that holds no history. Where there is one, a file that took the place of another
        is gone over to: it may be lost at any time. History is written where it was begun."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None
        self._file: _File | None = None
        """Which file it is connected to: one that is removed lives on for who has it open."""

    def __str__(self) -> str:
        return str(self._path)

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        return await self._run(work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[Connection], _T], nothing: _T) -> _T:
        if not self._path.exists() and (self._table is not None or self._connection is None):
            return nothing
        return await self._run(work, "BEGIN")

    async def look(self, subject: str) -> Finding | None:
        if not self._path.exists():
            above = next(own for own in self._path.parents if own.exists())
            if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
                message = f"{self._path}: is not there, and {above} cannot be written to"
                return wrong(subject, message, "name another file: state.url")
            return fine(subject, f"{self._path}: is not there yet, the first apply makes it")
        if self._connection is None and tables.is_older(self._path):
            return fine(subject, f"{self._path}: of an older version, the next run carries it over")
        return None

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[Connection], _T], begin: str) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work, begin)

    def _do(self, work: Callable[[Connection], _T], begin: str) -> _T:
        try:
            connection = self._connected()
            with connection:
                connection.execute(begin).close()
                # Cursors end in here: ended by another thread they would reset a statement that
                # this one may be at again.
                return work(connection)
        except (sqlite3.Error, OSError, UnicodeError, Unusable) as error:
            message = f"{self._path}: {error}: nothing is lost but history: mend the disk, or remove the file"
            raise StateUnavailable(message) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._table and _file(self._path) != self._file:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = tables.connect(self._path)
            if self._table is not None:
                self._connection.execute(self._table).close()
            self._file = _file(self._path)
        return self._connection


class SqliteJournal(KeptJournal):
    """The journal in a file, which is made when it is first written to."""

    def __init__(
        self, path: Path, *, age: timedelta | None = None, count: int | None = None
    ) -> None:
        super().__init__(SqliteDatabase(path, "journal"), age=age, count=count)


def _file(path: Path) -> _File | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""The journal in one SQLite file: what was about to happen, and what happened.

Every entry is on disk before the next step is taken (WAL, ``synchronous=FULL``). Times are UTC,
as ISO 8601.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stateward.errors import Code, StateUnavailable
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.run import Entry

APPLICATION_ID = 0x53574A31  # "SWJ1"
VERSION = 1
_SUBJECT = "state"
_TABLES = """
CREATE TABLE run (
    id TEXT PRIMARY KEY, unit TEXT NOT NULL, revision TEXT NOT NULL, target TEXT NOT NULL,
    detail TEXT NOT NULL, started TEXT NOT NULL, finished TEXT, outcome TEXT, error TEXT
);
CREATE INDEX run_unfinished ON run (target) WHERE finished IS NULL;
CREATE TABLE entry (
    run TEXT NOT NULL REFERENCES run, number INTEGER NOT NULL, state TEXT NOT NULL,
    action TEXT NOT NULL, kind TEXT NOT NULL, hfid TEXT NOT NULL, node TEXT,
    detail TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, number, state)
);
"""
_Work = Callable[[sqlite3.Connection], sqlite3.Cursor]


class SqliteJournal:
    """The journal of one state database; made when first written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._connection: sqlite3.Connection | None = None

    async def begin(self, run: str, *, unit: str, revision: str, target: str, detail: str) -> None:
        await self._run(
            lambda db: db.execute(
                "INSERT INTO run (id, unit, revision, target, detail, started) VALUES (?,?,?,?,?,?)",
                (run, unit, revision, target, detail, _now()),
            )
        )

    async def record(self, entries: Sequence[Entry]) -> None:
        at = _now()
        rows = [
            (
                own.run,
                own.index,
                own.state.value,
                own.action.value,
                own.key.kind,
                json.dumps(own.key.hfid),
                own.node,
                own.detail,
                at,
            )
            for own in entries
        ]
        await self._run(
            lambda db: db.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?,?,?,?)", rows
            )
        )

    async def finish(self, run: str, outcome: str, detail: str = "") -> None:
        await self._run(
            lambda db: db.execute(
                "UPDATE run SET finished = ?, outcome = ?, error = ? WHERE id = ?",
                (_now(), outcome, detail or None, run),
            )
        )

    async def unfinished(self, target: str) -> Sequence[str]:
        """Return the runs on a target that were begun and not finished, oldest first."""
        rows = await self._run(
            lambda db: db.execute(
                "SELECT id FROM run WHERE target = ? AND finished IS NULL ORDER BY started, id",
                (target,),
            )
        )
        return [row[0] for row in rows]

    async def diagnose(self, target: str) -> Finding:
        """Say whether history can be written, and what of it is unfinished; nothing is made."""
        if not self._path.exists():
            above = next(own for own in self._path.parents if own.exists())
            if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
                message = f"{self._path}: is not there, and {above} cannot be written to"
                return wrong(_SUBJECT, message, "name another file: state.url")
            return fine(_SUBJECT, f"{self._path}: is not there yet, the first apply makes it")
        try:
            left = await self.unfinished(target)
        except StateUnavailable as error:
            return wrong(_SUBJECT, str(error), "give this user the right to write to it")
        if left:
            message = f"{self._path}: {len(left)} runs are interrupted, or under way"
            return warning(
                _SUBJECT, message, "apply again where nobody does: it goes on from what is there"
            )
        return fine(_SUBJECT, f"{self._path}: can be written to")

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, work: _Work) -> list[Any]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def _do(self, work: _Work) -> list[Any]:
        with _translated(self._path):
            if self._connection is None:
                self._connection = _open(self._path)
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                # The cursor ends here. In another thread its end would reset a statement that
                # this one may be at again.
                return work(self._connection).fetchall()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        _lay_out(connection, path)
        # Only now, so that a file that is not ours stays as it is. Of several that open a new file
        # at once one may be told that it is locked; either mode keeps what was written.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; the lock is taken first, since two may find it new at once."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if found == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        elif found != APPLICATION_ID:
            message = f"{path}: not a state database of Stateward: name another file"
            raise StateUnavailable(message)
        elif version != VERSION:
            message = f"{path}: its layout is {version}, this version of stateward knows {VERSION}"
            raise StateUnavailable(f"{message}: name another file")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        message = f"{path}: {error}: nothing is lost but history: mend the disk, or remove the file"
        raise StateUnavailable(message, code=Code.STATE) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

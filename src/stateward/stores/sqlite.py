"""The journal in one SQLite file: what was about to happen, and what happened.

Every record is on disk before the next step is taken (WAL, ``synchronous=FULL``), and is never
changed: see ``chain`` and ``tables``. Times are UTC, as ISO 8601.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from stateward.errors import Code, ConfigError, StateUnavailable
from stateward.model.chain import End, Link, LinkType, Verdict
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.record import Opening, Record
from stateward.model.run import Entry
from stateward.stores import chain, codec, folding, retention, tables

_SUBJECT = "state"
_T = TypeVar("_T")


class SqliteJournal:
    """The journal and the trail of one state database; made when first written to.

    Runs that were last heard of longer than ``age`` ago, and ended ones beyond the newest
    ``count``, are dropped when a run ends.
    """

    def __init__(
        self, path: Path, *, age: timedelta | None = None, count: int | None = None
    ) -> None:
        self._path = path
        self._age = age
        self._count = count
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._connection: sqlite3.Connection | None = None

    async def begin(self, openings: Sequence[Opening]) -> None:
        at = _now()
        records = [(LinkType.BEGIN, own.run, at, codec.opening_body(own)) for own in openings]
        await self._write(lambda db: tables.append(db, records))

    async def record(self, entries: Sequence[Entry]) -> None:
        at = _now()
        by_run: dict[str, list[object]] = {}
        for own in entries:
            by_run.setdefault(own.run, []).append(codec.entry_body(own))
        records = [(LinkType.ENTRIES, run, at, {"entries": own}) for run, own in by_run.items()]
        await self._write(lambda db: tables.append(db, records))

    async def finish(self, run: str, outcome: str, error: str = "") -> None:
        body = {"outcome": outcome, **({"error": error} if error else {})}

        def work(db: sqlite3.Connection) -> None:
            known = {type_ for (type_,) in db.execute(_TYPES, (run,))}
            if LinkType.BEGIN in known and LinkType.FINISH not in known:
                tables.append(db, [(LinkType.FINISH, run, _now(), body)])
            self._drop(db)

        await self._write(work)

    def _drop(self, db: sqlite3.Connection) -> None:
        if self._age is not None or self._count is not None:
            oldest = "" if self._age is None else _spelled(datetime.now(UTC) - self._age)
            retention.drop(db, _now(), oldest=oldest, count=self._count)

    async def unfinished(self, target: str) -> Sequence[str]:
        """Return the runs on a target that were begun and not finished, oldest first."""
        return await self._write(
            lambda db: [run for (run,) in db.execute(_UNFINISHED, (target,)).fetchall()]
        )

    async def runs(
        self,
        subject: str | None = None,
        *,
        since: str = "",
        limit: int | None = None,
        revision: str | None = None,
    ) -> Sequence[Record]:
        """Return runs with their changes, newest first."""
        query, values = f"{_BEGUN} AND at >= ?", [since]
        if subject is not None:
            query, values = f"{query} AND {_SUBJECTS} = ?", [*values, subject]
        if revision is not None:
            query, values = f"{query} AND {_REVISIONS} = ?", [*values, revision, revision]
        query = f"{query} ORDER BY number DESC LIMIT {-1 if limit is None else limit:d}"
        return await self._read(lambda db: _records(db, query, values), _NO_RECORDS)

    async def together(self, record: Record) -> Sequence[Record]:
        """Return the runs of the round that a run was part of, this one included."""
        opening = record.opening
        if not (opening.round or opening.plan):
            return [record]
        if opening.round:
            query, values = f"{_BEGUN} AND json_extract(body, '$.round') = ?", [opening.round]
        else:
            query = f"{_BEGUN} AND json_extract(body, '$.plan') = ? AND at = ?"
            values = [opening.plan, record.started]
        query = f"{query} ORDER BY number"
        return await self._read(lambda db: _records(db, query, values), _NO_RECORDS)

    async def run(self, prefix: str) -> Record:
        """Return the one run whose id starts with ``prefix``; raises ``ConfigError`` else."""
        query = f"{_BEGUN} AND substr(run, 1, ?) = ? ORDER BY number LIMIT 2"
        values = [len(prefix), prefix]
        found = await self._read(lambda db: _records(db, query, values), _NO_RECORDS)
        if len(found) == 1:
            return found[0]
        what = "several runs begin so: give more of its id" if found else "there is no such run"
        raise ConfigError(f"{prefix}: {what}: see `stateward history`", code=Code.NO_SUCH_RUN)

    async def verify(self) -> Verdict:
        """Go along the whole chain, as it stands at one moment."""
        return await self._read(
            lambda db: chain.verify(tables.links(db), head=tables.head(db), dropped=_dropped(db)),
            Verdict(0, End()),
        )

    async def links(self) -> Sequence[Link]:
        """Return the whole chain as it stands."""
        return await self._read(lambda db: list(tables.links(db)), _NO_LINKS)

    async def diagnose(self, target: str) -> Finding:
        """Say whether history can be written, and what of it is unfinished; nothing is made."""
        if not self._path.exists():
            above = next(own for own in self._path.parents if own.exists())
            if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
                message = f"{self._path}: is not there, and {above} cannot be written to"
                return wrong(_SUBJECT, message, "name another file: state.url")
            return fine(_SUBJECT, f"{self._path}: is not there yet, the first apply makes it")
        if self._connection is None and tables.is_older(self._path):
            return fine(
                _SUBJECT, f"{self._path}: of an older version, the next run carries it over"
            )
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

    async def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._run(work, "BEGIN IMMEDIATE")

    async def _read(self, work: Callable[[sqlite3.Connection], _T], nothing: _T) -> _T:
        """Look at one moment of what is there; where there is nothing, nothing is made."""
        if self._connection is None and not self._path.exists():
            return nothing
        return await self._run(work, "BEGIN")

    async def _run(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work, begin)

    def _do(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        with _translated(self._path):
            if self._connection is None:
                self._connection = tables.connect(self._path)
            with self._connection:
                self._connection.execute(begin).close()
                # Cursors end in here: ended by another thread they would reset a statement that
                # this one may be at again.
                return work(self._connection)


_NO_RECORDS: list[Record] = []
_NO_LINKS: list[Link] = []
_TYPES = "SELECT type FROM record WHERE run = ? AND type IN ('begin', 'finish')"
_BEGUN = "SELECT run FROM record WHERE type = 'begin'"
_SUBJECTS = "json_extract(body, '$.subject')"
_REVISIONS = "substr(json_extract(body, '$.revision'), 1, length(?))"
_UNFINISHED = """
SELECT run FROM record AS begun WHERE type = 'begin' AND json_extract(body, '$.target') = ?
AND NOT EXISTS (SELECT 1 FROM record WHERE run = begun.run AND type = 'finish') ORDER BY number
"""
# Of what takes several runs back the index knows the list as a text, which begins with a bracket.
_ROLLBACKS = f"""
{_BEGUN} AND (json_extract(body, '$.undoes') = ?1 OR json_extract(body, '$.undoes') BETWEEN '[' AND '\\'
AND EXISTS (SELECT 1 FROM json_each(body, '$.undoes') WHERE value = ?1))
AND number > ?2 ORDER BY number
"""  # noqa: S608 - a condition of ours


def _records(db: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[Record]:
    found = (_record(db, run) for (run,) in db.execute(query, values).fetchall())
    return [own for own in found if own is not None]


def _record(db: sqlite3.Connection, run: str) -> Record | None:
    """Read a run, and the rollbacks of it, and theirs: they say what of it still stands."""
    links = list(tables.links(db, "WHERE run = ?", run))
    rollbacks = _records(db, _ROLLBACKS, (run, links[0].number)) if links else ()
    try:
        return folding.fold(links, rollbacks)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"run {run}: its records cannot be read: see `stateward audit verify`"
        raise StateUnavailable(message) from error


def _dropped(db: sqlite3.Connection) -> End | None:
    """Return the end of what retention has dropped, as the chain itself says."""
    found = list(tables.links(db, "WHERE type = ?", LinkType.RETENTION.value))
    try:
        body = json.loads(found[-1].body) if found else None
        return End(body["through"], body["hash"]) if body else None
    except (ValueError, KeyError, TypeError):
        return None  # then the chain breaks there, at the latest


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:
        message = f"{path}: {error}: nothing is lost but history: mend the disk, or remove the file"
        raise StateUnavailable(message, code=Code.STATE) from error


def _now() -> str:
    return _spelled(datetime.now(UTC))


def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")

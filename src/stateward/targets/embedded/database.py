"""The only module that knows SQLite: opening files safely, and its errors in our words."""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stateward.errors import Code, StatewardError, TargetRefused, TargetUnavailable
from stateward.targets.embedded.tables import APPLICATION_ID, LAYOUT, TABLES

_BUSY_SECONDS = 5.0
_STATEMENTS = 512
_CACHE_KIB = 65536
_CHECKPOINT_PAGES = 8192
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Database(sqlite3.Connection):
    """A connection to a target's tables. Transactions are begun and ended in so many words."""

    scratch: tempfile.TemporaryDirectory[str] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing; what is read within is what was there when it began."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself, on a full disk for one.
            self._end()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read from one moment in time."""
        if self.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        if self.in_transaction:
            self.execute("ROLLBACK")

    def copy(self) -> "Database":
        """Return a copy that lives in memory, and may be written to without leaving a trace."""
        found = _connect(":memory:")
        self.backup(found)
        found.execute("PRAGMA journal_mode = MEMORY")
        return found

    def dispose(self) -> None:
        """Close, whatever state it is in."""
        self.close()
        if self.scratch is not None:
            self.scratch.cleanup()


@contextmanager
def errors(path: str) -> Iterator[None]:
    """Turn what SQLite and the file system complain of into errors that say what happens next."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(path, error) from error
    except OSError as error:
        raise _translated_os(path, error) from error


def _translated(path: str, error: sqlite3.Error) -> StatewardError:
    full = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = full & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        message = f"{path}: not a readable database: {error}: restore it, or move it away"
        return TargetRefused(message, code=Code.TARGET_CORRUPT)
    if code == sqlite3.SQLITE_FULL or full == sqlite3.SQLITE_IOERR_SHMSIZE:
        return TargetUnavailable(f"{path}: the disk is full", code=Code.TARGET_FULL)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        message = f"{path}: another program is writing to it"
        return TargetUnavailable(message, code=Code.TARGET_BUSY)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return TargetRefused(f"{path}: {error}", code=Code.TARGET_READ_ONLY)
    if code == sqlite3.SQLITE_IOERR:
        return TargetUnavailable(f"{path}: {error}")
    raise error


def _translated_os(path: str, error: OSError) -> StatewardError:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return TargetUnavailable(f"{path}: {reason}", code=Code.TARGET_FULL)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return TargetRefused(f"{path}: {reason}", code=Code.TARGET_READ_ONLY)
    return TargetRefused(f"{path}: {reason}", code=Code.TARGET_FOREIGN)


def _connect(where: str, *, uri: bool = False) -> Database:
    return sqlite3.connect(
        where,
        uri=uri,
        factory=Database,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
        cached_statements=_STATEMENTS,
    )


def _uri(path: Path, options: str) -> str:
    return f"{path.absolute().as_uri()}?{options}"


Prepare = Callable[["Database"], None]
"""Puts into new tables what an empty target holds."""


def in_memory(prepare: Prepare) -> Database:
    """Return an empty target that leaves no trace."""
    found = _connect(":memory:")
    _lay_out(found)
    prepare(found)
    return found


def _lay_out(database: Database) -> None:
    database.executescript(
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT};"
        f"BEGIN; {TABLES} COMMIT;"
    )


def create(path: Path, prepare: Prepare) -> None:
    """Make the file of an empty target, as a whole or not at all.

    It is made under another name first: a file of ours is never found empty, so one that is
    empty was truncated. The caller holds the lease.
    """
    draft = path.with_name(f"{path.name}.new")
    for leftover in (draft, *_beside(draft)):
        leftover.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    database = _connect(_uri(draft, "mode=rw"), uri=True)
    try:
        _lay_out(database)
        prepare(database)
        database.execute("PRAGMA journal_mode = WAL")
    finally:
        database.close()
    draft.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _beside(path: Path) -> tuple[Path, Path]:
    """Return SQLite's own files beside a database: the write-ahead log and its index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def open_to_write(path: Path) -> Database:
    if not _may_write(path):
        # SQLite would open the file read-only without a word.
        raise TargetRefused(f"{path}: the file is read-only", code=Code.TARGET_READ_ONLY)
    database = _connect(_uri(path, "mode=rw"), uri=True)
    try:
        _check(database, path)
        database.execute("PRAGMA synchronous = FULL")
        database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    except BaseException:
        database.close()
        raise
    return database


def open_to_read(path: Path) -> Database:
    """Open a file to read it, wherever it lies; the file and its directory stay as they are.

    Where we could write, SQLite needs to be able to as well: it makes the index of its log beside
    the file, and the last one to close removes it. Where we could not, it can read along with a
    writer, or alone from a file without a log; a log without an index only elsewhere.
    """
    log, index = _beside(path)
    scratch = None
    if _may_write(path) and _may_write(path.parent):
        where = _uri(path, "mode=rw")
    elif not log.exists() or not log.stat().st_size:
        where = _uri(path, "mode=ro&immutable=1")
    elif index.exists():
        where = _uri(path, "mode=ro")
    else:
        scratch = tempfile.TemporaryDirectory(prefix="stateward-")
        shutil.copy(path, scratch.name)
        shutil.copy(log, scratch.name)
        where = _uri(Path(scratch.name) / path.name, "mode=rw")
    database = None
    try:
        database = _connect(where, uri=True)
        database.scratch = scratch
        _check(database, path)
        database.execute("PRAGMA query_only = ON")
    except BaseException:
        with suppress(sqlite3.Error):
            if database is not None:
                database.close()
        if scratch is not None:
            scratch.cleanup()
        raise
    return database


def _check(database: Database, path: Path) -> None:
    """Refuse what is not ours, and set up what is."""
    if not path.stat().st_size:
        message = f"{path}: the file is empty, it was cut off: restore it, or remove it"
        raise TargetRefused(message, code=Code.TARGET_CORRUPT)
    database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (layout,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        message = f"{path}: a database of another program"
        raise TargetRefused(message, code=Code.TARGET_FOREIGN)
    if layout != LAYOUT:
        message = f"{path}: its layout is {layout}, this version of stateward knows {LAYOUT}"
        raise TargetRefused(message, code=Code.TARGET_FOREIGN)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    database.execute("PRAGMA temp_store = MEMORY")

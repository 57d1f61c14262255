"""The state database's file: its tables and its layouts.

    record  the links; a trigger keeps them from being changed, another from being dropped by
            anything but retention
    head    one row: the last link, and the number up to which retention has dropped

The tables are a plain thing to look at with the ``sqlite3`` shell, which is safe at any time.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from stateward.errors import StateUnavailable
from stateward.model.chain import End
from stateward.stores import legacy, records

APPLICATION_ID = 0x53574A31  # "SWJ1"
VERSION = 2
_STATEMENTS = (
    "CREATE TABLE record (number INTEGER PRIMARY KEY, type TEXT NOT NULL, run TEXT NOT NULL,"
    " at TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL,"
    " hash TEXT NOT NULL, dropped INTEGER NOT NULL) STRICT",
    "CREATE INDEX record_run ON record (run, type)",
    "CREATE INDEX record_target ON record (json_extract(body, '$.target')) WHERE type = 'begin'",
    "CREATE INDEX record_subject ON record (json_extract(body, '$.subject')) WHERE type = 'begin'",
    "CREATE INDEX record_undoes ON record (json_extract(body, '$.undoes')) WHERE type = 'begin'",
    "CREATE TRIGGER record_stays BEFORE UPDATE ON record"
    " BEGIN SELECT RAISE(ABORT, 'records are never changed'); END",
    "CREATE TRIGGER record_kept BEFORE DELETE ON record"
    " WHEN old.number > (SELECT dropped FROM head)"
    " BEGIN SELECT RAISE(ABORT, 'records are dropped by retention only'); END",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a state database; a new one is laid out, one of an older layout is carried over."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
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


def is_older(path: Path) -> bool:
    """Tell whether a file has a layout that opening it would carry over."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        return False  # whoever opens it to write says what is wrong
    return (found, version) == (APPLICATION_ID, legacy.VERSION)


def _text(raw: bytes) -> str:
    """Read what is no text as well: what was tampered with has to be told, not stumbled over."""
    return raw.decode(errors="surrogateescape")


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; the lock is taken first, since two may find it new at once."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if found == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            _make(connection)
        elif found != APPLICATION_ID:
            message = f"{path}: not a state database of Stateward: name another file"
            raise StateUnavailable(message)
        elif version == legacy.VERSION:
            before = list(legacy.records(connection))
            legacy.drop(connection)
            _make(connection)
            records.append(connection, before)
        elif version != VERSION:
            message = f"{path}: its layout is {version}, this version of stateward knows {VERSION}"
            raise StateUnavailable(f"{message}: name another file")


def _make(connection: sqlite3.Connection) -> None:
    for statement in _STATEMENTS:
        connection.execute(statement)
    connection.execute("INSERT INTO head VALUES (1, ?, ?, 0)", (End().number, End().hash))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")

"""The first layout of the state database: runs and entries in tables that were written over.

What it held is carried over as it stood; the chain vouches for it from then on.
"""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from stateward.model.chain import LinkType
from stateward.model.record import RunKind

VERSION = 1


def records(db: sqlite3.Connection) -> Iterator[tuple[LinkType, str, str, Any]]:
    """Yield what the tables hold as records of the chain, oldest run first."""
    runs = "SELECT id, unit, revision, target, detail, started, finished, outcome, error FROM run"
    for run, unit, revision, target, detail, started, finished, outcome, error in db.execute(
        f"{runs} ORDER BY started, id"
    ).fetchall():
        opening = {
            "kind": RunKind.ROUND.value,
            "subject": unit,
            "target": target,
            "cause": {"trigger": "", "actor": ""},
            "revision": revision,
            "detail": detail,
        }
        yield LinkType.BEGIN, run, started, opening
        yield from _entries(db, run)
        if finished is not None:
            end = {"outcome": outcome, **({"error": error} if error else {})}
            yield LinkType.FINISH, run, finished, end


def _entries(db: sqlite3.Connection, run: str) -> Iterator[tuple[LinkType, str, str, Any]]:
    columns = "number, state, action, kind, hfid, node, detail, at"
    found = f"SELECT {columns} FROM entry WHERE run = ? ORDER BY at, rowid"  # noqa: S608
    for number, state, action, kind, hfid, node, detail, at in db.execute(found, (run,)):
        entry = {
            "index": number,
            "state": state,
            "action": action,
            "key": [kind, *json.loads(hfid)],
            **({"node": node} if node else {}),
            **({"detail": detail} if detail else {}),
        }
        yield LinkType.ENTRIES, run, at, {"entries": [entry]}


def drop(db: sqlite3.Connection) -> None:
    db.execute("DROP TABLE entry")
    db.execute("DROP TABLE run")

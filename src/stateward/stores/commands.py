"""What people told the daemon, in a table of the state database: the one way between processes."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from stateward.model.command import Command, Verb
from stateward.stores.database import Connection, Database
from stateward.stores.sqlite import SqliteDatabase

_TABLE = (
    "CREATE TABLE IF NOT EXISTS command (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT"
)


class KeptCommands:
    """The commands of one state database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def give(self, command: Command, instead_of: Collection[str] = ()) -> None:
        row = command.id, json.dumps(asdict(command))
        now = self._clock()

        def work(db: Connection) -> None:
            over = [own.id for own in _all(db) if own.is_over(now)]
            _drop(db, {*over, *instead_of, command.id})
            db.execute("INSERT INTO command (id, body) VALUES (?, ?)", row).close()

        await self._database.write(work)

    async def standing(self) -> Sequence[Command]:
        now = self._clock()
        nothing: list[Command] = []
        found = await self._database.read(_all, nothing)
        return [own for own in found if not own.is_over(now)]

    async def done(self, ids: Collection[str]) -> Sequence[str]:
        def work(db: Connection) -> list[str]:
            known = [own.id for own in _all(db) if own.id in ids]
            _drop(db, known)
            return known

        return await self._database.write(work) if ids else []

    async def close(self) -> None:
        await self._database.close()


class SqliteCommands(KeptCommands):
    """Those in a file, which is made when it is first written to."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        super().__init__(SqliteDatabase(path, "commands", _TABLE), clock)


def _all(db: Connection) -> list[Command]:
    rows = db.execute("SELECT body FROM command ORDER BY number").fetchall()
    return [own for (body,) in rows if (own := _command(body)) is not None]


def _drop(db: Connection, ids: Collection[str]) -> None:
    db.executemany("DELETE FROM command WHERE id = ?", [(own,) for own in ids])


def _command(body: str) -> Command | None:
    """Read a command; one that another version wrote and that cannot be understood is none."""
    try:
        known = json.loads(body)
        known["verb"] = Verb(known["verb"])
        return Command(**known)
    except (ValueError, TypeError, KeyError):
        return None

"""Places for the state, and what stands there as somebody else reads it."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from clusters import Database, server
from stateward.stores.commands import KeptCommands, SqliteCommands
from stateward.stores.journal import KeptJournal
from stateward.stores.sqlite import SqliteJournal
from stateward.stores.statuses import KeptStatuses, SqliteStatuses

Row = tuple[str, int, str, str, str, tuple[str, ...], str | None, str]
_LINKS = "SELECT number, type, run, at, body, hash FROM record ORDER BY 1"


@dataclass(frozen=True, kw_only=True)
class Store:
    """One place, and for how long a journal keeps there what it is given."""

    age: timedelta | None = None
    count: int | None = None

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def place(self) -> str:
        """What another process finds it by."""
        raise NotImplementedError

    def opened(self) -> KeptJournal:
        raise NotImplementedError

    def statuses(self) -> KeptStatuses:
        raise NotImplementedError

    def commands(self, clock: Callable[[], float]) -> KeptCommands:
        raise NotImplementedError

    def links(self) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def exists(self) -> bool:
        """Whether anything was made."""
        raise NotImplementedError

    def content(self) -> bytes:
        """All that is kept, as it is kept."""
        raise NotImplementedError

    def change(self, *statements: str) -> None:
        """Change it as any other program would that may write there."""
        raise NotImplementedError

    def tamper(self, *statements: str) -> None:
        """Change it as somebody does who wants history to be another one."""
        raise NotImplementedError

    def remove(self) -> None:
        raise NotImplementedError

    @asynccontextmanager
    async def journal(self) -> AsyncIterator[KeptJournal]:
        opened = self.opened()
        try:
            yield opened
        finally:
            await opened.close()

    def entries(self) -> list[Row]:
        return [
            (
                run,
                own["index"],
                own["state"],
                own["action"],
                own["key"][0],
                tuple(own["key"][1:]),
                own.get("node"),
                own.get("detail", ""),
            )
            for _, type_, run, _, body, _ in self.links()
            if type_ == "entries"
            for own in json.loads(body)["entries"]
        ]

    def ends(self) -> dict[str, tuple[str | None, str | None]]:
        ends: dict[str, tuple[str | None, str | None]] = {}
        for _, type_, run, _, body, _ in self.links():
            if type_ == "begin":
                ends[run] = (None, None)
            elif type_ == "finish":
                found = json.loads(body)
                ends[run] = (found["outcome"], found.get("error"))
        return ends


@dataclass(frozen=True, kw_only=True)
class SqliteStore(Store):
    """A file."""

    path: Path

    @property
    def name(self) -> str:
        return "sqlite"

    @property
    def place(self) -> str:
        return str(self.path)

    def opened(self) -> KeptJournal:
        return SqliteJournal(self.path, age=self.age, count=self.count)

    def statuses(self) -> KeptStatuses:
        return SqliteStatuses(self.path)

    def commands(self, clock: Callable[[], float]) -> KeptCommands:
        return SqliteCommands(self.path, clock)

    def links(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(_LINKS).fetchall()

    def exists(self) -> bool:
        return self.path.parent.exists()

    def content(self) -> bytes:
        return b"".join(own.read_bytes() for own in self.path.parent.iterdir())

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            for statement in statements:
                db.execute(statement)

    def tamper(self, *statements: str) -> None:
        gone = [f"DROP TRIGGER IF EXISTS {own}" for own in ("record_stays", "record_kept")]
        self.change(*gone, *statements)

    def remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class PostgresStore(Store):
    """A database of a server."""

    database: Database

    @property
    def name(self) -> str:
        return "postgres"

    @property
    def place(self) -> str:
        return self.database.url

    def opened(self) -> KeptJournal:
        return on_server(self.place, age=self.age, count=self.count)

    def statuses(self) -> KeptStatuses:
        from stateward.stores.postgres import PostgresDatabase

        return KeptStatuses(PostgresDatabase(server(self.place), "statuses"))

    def commands(self, clock: Callable[[], float]) -> KeptCommands:
        from stateward.stores.postgres import PostgresDatabase

        return KeptCommands(PostgresDatabase(server(self.place), "commands"), clock)

    def links(self) -> list[tuple[Any, ...]]:
        return self.database.ask(_LINKS) if self.exists() else []

    def exists(self) -> bool:
        ((found,),) = self.database.ask("SELECT to_regnamespace('stateward') IS NOT NULL")
        return bool(found)

    def content(self) -> bytes:
        return "".join(map(str, self.links())).encode()

    def change(self, *statements: str) -> None:
        for statement in statements:
            self.database.ask(statement)

    def tamper(self, *statements: str) -> None:
        self.change("ALTER TABLE record DISABLE TRIGGER USER", *statements)

    def remove(self) -> None:
        self.change("DROP SCHEMA stateward CASCADE")


def on_server(url: str, **retention: Any) -> KeptJournal:
    from stateward.stores.postgres import PostgresDatabase

    return KeptJournal(PostgresDatabase(server(url), "journal"), **retention)


OPENERS = {"sqlite": lambda place: SqliteJournal(Path(place)), "postgres": on_server}
"""What opens a journal of a place in another process, by the name of what it is."""

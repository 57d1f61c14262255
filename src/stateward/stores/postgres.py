"""The state database in PostgreSQL: for daemons that share no disk. The only home of psycopg, an extra.

Each part of the state has a connection and a thread of its own, as it has with a file. A connection
that is found dead before anything was asked of it is replaced without a word; one that dies while
something is under way is an error, and the next use connects anew.
"""

import asyncio
import hashlib
import json
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from stateward.errors import ConfigError, StateUnavailable
from stateward.model.finding import Finding, fine, wrong
from stateward.stores import layout
from stateward.stores.address import Address
from stateward.stores.database import Cursor, Dialect, Unusable

_T = TypeVar("_T")
_ADVICE = "mend the server, or the way to it: it is connected to again by itself"
CONNECTING = 10
"""Seconds for one address of the server."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
_READING = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "SELECT set_config('idle_in_transaction_session_timeout', '10s', true), pg_advisory_xact_lock(%s)"
"""One writer at a time, who holds up no others for long where its machine is gone."""
_SESSION = """
SELECT set_config('search_path', 'stateward', false), set_config('lock_timeout', '30s', false),
set_config('client_min_messages', 'error', false),
CASE WHEN current_setting('synchronous_commit') = 'off'
THEN set_config('synchronous_commit', 'on', false) END
"""
"""What is told to be on disk has to be there, whatever the server does by default."""


def _spelled(text: str) -> str:
    return json.dumps(text)[1:-1].replace('\\"', '"')


DIALECT = Dialect(told=layout.told, spelled=_spelled)


class Session:
    """One connection to a server: statements as the stores spell them, and whether it still lives."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    @property
    def lives(self) -> bool:
        """Whether the other end is still there, as far as this machine knows: nothing is sent."""
        if self._connection.closed or self._connection.broken:
            return False
        poll = select.poll()
        poll.register(self._connection.fileno(), getattr(select, "POLLRDHUP", 0))
        return not any(found & _GONE for _, found in poll.poll(0))

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        return self._connection.execute(_marked(statement), values or None)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Cursor:
        cursor = self._connection.cursor()
        cursor.executemany(_marked(statement), rows)
        return cursor

    @contextmanager
    def transaction(self, begin: str, *values: Any) -> Iterator[None]:
        with self._connection.transaction():
            self._connection.execute(begin, values or None).close()
            yield

    def close(self) -> None:
        self._connection.close()


class Server:
    """The way to one database: who opens sessions, and says what went wrong with them."""

    def __init__(
        self, address: Address, password: Callable[[], str | None], timeout: float = CONNECTING
    ) -> None:
        self.address = address
        self._password = password
        self._timeout = timeout

    def __str__(self) -> str:
        return self.address.name

    def session(self) -> Session:
        """Connect; the password is fetched each time, since it may be another one by now."""
        known: dict[str, Any] = {
            "application_name": "stateward",
            "connect_timeout": max(2, round(self._timeout)),
            "keepalives_idle": max(1, round(self._timeout)),
            "keepalives_interval": max(1, round(self._timeout / 3)),
            "keepalives_count": 3,
            "tcp_user_timeout": round(self._timeout * 2000),
        }
        given = psycopg.conninfo.conninfo_to_dict(self.address.url)
        known = {name: value for name, value in known.items() if name not in given}
        if (password := self._password()) is not None:
            known["password"] = password
        connection = psycopg.connect(
            self.address.url, autocommit=True, client_encoding="utf8", **known
        )
        own = Session(connection)
        try:
            own.execute(_SESSION).close()
        except BaseException:
            own.close()
            raise
        return own

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, OSError, UnicodeError, Unusable, ConfigError) as error:
            raise StateUnavailable(f"{self}: {_said(error)}: {_ADVICE}") from error


class PostgresDatabase:
    """One part of the state; its tables are made when one of them is first written to."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._key = key(f"stateward {name}")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._session: Session | None = None
        self._closed = False
        self._known = False
        """Whether the tables have been there, and of a layout that is understood."""

    def __str__(self) -> str:
        return str(self._server)

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    async def write(self, work: Callable[[Session], _T]) -> _T:
        def writing() -> _T:
            session = self._laid_out()
            with session.transaction(_WRITING, self._key):
                return work(session)

        return await self._run(writing)

    async def each(self, work: Callable[[Session], _T]) -> _T:
        """Do some work of which each statement stands alone: what stops meanwhile holds up nobody."""
        return await self._run(lambda: work(self._laid_out()))

    async def read(self, work: Callable[[Session], _T], nothing: _T) -> _T:
        def reading() -> _T:
            session = self._connected()
            self._known = self._known or _is_there(session)
            if not self._known:
                return nothing
            with session.transaction(_READING):
                return work(session)

        return await self._run(reading)

    async def look(self, subject: str) -> Finding | None:
        def looking() -> Finding | None:
            session = self._connected()
            self._known = _is_there(session)
            (may,) = session.execute(layout.MAY_WRITE).fetchone()
            if self._known:
                return None
            if not may:
                message = f"{self}: is not there, and this user may not make the schema"
                return wrong(subject, message, "let it create in the database, or own the schema")
            return fine(subject, f"{self}: is not there yet, the first apply makes it")

        try:
            return await self._run(looking)
        except StateUnavailable as error:
            return wrong(subject, str(error), "mend it; the address is that of state.url")

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def _do(self, work: Callable[[], _T]) -> _T:
        with self._server.translated():
            try:
                return work()
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                self._known = False  # somebody has removed them: that costs what they held
                return work()

    def _laid_out(self) -> Session:
        session = self._connected()
        self._known = self._known or _lay_out(session)
        return session

    def _connected(self) -> Session:
        if self._session is None or not self._session.lives:
            self._disconnect()
            self._session = self._server.session()
        return self._session

    def _disconnect(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def key(name: str) -> int:
    """Return the number that an advisory lock of a name has."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _is_there(session: Session) -> bool:
    """Tell whether the tables are there; raises ``Unusable`` where another version made them."""
    (found,) = session.execute(layout.IS_THERE).fetchone()
    if found:
        row = session.execute(layout.LAYOUT).fetchone()
        if row != (layout.VERSION,):
            what = row[0] if row else "unknown"
            known = f"its layout is {what}, this version of stateward knows {layout.VERSION}"
            raise Unusable(f"{known}: name another database")
    return bool(found)


def _lay_out(session: Session) -> bool:
    """Make the tables, unless they are there: several may find that they are not."""
    with session.transaction(_WRITING, key("stateward layout")):
        if not _is_there(session):
            if session.execute(layout.HAS_TABLES).fetchone()[0]:
                raise Unusable("its schema stateward is of another program: name another database")
            if not session.execute(layout.HAS_SCHEMA).fetchone()[0]:
                session.execute(f"CREATE SCHEMA {layout.SCHEMA}")
            for statement in layout.STATEMENTS:
                session.execute(statement)
    return True


def _marked(statement: str) -> str:
    # All statements are ours, and none has either mark in a text.
    return statement.replace("?", "%s")


def _said(error: Exception) -> str:
    """Return what went wrong, in one line, without the values that it went wrong with."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else error.args[0]
    return " ".join(str(told or error).split())

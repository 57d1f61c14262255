"""A lease that a PostgreSQL server keeps: a row that is replaced, and a lock that shows who lives.

What decides is the row's version: of several that replace the same one, one succeeds. Whoever has
written it holds an advisory lock on a connection of its own, under a number that stands in the row.
Where another candidate has seen that lock held, and on the same connection finds it free, nobody
has to wait: whoever held it sees as soon that its own connection has ended, and leads no more. A
server that starts anew frees all locks at once, which shows nothing: then the lease has to lapse.
"""

import secrets
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from stateward.errors import LeaseUnavailable, StateUnavailable
from stateward.model.tenure import Tenure
from stateward.stores.postgres import PostgresDatabase, Server, Session

_T = TypeVar("_T")
_FOUND = """
SELECT holder, term, patience, version, life, EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = life >> 32 AND objid::bigint = life & 4294967295
) FROM lease WHERE subject = ?
"""
_MADE = """
INSERT INTO lease (holder, term, patience, life, version, subject) VALUES (?, ?, ?, ?, 1, ?)
ON CONFLICT (subject) DO NOTHING RETURNING version
"""
_REPLACED = """
UPDATE lease SET holder = ?, term = ?, patience = ?, life = ?, version = version + 1
WHERE subject = ? AND version = ? RETURNING version
"""
_LIVES = 62
"""Bits of a number that no other connection has."""


class PostgresLease:
    """One lease, as one candidate sees it; ``name`` is another one for each process."""

    def __init__(self, server: Server, subject: str, name: str) -> None:
        self._database = PostgresDatabase(server, "lease")
        self._subject = subject
        self._name = name
        self._life: tuple[Session, int] | None = None
        """A connection, and the number of the lock that it holds."""
        self._seen: tuple[Session, int] | None = None
        """The lock that was held when it was looked at last, and by which connection it was seen."""
        self._written: Session | None = None
        """The connection that has written what stands there, as far as we know."""

    @property
    def lost(self) -> bool:
        written = self._written
        return written is not None and not written.lives

    async def read(self) -> Tenure | None:
        nothing: Tenure | None = None
        return await self._translated(self._database.read(self._read, nothing))

    async def replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        work = partial(self._replace, known, new)
        return await self._translated(self._database.each(work))

    async def close(self) -> None:
        await self._database.close()

    async def _translated(self, asked: Awaitable[_T]) -> _T:
        try:
            return await asked
        except StateUnavailable as error:
            raise LeaseUnavailable(str(error.args[0])) from error

    def _read(self, session: Session) -> Tenure | None:
        row = session.execute(_FOUND, (self._subject,)).fetchone()
        if row is None:
            return None
        holder, term, patience, version, life, lives = row
        if lives:
            self._seen = session, life
        elif self._seen == (session, life) and holder != self._name:
            holder = ""
        return Tenure(holder=holder, term=term, patience=patience, version=str(version))

    def _replace(self, known: Tenure | None, new: Tenure, session: Session) -> Tenure | None:
        said = (new.holder, new.term, new.patience, self._alive(session), self._subject)
        if known is None:
            row = session.execute(_MADE, said).fetchone()
        else:
            row = session.execute(_REPLACED, (*said, int(known.version))).fetchone()
        if row is None:
            return None
        self._written = session
        return replace(new, version=str(row[0]))

    def _alive(self, session: Session) -> int:
        """Show for as long as this connection lives that we do."""
        if self._life is None or self._life[0] is not session:
            life = 1 + secrets.randbits(_LIVES)
            session.execute("SELECT pg_advisory_lock(?)", (life,)).close()
            self._life = session, life
        return self._life[1]

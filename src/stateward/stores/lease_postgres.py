"""A lease that a PostgreSQL server keeps: a row, replaced by whoever has read it as it is.

What decides is the row's version: of several that replace the same one, one succeeds. That somebody
lives is shown by nothing but what is renewed. A connection could show it sooner, but its two ends
may not agree on when it has ended: what stands between them can keep one of them waiting.
"""

from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from stateward.errors import LeaseUnavailable, StateUnavailable
from stateward.model.tenure import Tenure
from stateward.stores.postgres import PostgresDatabase, Server, Session

_T = TypeVar("_T")
_FOUND = "SELECT holder, term, patience, version FROM lease WHERE subject = ?"
_MADE = """
INSERT INTO lease (holder, term, patience, version, subject) VALUES (?, ?, ?, 1, ?)
ON CONFLICT (subject) DO NOTHING RETURNING version
"""
_REPLACED = """
UPDATE lease SET holder = ?, term = ?, patience = ?, version = version + 1
WHERE subject = ? AND version = ? RETURNING version
"""


class PostgresLease:
    """One lease, as all candidates see it."""

    def __init__(self, server: Server, subject: str) -> None:
        self._database = PostgresDatabase(server, "lease")
        self._subject = subject

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
        holder, term, patience, version = row
        return Tenure(holder=holder, term=term, patience=patience, version=str(version))

    def _replace(self, known: Tenure | None, new: Tenure, session: Session) -> Tenure | None:
        said = (new.holder, new.term, new.patience, self._subject)
        if known is None:
            row = session.execute(_MADE, said).fetchone()
        else:
            row = session.execute(_REPLACED, (*said, int(known.version))).fetchone()
        return None if row is None else replace(new, version=str(row[0]))

"""The chain's links in a database: two tables, ``record`` for them and ``head`` for the last one."""

from collections.abc import Iterable, Iterator
from typing import Any

from stateward.model.chain import End, Link, LinkType
from stateward.stores import chain
from stateward.stores.database import Connection, Unusable

_LINKS = "SELECT number, type, run, at, body, hash FROM record WHERE"
_LEAST = -(1 << 63)
_PART = 500


def append(db: Connection, records: Iterable[tuple[LinkType, str, str, Any]]) -> None:
    """Append records (type, run, time, content) to the chain, within the caller's transaction."""
    last = head(db)
    if last is None:
        raise Unusable("the end of the chain of records is gone")
    rows: list[tuple[Any, ...]] = []
    for type_, run, at, content in records:
        link = Link(last.number + 1, type_.value, run, at, chain.canonical(content))
        last = End(link.number, chain.digest(last.hash, link))
        rows.append((link.number, link.type, link.run, link.at, link.body, last.hash))
    if rows:
        db.executemany("INSERT INTO record VALUES (?,?,?,?,?,?)", rows)
        db.execute("UPDATE head SET number = ?, hash = ?", (last.number, last.hash))


def head(db: Connection) -> End | None:
    row = db.execute("SELECT number, hash FROM head").fetchone()
    return End(*row) if row else None


def links(db: Connection) -> Iterator[Link]:
    """Yield all links in order, a part of them at a time: there may be many."""
    condition, last = "number >= ?", _LEAST
    while rows := db.execute(f"{_LINKS} {condition} ORDER BY number LIMIT ?", (last, _PART)).fetchall():  # fmt: skip
        yield from (Link(*row) for row in rows)
        condition, last = "number > ?", rows[-1][0]


def links_where(db: Connection, column: str, value: str) -> list[Link]:
    """Return links in order that have a value in a column."""
    found = db.execute(f"{_LINKS} {column} = ? ORDER BY number", (value,))
    return [Link(*row) for row in found.fetchall()]

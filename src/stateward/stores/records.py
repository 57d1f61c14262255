"""The chain's links in a database: two tables, ``record`` for them and ``head`` for the last one."""

from collections.abc import Iterable, Iterator
from typing import Any

from stateward.model.chain import End, Link, LinkType
from stateward.stores import chain
from stateward.stores.database import Connection, Unusable


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


def links(db: Connection, where: str = "", *values: Any) -> Iterator[Link]:
    """Yield links in order; ``where`` is a condition of ours, with ``values`` for its marks."""
    found = f"SELECT number, type, run, at, body, hash FROM record {where} ORDER BY number"  # noqa: S608
    return (Link(*row) for row in db.execute(found, values))

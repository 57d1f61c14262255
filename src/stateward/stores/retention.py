"""What of the chain may go: whole runs, from the oldest on, none of them only in part."""

from collections.abc import Iterator
from typing import NamedTuple

from stateward.model.chain import LinkType
from stateward.stores import records
from stateward.stores.database import Connection

_REACH = """
SELECT MAX(number), MAX(CASE WHEN type = 'finish' THEN 1 ELSE 0 END) FROM record WHERE run = ?
"""


class _Extent(NamedTuple):
    """Where a run begins in the chain, and where and when it was last heard of."""

    begin: int
    last: int
    at: str
    finished: bool


def drop(db: Connection, now: str, *, oldest: str, count: int | None) -> None:
    """Drop runs last heard of before ``oldest``, and ended ones beyond the newest ``count``.

    What was dropped is written into the chain itself, in the same transaction.
    """
    going: list[_Extent] = []
    surplus = _surplus(db, count)
    end = _end(db)
    for own in _extents(db):
        if not (own.at < oldest or (surplus > len(going) and own.finished)):
            end = own.begin - 1
            break
        going.append(own)
    for own in reversed(going):  # what reaches beyond the end stays, with all that came after it
        if own.last > end:
            end = own.begin - 1
    runs = sum(own.begin <= end for own in going)
    if not runs:
        return
    (hash_,) = db.execute("SELECT hash FROM record WHERE number = ?", (end,)).fetchone()
    db.execute("UPDATE head SET dropped = ?", (end,))
    db.execute("DELETE FROM record WHERE number <= ?", (end,))
    content = {"through": end, "hash": hash_, "runs": runs}
    records.append(db, [(LinkType.RETENTION, "", now, content)])


def _surplus(db: Connection, count: int | None) -> int:
    if count is None:
        return 0
    (runs,) = db.execute("SELECT COUNT(*) FROM record WHERE type = 'begin'").fetchone()
    return int(runs) - count


def _end(db: Connection) -> int:
    (number,) = db.execute("SELECT MAX(number) FROM record").fetchone()
    return number or 0


def _extents(db: Connection) -> Iterator[_Extent]:
    for begin, run in db.execute(
        "SELECT number, run FROM record WHERE type = 'begin' ORDER BY number"
    ):
        last, finished = db.execute(_REACH, (run,)).fetchone()
        (at,) = db.execute("SELECT at FROM record WHERE number = ?", (last,)).fetchone()
        yield _Extent(begin, last, at, bool(finished))

"""How units stand, in a table of the state database that holds no history: it is written over."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stateward.model.status import Condition, Overview, Pause, Reason, SourceStatus, Status, Why
from stateward.stores import drifts
from stateward.stores.database import Connection, Database
from stateward.stores.sqlite import SqliteDatabase

_TABLE = (
    "CREATE TABLE IF NOT EXISTS status (target TEXT NOT NULL, source TEXT NOT NULL,"
    " unit TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (target, source, unit)) STRICT"
)
_SOURCE = ""
"""Stands in a unit's place for the source itself: no unit has an empty name."""
_PUT = (
    "INSERT INTO status VALUES (?, ?, ?, ?)"
    " ON CONFLICT (target, source, unit) DO UPDATE SET body = excluded.body"
)


class KeptStatuses:
    """The statuses of one state database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, target: str, source: str) -> Mapping[str, Status]:
        found = await self._rows(" WHERE target = ? AND source = ?", (target, source))
        return {
            unit: status
            for _, _, unit, body in found
            if unit != _SOURCE and (status := _status(body)) is not None
        }

    async def keep(self, target: str, units: Mapping[str, Status | None], source: str) -> None:
        rows = [
            (target, source, unit, json.dumps(_body(own)))
            for unit, own in units.items()
            if own is not None
        ]
        gone = [(target, source, unit) for unit, own in units.items() if own is None]

        def work(db: Connection) -> None:
            db.executemany(_PUT, rows)
            db.executemany("DELETE FROM status WHERE target = ? AND source = ? AND unit = ?", gone)

        await self._database.write(work)

    async def keep_source(self, source: SourceStatus) -> None:
        row = (source.target, source.source, _SOURCE, json.dumps(asdict(source)))
        await self._database.write(lambda db: db.execute(_PUT, row).close())

    async def only(self, sources: Collection[tuple[str, str]]) -> None:
        def work(db: Connection) -> None:
            known = db.execute("SELECT DISTINCT target, source FROM status").fetchall()
            gone = [own for own in known if own not in sources]
            db.executemany("DELETE FROM status WHERE target = ? AND source = ?", gone)

        await self._database.write(work)

    async def overviews(self) -> Sequence[Overview]:
        units: dict[tuple[str, str], list[Status]] = {}
        sources: list[SourceStatus] = []
        for target, source, unit, body in await self._rows("", ()):
            if unit == _SOURCE:
                with suppress(ValueError, TypeError):
                    sources.append(SourceStatus(**json.loads(body)))
            elif (status := _status(body)) is not None:
                units.setdefault((target, source), []).append(status)
        return [
            Overview(source=own, units=tuple(units.get((own.target, own.source), ())))
            for own in sources
        ]

    async def close(self) -> None:
        await self._database.close()

    async def _rows(self, where: str, values: tuple[str, ...]) -> list[Any]:
        query = f"SELECT target, source, unit, body FROM status{where} ORDER BY 1, 2, 3"  # noqa: S608 - ours
        nothing: list[Any] = []
        return await self._database.read(lambda db: db.execute(query, values).fetchall(), nothing)


class SqliteStatuses(KeptStatuses):
    """Those in a file, which is made when it is first written to."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteDatabase(path, "statuses", _TABLE))


def _body(own: Status) -> dict[str, Any]:
    return {**asdict(replace(own, drift=None)), "drift": drifts.body(own.drift)}


def _pause(known: dict[str, Any] | None) -> Pause | None:
    return None if known is None else Pause(**{**known, "why": Why(known["why"])})


def _status(body: str) -> Status | None:
    """Read a status; one that another version wrote and that cannot be understood is none."""
    try:
        known = json.loads(body)
        reason = known.pop("reason")
        known["condition"] = Condition(known["condition"])
        pause, drift = _pause(known.pop("pause", None)), drifts.drift(known.pop("drift", None))
        known["details"] = tuple(known.get("details", ()))
        reason = Reason(reason) if reason else None
        return Status(reason=reason, pause=pause, drift=drift, **known)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

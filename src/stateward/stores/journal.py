"""The journal in the state database: what was about to happen, and what happened.

Every record is on disk before the next step is taken, and is never changed: see ``chain`` and
``records``. Times are UTC, as ISO 8601.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stateward.errors import Code, ConfigError, StateUnavailable
from stateward.model.chain import End, Link, LinkType, Verdict
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.record import Opening, Record
from stateward.model.run import Entry, EntryState
from stateward.stores import chain, codec, folding, records, retention
from stateward.stores.database import Connection, Database

_SUBJECT = "state"


class KeptJournal:
    """The journal and the trail of one state database.

    Runs that were last heard of longer than ``age`` ago, and ended ones beyond the newest
    ``count``, are dropped when a run ends.
    """

    def __init__(
        self, database: Database, *, age: timedelta | None = None, count: int | None = None
    ) -> None:
        self._database = database
        self._age = age
        self._count = count
        self._told, self._spelled = database.dialect.told, database.dialect.spelled

    async def begin(self, openings: Sequence[Opening]) -> None:
        at = _now()
        links = [(LinkType.BEGIN, own.run, at, codec.opening_body(own)) for own in openings]
        await self._database.write(lambda db: records.append(db, links))

    async def record(self, entries: Sequence[Entry]) -> None:
        at = _now()
        by_run: dict[str, list[object]] = {}
        for own in entries:
            by_run.setdefault(own.run, []).append(codec.entry_body(own))
        links = [(LinkType.ENTRIES, run, at, {"entries": own}) for run, own in by_run.items()]
        await self._database.write(lambda db: records.append(db, links))

    async def finish(self, run: str, outcome: str, error: str = "") -> None:
        body = {"outcome": outcome, **({"error": error} if error else {})}

        def work(db: Connection) -> None:
            known = {type_ for (type_,) in db.execute(_TYPES, (run,))}
            if LinkType.BEGIN in known and LinkType.FINISH not in known:
                records.append(db, [(LinkType.FINISH, run, _now(), body)])
            self._drop(db)

        await self._database.write(work)

    def _drop(self, db: Connection) -> None:
        if self._age is not None or self._count is not None:
            oldest = "" if self._age is None else _iso(datetime.now(UTC) - self._age)
            retention.drop(db, _now(), oldest=oldest, count=self._count)

    async def unfinished(self, target: str) -> Sequence[str]:
        """Return the runs on a target that were begun and not finished, oldest first."""
        query, values = _UNFINISHED.format(self._told("target")), (self._spelled(target),)
        return await self._database.write(
            lambda db: [run for (run,) in db.execute(query, values).fetchall()]
        )

    async def runs(
        self,
        subject: str | None = None,
        *,
        since: str = "",
        limit: int | None = None,
        revision: str | None = None,
    ) -> Sequence[Record]:
        """Return runs with their changes, newest first."""
        query, values = f"{_BEGUN} AND at >= ?", [since]
        if subject is not None:
            query += f" AND {self._told('subject')} = ?"
            values.append(self._spelled(subject))
        if revision is not None:
            start = self._spelled(revision)
            query += f" AND substr({self._told('revision')}, 1, {len(start):d}) = ?"
            values.append(start)
        query += " ORDER BY number DESC"
        query += f" LIMIT {limit:d}" if limit is not None else ""
        return await self._read(query, values)

    async def together(self, record: Record) -> Sequence[Record]:
        """Return the runs of the round that a run was part of, this one included."""
        opening = record.opening
        if not (opening.round or opening.plan):
            return [record]
        if opening.round:
            query, values = f"{_BEGUN} AND {self._told('round')} = ?", [opening.round]
        else:
            query = f"{_BEGUN} AND {self._told('round')} IS NULL AND {self._told('plan')} = ? AND at = ?"
            values = [opening.plan, record.started]
        query = f"{query} ORDER BY number"
        return await self._read(query, values)

    async def run(self, prefix: str) -> Record:
        """Return the one run whose id starts with ``prefix``; raises ``ConfigError`` else."""
        query = f"{_BEGUN} AND substr(run, 1, ?) = ? ORDER BY number LIMIT 2"
        values = [len(prefix), prefix]
        found = await self._read(query, values)
        if len(found) == 1:
            return found[0]
        what = "several runs begin so: give more of its id" if found else "there is no such run"
        raise ConfigError(f"{prefix}: {what}: see `stateward history`", code=Code.NO_SUCH_RUN)

    async def under_way(self, run: str) -> Sequence[str]:
        """Return the ids of objects of which a run began a change, and never said what came of it."""
        changes = (await self.run(run)).changes
        return [own.node for own in changes if own.state is EntryState.STARTED and own.node]

    async def verify(self) -> Verdict:
        """Go along the whole chain, as it stands at one moment."""
        return await self._database.read(
            lambda db: chain.verify(records.links(db), head=records.head(db), dropped=_dropped(db)),
            Verdict(0, End()),
        )

    async def links(self) -> Sequence[Link]:
        """Return the whole chain as it stands."""
        return await self._database.read(lambda db: list(records.links(db)), _NO_LINKS)

    async def diagnose(self, target: str) -> Finding:
        """Say whether history can be written, and what of it is unfinished; nothing is made."""
        if found := await self._database.look(_SUBJECT):
            return found
        try:
            left = await self.unfinished(target)
        except StateUnavailable as error:
            return wrong(_SUBJECT, str(error), "give this user the right to write to it")
        if left:
            message = f"{self._database}: {len(left)} runs are interrupted, or under way"
            return warning(
                _SUBJECT, message, "apply again where nobody does: it goes on from what is there"
            )
        return fine(_SUBJECT, f"{self._database}: can be written to")

    async def close(self) -> None:
        await self._database.close()

    async def _read(self, query: str, values: Sequence[Any]) -> list[Record]:
        return await self._database.read(lambda db: self._records(db, query, values), _NO_RECORDS)

    def _records(self, db: Connection, query: str, values: Sequence[Any]) -> list[Record]:
        found = (self._record(db, run) for (run,) in db.execute(query, values).fetchall())
        return [own for own in found if own is not None]

    def _record(self, db: Connection, run: str) -> Record | None:
        """Read a run, and the rollbacks of it, and theirs: they say what of it still stands."""
        links = records.links_where(db, "run", run)
        rollbacks = self._rollbacks(db, links[0]) if links else ()
        try:
            return folding.fold(links, rollbacks)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"run {run}: its records cannot be read: see `stateward audit verify`"
            raise StateUnavailable(message) from error

    def _rollbacks(self, db: Connection, begun: Link) -> list[Record]:
        run = self._spelled(begun.run)
        query = _ROLLBACKS.format(self._told("undoes"))
        return self._records(db, query, (run, f'%"{run}"%', begun.number))


_NO_RECORDS: list[Record] = []
_NO_LINKS: list[Link] = []
_TYPES = "SELECT type FROM record WHERE run = ? AND type IN ('begin', 'finish')"
_BEGUN = "SELECT run FROM record WHERE type = 'begin'"
_UNFINISHED = """
SELECT run FROM record AS begun WHERE type = 'begin' AND {} = ?
AND NOT EXISTS (SELECT 1 FROM record WHERE run = begun.run AND type = 'finish') ORDER BY number
"""
# What takes several runs back has a list of them, which is told as a text that begins with a bracket.
_ROLLBACKS = f"""
{_BEGUN} AND ({{0}} = ? OR {{0}} >= '[' AND {{0}} < '\\' AND {{0}} LIKE ?) AND number > ?
ORDER BY number
"""


def _dropped(db: Connection) -> End | None:
    """Return the end of what retention has dropped, as the chain itself says."""
    found = records.links_where(db, "type", LinkType.RETENTION.value)
    try:
        body = json.loads(found[-1].body) if found else None
        return End(body["through"], body["hash"]) if body else None
    except (ValueError, KeyError, TypeError):
        return None  # then the chain breaks there, at the latest


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")

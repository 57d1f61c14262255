"""What can be asked: units, runs, plans, what happens."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from stateward.errors import Code
from stateward.http.access import Scope
from stateward.http.answers import Json, Refused
from stateward.http.api import Operation
from stateward.http.asked import Asked, Count, Moment, Text
from stateward.http.events import FOLLOWERS, Events
from stateward.http.view import View
from stateward.ports import Trail
from stateward.reporting import history, plan, status
from stateward.reporting.typed import Typed, options

SOURCE = Text(told="The name of a source.")
UNIT = Text(told="A unit: its path.")
RUN = Text(told="A run's id, or the beginning of it.")
_MOST_RUNS = 500
_RUNS = 20


@dataclass(slots=True)
class Reading:
    """Answers what is asked."""

    view: View
    trail: Trail
    events: Events
    _planning: asyncio.Lock = field(default_factory=asyncio.Lock)

    def operations(self) -> list[Operation]:
        def get(name: str, path: str, told: str, **more: Any) -> Operation:
            return Operation(
                name=name, method="GET", path=path, told=told, scope=Scope.READ, **more
            )

        at = {"source": SOURCE, "unit": UNIT}
        return [
            get("units", "/units", "How sources and their units stand.", handle=self.units, query={"source": replace(SOURCE, told="Only this source.")}, answer="Status"),
            get("unit", "/units/{source}/{unit}", "How one unit stands.", handle=self.unit, places=at, answer="Unit"),
            get("runs", "/runs", "What was done, the newest first.", handle=self.runs, query=_RUN_QUERY, answer="History"),
            get("run", "/runs/{run}", "One run with all its changes.", handle=self.run, places={"run": RUN}, answer="History"),
            get("plan", "/plans/{source}", "What a round of the newest revision would do now; nothing is written.", handle=self.plan, places={"source": SOURCE}, query={"unit": Text(told="Only units that match this pattern.")}, answer="Plan"),
            get("events", "/events", "What happens, as server-sent events, from now on or after Last-Event-ID.", handle=self.follow, answer="Event", media_type="text/event-stream"),
        ]  # fmt: skip

    async def units(self, asked: Asked) -> Response:
        wanted = asked.query.get("source")
        if wanted is not None:
            self.view.source(wanted)
        found = [own for own in self.view.overviews() if wanted in {None, own.source.source}]
        return Json(status.as_json(found, self.view.means.clock()))

    async def unit(self, asked: Asked) -> Response:
        tender = self.view.source(asked.path["source"])
        own = tender.board.statuses.get(asked.path["unit"])
        if own is None:
            raise Refused(Code.NO_SUCH_UNIT, f"{asked.path['unit']}: there is no such unit")
        return Json({"source": tender.tended.name, "unit": own.unit, **status.unit(own)})

    async def runs(self, asked: Asked) -> Response:
        since: datetime | None = asked.query.get("since")
        found = await self.trail.runs(
            asked.query.get("unit"),
            since=since.isoformat(timespec="milliseconds") if since else "",
            limit=asked.query.get("limit", _RUNS),
        )
        return Json(history.as_json(found))

    async def run(self, asked: Asked) -> Response:
        return Json(history.as_json([await self.trail.run(asked.path["run"])]))

    async def plan(self, asked: Asked) -> Response:
        tender = self.view.source(asked.path["source"])
        revision = tender.board.revision
        if revision is None:
            message = f"{tender.tended.name}: no revision of it was seen yet"
            raise Refused(Code.NO_REVISION, message)
        if self._planning.locked():
            raise Refused(Code.TOO_MANY, "a plan is being made already", {"retry-after": "5"})
        own = tender.tended.reconciler.round
        # All is read anew: what rounds remember of the target is theirs alone.
        own = replace(
            own, scope=replace(own.scope, unit=asked.query.get("unit", own.scope.unit), rely=None)
        )
        async with self._planning:
            return Json(plan.as_json(await own.plan(revision), self._typed(tender.tended.name)))

    def _typed(self, source: str) -> Typed:
        """Return what is typed where the daemon is: nobody else writes there."""
        several = len(self.view.tenders) > 1
        return Typed(again=None, about=options(source=source if several else None))

    async def follow(self, asked: Asked) -> Response:
        if self.events.followers >= FOLLOWERS:
            raise Refused(Code.TOO_MANY, f"{FOLLOWERS} follow already", {"retry-after": "5"})
        last = asked.headers.get("last-event-id")
        stream = self.events.follow(last, self.view.means.stop)
        return StreamingResponse(stream, media_type="text/event-stream")


_RUN_QUERY = {
    "unit": Text(told="Only runs of this unit, or of sessions of this identifier."),
    "since": Moment(told="Only runs since then."),
    "limit": Count(
        told=f"At most so many; {_RUNS} where it is not given.", least=1, most=_MOST_RUNS
    ),
}

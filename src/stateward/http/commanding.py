"""What the daemon can be told: the same as on the command line, by the same pieces."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.responses import Response

from stateward.daemon.control import About, Control
from stateward.daemon.rounds import Stopped
from stateward.errors import ConfigError, StateUnavailable
from stateward.http.access import Scope
from stateward.http.answers import Json
from stateward.http.api import Handle, Operation
from stateward.http.asked import Asked, Count, Fields, Flag, Moment, Text
from stateward.http.reading import RUN, SOURCE, UNIT
from stateward.http.view import View
from stateward.model.command import Command
from stateward.model.plan import Plan
from stateward.model.record import Record
from stateward.model.run import Report
from stateward.model.unit import group_name
from stateward.ports import Trail
from stateward.reporting import plan as planned
from stateward.reporting import report as reported
from stateward.reporting.status import moment
from stateward.reporting.typed import ROLLBACK, Typed
from stateward.tracking.rollback import Rollback

SCHEMA = "stateward/command/v1"
_API = "api"
_UNDONE = Typed(again=None, about=None, meanwhile=ROLLBACK)
_ACTOR = Text(told="Whose doing it is; recorded with a note that it came this way.", most=100)
_NOBODY_ELSE: Fields = {"actor": _ACTOR}
_ASKING: Fields = {
    "anyTime": Flag(told="Outside of the unit's windows, too."),
    "actor": _ACTOR,
}
_SUSPENSION: Fields = {
    "reason": Text(told="Why: status shows it."),
    "until": Moment(told="When it is over by itself."),
    "actor": _ACTOR,
}
_APPROVAL: Fields = {
    "digest": Text(
        told="The digest that the plan and the unit show, or twelve digits of it.",
        pattern="^[0-9a-f]{12,64}$",
        required=True,
    ),
    "until": Moment(told="Until when it counts; else as configured."),
    "actor": _ACTOR,
}
_REWIND: Fields = {
    "revision": Text(
        told="The commit that is refused, or twelve digits of it.",
        pattern="^[0-9a-f]{12,64}$",
        required=True,
    ),
    "until": Moment(told="Until when it counts; else as configured."),
    "actor": _ACTOR,
}
_UNDO: Fields = {
    "dryRun": Flag(told="Answer with the plan, and change nothing."),
    "round": Flag(told="Take back all that the run's round did, in every unit, as one plan."),
    "force": Flag(told="Take back what somebody changed since, too."),
    "allowDeletes": Count(told="Raise the number of deletes that pass.", least=0, most=1_000_000),
    "actor": _ACTOR,
}
_APPROVES = "Let the prune through that a guard holds back: exactly that one, once."
_REWINDS = "Go on with a commit that is refused, since it did not come after what was applied."
_TAKES_BACK = "Take a run back; its unit is held until its files are others."
_PATHS = {"source": "{source}", "unit": "{source}/{unit}", "run": "{run}"}
_PLACES: Mapping[str, Fields] = {
    "source": {"source": SOURCE},
    "unit": {"source": SOURCE, "unit": UNIT},
    "run": {"run": RUN},
}
_T = TypeVar("_T")

Undo = Callable[[Sequence[Record], str], Awaitable[Rollback]]
"""Opens what takes runs back, by their records, for an actor."""


@dataclass(slots=True)
class Commanding:
    """Does what is commanded."""

    view: View
    trail: Trail
    control: Control
    undo: Undo
    approval: float
    """Seconds that an approval counts."""
    _going_on: set[asyncio.Future[Any]] = field(default_factory=set)

    def operations(self) -> list[Operation]:
        about: list[tuple[str, str, Handle, Fields]] = [
            ("reconcile", "Look for a new commit, and have a round now", self.reconcile, _ASKING),
            ("suspend", "Have nothing changed until it is resumed", self.suspend, _SUSPENSION),
            ("resume", "Go on with what was suspended", self.resume, _NOBODY_ELSE),
        ]
        found: list[Operation] = []
        for verb, told, do, body in about:
            found += [
                _post(f"{verb}-all", "source", f"{told}: all units.", do, body),
                _post(verb, "unit", f"{told}: one unit.", do, body),
            ]
        return [
            *found,
            _post("approve", "unit", _APPROVES, self.approve, _APPROVAL),
            _post("allow-rewind", "source", _REWINDS, self.allow_rewind, _REWIND),
            _post("rollback", "run", _TAKES_BACK, self.rollback, _UNDO, answer="Rollback"),
        ]

    async def reconcile(self, asked: Asked) -> Response:
        any_time = asked.body.get("anyTime", False)
        about = self._about(asked)
        return await self._given(await self.control.reconcile(about, any_time=any_time))

    async def suspend(self, asked: Asked) -> Response:
        reason, until = asked.body.get("reason", ""), _until(asked)
        return await self._given(
            await self.control.suspend(self._about(asked), reason=reason, until=until)
        )

    async def resume(self, asked: Asked) -> Response:
        return await self._given(await self.control.resume(self._about(asked)))

    async def approve(self, asked: Asked) -> Response:
        until = _until(asked) or self.control.clock() + self.approval
        return await self._given(
            await self.control.approve(self._about(asked), asked.body["digest"], until=until)
        )

    def _about(self, asked: Asked) -> About:
        source = self.view.source(asked.path["source"]).tended.name
        return About(source=source, unit=asked.path.get("unit"), actor=_actor(asked))

    async def allow_rewind(self, asked: Asked) -> Response:
        until, revision = (
            _until(asked) or self.control.clock() + self.approval,
            asked.body["revision"],
        )
        about = self._about(asked)
        return await self._given(await self.control.allow_rewind(about, revision, until=until))

    async def _given(self, command: Command) -> Response:
        self.view.means.told.set()
        return Json(_command(command), status_code=202)

    async def rollback(self, asked: Asked) -> Response:
        record = await self.trail.run(asked.path["run"])
        round_ = asked.body.get("round", False)
        records = await self.trail.together(record) if round_ else [record]
        own = await self.undo(records, _actor(asked))
        force, deletes = asked.body.get("force", False), asked.body.get("allowDeletes")
        if asked.body.get("dryRun", False):
            plan = await own.plan(*records, force=force, allow_deletes=deletes)
            return Json(planned.as_json(plan, _UNDONE))
        plan, report = await self._to_its_end(self._undone(own, records, deletes, force=force))
        return Json(reported.as_json(report, plan, _UNDONE))

    async def _undone(
        self, own: Rollback, records: Sequence[Record], deletes: int | None, *, force: bool
    ) -> tuple[Plan, Report]:
        async with self._turn(own.target.name):
            self._progress(0, 1)
            found = await own.apply(
                *records, force=force, allow_deletes=deletes, progress=self._progress
            )
        for record in records:
            await self._look_at(record, own.cause.actor)
        return found

    def _turn(self, target: str) -> AbstractAsyncContextManager[Any]:
        """Return what keeps rounds of a target's sources waiting."""
        found = (own.means.turn for own in self.view.crews if own.target == target)
        return next(found, nullcontext())

    async def _look_at(self, record: Record, actor: str) -> None:
        """Have the unit's state told anew; where that cannot be, it is with its next round."""
        unit = record.opening.subject
        for own in self.view.tenders:
            scope = own.tended.reconciler.round.scope
            if record.opening.group == group_name(scope.instance, scope.source, unit):
                about = About(source=own.tended.name, unit=unit, actor=actor)
                with suppress(ConfigError, StateUnavailable):
                    await self.control.reconcile(about)
                    self.view.means.told.set()

    def _progress(self, done: int, of: int) -> None:
        if self.view.means.stop.is_set() and done < of:
            raise Stopped(f"told to end after {done} of {of} changes: ask again")

    async def _to_its_end(self, doing: Coroutine[Any, Any, _T]) -> _T:
        """Do something whether or not whoever asked waits for it."""
        task = asyncio.ensure_future(doing)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
        return await asyncio.shield(task)

    async def ended(self, grace: float) -> None:
        """Wait until nothing goes on any more, so long at most."""
        if self._going_on:
            _, late = await asyncio.wait(self._going_on, timeout=grace)
            for own in late:
                own.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _command(own: Command) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": own.id,
        "verb": own.verb.value,
        "source": own.source,
        "unit": own.unit,
        "actor": own.actor,
        "at": moment(own.at),
        "reason": own.reason,
        "until": moment(own.until),
        "anyTime": own.any_time,
        "digest": own.digest,
    }


def _post(
    verb: str,
    what: str,
    told: str,
    handle: Handle,
    body: Fields,
    *,
    answer: str = "Command",
) -> Operation:
    """Return how something is commanded: the verb first, since a unit's name has slashes.

    What is about all units has a name of its own: ``.`` is a unit, and clients leave it out.
    """
    return Operation(
        name=verb,
        told=told,
        method="POST",
        path=f"/{verb}/{_PATHS[what]}",
        scope=Scope.WRITE,
        handle=handle,
        places=_PLACES[what],
        body=body,
        answer=answer,
    )


def _actor(asked: Asked) -> str:
    named = asked.body.get("actor")
    return f"{named} ({_API})" if named else _API


def _until(asked: Asked) -> float | None:
    found = asked.body.get("until")
    return found.timestamp() if found is not None else None

"""A connection to one target: where tracking sessions come from."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, get_args

from stateward.errors import Code, ConfigError, TargetUnavailable
from stateward.model.plan import Plan
from stateward.model.record import Cause, Record, RunKind
from stateward.model.run import Report
from stateward.model.schema import Schema
from stateward.model.unit import Adopt, Limits, UnitSettings
from stateward.ports import Journal, Session, Target, Trail
from stateward.tracking import reading
from stateward.tracking.library import OnError, TrackingSession
from stateward.tracking.naming import group_name
from stateward.tracking.node import Node
from stateward.tracking.resuming import Resumed, Resuming
from stateward.tracking.rollback import Rollback, check_target
from stateward.tracking.running import Running
from stateward.tracking.session import GROUP_KIND
from stateward.tracking.work import SessionSettings

_OURS = __name__.partition(".")[0] + "."


class Client:
    """Reads a target, and opens sessions that write to it. Sessions do not see each other."""

    def __init__(
        self,
        *,
        open_target: Callable[[str | None], Target],
        journal: Journal,
        trail: Trail,
        schema: Schema | None,
        limits: Limits,
        actor: str,
        new_id: Callable[[], str],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._open_target = open_target
        self._targets: dict[str | None, Target] = {}
        self._journal = journal
        self._trail = trail
        self._schema = schema
        self._limits = limits
        self._actor = actor
        self._new_id = new_id
        self._close = close

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Load the schema that was given, if the target has another one."""
        if self._schema is None:
            return
        target = self._target(None)
        async with target.session(self._schema, write=False) as session:
            differs = session.schema_differs
        if differs:
            async with target.session(self._schema, write=True) as session:
                await session.load_schema()

    async def close(self) -> None:
        await self._close()

    def start_tracking(
        self,
        identifier: str,
        params: Mapping[str, Any] | None = None,
        *,
        delete_unused_nodes: bool = False,
        group_type: str | None = None,
        group_params: Mapping[str, Any] | None = None,
        branch: str | None = None,
        limits: Limits | None = None,
        on_error: OnError = "keep",
    ) -> TrackingSession:
        """Return a session that is to be started: by ``async with``, or by ``start``.

        With ``delete_unused_nodes`` its end deletes what former sessions of the same identifier
        and parameters made and this one did not mention, as far as the ``limits`` let it. An error
        of the script keeps what was written, or takes it back where ``on_error`` says so.
        """
        if on_error not in get_args(OnError):
            message = f"on_error: {on_error!r}: is one of {', '.join(get_args(OnError))}"
            raise ConfigError(message, code=Code.SESSION)
        settings = SessionSettings(
            identifier=identifier,
            params=dict(params or {}),
            group=group_name(identifier, params or {}),
            group_kind=group_type or GROUP_KIND,
            group_params=dict(group_params or {}),
            delete_unused_nodes=delete_unused_nodes,
            limits=limits or self._limits,
            actor=self._actor,
            caller=_caller(),
        )
        target = self._target(branch)
        running = Running(
            settings, target, self._journal, self._trail, self._undo(target), self._new_id
        )
        return TrackingSession(running, on_error=on_error)

    async def history(
        self, identifier: str | None = None, *, limit: int | None = None, branch: str | None = None
    ) -> list[Record]:
        """Return sessions and their rollbacks, of one identifier or of all, the newest first."""
        found = await self._trail.runs(identifier)
        ours = [own for own in found if self._is_ours(own, branch)]
        return ours if limit is None else ours[:limit]

    async def interrupted(self, *, branch: str | None = None) -> list[Record]:
        """Return the sessions that ended without a word: their process died, or the machine.

        What they had written is in their groups. Running the script again goes on from there;
        ``resume`` closes them without it, and ``rollback`` takes them back.
        """
        target = self._target(branch)
        found: list[Record] = []
        for run in await self._journal.unfinished(target.name):
            record = await self._trail.run(run)
            # Whoever still holds the group is under way.
            with suppress(TargetUnavailable), target.hold(record.opening.group):
                ours = record.opening.kind is RunKind.SESSION and self._is_ours(record, branch)
                found += [record] if ours else []
        return found

    async def resume(
        self,
        session: Record | str,
        params: Mapping[str, Any] | None = None,
        *,
        branch: str | None = None,
    ) -> Resumed:
        """Close what was cut off of a session, and say what stands of it; the target is only read.

        ``session`` is a record, or an identifier with its ``params`` and ``branch``: by these the
        group is found where the journal was lost, too. What was under way is looked up and written
        down. Raises ``TargetUnavailable`` while the session goes on.
        """
        if isinstance(session, str):
            target, group = self._target(branch), group_name(session, params or {})
        else:
            target, group = self._target(session.opening.branch or None), session.opening.group
            check_target([session], target.name)
            if not session.is_by_script:
                message = f"run {session.id} is no session's: the next round goes on from it"
                raise ConfigError(message, code=Code.SESSION)
        return await Resuming(target, self._journal, self._trail).resume(group)

    def _is_ours(self, record: Record, branch: str | None) -> bool:
        return record.is_by_script and record.opening.target == self._target(branch).name

    async def rollback(
        self, run: Record | str, *, force: bool = False, allow_deletes: int | None = None
    ) -> tuple[Plan, Report]:
        """Take a run back; return what was planned, with all that stays as it is, and what was done.

        What somebody changed since is left alone, unless ``force`` is given. Beyond the limits
        nothing is taken back, unless ``allow_deletes`` lets so many deletes through.
        """
        record = await self._trail.run(run) if isinstance(run, str) else run
        undo = self._rollback(record)
        with undo.target.hold(record.opening.group):
            return await undo.apply(record, force=force, allow_deletes=allow_deletes)

    async def preview_rollback(self, run: Record | str, *, force: bool = False) -> Plan:
        """Return what taking a run back would do."""
        record = await self._trail.run(run) if isinstance(run, str) else run
        return await self._rollback(record).plan(record, force=force)

    def _rollback(self, record: Record) -> Rollback:
        undo = self._undo(self._target(record.opening.branch or None))
        # A round's groups may have changed in the same breath: it is taken back alone.
        return undo if record.is_by_script else replace(undo, shared=False)

    def _undo(self, target: Target) -> Rollback:
        settings = UnitSettings(prune=True, adopt=Adopt.ALWAYS, limits=self._limits)
        return Rollback(
            target=target,
            journal=self._journal,
            trail=self._trail,
            new_id=self._new_id,
            cause=Cause(trigger="script", actor=self._actor),
            settings=lambda _: settings,
            shared=True,
        )

    async def get(
        self,
        /,
        kind: str,
        *,
        id: str | None = None,  # noqa: A002 - the SDK's name
        hfid: Iterable[Any] | None = None,
        include: Iterable[str] = (),
        branch: str | None = None,
        **filters: Any,
    ) -> Node:
        """Return the one object that is meant."""
        async with self._reading(branch) as session:
            return await reading.get(
                session, kind, id=id, hfid=hfid, include=tuple(include), filters=filters
            )

    async def all(
        self, kind: str, *, include: Iterable[str] = (), branch: str | None = None
    ) -> list[Node]:
        """Return all objects of a kind, a generic standing for its heirs."""
        return await self.filters(kind, include=include, branch=branch)

    async def filters(
        self,
        /,
        kind: str,
        *,
        include: Iterable[str] = (),
        branch: str | None = None,
        **filters: Any,
    ) -> list[Node]:
        """Return the objects of a kind that pass: ``name__value``, ``name__values``, ``site__ids``."""
        async with self._reading(branch) as session:
            return await reading.listed(session, kind, include=tuple(include), filters=filters)

    @asynccontextmanager
    async def _reading(self, branch: str | None) -> AsyncIterator[Session]:
        async with self._target(branch).session(None, write=False) as session:
            yield session

    def _target(self, branch: str | None) -> Target:
        if branch not in self._targets:
            self._targets[branch] = self._open_target(branch)
        return self._targets[branch]


def _caller() -> str:
    """Return the place that asked for a session: the first one that is not ours."""
    frame = sys._getframe(1)  # noqa: SLF001 - the way that Python has of asking
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_OURS):
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '')}:{frame.f_lineno}"

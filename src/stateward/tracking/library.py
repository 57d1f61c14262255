"""A tracking session, as a script sees it."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from stateward.errors import Code, ConfigError, PruneBlocked, StatewardError
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan
from stateward.model.run import Report
from stateward.tracking import reading
from stateward.tracking.declaration import Verb, item
from stateward.tracking.node import Node
from stateward.tracking.outcome import SessionReport
from stateward.tracking.pruning import Pruning
from stateward.tracking.relating import Relating, id_of, ids_of
from stateward.tracking.running import Running
from stateward.tracking.updating import identified
from stateward.tracking.writing import Writing

Data = Mapping[str, Any]
OnError = Literal["keep", "rollback"]
"""What becomes of what a session wrote when its script fails."""


class TrackingSession:
    """Writes of one script, as the members of one group.

    As a context manager it begins and ends by itself; else by ``start`` and ``end``. Calls of
    several tasks take turns; ``batch`` is for many objects at once.
    """

    def __init__(self, running: Running, *, on_error: OnError = "keep") -> None:
        self._running = running
        self._on_error = on_error
        self._report: SessionReport | None = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            await self.end()
        elif self._on_error == "keep":
            await self.abandon(type(error).__name__)
        else:
            try:
                plan, _ = await self._running.take_back(type(error).__name__)
            except StatewardError as failed:
                error.add_note(f"the session was not taken back: {failed}")
            else:
                for problem in plan.problems:
                    error.add_note(str(problem))
                for blocked in plan.blocked:
                    error.add_note(f"the session was not taken back: {blocked.reason}")

    async def start(self) -> Self:
        """Begin: take the group's lease, and look at what the group holds.

        Raises ``TargetUnavailable`` while another session has the same group.
        """
        await self._running.open()
        return self

    async def end(self, *, allow_deletes: int | None = None) -> SessionReport:
        """Prune, if the session was asked to, and close.

        Raises ``PruneBlocked`` where the prune goes beyond the limits; ``allow_deletes`` lets so
        many deletes through, whatever the limits say.
        """
        async with self._running.closing() as work:
            if any(self._running.batches):
                raise ConfigError("a batch was not executed", code=Code.SESSION)
            prunes = work.settings.delete_unused_nodes and work.tally.withheld is None
            if prunes and (unused := work.membership.unused):
                pruning = Pruning(work)
                await pruning.prune(await pruning.plan(unused, allow_deletes))
            await work.settle_group()
            self._report = self._running.report()
        blocked = self._report.blocked
        if blocked is not None:
            message = f"{self._report.group}: prune of {len(blocked.objects)}: {blocked.reason}"
            way = "raise the limits, or end with allow_deletes"
            if blocked.protected:
                kinds = ", ".join(blocked.unprotecting) or "empty"
                way = f"only limits whose protected_kinds are {kinds} let them go"
            raise PruneBlocked(f"{message}: {way}", self._report)
        return self._report

    async def abandon(self, reason: str) -> SessionReport:
        """Close without a prune: what was written is a member, and stays."""
        self._report = await self._running.abandon(reason)
        return self._report

    async def rollback(self) -> tuple[Plan, Report]:
        """Close, and take back what was written.

        Returns what was planned, with all that stays as somebody changed it, and what was done.
        """
        return await self._running.take_back()

    @property
    def group(self) -> str:
        """The name of the tracking group."""
        return self._running.settings.group

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of objects that can be written, as the target has them."""
        known = self._running.work.session.schema.kinds.values()
        return frozenset(own.kind for own in known if not own.is_generic)

    @property
    def report(self) -> SessionReport:
        """What was done, up to now."""
        return self._report or self._running.report()

    async def create(self, kind: str, data: Data) -> Node:
        """Make an object; refused where it exists, but for one that an earlier run made."""
        return await self._write(Verb.CREATE, kind, data)

    async def upsert(self, kind: str, data: Data) -> Node:
        """Make an object, or write what differs of the one that is there."""
        return await self._write(Verb.UPSERT, kind, data)

    async def update(self, node: Node | str, data: Data) -> Node:
        """Write what differs of an object, which is given by itself or by its id."""
        async with self._running.writing() as work:
            known = await identified(work, node, data)
            return (await Writing(work).write([known]))[0]

    async def delete(self, node: Node | str, *, force: bool = False) -> None:
        """Delete an object that a session made; with ``force`` any object."""
        async with self._running.writing() as work:
            await Pruning(work).delete(id_of(node), force=force)

    async def relate(self, node: Node | str, name: str, *peers: Node | str) -> bool:
        """Add peers to a relationship; returns whether any was new."""
        async with self._running.writing() as work:
            return await Relating(work).relate(id_of(node), name, add=ids_of(peers))

    async def unrelate(self, node: Node | str, name: str, *peers: Node | str) -> bool:
        """Take peers out of a relationship; returns whether any was in it."""
        async with self._running.writing() as work:
            return await Relating(work).relate(id_of(node), name, remove=ids_of(peers))

    def batch(self) -> "Batch":
        """Collect objects to be written together: in few requests, in whatever order they need."""
        return Batch(self._running)

    async def get(
        self,
        /,
        kind: str,
        *,
        id: str | None = None,  # noqa: A002 - the SDK's name
        hfid: Iterable[Any] | None = None,
        include: Iterable[str] = (),
        **filters: Any,
    ) -> Node:
        """Return the one object that is meant; reading makes no member."""
        async with self._running.looking() as work:
            found = await reading.get(
                work.session, kind, id=id, hfid=hfid, include=tuple(include), filters=filters
            )
            work.meet(found.id, found.key, found.attributes)
            return found

    async def all(self, kind: str, *, include: Iterable[str] = ()) -> list[Node]:
        """Return all objects of a kind, a generic standing for its heirs."""
        return await self.filters(kind, include=include)

    async def filters(
        self, /, kind: str, *, include: Iterable[str] = (), **filters: Any
    ) -> list[Node]:
        """Return the objects of a kind that pass: ``name__value``, ``name__values``, ``site__ids``."""
        async with self._running.looking() as work:
            return await reading.listed(work.session, kind, include=tuple(include), filters=filters)

    async def add_members(self, *nodes: Node | str, owned: bool = False) -> None:
        """Make objects members: released when they are not used any more, or deleted if owned."""
        async with self._running.writing() as work:
            await Relating(work).enrol(ids_of(nodes), owned=owned)

    async def remove_members(self, *nodes: Node | str) -> None:
        """End memberships; the objects stay."""
        async with self._running.writing() as work:
            await Relating(work).leave(ids_of(nodes))

    @property
    def members(self) -> Mapping[str, ObjectKey]:
        """What the group holds now, by id."""
        return dict(self._running.work.membership.members)

    @property
    def previous_members(self) -> frozenset[str]:
        """The ids of what it held when the session began."""
        return self._running.work.membership.previous

    @property
    def unused_members(self) -> frozenset[str]:
        """The ids of the members from before that the session has not used so far."""
        return self._running.work.membership.unused

    async def preview(self) -> Plan:
        """Return the plan of what ``end`` would prune now."""
        async with self._running.looking() as work:
            return await Pruning(work).plan(work.membership.unused)

    async def _write(self, verb: Verb, kind: str, data: Data) -> Node:
        async with self._running.writing() as work:
            return (await Writing(work).write([item(verb, kind, data)]))[0]


class Batch:
    """Objects that are written together; they may refer to each other in any order."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._wanted: list[tuple[Verb, str, Data]] = []
        running.batches.append(self._wanted)

    def create(self, kind: str, data: Data) -> None:
        self._wanted.append((Verb.CREATE, kind, dict(data)))

    def upsert(self, kind: str, data: Data) -> None:
        self._wanted.append((Verb.UPSERT, kind, dict(data)))

    async def execute(self) -> list[Node]:
        """Write what was collected, and return the objects in that order.

        Raises before anything is written where one of them cannot be. Of those that the target
        refuses the error names the first; the others are written.
        """
        async with self._running.writing() as work:
            wanted = list(self._wanted)
            self._wanted.clear()
            items = [item(*own) for own in wanted]
            return await Writing(work).write(items) if items else []

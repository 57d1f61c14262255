"""Carrying a plan out: level by level, in batches, and honest about what did not work.

A refused change skips what needs it and withholds its unit's prune; everything else goes on. A
unit's stamp moves to the new revision only when all of its changes are through.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from stateward.engine.ledger import Ledger
from stateward.errors import Transient
from stateward.model.plan import Action, Change, Plan
from stateward.model.run import Report
from stateward.model.unit import Stamp
from stateward.tracking.session import Result, Tracking

_PRUNING = frozenset({Action.RELEASE, Action.DELETE})
_MOST_ATTEMPTS = 50
"""Revisions kept on a stamp: a group's description holds fewer than 4096 characters."""

Progress = Callable[[int, int], None]
"""Is told how many changes are through, of how many."""
Send = Callable[[Sequence[Change]], Awaitable[list[Result]]]


@dataclass(slots=True)
class Applier:
    """Applies one plan through one tracking session."""

    plan: Plan
    tracking: Tracking
    batch: int
    in_flight: int
    progress: Progress
    ledger: Ledger = field(init=False)
    _through: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.plan)

    async def run(self) -> Report:
        """Apply all changes. A target that goes away on the way is told by the runs' errors."""
        lost: str | None = None
        try:
            if self.plan.loads_schema:
                await self.tracking.load_schema()
            adopting = frozenset(own.unit for own in self.plan.changes if own.adopted)
            for unit in self._changing():
                await self._open(unit, adopting)
            await self._changes()
            for unit in self.plan.units:
                await self._close(unit)
        except Transient as error:
            lost = str(error)
        runs = tuple(self.ledger.runs(self.tracking.runs, self.tracking.written, lost))
        for own in runs:
            if own.id:
                await self.tracking.journal.finish(own.id, own.outcome, own.error or "")
        return Report(digest=self.plan.digest, writes=self.tracking.writes, runs=runs)

    def _changing(self) -> list[str]:
        units = {own.unit for own in self.plan.changes}
        return [unit for unit, own in self.plan.units.items() if unit in units and not own.vanished]

    async def _open(self, unit: str, adopting: frozenset[str]) -> None:
        """Have the unit's group before its first change, with the revision that is attempted."""
        before = self.plan.units[unit].before
        revision = next(iter(self.plan.revisions.values()))
        attempted = tuple(dict.fromkeys((*before.attempted, revision)))[-_MOST_ATTEMPTS:]
        stamp = Stamp(applied=before.applied, files=before.files, attempted=attempted)
        adopts = unit in adopting
        if stamp == before and self.tracking.has_group(unit, adopts=adopts):
            return
        refusal = await self.tracking.open_group(unit, stamp, adopts=adopts)
        if refusal is not None:
            self.ledger.shut(unit, f"its tracking group was refused: {refusal.message}")

    async def _changes(self) -> None:
        writes = [own for own in self.plan.changes if own.action not in _PRUNING]
        last = writes[-1].level if writes else None
        for level, own in groupby(self.plan.changes, key=lambda change: change.level):
            await self._send(await self._possible(list(own)), self.tracking.apply, count=True)
            if level == last:
                failed = self.ledger.failed
                deferred = [own for own in writes if own.deferred and own.key not in failed]
                await self._send(deferred, self.tracking.apply_deferred, count=False)

    async def _possible(self, changes: Sequence[Change]) -> list[Change]:
        """Return the changes that nothing hinders, and skip the others."""
        possible = []
        for change in changes:
            reason = self.ledger.hindrance(change)
            if reason is None:
                possible.append(change)
            else:
                self.ledger.skip(change)
                await self.tracking.skip([change], reason)
        return possible

    async def _send(self, changes: Sequence[Change], send: Send, *, count: bool) -> None:
        """Send changes that do not need each other in batches, some of them at once.

        The second part of a change in two writes counts only where it fails.
        """
        step = self.batch * self.in_flight
        for start in range(0, len(changes), step):
            group = changes[start : start + step]
            batches = [group[at : at + self.batch] for at in range(0, len(group), self.batch)]
            answers = await asyncio.gather(*map(send, batches), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
                for result in answer:
                    if count or result.refusal is not None:
                        self.ledger.take(result)
            self._through += len(group) if count else 0
            self.progress(self._through, len(self.plan.changes))

    async def _close(self, unit: str) -> None:
        """Write down what is reached now; a unit that is gone loses its group."""
        planned = self.plan.units[unit]
        if planned.leaves and self.ledger.emptied(unit):
            await self.tracking.remove_group(unit)
        elif planned.stamp is not None and self.ledger.settled(unit):
            await self.tracking.stamp(unit, planned.stamp)

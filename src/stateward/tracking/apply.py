"""Carrying a plan out: level by level, in batches, and honest about what did not work.

A refused change skips what needs it and withholds its unit's prune; everything else goes on. A
unit's stamp moves to the new revision only when all of its changes are through.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from stateward.errors import Stalled, StateUnavailable, Transient
from stateward.model.mutation import Refusal
from stateward.model.plan import Plan
from stateward.model.run import Merge, Report
from stateward.model.unit import Stamp
from stateward.tracking.carry import Carrier, Progress, lots
from stateward.tracking.ledger import Ledger
from stateward.tracking.session import Tracking


@dataclass(slots=True)
class Applier:
    """Applies one plan through one tracking session."""

    plan: Plan
    tracking: Tracking
    batch: int
    in_flight: int
    progress: Progress
    cut_short: str = ""
    """What a run is recorded by that ends because the target went away, before its error."""
    lost: Stalled | Transient | None = None
    """What ended it before all was tried."""
    ledger: Ledger = field(init=False)
    _carrier: Carrier = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.plan)
        self._carrier = Carrier(
            self.tracking, self.ledger, self.batch, self.in_flight, self.progress
        )

    async def run(self) -> Report:
        """Apply all changes. A target that goes away on the way is told by the runs' errors."""
        lost: Stalled | Transient | None = None
        try:
            if self.plan.loads_schema:
                await self.tracking.load_schema()
            await self._open()
            await self._carrier.carry(self.plan.changes)
            await self._close()
        except (Transient, Stalled) as error:
            lost = error
        merge, lost = await self._conclude(lost)
        self.lost = lost
        runs = tuple(self.ledger.runs(self.tracking.runs, self.tracking.written, lost))
        # Where the journal is what was lost, the next run closes what is open in it.
        with suppress(*((StateUnavailable,) if lost else ())):
            for own in runs:
                if own.id:
                    before = self.cut_short if lost and own.error == str(lost) else ""
                    why = f"{before}{own.error or ''}"
                    await self.tracking.journal.finish(own.id, own.outcome, why)
        return Report(digest=self.plan.digest, writes=self.tracking.writes, runs=runs, merge=merge)

    async def _conclude(
        self, lost: Stalled | Transient | None
    ) -> tuple[Merge | None, Stalled | Transient | None]:
        """Have what was made aside take effect if all of it is well, and nothing of it if not."""
        session = self.tracking.session
        if not session.aside:
            return None, lost
        merge = None
        try:
            well = lost is None and self.ledger.all_well()
            if well:
                self.tracking.mandate.check()
            merge = await session.conclude(well=well)
        except (Transient, Stalled) as error:
            lost = lost or error
        if merge is None:
            self.ledger.throw_away()
        return merge, lost

    async def _open(self) -> None:
        """Have the units' groups before the first change, with the revision that is attempted."""
        units = dict.fromkeys(own.unit for own in self.plan.changes if not own.foreign)
        units |= dict.fromkeys(self._held())
        living = [unit for unit in sorted(units) if not self.plan.units[unit].vanished]
        opening = [unit for unit in living if self._has_to_open(unit)]
        for some in lots(opening, self.batch):
            refusals = await self.tracking.stamp({unit: self._attempt(unit) for unit in some})
            self._shut(refusals)
        adopting = {own.unit for own in self.plan.changes if own.adopted}
        adopters = [unit for unit in living if unit in adopting and not self.ledger.is_shut(unit)]
        for some in lots(
            [unit for unit in adopters if not self.tracking.has_group(unit, adopts=True)],
            self.batch,
        ):
            self._shut(await self.tracking.open_adopted(some))

    def _held(self) -> Iterator[str]:
        """Yield the units that are held from before the first change, whoever's that is."""
        for unit, own in self.plan.units.items():
            if own.stamp is not None and own.stamp.held is not None:
                yield unit

    def _has_to_open(self, unit: str) -> bool:
        known = self.tracking.has_group(unit, adopts=False)
        before = self.plan.units[unit].before
        later = self.tracking.mandate.term > before.term
        return not known or later or self._attempt(unit) != before

    def _attempt(self, unit: str) -> Stamp:
        """Return what to write before the first change; what is taken back is held from then on."""
        planned = self.plan.units[unit]
        revision = next(iter(self.plan.revisions.values()))
        if not revision or self.plan.only_claims:
            return planned.before
        attempt = planned.before.attempt(revision)
        reached = planned.stamp
        if reached is None or reached.held is None:
            return attempt
        return replace(attempt, held=reached.held, held_files=reached.held_files, tie=reached.tie)

    def _shut(self, refusals: dict[str, Refusal]) -> None:
        for unit, refusal in refusals.items():
            self.ledger.shut(unit, f"its tracking group was refused: {refusal.message}")

    async def _close(self) -> None:
        """Write down what is reached now; a unit that is gone loses its group."""
        planned = self.plan.units
        stamps = {
            unit: own.stamp
            for unit, own in planned.items()
            if own.stamp is not None and self.ledger.settled(unit)
        }
        for some in lots(list(stamps), self.batch):
            self._end(some, await self.tracking.stamp({unit: stamps[unit] for unit in some}))
        leaving = [
            unit for unit, own in planned.items() if own.leaves and self.ledger.emptied(unit)
        ]
        for some in lots(leaving, self.batch):
            self._end(some, await self.tracking.remove_groups(some))

    def _end(self, units: Sequence[str], refusals: dict[str, Refusal]) -> None:
        for unit in units:
            if unit in refusals:
                message = f"its tracking group was refused: {refusals[unit].message}"
                self.ledger.fail(unit, message)
            else:
                self.ledger.end(unit)

"""A look at tracking groups, journal and Git together; nothing is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Round
from stateward.errors import InvalidDesired, SourceRefused
from stateward.heap import undisturbed
from stateward.model.inventory import Book, Inventory, Repair
from stateward.model.plan import Plan
from stateward.model.record import Record, RunKind
from stateward.model.state import ObservedObject
from stateward.model.unit import prefix
from stateward.planning.bookkeeping import book
from stateward.planning.inventory import Inspection, inspect
from stateward.planning.plan import Known
from stateward.planning.question import Question
from stateward.planning.repairing import repair
from stateward.ports import Query, Session, Trail
from stateward.tracking.carry import Progress


@dataclass(slots=True, kw_only=True)
class Inspecting(Round):
    """Compares, beside what a round plans."""

    trail: Trail
    repairs: bool = False
    """Whether what is planned is what puts right what differs, in place of a round."""
    found: Inventory | None = None
    """What the last look has found; None where the files were such that nothing could be compared."""

    @classmethod
    def of(cls, own: Round, trail: Trail, *, repairs: bool = False) -> Self:
        return cls(
            loader=own.loader,
            target=own.target,
            scope=own.scope,
            approvals=own.approvals,
            memo=own.memo,
            trail=trail,
            repairs=repairs,
        )

    async def answer(self, session: Session, question: Question, revision: str) -> Plan:
        plan = await Round.answer(self, session, question, revision)
        past = book(self._ours(await self.trail.runs()))
        with undisturbed():
            known = Known.of(question)
        unreadable = await self._unreadable(known)
        there = await self._there(session, known, past)
        with undisturbed():
            own = Inspection(known=known, plan=plan, book=past, there=there, unreadable=unreadable)
            found = inspect(own)
        units = {
            unit: len(known.holdings.members[unit])
            for unit, facts in question.units.items()
            if facts.selected
        }
        self.found = Inventory(
            target=plan.target,
            revision=revision,
            units=units,
            found=tuple(found),
            journaled=frozenset(past.latest.keys() & units.keys()),
        )
        return repair(plan, found) if self.repairs else plan

    def _ours(self, runs: Sequence[Record]) -> Iterable[Record]:
        """Return the runs of this source on this target, oldest first."""
        start = prefix(self.scope.instance, self.scope.source)
        return [
            own
            for own in reversed(runs)
            if own.opening.target == self.target.name and own.opening.group.startswith(start)
        ]

    async def _there(
        self, session: Session, known: Known, past: Book
    ) -> Mapping[str, ObservedObject]:
        wanted = {node for _, node in past.belongs} - known.holdings.holders.keys()
        return (await session.observe(Query(ids=sorted(wanted)))).objects if wanted else {}

    async def _unreadable(self, known: Known) -> frozenset[str]:
        """Return the revisions of stamps that the source does not have any more."""
        stamps = known.holdings.stamps.values()
        gone: set[str] = set()
        for revision in sorted({own for stamp in stamps for own in stamp.revisions}):
            try:
                await self.loader.source.checkout(revision)
            except SourceRefused:
                gone.add(revision)
        return frozenset(gone)


async def verify(usual: Round, trail: Trail, revision: str | None) -> Inventory:
    """Compare; raises ``InvalidDesired`` where the files' schema cannot be used."""
    own = Inspecting.of(usual, trail)
    plan = await own.plan(revision)
    return _found(own, plan)


async def foresee(usual: Round, trail: Trail, revision: str | None) -> Repair:
    """Look at what a repair would do; nothing is written."""
    own = Inspecting.of(usual, trail, repairs=True)
    plan = await own.plan(revision)
    return Repair(before=_found(own, plan), plan=plan)


async def mend(usual: Reconciler, trail: Trail, revision: str | None, progress: Progress) -> Repair:
    """Put right what is no risk, and compare again."""
    own = Inspecting.of(usual.round, trail, repairs=True)
    ours = replace(usual, round=own, kind=RunKind.REPAIR)
    plan, report = await ours.apply(revision, expected=None, progress=progress)
    before = _found(own, plan)
    after = await verify(usual.round, trail, next(iter(plan.revisions.values())))
    return Repair(before=before, plan=plan, report=report, after=after)


def _found(own: Inspecting, plan: Plan) -> Inventory:
    if own.found is None:
        raise InvalidDesired(plan.problems)
    return own.found

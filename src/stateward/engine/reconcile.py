"""Plan and apply in one session: what is planned is what is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from stateward.engine.load import Loaded
from stateward.engine.round import Look, Round
from stateward.engine.taking_back import TakingBack, failed, is_held, to_take_back, unfinished
from stateward.errors import PlanMoved, Problem, Severity
from stateward.model.plan import Plan
from stateward.model.record import INTERRUPTED, ON_ERROR, TAKES_BACK, Cause, Opening, RunKind
from stateward.model.run import Outcome, Report
from stateward.model.unit import prefix
from stateward.ports import Journal, Mandate, Session, Trail
from stateward.tracking.apply import Applier
from stateward.tracking.carry import Progress
from stateward.tracking.closing import outlast
from stateward.tracking.ledger import Ledger
from stateward.tracking.mandate import UNLIMITED, fence
from stateward.tracking.rollback import Rollback
from stateward.tracking.session import Tracking


@dataclass(slots=True)
class Reconciler:
    """Brings a target in line with a source, one round at a time."""

    round: Round
    journal: Journal
    new_id: Callable[[], str]
    cause: Cause
    """Why rounds are run, and whose doing it is."""
    look: Look | None = None
    """Is shown a plan and the target before any of it is written."""
    mandate: Mandate = UNLIMITED
    kind: RunKind = RunKind.ROUND
    detail: str = ""
    """What was asked beyond the usual, for people."""
    trail: Trail | None = None
    """The journal, read back: without it nothing can be taken back (``onError: rollback``)."""

    async def apply(
        self, revision: str | None, *, expected: str | None, progress: Progress
    ) -> tuple[Plan, Report]:
        """Plan and apply; raises ``PlanMoved`` where the plan is not the one expected.

        The target is held from before the plan is made until after it is applied, so that
        nothing of ours can come between.
        """
        loaded, declared, problems = await self.round.load(revision)
        if any(own.severity is Severity.ERROR for own in problems):
            plan = self.round.refused(loaded, problems)
            self._expect(plan, expected)
            return plan, _nothing_done(plan)
        async with self.round.target.session(declared, write=True) as session:
            interrupted = await self.journal.unfinished(self.round.target.name)
            await outlast(session, self.journal, interrupted)
            plan = await self.round.plan_in(session, loaded, problems)
            self._expect(plan, expected)
            # The stamps were read for the plan: to know of a later term costs nothing.
            self.mandate.check(max((own.before.term for own in plan.units.values()), default=0))
            ended = await self._finish(plan, loaded, session, progress)
            if ended is not None:
                plan = await self.round.plan_in(session, loaded, problems)
                plan = replace(plan, problems=(*plan.problems, ended[0]))
            for run in interrupted:
                await self.journal.finish(run, Outcome.FAILED, "interrupted: the next run went on")
            if plan.is_empty:
                report = _nothing_done(plan)
            else:
                if self.look is not None:
                    await self.look(session, plan)
                plan, report = await self._apply(plan, loaded, session, progress)
            writes = report.writes + (ended[1] if ended is not None else 0)
            return plan, replace(report, writes=writes, requests=session.requests)

    def _expect(self, plan: Plan, digest: str | None) -> None:
        if digest is not None and plan.digest != digest:
            raise PlanMoved(
                f"the plan to apply has digest {digest[:12]}, and the plan that would be made now"
                f" has {plan.digest[:12]}: look at a new plan, and apply that one"
            )

    async def _finish(
        self, plan: Plan, loaded: Loaded, session: Session, progress: Progress
    ) -> tuple[Problem, int] | None:
        """End what an earlier round had begun to take back: what is to be said, and the writes.

        Of units that this round is about: others are left alone, as is all that a takeover finds.
        """
        usual = self.kind is RunKind.ROUND and not session.aside
        if not usual or self.trail is None or not is_held(plan):
            return None
        records = await unfinished(self.trail, plan, self.round.free(plan, loaded))
        if not records:
            return None
        back = self._taking_back(plan, loaded, session, self.trail)
        return await back.finish(records, progress)

    def _taking_back(
        self, plan: Plan, loaded: Loaded, session: Session, trail: Trail
    ) -> TakingBack:
        facts = self.round.facts_of(plan, loaded)
        rollback = Rollback(
            target=self.round.target,
            journal=self.journal,
            trail=trail,
            new_id=self.new_id,
            cause=Cause(trigger=ON_ERROR, actor=self.cause.actor),
            settings=lambda unit: (
                facts[unit].settings if unit in facts else self.round.settings(unit)
            ),
            mandate=self.mandate,
            detail=TAKES_BACK,
        )
        return TakingBack(rollback=rollback, trail=trail, session=session, plan=plan)

    async def _apply(
        self, plan: Plan, loaded: Loaded, session: Session, progress: Progress
    ) -> tuple[Plan, Report]:
        touched = sorted(plan.touched())
        tracking = Tracking(
            session=session,
            journal=self.journal,
            ids=dict(plan.ids),
            group_of=lambda unit: plan.units[unit].group,
            new_id=self.new_id,
            groups=dict(plan.groups),
            runs={unit: self.new_id() for unit in touched},
            mandate=self.mandate,
        )
        scope = self.round.scope
        await fence(session, self.mandate, prefix(scope.instance, scope.source))
        if plan.changes:
            progress(0, len(plan.changes))
        await self.round.approvals.use(plan)
        round_ = self.new_id()
        backs = self.trail is not None and not session.aside
        await self.journal.begin(
            [self._opening(plan, unit, tracking, round_, backs=backs) for unit in touched]
        )
        target = self.round.target
        applier = Applier(
            plan=plan,
            tracking=tracking,
            batch=target.batch,
            in_flight=target.in_flight,
            progress=progress,
            cut_short=f"{INTERRUPTED}: ",
        )
        report = await applier.run()
        await self.round.approvals.give_back(plan, report)
        units = failed(plan, applier.ledger)
        # What is made aside and comes to nothing has never been there; what is cut short goes on.
        if not units or session.aside or applier.lost is not None or self.trail is None:
            return plan, report
        back = self._taking_back(plan, loaded, session, self.trail)
        return await back.after(units, report, round_.replace("-", "")[:12], progress)

    def _opening(
        self, plan: Plan, unit: str, tracking: Tracking, round_: str, *, backs: bool
    ) -> Opening:
        own = plan.units[unit]
        leave = [self.detail] if self.detail else []
        leave += [f"prune approved by {one.actor}" for one in plan.approvals if one.unit == unit]
        if plan.allow_deletes is not None:
            leave.append(f"--allow-deletes {plan.allow_deletes}")
        if unit in plan.by_commit:
            leave.append(str(plan.leave))
        if backs and to_take_back(own):
            leave.append(TAKES_BACK)
        return Opening(
            run=tracking.runs[unit],
            kind=self.kind,
            subject=unit,
            target=plan.target,
            cause=self.cause,
            group=own.group,
            revision=next(iter(plan.revisions.values())),
            plan=plan.digest,
            round=round_,
            before=str(own.before) if own.group in plan.groups else "",
            detail="; ".join(leave),
        )


def _nothing_done(plan: Plan) -> Report:
    runs = Ledger(plan).runs({}, {}, None)
    return Report(digest=plan.digest, writes=0, runs=tuple(runs))

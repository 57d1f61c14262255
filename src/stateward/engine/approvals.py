"""What people let through of what a guard holds back: each approval counts for one round."""

from dataclasses import dataclass
from typing import Protocol

from stateward.errors import PlanMoved, StateUnavailable
from stateward.model.command import Command, Verb
from stateward.model.plan import Action, Plan
from stateward.model.run import Report
from stateward.ports import Commands


class Approvals(Protocol):
    """Where a round learns what was approved."""

    async def standing(self, source: str) -> tuple[Command, ...]: ...

    async def use(self, plan: Plan) -> None:
        """Use up what lets something of a plan through: before the first of it is written."""
        ...

    async def give_back(self, plan: Plan, report: Report) -> None:
        """Have what came to nothing count again."""
        ...


@dataclass(frozen=True, slots=True)
class KeptApprovals:
    """Those that are kept with the commands."""

    commands: Commands

    async def standing(self, source: str) -> tuple[Command, ...]:
        """Return what was approved; where that cannot be read it is as if nobody had."""
        try:
            found = await self.commands.standing()
        except StateUnavailable:
            return ()
        return tuple(own for own in found if own.verb is Verb.APPROVE and own.source == source)

    async def use(self, plan: Plan) -> None:
        wanted = {own.id for own in plan.approvals}
        there = await self.commands.done(wanted)
        if gone := wanted.difference(there):
            units = ", ".join(own.unit or "" for own in plan.approvals if own.id in gone)
            raise PlanMoved(f"{units}: the approval was used, or is over: look at a new plan")

    async def give_back(self, plan: Plan, report: Report) -> None:
        deleted = {own.unit for own in report.runs if own.summary.get(Action.DELETE)}
        for own in plan.approvals:
            if own.unit not in deleted:
                await self.commands.give(own)


class NoApprovals:
    """Nothing was approved by anybody."""

    async def standing(self, source: str) -> tuple[Command, ...]:
        del source
        return ()

    async def use(self, plan: Plan) -> None:
        del plan

    async def give_back(self, plan: Plan, report: Report) -> None:
        del plan, report

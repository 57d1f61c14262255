"""Exit codes: what scripts go by. Of several that apply the first of 1, 3, 4, 2 wins.

The model is imported by what looks into it, since every command imports this.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stateward.errors import Severity

if TYPE_CHECKING:
    from stateward.model.adoption import Adoption
    from stateward.model.drift import SourceDrift
    from stateward.model.inventory import Inventory, Repair
    from stateward.model.plan import Plan
    from stateward.model.run import Report
    from stateward.model.status import Overview

DONE = 0
ERROR = 1
CHANGES = 2
BLOCKED = 3
WAITING = 4
INTERRUPTED = 130


_ORDER = (ERROR, BLOCKED, WAITING, CHANGES)


def of_all(codes: "Iterable[int]") -> int:
    """Return the code of several that were asked for together."""
    found = set(codes)
    return next((own for own in _ORDER if own in found), DONE)


class Exit(Exception):
    """The command is through, and this is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def of_plan(plan: "Plan", *, detailed: bool) -> int:
    from stateward.model.plan import UnitState

    if any(own.severity is Severity.ERROR for own in plan.problems):
        return ERROR
    if plan.blocked:
        return BLOCKED
    if any(own.state is UnitState.WAITING for own in plan.units.values()):
        return WAITING
    return CHANGES if detailed and not plan.is_empty else DONE


def of_status(overviews: "Iterable[Overview]") -> int:
    from stateward.model.status import Condition

    wrong = {Condition.STALLED, Condition.RETRYING, Condition.DRIFTED, Condition.FIGHTING}
    found = list(overviews)
    conditions = {unit.condition for own in found for unit in own.units}
    if conditions & wrong or any(own.source.error for own in found):
        return ERROR
    if Condition.BLOCKED in conditions:
        return BLOCKED
    return WAITING if conditions & {Condition.WAITING, Condition.PENDING} else DONE


def of_drift(found: "Iterable[SourceDrift]", *, detailed: bool) -> int:
    drifted = any(unit.objects for own in found for unit in own.units.values())
    return CHANGES if detailed and drifted else DONE


def of_adoption(found: "Adoption") -> int:
    """Return 0 only where nothing is left to be done: who takes over wants to know that."""
    left = of_plan(found.rest, detailed=True)
    return (
        left
        if found.report is None
        else of_report(found.rest, found.report, detailed=False) or left
    )


def of_inventory(found: "Inventory") -> int:
    return CHANGES if found.found else DONE


def of_repair(found: "Repair") -> int:
    from stateward.model.run import Outcome

    if found.report and any(own.outcome is Outcome.FAILED for own in found.report.runs):
        return ERROR
    return of_inventory(found.after or found.before)


def of_report(plan: "Plan", report: "Report", *, detailed: bool) -> int:
    from stateward.model.run import Outcome

    if any(own.outcome is Outcome.FAILED for own in report.runs):
        return ERROR
    code = of_plan(plan, detailed=False)
    return CHANGES if code == DONE and detailed and report.writes else code

"""Why a member that its unit does not declare is still there, in words."""

from collections.abc import Iterable

from stateward.model.plan import Action, Change, Plan, UnitState
from stateward.model.state import ObservedObject
from stateward.planning.prune import keeps
from stateward.planning.question import Question

_STATES = {
    UnitState.HELD: "a rollback holds the unit as it is",
    UnitState.SUSPENDED: "the unit is suspended",
    UnitState.STALLED: "the unit is stalled: see `stateward plan`",
    UnitState.WAITING: "the unit waits for another one: see `stateward plan`",
}


def why(
    question: Question,
    plan: Plan,
    unit: str,
    own: ObservedObject,
    changes: Iterable[Change],
) -> tuple[str, str]:
    """Say why an object is still there, and what to do; ``changes`` are what a plan has of it."""
    for change in changes:
        if change.giver == unit:
            return f"it waits to move to {change.unit}", "the next round moves it"
        if change.unit == unit:
            awaited = "deleted" if change.action is Action.DELETE else "released"
            return f"it waits to be {awaited}", "see `stateward plan`"
    for blocked in plan.blocked:
        if blocked.unit == unit and own.key in blocked.objects:
            told = "`stateward plan` says what lets it through"
            return f"its delete is held back: {blocked.reason}", told
    for survivor in plan.units[unit].survivors:
        if survivor.id == own.id:
            return f"its delete would be refused: {survivor.reason}", "mend what is in the way"
    state = plan.units[unit].state
    if state in _STATES:
        return f"nothing of it is pruned: {_STATES[state]}", "mend that first"
    if keeps(question, unit, own.key):
        return "`prune: false` or `protect` keeps it", "change the setting, or declare it"
    return "it is kept: another unit has it, or may declare it", "see `stateward plan`"

"""What comparing groups, journal and Git needs: all that a plan needs, and the history."""

from dataclasses import dataclass, replace

from stateward.engine.inventory import Inspecting
from stateward.errors import InvalidDesired
from stateward.model.inventory import Inventory
from stateward.wiring import Invocation, Wired, planner, wire
from stateward.wiring.history import journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared."""

    invocation: Invocation
    units: tuple[str, ...]
    """Units, or patterns; none is all of them."""


async def verified(asked: Asked) -> Inventory:
    """Compare, and write nothing; raises ``InvalidDesired`` where the files' schema cannot be used."""
    wired = _wired(asked)
    retention = wired.configuration.state.retention
    async with planner(wired) as round_, journal(wired.state, retention) as trail:
        own = Inspecting.of(round_, trail)
        plan = await own.plan(wired.revision)
        if own.found is None:
            raise InvalidDesired(plan.problems)
        return own.found


def _wired(asked: Asked) -> Wired:
    wired = wire(asked.invocation)
    scope = replace(wired.round.scope, named=asked.units)
    return replace(wired, round=replace(wired.round, scope=scope))

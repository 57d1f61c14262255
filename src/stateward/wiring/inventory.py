"""What comparing groups, journal and Git needs: all that a round needs, and the history."""

from dataclasses import dataclass

from stateward.engine import inventory
from stateward.model.inventory import Inventory, Repair
from stateward.tracking.carry import Progress
from stateward.wiring import Invocation, planner, reconciler, wire_units
from stateward.wiring.history import journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared."""

    invocation: Invocation
    units: tuple[str, ...]
    """Units, or patterns; none is all of them."""


async def verified(asked: Asked) -> Inventory:
    """Compare, and write nothing; raises ``InvalidDesired`` where the files' schema cannot be used."""
    wired = wire_units(asked.invocation, asked.units)
    retention = wired.configuration.state.retention
    async with planner(wired) as round_, journal(wired.state, retention) as trail:
        return await inventory.verify(round_, trail, wired.revision)


async def foreseen(asked: Asked) -> Repair:
    """Look at what a repair would do; nothing is written."""
    wired = wire_units(asked.invocation, asked.units)
    retention = wired.configuration.state.retention
    async with planner(wired) as round_, journal(wired.state, retention) as trail:
        return await inventory.foresee(round_, trail, wired.revision)


async def repaired(asked: Asked, progress: Progress) -> Repair:
    """Put right what is no risk, and compare again."""
    wired = wire_units(asked.invocation, asked.units)
    retention = wired.configuration.state.retention
    async with reconciler(wired) as own, journal(wired.state, retention) as trail:
        return await inventory.mend(own, trail, wired.revision, progress)

"""What a takeover needs: all that a round needs, and which units are meant."""

from dataclasses import dataclass

from stateward.engine import adopting
from stateward.model.adoption import Adoption, Taking
from stateward.tracking.carry import Progress
from stateward.wiring import Invocation, planner, reconciler, wire_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be taken over."""

    invocation: Invocation
    units: tuple[str, ...]
    """Units, or patterns; none is all of them."""
    taking: Taking


async def foreseen(asked: Asked) -> Adoption:
    """Look at what a takeover would do; nothing is written."""
    wired = wire_units(asked.invocation, asked.units)
    async with planner(wired) as round_:
        return await adopting.foresee(round_, asked.taking, wired.revision)


async def adopted(asked: Asked, progress: Progress) -> Adoption:
    """Take over what can be taken, and look at what is left."""
    wired = wire_units(asked.invocation, asked.units)
    async with reconciler(wired) as own:
        return await adopting.adopt(own, asked.taking, wired.revision, progress)

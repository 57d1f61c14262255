"""Which numbers are still a pool's: the server leaves the pool's name on one that was written over."""

from collections.abc import Iterable
from dataclasses import replace

from stateward.model.state import ObservedObject
from stateward.targets.infrahub import queries
from stateward.targets.infrahub.queries import Request


def asked(objects: Iterable[ObservedObject]) -> tuple[str, ...]:
    """Return the pools that attributes of objects name."""
    return tuple(sorted({pool for own in objects for pool in _of_attributes(own).values()}))


def request(pools: Iterable[str]) -> Request:
    """Ask what pools have given out and hold."""
    found = Request()
    for index, pool in enumerate(pools):
        queries.add_allocated(found, f"p{index}", pool)
    return found


def confirmed(own: ObservedObject, held: dict[str, frozenset[str]]) -> ObservedObject:
    """Return an object with those of its pools left that still hold what they gave it."""
    lost = {name for name, pool in _of_attributes(own).items() if own.id not in held[pool]}
    if not lost:
        return own
    return replace(own, pools={name: pool for name, pool in own.pools.items() if name not in lost})


def _of_attributes(own: ObservedObject) -> dict[str, str]:
    return {name: pool for name, pool in own.pools.items() if name in own.attributes}

"""What the tracking groups say of the units: which revisions the target was brought in line with."""

from collections.abc import Mapping

from stateward.engine.load import Loaded
from stateward.model.unit import Stamp, prefix, unit_name
from stateward.ports import Session, Target


async def stamps(session: Session, instance: str, source: str) -> Mapping[str, Stamp]:
    """Return the stamps of a source's units, by name."""
    groups = await session.groups(prefix(instance, source))
    return {
        unit: Stamp.parse(description)
        for name, description in groups.items()
        if (unit := unit_name(instance, source, name)) is not None
    }


async def applied(target: Target, loaded: Loaded, instance: str, source: str) -> frozenset[str]:
    """Return the revisions that were applied to the units which a revision would change."""
    async with target.session(None, write=False) as session:
        found = await stamps(session, instance, source)
    return frozenset(
        own.applied
        for unit, own in found.items()
        if own.applied is not None and own.files != loaded.digests.get(unit)
    )

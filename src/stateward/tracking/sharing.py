"""Objects that other sessions, or directories of Git, have made: they are shared, not adopted.

What existed before is released when it is not used any more. What another session made is to go
with the last that holds it, and so it must not count as something that was always there.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.model.unit import ADOPTED, TRACKING
from stateward.ports import Query
from stateward.tracking.session import GROUP_KIND, INTERNAL
from stateward.tracking.work import Work


async def shared(work: Work, changes: Sequence[Change]) -> list[Change]:
    """Return changes of which those that claim another session's object say so."""
    claimed = {own.node for own in changes if own.action is Action.ADOPT and own.node}
    made = await _made_by_others(work, claimed) if claimed else frozenset[str]()
    return [replace(own, adopted=False) if own.node in made else own for own in changes]


async def _made_by_others(work: Work, nodes: Collection[str]) -> frozenset[str]:
    """Return which of some objects are in groups of ours, and not as adopted ones."""
    holds = await work.session.holds(nodes, work.unit)
    owners = {
        node: [
            name
            for name in hold.claims
            if not name.endswith(ADOPTED) and name + ADOPTED not in hold.claims
        ]
        for node, hold in holds.items()
    }
    names = {name for found in owners.values() for name in found}
    ours = await _ours(work, names) if names else frozenset[str]()
    return frozenset(node for node, found in owners.items() if ours.intersection(found))


async def _ours(work: Work, names: Collection[str]) -> frozenset[str]:
    """Return which groups are ours: those of the SDK are not for tools only."""
    kinds = {GROUP_KIND, work.settings.group_kind}
    observed = await work.session.observe(
        Query(
            keys=[ObjectKey(kind, (name,)) for kind in kinds for name in sorted(names)],
            fields=dict.fromkeys(kinds, frozenset(INTERNAL)),
        )
    )
    internal = {
        own.key.hfid[0]
        for own in observed.objects.values()
        if INTERNAL.items() <= own.attributes.items()
    }
    return frozenset(name for name in names if name.startswith(TRACKING) or name in internal)

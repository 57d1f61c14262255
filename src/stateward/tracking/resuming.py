"""A session that was cut off: found, told what became of what it had under way, and closed.

Nothing is written to the target. What the script still wanted is known to the script alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stateward.model.identity import ObjectKey
from stateward.model.record import INTERRUPTED, Record, RecordedChange
from stateward.model.run import EntryState
from stateward.model.unit import ADOPTED
from stateward.planning.settling import under_way
from stateward.ports import Journal, Query, Target, Trail
from stateward.tracking.closing import close, interrupted, outlast
from stateward.tracking.membership import Membership

_CLOSED = "interrupted: closed by resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What stands of a session, and what was learned of the runs of it that were cut off."""

    group: str
    """The name of the tracking group."""
    runs: tuple[Record, ...]
    """What was cut off, as it is recorded now. None where nothing was, or nobody remembers it."""
    cut_short: tuple[RecordedChange, ...]
    """The changes that were under way: ``applied``, ``failed`` with what is missing of them, or
    still ``started`` where the target does not show it."""
    members: Mapping[str, ObjectKey]
    """What the group holds, by id: all that the session owns."""
    adopted: frozenset[str]
    """The members that were there before a session claimed them."""

    def __str__(self) -> str:
        done = sum(own.state is EntryState.APPLIED for own in self.cut_short)
        found = f"{len(self.members)} members, {len(self.runs)} runs closed"
        return f"{found}, {done} of {len(self.cut_short)} changes under way were done"


@dataclass(frozen=True, slots=True)
class Resuming:
    """Closes what was cut off of the sessions of one group."""

    target: Target
    journal: Journal
    trail: Trail

    async def resume(self, group: str) -> Resumed:
        """Close the group's runs that have no end.

        Raises ``TargetUnavailable`` while a session has the group: then it is not cut off.
        """
        with self.target.hold(group):
            async with self.target.session(None, write=False) as session:
                cut_short: list[RecordedChange] = []
                runs: list[Record] = []
                records = await interrupted(self.trail, self.journal, self.target.name, group)
                await outlast(session, self.journal, [own.id for own in records])
                for record in records:
                    await close(session, self.journal, record, outcome=INTERRUPTED, why=_CLOSED)
                    own = await self.trail.run(record.id)
                    runs.append(own)
                    were = {change.index for change in under_way(record)}
                    cut_short += [change for change in own.changes if change.index in were]
                found = await session.observe(Query(groups=[group, group + ADOPTED]))
        membership = Membership.of(group, found)
        return Resumed(
            group=group,
            runs=tuple(runs),
            cut_short=tuple(cut_short),
            members=membership.members,
            adopted=frozenset(membership.adopted),
        )

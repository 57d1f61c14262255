"""What a template has brought by the time that it is to be made: looked for, and told from the rest."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from stateward.model.identity import ObjectKey, Reference
from stateward.model.plan import Action, Change
from stateward.planning import brought
from stateward.ports import Query, Session


@dataclass(slots=True)
class Bringing:
    """What was made from templates in one session, and what came along with it."""

    keys: set[ObjectKey] = field(default_factory=set)
    """What came along, and is not to be made."""
    _above: set[ObjectKey] = field(default_factory=set)
    """What a template may have put something below."""

    def made(self, change: Change) -> None:
        """Take note of what a change has made."""
        if change.action is Action.CREATE and brought.uses_template(change):
            self._above.add(change.key)

    async def look(
        self, session: Session, changes: Collection[Change], ids: Mapping[Reference, str]
    ) -> Mapping[ObjectKey, str]:
        """Return the ids of what is to be made and has been brought, by name."""
        if not self._above:  # as a rule
            return {}
        below = {own.key: own for own in changes if self._may_be_brought(own, session)}
        if not below:
            return {}
        read = brought.fields({own.kind for own in below}, session.schema)
        observed = await session.observe(Query(keys=list(below), fields=read))
        bearers = Counter(own.key for own in observed.objects.values())
        found: dict[ObjectKey, str] = {}
        for own in observed.objects.values():
            if own.key in below and bearers[own.key] == 1:
                above = {ids.get(key) for key in brought.parents(below[own.key], session.schema)}
                if brought.is_brought(own, session.schema, observed, above.__contains__):
                    found[own.key] = own.id
        self.keys.difference_update(below)
        self.keys |= found.keys()
        self._above |= found.keys()
        return found

    def _may_be_brought(self, change: Change, session: Session) -> bool:
        return (
            change.action is Action.CREATE
            and change.node is None
            and not self._above.isdisjoint(brought.parents(change, session.schema))
        )

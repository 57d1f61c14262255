"""What a round set back that others had changed, and who that was, as far as the target knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stateward.daemon.fights import Fights
from stateward.errors import StatewardError
from stateward.model.fight import Correction, Writer
from stateward.model.plan import Action, Plan
from stateward.ports import Session


@dataclass(slots=True)
class Writers:
    """Asks who it was, before we ourselves are the last: only of what was set back before."""

    fights: Fights
    _found: Mapping[str, Writer] = field(default_factory=dict)

    async def look(self, session: Session, plan: Plan) -> None:
        ids = {
            own.node
            for own in plan.changes
            if own.node is not None
            and own.action is Action.UPDATE
            and self.fights.suspects(own.unit, own.key)
        }
        try:
            self._found = await session.writers(ids) if ids else {}
        except StatewardError:
            self._found = {}  # a name is not worth a round

    def corrections(self, plan: Plan, unit: str) -> Iterator[Correction]:
        """Yield what a plan sets back in a unit of which all was as Git says."""
        for own in plan.changes:
            if own.unit == unit and own.action is Action.CREATE:
                yield Correction(key=own.key, field="")
            elif own.unit == unit and own.action is Action.UPDATE:
                writer = self._found.get(own.node or "")
                for changed in own.fields:
                    yield Correction(key=own.key, field=changed.name, writer=writer)

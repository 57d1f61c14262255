"""How a source and its units stand, kept for the next process; without a state database forgotten."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from stateward.errors import StateUnavailable, StatewardError
from stateward.model.event import Action, Event, Level, event
from stateward.model.status import Overview, SourceStatus, Status
from stateward.ports import Mandate, Statuses


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps what is known of one source."""

    statuses: Statuses
    emit: Callable[[Event], None]
    target: str
    source: str
    mandate: Mandate
    remembers: bool = True
    """Whether the state database could be used when it was last wanted."""

    async def recall(self) -> Overview | None:
        """Return what an earlier process knew; None where nothing is left of it."""
        try:
            units = await self.statuses.load(self.target, self.source)
            found = await self.statuses.overviews()
        except StateUnavailable as error:
            self._lost(error)
            return None
        for own in found:
            if (own.source.target, own.source.source) == (self.target, self.source):
                return Overview(source=own.source, units=tuple(units.values()))
        return None

    async def keep(self, units: Mapping[str, Status | None]) -> None:
        """Keep how some units stand, unless somebody else may keep that by now."""
        if units and self.mandate.held:
            await self._keep(self.statuses.keep(self.target, units, self.source))

    async def keep_source(self, source: SourceStatus) -> None:
        if self.mandate.held:
            await self._keep(self.statuses.keep_source(source))

    async def _keep(self, keeping: Awaitable[None]) -> None:
        try:
            await keeping
            self.remembers = True
        except StateUnavailable as error:
            self._lost(error)

    def _lost(self, error: StatewardError) -> None:
        self.remembers = False
        message = str(error)
        self.emit(event(Action.STATE_LOST, Level.WARNING, source=self.source, message=message))

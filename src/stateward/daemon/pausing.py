"""What keeps rounds from units: what people said, and windows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stateward.daemon import windows
from stateward.model.command import Command, Verb, suspensions
from stateward.model.status import Pause, Reason, Why
from stateward.model.unit import Window


@dataclass(slots=True)
class Pauses:
    """What is known of one source's units, and of those that nobody knows yet."""

    commands: Sequence[Command] = ()
    """What people want, and is not over."""
    refused: Pause | None = None
    """What keeps rounds from all units: their newest commit is one that is not let through."""
    any_time: set[str] = field(default_factory=set)
    """Units whose next round may be outside of their windows."""
    _deferred: dict[str, frozenset[Reason]] = field(default_factory=dict)
    """Why units were due while rounds were kept from them."""

    def heed(self, commands: Sequence[Command], *, ready: bool) -> list[Command]:
        """Take in what people want; return what leads to a round, of each approval once.

        As long as it is not known which units there are, rounds that are asked for have to wait.
        """
        known = {own.id for own in self.commands}
        self.commands = commands
        asked = [own for own in commands if own.verb is Verb.RECONCILE and ready]
        return asked + [own for own in commands if own.verb is Verb.APPROVE and own.id not in known]

    def suspension(self, unit: str, now: float) -> Pause | None:
        """Say who suspended a unit, why and until when."""
        for own in suspensions(self.commands, unit, now):
            why = f": {own.reason}" if own.reason else ""
            return Pause(why=Why.SUSPENDED, message=f"by {own.actor}{why}", until=own.until)
        return None

    def standing(self, unit: str, now: float) -> Pause | None:
        """Say what keeps rounds from a unit at any time of the day."""
        return self.suspension(unit, now) or self.refused

    def of(self, unit: str, said: tuple[Window, ...], now: float) -> Pause | None:
        """Say what keeps rounds from a unit at a moment; ``said`` are its windows."""
        return self.standing(unit, now) or self.closed(unit, said, now)

    def closed(self, unit: str, said: tuple[Window, ...], now: float) -> Pause | None:
        return windows.pause(said, now) if said and unit not in self.any_time else None

    def defer(self, unit: str, reasons: frozenset[Reason]) -> None:
        """Keep why a unit was due, until it may be looked at."""
        self._deferred[unit] = reasons | self._deferred.get(unit, frozenset())

    def resume(self, unit: str) -> frozenset[Reason]:
        """Return why a unit was due meanwhile."""
        return self._deferred.pop(unit, frozenset())

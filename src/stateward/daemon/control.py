"""What people may want of the daemon, checked against what is known and kept for it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from stateward.errors import Code, ConfigError
from stateward.model.command import LEAST_DIGEST, Command, Verb, suspensions
from stateward.model.status import Overview, Status
from stateward.ports import Commands, Statuses

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a command is about, and whose it is."""

    source: str
    unit: str | None = None
    """None is all of the source."""
    actor: str

    def __str__(self) -> str:
        return self.source if self.unit is None else self.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Takes commands from anywhere; raises ``ConfigError`` for what makes no sense as things stand."""

    commands: Commands
    statuses: Statuses
    clock: Callable[[], float]
    new_id: Callable[[], str]

    async def reconcile(self, about: About, *, any_time: bool = False) -> Command:
        """Have a round now, of the newest commit; at ``any_time`` also outside of windows."""
        await self._check(about)
        suspended = await self._suspended(about)
        if suspended is not None:
            raise ConfigError(f"{about}: is suspended by {suspended.actor}: resume it first")
        return await self._give(about, Verb.RECONCILE, any_time=any_time)

    async def suspend(self, about: About, *, reason: str, until: float | None) -> Command:
        """Have nothing changed any more; another suspension of the same takes the place of this."""
        await self._check(about)
        if until is not None and until <= self.clock():
            raise ConfigError(f"{about}: a suspension that is over already: name a later moment")
        before = await self._own(about)
        return await self._give(about, Verb.SUSPEND, before, reason=reason, until=until)

    async def resume(self, about: About) -> Command:
        """Take back what was suspended in just these words."""
        before = await self._own(about)
        if not before:
            other = await self._suspended(about)
            if other is not None:
                message = f"is suspended with all of {other.source}: resume that"
                raise ConfigError(f"{about}: {message}")
            raise ConfigError(f"{about}: is not suspended by anybody: see `stateward status`")
        return await self._give(about, Verb.RESUME, before)

    async def approve(self, about: About, digest: str, *, until: float) -> Command:
        """Let one prune of a unit through; ``digest`` may be the beginning of its digest."""
        known = await self._check(about)
        given = digest.lower()
        if len(given) < LEAST_DIGEST or not _HEX.issuperset(given):
            message = f"expected at least {LEAST_DIGEST} digits of the digest that `plan` and `status` show"
            raise ConfigError(f"{about}: {digest}: {message}")
        if known is not None and known.blocked is not None and not known.blocked.startswith(given):
            message = f"is not what is held back now, which is {known.blocked[:LEAST_DIGEST]}"
            raise ConfigError(f"{about}: {digest}: {message}: look at a new plan")
        return await self._give(about, Verb.APPROVE, until=until, digest=given)

    async def allow_rewind(self, about: About, revision: str, *, until: float) -> Command:
        """Go on with the commit that is refused; ``revision`` may be the beginning of it."""
        given = revision.lower()
        refused = [own.source.refused for own in await self._overviews(about)]
        if not any(own and own.startswith(given) for own in refused) or len(given) < LEAST_DIGEST:
            message = f"is not the beginning of a commit that is refused, of {LEAST_DIGEST} digits"
            raise ConfigError(f"{about}: {revision}: {message}: see `stateward status`")
        return await self._give(about, Verb.ALLOW_REWIND, until=until, digest=given)

    async def _give(
        self,
        about: About,
        verb: Verb,
        instead_of: Collection[str] = (),
        *,
        reason: str = "",
        until: float | None = None,
        digest: str | None = None,
        any_time: bool = False,
    ) -> Command:
        command = Command(
            id=self.new_id(),
            verb=verb,
            source=about.source,
            unit=about.unit,
            actor=about.actor,
            at=self.clock(),
            reason=reason,
            until=until,
            digest=digest,
            any_time=any_time,
        )
        await self.commands.give(command, instead_of)
        return command

    async def _check(self, about: About) -> Status | None:
        """Refuse a unit that is not there, as far as anything is known of its source."""
        known = await self._overviews(about)
        if about.unit is None or not known:
            return None
        units = {unit.unit: unit for own in known for unit in own.units}
        if about.unit not in units:
            names = ", ".join(units) or "none"
            message = f"{about.unit}: no such unit: there are {names}"
            raise ConfigError(message, code=Code.NO_SUCH_UNIT)
        return units[about.unit]

    async def _overviews(self, about: About) -> Sequence[Overview]:
        found = await self.statuses.overviews()
        return [own for own in found if own.source.source == about.source]

    async def _suspended(self, about: About) -> Command | None:
        standing = await self._standing(about)
        return next(suspensions(standing, about.unit or "", self.clock()), None)

    async def _own(self, about: About) -> list[str]:
        """Return the suspensions of exactly the same."""
        return [
            own.id
            for own in await self._standing(about)
            if own.verb is Verb.SUSPEND and own.unit == about.unit
        ]

    async def _standing(self, about: About) -> list[Command]:
        return [own for own in await self.commands.standing() if own.source == about.source]

"""What the daemon answers, put together from what is configured."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stateward import __version__
from stateward.daemon.controller import Beside
from stateward.daemon.means import Means
from stateward.daemon.tending import Tender
from stateward.errors import ConfigError
from stateward.http import health
from stateward.http.app import application
from stateward.http.gate import Replays
from stateward.http.hooks import KEPT, MOST_KEPT, Hook, Hooks, decoy
from stateward.http.metrics import Metrics
from stateward.http.server import Listener, serving
from stateward.http.view import View
from stateward.model.event import Action, event
from stateward.ports import Target
from stateward.settings import HookSettings, ServerSettings
from stateward.targets.infrahub import InfrahubTarget
from stateward.wiring.secrets import kept_well


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Who is let in, with the secrets fetched."""

    hooks: Sequence[Hook]


def guard(said: ServerSettings, sources: Collection[str], home: Path) -> Guard:
    """Fetch the secrets that are configured; raises ``ConfigError``."""
    found = [_hook(at, own, sources, home) for at, own in enumerate(said.hooks)]
    return Guard(hooks=found or [decoy()])


def _hook(at: int, said: HookSettings, sources: Collection[str], home: Path) -> Hook:
    name = f"server.hooks.{at}"
    for own in said.sources or ():
        if own not in sources:
            known = ", ".join(sources)
            raise ConfigError(f"{name}.sources: {own}: no such source: there are {known}")
    return Hook(
        forge=said.forge,
        secret=kept_well(f"{name}.secret", said.secret, home),
        sources=frozenset(sources if said.sources is None else said.sources),
    )


@dataclass(slots=True)
class Front:
    """What outlives a configuration: the port, and what was counted."""

    listener: Listener = field(default_factory=Listener)
    metrics: Metrics = field(default_factory=lambda: Metrics(__version__))
    replays: Replays = field(default_factory=lambda: Replays(KEPT, MOST_KEPT))

    def answering(
        self, said: ServerSettings | None, sources: Collection[str], home: Path
    ) -> Callable[[Target, Means], Beside]:
        """Get ready for what is configured, None for nothing; raises ``ConfigError``."""
        who = guard(said, sources, home) if said else None
        self.listener.reserve(said.address if said else None)
        return lambda target, means: lambda tenders: self._answering(target, means, tenders, who)

    @asynccontextmanager
    async def _answering(
        self, target: Target, means: Means, tenders: Sequence[Tender], who: Guard | None
    ) -> AsyncIterator[None]:
        port = self.listener.take()
        if port is None or who is None:
            yield
            return
        view = View(target=target.name, tenders=tenders, means=means, resting=_resting(target))
        self.metrics.only(target.name, [own.tended.name for own in tenders])
        hooks = Hooks(hooks=who.hooks, view=view, count=self.metrics.called, replays=self.replays)
        app = application([*health.routes(view), *self.metrics.routes(view), *hooks.routes()])
        async with serving(app, port) as address:
            means.emit(event(Action.LISTENING, address=address))
            yield


def _resting(target: Target) -> Callable[[], float]:
    if isinstance(target, InfrahubTarget):
        return lambda: target.resting
    return lambda: 0.0

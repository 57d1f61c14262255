"""What the daemon answers, put together from what is configured."""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from stateward import __version__
from stateward.daemon.control import Control
from stateward.daemon.controller import Beside
from stateward.daemon.crew import Crew
from stateward.daemon.means import Means
from stateward.errors import ConfigError
from stateward.http import api, health, openapi
from stateward.http.access import Access
from stateward.http.app import Routes, application
from stateward.http.commanding import Commanding, Undo
from stateward.http.events import Events
from stateward.http.gate import Replays
from stateward.http.hooks import KEPT, MOST_KEPT, Hook, Hooks, decoy
from stateward.http.metrics import Metrics
from stateward.http.reading import Reading
from stateward.http.server import Listener, serving
from stateward.http.view import View
from stateward.model.event import Action, Event, event
from stateward.model.record import Record
from stateward.ports import Target
from stateward.reporting import logs
from stateward.settings import HookSettings, SecretReference, ServerSettings
from stateward.stores.journal import KeptJournal
from stateward.tracking.choosing import source_of
from stateward.tracking.rollback import Rollback
from stateward.wiring import Setup
from stateward.wiring.rollback import undoing
from stateward.wiring.secrets import kept_well


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Who is let in, with the secrets fetched."""

    hooks: Sequence[Hook]
    access: Access | None
    """None where there is nothing to be asked."""


def guard(said: ServerSettings, sources: Collection[str], home: Path) -> Guard:
    """Fetch the secrets that are configured; raises ``ConfigError``."""
    hooks = [_hook(at, own, sources, home) for at, own in enumerate(said.hooks)]
    access = Access(
        write=_token("server.token", said.token, home),
        read=_token("server.readToken", said.read_token, home),
    )
    return Guard(hooks=hooks or [decoy()], access=access if said.api else None)


def _token(name: str, said: SecretReference | None, home: Path) -> str | None:
    return None if said is None else kept_well(name, said, home)


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
    """What outlives a configuration: the port, what was counted, what has happened."""

    listener: Listener = field(default_factory=Listener)
    metrics: Metrics = field(default_factory=lambda: Metrics(__version__))
    replays: Replays = field(default_factory=lambda: Replays(KEPT, MOST_KEPT))
    events: Events = field(default_factory=lambda: Events(uuid4().hex[:8]))

    def tell(self, own: Event) -> None:
        """Have an event known to those who follow."""
        self.events.tell(logs.as_json(own))

    def answering(
        self, said: ServerSettings | None, setups: Sequence[Setup], targets: Sequence[Target]
    ) -> Callable[[Means, KeptJournal], Beside]:
        """Get ready for what is configured, None for nothing; raises ``ConfigError``."""
        sources = [own.source.name for own in setups]
        who = guard(said, sources, setups[0].place.home) if said else None
        self.listener.reserve(said.address if said else None)
        own = _Answers(self, setups, {own.name: own for own in targets})
        return lambda means, journal: partial(own.answering, who, means, journal)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What is answered under one configuration."""

    front: Front
    setups: Sequence[Setup]
    targets: Mapping[str, Target]

    @asynccontextmanager
    async def answering(
        self,
        who: Guard | None,
        means: Means,
        journal: KeptJournal,
        crews: Sequence[Crew],
    ) -> AsyncIterator[None]:
        port = self.front.listener.take()
        if port is None or who is None:
            yield
            return
        metrics = self.front.metrics
        view = View(crews=crews, means=means)
        metrics.only(self.targets.keys(), [own.tended.name for own in view.tenders])
        hooks = Hooks(
            hooks=who.hooks,
            view=view,
            count=metrics.called,
            replays=self.front.replays,
            clock=time.time,
        )
        commanding = self._commanding(view, journal)
        app = application(
            [
                *health.routes(view),
                *metrics.routes(view),
                *hooks.routes(),
                *self._api(who.access, view, journal, commanding),
            ]
        )
        async with serving(app, port) as address:
            means.emit(event(Action.LISTENING, address=address))
            try:
                yield
            finally:
                await commanding.ended(self.setups[0].configuration.run.grace.total_seconds())

    def _api(
        self, access: Access | None, view: View, journal: KeptJournal, commanding: Commanding
    ) -> Routes:
        if access is None:
            return []
        reading = Reading(view, journal, self.front.events)
        operations = [*reading.operations(), *commanding.operations()]
        return [*api.routes(operations, access, view), openapi.route(operations, __version__)]

    def _commanding(self, view: View, journal: KeptJournal) -> Commanding:
        means = view.means
        return Commanding(
            view=view,
            trail=journal,
            control=Control(
                commands=means.commands,
                statuses=means.statuses,
                clock=means.clock,
                new_id=means.new_id,
            ),
            undo=self._undo(view, journal),
            approval=self.setups[0].configuration.run.approval.total_seconds(),
        )

    def _undo(self, view: View, journal: KeptJournal) -> Undo:
        setups = {own.source.name: own for own in self.setups}
        mandates = {own.target: own.means.mandate for own in view.crews}

        async def undo(records: Sequence[Record], actor: str) -> Rollback:
            setup = setups.get(source_of(records[0]) or "")
            place = self.setups[0].place
            usual = next(iter(self.targets.values()))
            target = self.targets.get(records[0].opening.target, usual)  # which refuses it
            own = await undoing(records, place, setup, target, journal, actor)
            return replace(own, mandate=mandates[target.name])

        return undo

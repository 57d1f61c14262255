"""What the daemon answers, put together from what is configured."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stateward import __version__
from stateward.daemon.controller import Beside
from stateward.daemon.tending import Means, Tender
from stateward.http import health
from stateward.http.app import application
from stateward.http.metrics import Metrics
from stateward.http.server import Listener, serving
from stateward.http.view import View
from stateward.model.event import Action, event
from stateward.ports import Target
from stateward.targets.infrahub import InfrahubTarget


@dataclass(slots=True)
class Front:
    """What outlives a configuration: the port, and what was counted."""

    listener: Listener = field(default_factory=Listener)
    metrics: Metrics = field(default_factory=lambda: Metrics(__version__))

    def beside(self, target: Target, means: Means) -> Beside:
        """Return what answers while sources are tended, on the port that was reserved."""

        @asynccontextmanager
        async def answering(tenders: Sequence[Tender]) -> AsyncIterator[None]:
            port = self.listener.take()
            if port is None:
                yield
                return
            view = View(target=target.name, tenders=tenders, means=means, resting=_resting(target))
            self.metrics.only(target.name, [own.tended.name for own in tenders])
            app = application([*health.routes(view), *self.metrics.routes(view)])
            async with serving(app, port) as address:
                means.emit(event(Action.LISTENING, address=address))
                yield

        return answering


def _resting(target: Target) -> Callable[[], float]:
    if isinstance(target, InfrahubTarget):
        return lambda: target.resting
    return lambda: 0.0

"""A source that is tended in the test's own time, and what is answered about it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
from starlette.routing import BaseRoute

from desks import tender, turn
from rounds import Workshop
from stateward.daemon.control import Control
from stateward.daemon.crew import Crew
from stateward.daemon.means import Means
from stateward.daemon.tending import Tender
from stateward.http import api, openapi
from stateward.http.access import Access
from stateward.http.app import application
from stateward.http.commanding import Commanding
from stateward.http.events import Events
from stateward.http.metrics import Metrics
from stateward.http.reading import Reading
from stateward.http.view import View
from stateward.model.event import Event
from stateward.model.record import Cause, Record
from stateward.settings import RetentionSettings, UnitDefaults, UnitOverrides, read_unit
from stateward.stores.commands import SqliteCommands
from stateward.stores.sqlite import SqliteJournal
from stateward.stores.statuses import SqliteStatuses
from stateward.tracking.rollback import Rollback
from stateward.wiring.history import journal as opened_journal
from stateward.wiring.state import SqliteState

WRITE = "c4nary-that-may-command"
READ = "c4nary-that-may-only-ask"


@dataclass
class Desk:
    """One source, the target, and who tends it."""

    shop: Workshop
    statuses: SqliteStatuses
    journal: SqliteJournal
    commands: SqliteCommands
    now: float = 1000.0
    rest: float = 0.0
    events: list[Event] = field(default_factory=list)
    followed: Events = field(default_factory=lambda: Events("boot"))
    access: Access = field(default_factory=lambda: Access(write=WRITE, read=READ))
    metrics: Metrics = field(default_factory=lambda: Metrics("1.2.3"))
    view: View = field(init=False)

    def __post_init__(self) -> None:
        means = Means(
            statuses=self.statuses,
            commands=self.commands,
            emit=self.events.append,
            clock=lambda: self.now,
            random=lambda: 0.5,
            new_id=lambda: "round",
            instruments=self.metrics,
        )
        crew = Crew(
            target=self.shop.target.name,
            tenders=[tender(self.shop, self.shop.round(), self.journal, means)],
            means=means,
            at_work=True,
            resting=lambda: self.rest,
        )
        self.view = View(crews=[crew], means=means)

    async def undo(self, _records: Sequence[Record], actor: str) -> Rollback:
        return Rollback(
            target=self.shop.target,
            journal=self.journal,
            trail=self.journal,
            new_id=lambda: str(uuid4()),
            cause=Cause(trigger="manual", actor=actor),
            settings=lambda _: read_unit(None, UnitOverrides(), UnitDefaults())[0],
        )

    @property
    def tender(self) -> Tender:
        return self.view.tenders[0]

    async def turn(self, **files: str) -> None:
        await turn(self.shop, self.tender, files)


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Desk]:
    state = directory / "state.db"
    statuses, commands = SqliteStatuses(state), SqliteCommands(state, lambda: desk.now)
    async with opened_journal(
        SqliteState(path=state, kept=directory), RetentionSettings()
    ) as journal:
        desk = Desk(shop=Workshop(directory), statuses=statuses, journal=journal, commands=commands)
        try:
            yield desk
        finally:
            await statuses.close()
            await commands.close()


def reached(desk: Desk) -> list[BaseRoute]:
    """Return the programming interface, with a token of each kind."""
    view = desk.view
    reading = Reading(view, desk.journal, desk.followed)
    commanding = Commanding(
        view=view,
        trail=desk.journal,
        control=Control(
            commands=desk.commands,
            statuses=desk.statuses,
            clock=view.means.clock,
            new_id=lambda: "command",
        ),
        undo=desk.undo,
        approval=3600,
    )
    operations = [*reading.operations(), *commanding.operations()]
    return [*api.routes(operations, desk.access, view), openapi.route(operations, "1.2.3")]


def asking(*routes: BaseRoute) -> httpx.AsyncClient:
    """Return what asks an application of these routes, without a port."""
    transport = httpx.ASGITransport(application(routes))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8085")

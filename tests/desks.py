"""A source that is tended by hand: the time is the test's to set."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from rounds import Workshop, objects
from stateward.daemon.board import Board
from stateward.daemon.crew import Crew
from stateward.daemon.descent import Follows
from stateward.daemon.fights import Fights
from stateward.daemon.heeding import Heeder
from stateward.daemon.means import Means, Tended
from stateward.daemon.tending import Tender
from stateward.engine.approvals import KeptApprovals
from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Round
from stateward.model.command import Command, Verb
from stateward.model.event import Action, Event
from stateward.model.record import Cause
from stateward.model.status import Status
from stateward.model.unit import Drift, DriftMode
from stateward.ports import Journal, Target
from stateward.stores.commands import SqliteCommands
from stateward.stores.journal import KeptJournal
from stateward.stores.statuses import SqliteStatuses
from watching import MemoryJournal, Watched


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


def tender(
    shop: Workshop, round_: Round, journal: Journal, means: Means, follows: Follows | None = None
) -> Tender:
    """Return who tends a workshop's source, as a target's only one."""
    reconciler = Reconciler(
        round=round_,
        journal=journal,
        trail=journal if isinstance(journal, KeptJournal) else None,
        new_id=lambda: str(uuid4()),
        cause=Cause(trigger="", actor="stateward"),
    )
    tended = Tended(
        name="default",
        reconciler=reconciler,
        head=shop.source.head,
        follows=follows,
        every=60,
        places=_nowhere,
    )
    usual = Drift(mode=DriftMode.ENFORCE, interval=600)
    board = Board(usual=usual, backoff=10, cap=300, fights=Fights(3))
    return Tender(tended=tended, board=board, means=means, every=60)


async def turn(shop: Workshop, own: Tender, files: Mapping[str, str]) -> None:
    """Commit files if there are any, look, and run a round of what is due."""
    if files:
        shop.commit({f"{unit}/x.yml": text for unit, text in files.items()})
    await own.look(0)
    await own.work()


@dataclass
class Desk:
    """A source, a target and who tends it."""

    shop: Workshop
    target: Watched
    statuses: SqliteStatuses
    commands: SqliteCommands
    now: float = 1000.0
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    events: list[Event] = field(default_factory=list)
    follows: Follows | None = None
    kept: KeptJournal | None = None
    """A journal that outlives the test, in place of the other one."""
    tender: Tender = field(init=False)

    def __post_init__(self) -> None:
        self.tender = self.tended()

    def tended(self, target: Target | None = None) -> Tender:
        round_ = replace(
            self.shop.round(target or self.target), approvals=KeptApprovals(self.commands)
        )
        means = Means(
            statuses=self.statuses,
            commands=self.commands,
            emit=self.events.append,
            clock=lambda: self.now,
            random=lambda: 0.5,
            new_id=lambda: "round",
        )
        return tender(self.shop, round_, self.kept or self.journal, means, self.follows)

    async def turn(self, **files: str) -> None:
        await turn(self.shop, self.tender, files)

    async def give(self, verb: Verb, unit: str | None = None, **given: Any) -> None:
        """Have the daemon told something, and take it up."""
        known = {"id": str(uuid4()), "source": "default", "actor": "ada", "at": self.now}
        await self.commands.give(Command(verb=verb, unit=unit, **known, **given))
        await self.heed()

    async def heed(self) -> None:
        """Take up what stands."""
        means = self.tender.means
        crew = Crew(target=self.target.name, means=means, tenders=[self.tender], at_work=True)
        await Heeder(crews=[crew], means=means).heed()

    @property
    def known(self) -> Mapping[str, Status]:
        return self.tender.board.statuses

    def told(self, action: Action) -> list[Mapping[str, Any]]:
        return [own.fields for own in self.events if own.action is action]


async def _nowhere() -> tuple[tuple[Path, bool], ...]:
    return ()

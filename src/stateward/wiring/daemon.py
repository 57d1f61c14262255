"""The daemon's composition root: from an invocation to sources that are tended."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from stateward import __version__, settings
from stateward.daemon.controller import Assembly, Beside, Daemon, Open
from stateward.daemon.crew import never
from stateward.daemon.descent import Follows
from stateward.daemon.duty import Post
from stateward.daemon.leadership import Leadership
from stateward.daemon.means import Emit, Means, Tended
from stateward.daemon.reloading import Configured
from stateward.engine.approvals import KeptApprovals
from stateward.engine.reconcile import Reconciler
from stateward.errors import Code, ConfigError, SourceRefused
from stateward.instruments import Instruments, Together
from stateward.model.event import Event
from stateward.model.record import Cause
from stateward.model.status import Overview
from stateward.model.unit import Drift
from stateward.ports import Mandate, Target
from stateward.reporting import traces
from stateward.reporting.traces import Traces
from stateward.settings import GitSettings
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource
from stateward.sources.tips import Tips
from stateward.stores.commands import KeptCommands
from stateward.stores.journal import KeptJournal
from stateward.stores.statuses import KeptStatuses
from stateward.targets.infrahub import InfrahubTarget
from stateward.wiring import (
    Invocation,
    Setup,
    keep_out,
    place,
    put_together,
    remembering,
    set_up_all,
)
from stateward.wiring.configured import configured
from stateward.wiring.history import journal
from stateward.wiring.leading import Candidate
from stateward.wiring.place import Place

if TYPE_CHECKING:
    from stateward.wiring.server import Front

_ACTOR = "stateward"
"""Who does what nobody has asked for, unless ``STATEWARD_ACTOR`` says otherwise."""


def daemon(invocation: Invocation, emit: Emit) -> Daemon:
    """Return a daemon that goes by an invocation, and reads the configuration when it is told to."""
    return _daemon(invocation, emit, _Door())


async def tend(invocation: Invocation, emit: Emit) -> int:
    """Run a daemon to its end; return the exit code."""
    door = _Door()
    try:
        return await _daemon(invocation, emit, door).run()
    finally:
        await asyncio.to_thread(door.close)


def _daemon(invocation: Invocation, emit: Emit, door: "_Door") -> Daemon:
    def tell(own: Event) -> None:
        emit(own)
        if door.front is not None:
            door.front.tell(own)

    candidate = Candidate(tell)
    return Daemon(build=lambda: _read(invocation, tell, door, candidate), emit=tell)


async def overviews(repo: str | None, config: str | None) -> Sequence[Overview]:
    """Return what is known of the sources of a place, and of their units."""
    statuses = place.find(repo, config).state.statuses()
    try:
        return await statuses.overviews()
    finally:
        await statuses.close()


def steady() -> Callable[[], float]:
    """Return a clock that tells the time of day and never jumps."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


_Answering = Callable[[Means, KeptJournal], Beside]


@dataclass(slots=True)
class _Door:
    """The daemon's port, if it is to have one: what answers there takes a while to import."""

    front: "Front | None" = None
    traces: Traces | None = field(default_factory=lambda: traces.asked(__version__, os.environ))

    def close(self) -> None:
        if self.front is not None:
            self.front.listener.close()
        if self.traces is not None:
            self.traces.close()

    def measuring(self, said: settings.ServerSettings | None) -> Instruments:
        """Return who measures, where anybody may ask for it."""
        if said is not None and self.front is None:
            from stateward.wiring.server import Front

            self.front = Front()
        parts = (self.front.metrics if self.front else None, self.traces)
        return Together([own for own in parts if own is not None])

    def answering(
        self,
        said: settings.ServerSettings | None,
        setups: Sequence[Setup],
        targets: Sequence[Target],
    ) -> _Answering:
        """Fetch the secrets and take the port that are configured; raises ``ConfigError``."""
        if self.front is None:
            return lambda _means, _journal: lambda _crews: nullcontext()
        return self.front.answering(said, setups, targets)


def _read(invocation: Invocation, emit: Emit, door: _Door, candidate: Candidate) -> Open:
    """Read the configuration and the secrets that it refers to; raises ``ConfigError``."""
    files = configured(set_up_all(invocation)[0].place)
    setups = set_up_all(invocation)  # what is used is not older than what is compared
    if invocation.repo is not None and len(setups) > 1:
        names = ", ".join(own.source.name for own in setups)
        raise ConfigError(f"{invocation.repo}: several sources are configured, {names}: name one")
    where = setups[0].place
    said = settings.server_settings(where.configuration, where.environment)
    instruments = door.measuring(said)
    clock, tips = steady(), dict[str, Tips]()
    sites = [_site(own, candidate, clock, tips, instruments) for own in _by_target(setups).values()]
    targets = [own.target for own in sites]
    _check(targets)
    candidate.only({own.name for own in targets})
    # Last of all, since a configuration that is refused must not take a port.
    beside = door.answering(said, setups, targets)
    return partial(_opened, where, sites, emit, clock, instruments, beside, files)


def _by_target(setups: Sequence[Setup]) -> Mapping[str | None, Sequence[Setup]]:
    found: dict[str | None, list[Setup]] = {}
    for own in setups:
        found.setdefault(own.source.target, []).append(own)
    return found


def _check(targets: Sequence[Target]) -> None:
    """Raise ``ConfigError`` where two targets are one: they would have one lead, and take no turns."""
    names = [own.name for own in targets]
    for twice in (own for own in names if names.count(own) > 1):
        raise ConfigError(f"targets: {twice}: two have this address and branch: name it once")


@dataclass(frozen=True, slots=True)
class _Site:
    """A target, and what tends each of its sources."""

    target: Target
    sources: "Sequence[_Tends]"
    leadership: Leadership


def _site(
    setups: Sequence[Setup],
    candidate: Candidate,
    clock: Callable[[], float],
    tips: dict[str, Tips],
    instruments: Instruments,
) -> _Site:
    target = setups[0].target(instruments)
    leadership = candidate.leadership(setups[0], target.name)
    sources = [_tended(own, target, clock, tips, leadership) for own in setups]
    return _Site(target, sources, leadership)


_Tends = Callable[[KeptJournal, KeptCommands], Tended]


def _tended(
    setup: Setup,
    target: Target,
    clock: Callable[[], float],
    tips: dict[str, Tips],
    mandate: Mandate,
) -> _Tends:
    wired = remembering(put_together(setup, target), relying=True)
    source = wired.round.loader.source
    if not isinstance(source, RemoteSource | RepositorySource):
        raise ConfigError(f"{source.name}: the daemon follows commits: leave --worktree out")
    if isinstance(source, RemoteSource):
        source.tips = tips.setdefault(source.repository, Tips(clock))
    git = setup.source.git or GitSettings.model_construct(url="")

    def tends(own: KeptJournal, commands: KeptCommands) -> Tended:
        return Tended(
            name=setup.source.name,
            reconciler=Reconciler(
                round=replace(wired.round, approvals=KeptApprovals(commands)),
                journal=own,
                trail=own,
                new_id=_new_id,
                cause=Cause(trigger="", actor=setup.place.environment.actor or _ACTOR),
                mandate=mandate,
            ),
            head=source.head,
            follows=None if setup.source.allow_rewind else follows(source, git.depth),
            every=git.interval.total_seconds(),
            places=source.places if isinstance(source, RepositorySource) else _nowhere,
        )

    return tends


@asynccontextmanager
async def _opened(
    where: Place,
    sites: Sequence[_Site],
    emit: Emit,
    clock: Callable[[], float],
    instruments: Instruments,
    beside: _Answering,
    files: Configured,
) -> AsyncIterator[Assembly]:
    for site in sites:
        keep_out(where.state, site.target)
    said = where.configuration
    statuses, commands = where.state.statuses(), where.state.commands(clock)
    try:
        async with journal(where.state, said.state.retention) as own:
            means = _means(statuses, commands, emit, clock, instruments)
            yield Assembly(
                posts=[_post(site, own, commands) for site in sites],
                means=means,
                state=where.state.watched,
                configured=files,
                usual=Drift(
                    mode=said.defaults.drift.mode,
                    interval=said.defaults.drift.interval.total_seconds(),
                ),
                backoff=said.run.backoff.total_seconds(),
                cap=said.run.backoff_cap.total_seconds(),
                fight_after=said.run.fight_after,
                grace=said.run.grace.total_seconds(),
                beside=beside(means, own),
            )
    finally:
        await statuses.close()
        await commands.close()


def _post(site: _Site, journal: KeptJournal, commands: KeptCommands) -> Post:
    target = site.target
    resting = (lambda: target.resting) if isinstance(target, InfrahubTarget) else never
    return Post(
        target=target.name,
        tended=[tends(journal, commands) for tends in site.sources],
        leadership=site.leadership,
        resting=resting,
    )


def follows(source: RemoteSource | RepositorySource, depth: int | None) -> Follows:
    """Return what says whether one commit came after another.

    Where less of the history is had than there is, what cannot be told is let through: nothing
    would get through else. Anywhere else a commit that is not there any more was left behind.
    """

    async def came_after(old: str, new: str) -> bool:
        try:
            return await source.is_ancestor(old, new)
        except SourceRefused as error:
            if error.code is not Code.NO_REVISION:
                raise
            return depth is not None

    return came_after


def _means(
    statuses: KeptStatuses,
    commands: KeptCommands,
    emit: Emit,
    clock: Callable[[], float],
    instruments: Instruments,
) -> Means:
    return Means(
        statuses=statuses,
        commands=commands,
        emit=emit,
        clock=clock,
        random=random.random,
        new_id=_new_id,
        instruments=instruments,
    )


async def _nowhere() -> tuple[tuple[Path, bool], ...]:
    """Return where to watch for changes of a remote repository."""
    return ()


def _new_id() -> str:
    return str(uuid4())

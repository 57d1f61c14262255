"""The composition root: the only place that knows which adapter stands behind which port."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import uuid4

from stateward import settings
from stateward.desired.discover import Layout
from stateward.engine.approvals import KeptApprovals
from stateward.engine.load import Loader, ReadSettings
from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Round, Scope
from stateward.engine.taking_back import is_held, to_be_ended
from stateward.errors import ConfigError, Problem
from stateward.instruments import UNMEASURED, Instruments
from stateward.model.document import Document
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan
from stateward.model.record import Cause
from stateward.model.unit import UnitSettings
from stateward.ports import Target
from stateward.settings import Configuration, SourceSettings, UnitOverrides
from stateward.sources import address
from stateward.targets.embedded import EmbeddedTarget
from stateward.wiring import place
from stateward.wiring.history import MANUAL, journal, login_user
from stateward.wiring.paths import STATE_DIRECTORY, keep_out_of_git
from stateward.wiring.place import Place
from stateward.wiring.sources import open_source
from stateward.wiring.state import State
from stateward.wiring.targets import open_configured

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What the command line asks for."""

    repo: str | None = None
    revision: str | None = None
    config: str | None = None
    target: str | None = None
    unit: str | None = None
    source: str | None = None
    worktree: bool = False
    instance: str | None = None
    allow_deletes: int | None = None
    retry: bool = False
    """Whether what failed and was taken back is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """Everything a command works with."""

    round: Round
    revision: str | None
    configuration: Configuration
    source: SourceSettings
    state: State
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an invocation, the environment and the configuration say together."""

    invocation: Invocation
    place: Place
    source: SourceSettings

    @property
    def configuration(self) -> Configuration:
        return self.place.configuration

    @property
    def file(self) -> Path | None:
        return self.place.file

    @property
    def instance(self) -> str:
        return self.invocation.instance or self.place.instance

    @property
    def state(self) -> State:
        return self.place.state

    @property
    def actor(self) -> str:
        return self.place.environment.actor or login_user()

    def target(self, instruments: Instruments = UNMEASURED) -> Target:
        own, named = self.source.target, self.invocation.target
        return open_configured(self.place, own, named, self.instance, instruments)

    def loader(self) -> Loader:
        return Loader(
            source=open_source(
                self.invocation.repo,
                self.source.git,
                self.place,
                worktree=self.invocation.worktree,
            ),
            layout=Layout(settings.rules(self.source)),
            schemas=self.source.schemas,
            read_settings=_read_settings(self.configuration, self.source),
        )


def pinned(invocation: Invocation) -> Invocation:
    """Return an invocation that means the same in another directory and environment.

    The target and the revision are the caller's to pin: they are known once there is a plan.
    """
    setup = set_up(invocation)
    repo = invocation.repo
    if repo is None:
        repo = None if setup.source.git else str(Path.cwd())
    elif address.local_path(repo) is not None and "://" not in repo:
        repo = str(Path(repo).absolute())
    return replace(
        invocation,
        repo=repo,
        config=str(setup.file) if setup.file else None,
        instance=setup.instance,
    )


def set_up(invocation: Invocation) -> Setup:
    """Read the configuration that an invocation goes by; raises ``ConfigError``."""
    where = place.find(invocation.repo, invocation.config)
    source = _choose(where.configuration, invocation.source)
    return Setup(invocation=invocation, place=where, source=source)


def set_up_all(invocation: Invocation) -> list[Setup]:
    """Do so for every source, unless the invocation names one."""
    where = place.find(invocation.repo, invocation.config)
    names = [own.name for own in where.configuration.sources]
    chosen = names if invocation.source is None else [invocation.source]
    found = [
        Setup(invocation=invocation, place=where, source=_choose(where.configuration, name))
        for name in chosen
    ]
    named = invocation.target or where.environment.target
    if named is not None and len({own.source.target for own in found}) > 1:
        message = f"{named}: the sources have several targets: name the source that is meant, too"
        raise ConfigError(message)
    return found


def sources(invocation: Invocation) -> list[str]:
    """Return the names of the sources that an invocation is about: all, unless it names one."""
    return [own.source.name for own in set_up_all(invocation)]


def unconfigured(invocation: Invocation) -> Setup:
    """Go by the defaults, where the configuration cannot be used."""
    where = place.unconfigured(invocation.repo)
    return Setup(invocation=invocation, place=where, source=SourceSettings())


def wire(invocation: Invocation, *, offline: bool = False) -> Wired:
    """Put together what an invocation needs; raises ``ConfigError``.

    Offline there is no target, and an empty one that is never written to takes its place.
    """
    setup = set_up(invocation)
    if offline:
        nowhere = setup.place.home / STATE_DIRECTORY / f"none-{uuid4()}"
        return put_together(setup, EmbeddedTarget(f"sqlite:///{nowhere}"))
    return put_together(setup, setup.target())


def wire_units(invocation: Invocation, units: tuple[str, ...]) -> Wired:
    """Put together what is needed for some units only, or patterns of them; none is all of them."""
    wired = wire(invocation)
    return replace(wired, round=replace(wired.round, scope=replace(wired.round.scope, named=units)))


def put_together(setup: Setup, target: Target) -> Wired:
    """Put together what a source and a target need."""
    source, invocation = setup.source, setup.invocation
    scope = Scope(
        instance=setup.instance,
        source=source.name,
        schemas=source.schemas,
        manage_schema=source.manage_schema,
        owners=_owners(source),
        unit=invocation.unit,
        retries=lambda _unit: invocation.retry,
        allow_deletes=invocation.allow_deletes,
        trailers=source.trailers,
        budgets=settings.budgets(source, setup.configuration),
    )
    return Wired(
        round=Round(loader=setup.loader(), target=target, scope=scope),
        revision=invocation.revision,
        configuration=setup.configuration,
        source=source,
        state=setup.state,
        actor=setup.actor,
    )


def remembering(wired: Wired, *, relying: bool) -> Wired:
    """Keep what is seen for the next round, and rely on what an earlier one saw if that is wanted."""
    interval = wired.configuration.defaults.drift.full_interval.total_seconds()
    scope = replace(wired.round.scope, rely=interval if relying else 0.0)
    return replace(wired, round=replace(wired.round, scope=scope))


@asynccontextmanager
async def planner(wired: Wired) -> AsyncIterator[Round]:
    """Open what planning for a target needs, and close it again."""
    commands = wired.state.commands(time.time)
    try:
        yield replace(wired.round, approvals=KeptApprovals(commands))
    finally:
        await commands.close()


async def with_what_comes_first(wired: Wired, planner: Round, plan: Plan) -> Plan:
    """Add to a plan that something is taken back before it, where an earlier round was cut short."""
    if not is_held(plan):
        return plan
    loaded = await planner.files(plan.revisions[planner.scope.source])
    units = planner.free(plan, loaded)
    async with journal(wired.state, wired.configuration.state.retention) as own:
        found = await to_be_ended(own, plan, units)
    return plan if found is None else replace(plan, problems=(*plan.problems, found))


@asynccontextmanager
async def reconciler(wired: Wired) -> AsyncIterator[Reconciler]:
    """Open what applying needs, and close it again."""
    keep_out(wired.state, wired.round.target)
    retention = wired.configuration.state.retention
    async with planner(wired) as round_, journal(wired.state, retention) as own:
        yield Reconciler(
            round=round_,
            journal=own,
            trail=own,
            new_id=lambda: str(uuid4()),
            cause=Cause(trigger=MANUAL, actor=wired.actor),
        )


def keep_out(state: State, target: Target) -> None:
    """Keep the files that we make ourselves out of Git."""
    state.keep_out_of_git()
    for directory in (state.kept, *_beside(target)):
        keep_out_of_git(directory)


def _choose(configuration: Configuration, name: str | None) -> SourceSettings:
    names = [own.name for own in configuration.sources]
    for twice in (own for own in names if names.count(own) > 1):
        raise ConfigError(f"sources: {twice}: two sources have this name: give each its own")
    by_name = dict(zip(names, configuration.sources, strict=True))
    if name is None and len(by_name) == 1:
        return next(iter(by_name.values()))
    if name in by_name:
        return by_name[name]
    known = ", ".join(by_name)
    raise ConfigError(f"--source: {name or 'not given'}: choose one of {known}")


def _read_settings(configuration: Configuration, source: SourceSettings) -> ReadSettings:
    overrides = {rule.path: rule for rule in source.units}
    layout = {own.path: Layout((own,)) for own in settings.rules(source)}

    def read(unit: str, doc: Document | None) -> tuple[UnitSettings, tuple[Problem, ...]]:
        rule = next(
            (overrides[path] for path, own in layout.items() if own.unit(f"{unit}/x") is not None),
            UnitOverrides(),
        )
        return settings.read_unit(doc, rule, configuration.defaults)

    return read


def _owners(source: SourceSettings) -> Callable[[ObjectKey], str | None]:
    patterns = tuple(source.owner.items())

    def owner(key: ObjectKey) -> str | None:
        name = str(key)
        return next((unit for own, unit in patterns if fnmatchcase(name, own)), None)

    return owner


def _beside(target: Target) -> Iterator[Path]:
    """Yield the directory of a target that is a file."""
    if target.name.startswith(_SQLITE):
        yield Path(target.name.removeprefix(_SQLITE)).parent

"""Scripts that are cut short at one of the boundaries that they pass, on any target.

What they make is named after a mark, so that on a server each of them has its own.
"""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from properties.judging import content
from rounds import Broken
from sessions import Desk
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import Limits
from stateward.ports import Query, Session, Target
from stateward.tracking.library import TrackingSession
from stateward.tracking.resuming import Resumed
from targets import schema
from watching import Fuse

GROUPS = {"member_of_groups", "subscriber_of_groups"}
SUITE = schema()
NAMES = {
    "SuiteSite": ("ams", "fra"),
    "SuiteDevice": ("d1", "d2", "d3", "found"),
    "SuiteTeam": ("crew",),
    "BuiltinTag": ("shared", "late", "theirs", "doomed"),
}
KINDS = (*NAMES, "SuiteInterface")
PORTS = ("e0", "e1")
"""Those of the first device: with the names above all that the scripts ever make."""
FIELDS = {
    kind: frozenset(SUITE.kinds[kind].attributes)
    | (SUITE.kinds[kind].relationships.keys() - GROUPS)
    for kind in KINDS
}
PARAMS = {"tenant": "acme"}
PLENTY = Limits(deletes=1000, percent=100)
GIVEN = {"delete_unused_nodes": True, "limits": PLENTY, "params": PARAMS}
Named = Callable[[str], str]
Script = Callable[[TrackingSession, Named], Awaitable[None]]


async def first(session: TrackingSession, named: Named) -> None:
    site = await session.create("SuiteSite", {"name": named("ams")})
    ports = {"data": [{"name": "e0"}, {"name": "e1"}]}
    one = {"name": named("d1"), "site": site, "interfaces": ports}
    two = {"name": named("d2"), "site": named("ams"), "uplink": [named("d1"), "e0"]}
    batch = session.batch()
    batch.upsert("SuiteDevice", one)
    batch.upsert("SuiteDevice", two)
    batch.upsert("SuiteDevice", {"name": named("found"), "site": named("ams"), "comment": "ours"})
    batch.upsert("BuiltinTag", {"name": named("shared")})
    batch.upsert("SuiteTeam", {"name": named("crew"), "sites": [site]})
    await batch.execute()


async def second(session: TrackingSession, named: Named) -> None:
    site = await session.create("SuiteSite", {"name": named("ams")})
    data = {"name": named("d1"), "site": site, "comment": "new"}
    one = await session.upsert("SuiteDevice", data)
    three = await session.upsert("SuiteDevice", {"name": named("d3"), "site": site})
    await session.relate(one, "neighbours", three)
    await session.upsert("BuiltinTag", {"name": named("late")})


async def changing(session: TrackingSession, named: Named) -> None:
    """Say what is to happen, call by call, and delete what was never ours."""
    one = await session.get("SuiteDevice", name__value=named("d1"))
    for three in await session.filters("SuiteDevice", name__value=named("d3")):
        await session.unrelate(one, "neighbours", three)
        await session.delete(three)
    await session.update(one, {"comment": "changed", "role": "leaf"})
    await session.add_members(await session.get("BuiltinTag", name__value=named("theirs")))
    for doomed in await session.filters("BuiltinTag", name__value=named("doomed")):
        await session.delete(doomed, force=True)


async def nothing(session: TrackingSession, named: Named) -> None:
    """Want nothing any more."""


HISTORIES = {
    "first": ([first], 25),
    "second": ([first, second], 30),
    "changing": ([second, changing], 20),
    "nothing-left": ([first, nothing], 10),
}
"""Scripts one after the other, and how many boundaries the last of them passes at least."""
EACH_HISTORY = pytest.mark.parametrize(
    ("history", "boundaries"), list(HISTORIES.values()), ids=list(HISTORIES)
)


@dataclass
class Shop:
    """A target where others have something too, and scripts that are run on it."""

    path: Path
    open_target: Callable[[Path], Target]
    mark: str = ""
    foreign: set[str] = field(default_factory=set)

    def named(self, text: str) -> str:
        return text + self.mark

    @property
    def session(self) -> str:
        """The identifier of the script that is cut short."""
        return self.named("site")

    @property
    def other(self) -> str:
        """The identifier of somebody else's script."""
        return self.named("other")

    def desk(self, fuse: Fuse | None = None, look: bool = True) -> Desk:
        found = Desk(self.open_target(self.path), SUITE, self.path / "state.db", fuse)
        found.watched.batch = 2
        if look and fuse is not None:
            # One write at a time: a look is several requests, and would see half of another's.
            found.watched.in_flight = 1
            found.watched.look = self.look
        return found

    def copy(self, path: Path) -> "Shop":
        """Return another target that is as this one is: where it is a file."""
        shutil.copytree(self.path, path)
        return replace(self, path=path)

    async def settle(self) -> None:
        """Have strangers, one of them under a name that the scripts use, and another session."""
        named, desk = self.named, self.desk()
        async with desk.client as client:
            site = await desk.stranger("SuiteSite", name=named("fra"))
            device = {"name": named("found"), "comment": "theirs"}
            found = await desk.stranger("SuiteDevice", {"site": site}, **device)
            self.foreign = {site, found, await desk.stranger("BuiltinTag", name=named("theirs"))}
            await desk.stranger("BuiltinTag", name=named("doomed"))
            async with client.start_tracking(self.other) as session:
                tag = await session.upsert("BuiltinTag", {"name": named("shared")})
                self.foreign.add(tag.id)

    async def run(self, script: Script, fuse: Fuse | None = None, *, look: bool = True) -> bool:
        """Run a script, until the fuse blows; say whether it did."""
        desk = self.desk(fuse, look)
        try:
            async with desk.client.start_tracking(self.session, **GIVEN) as session:
                await script(session, self.named)
        except Broken:
            return True
        finally:
            await desk.journal.close()
        return False

    async def rests(self, script: Script) -> bool:
        """Run a script, and say whether it wrote nothing to the target."""
        desk = self.desk()
        try:
            async with desk.client.start_tracking(self.session, **GIVEN) as session:
                await script(session, self.named)
        finally:
            await desk.journal.close()
        return desk.sent() == []

    async def interrupted(self) -> list[Record]:
        desk = self.desk()
        try:
            return await desk.client.interrupted()
        finally:
            await desk.journal.close()

    async def resume(self) -> Resumed:
        desk = self.desk()
        try:
            return await desk.client.resume(self.session, PARAMS)
        finally:
            await desk.journal.close()

    async def take_back(self) -> None:
        """Take back what the journal has of the session."""
        async with self.desk().client as client:
            for record in await client.history(self.session):
                plan, _ = await client.rollback(record, allow_deletes=1000)
                assert plan.problems == ()

    async def roll_back(self, run: str, fuse: Fuse | None = None, *, look: bool = True) -> bool:
        """Take a run back, until the fuse blows; say whether it did."""
        desk = self.desk(fuse, look)
        try:
            plan, _ = await desk.client.rollback(run, allow_deletes=1000)
        except Broken:
            return True
        finally:
            await desk.journal.close()
        assert plan.problems == (), plan.problems
        return False

    async def newest(self) -> Record:
        """Return the last run of the session."""
        desk = self.desk()
        try:
            return (await desk.client.history(self.session, limit=1))[0]
        finally:
            await desk.journal.close()

    def lose_state(self) -> None:
        for own in self.path.glob("state.db*"):
            own.unlink()

    async def everything(self) -> Observed:
        """Return what is there of the mark, tracking groups included."""
        async with self.open_target(self.path).session(None, write=False) as session:
            return await self._observe(session)

    async def look(self, session: Session) -> None:
        """Look, after every write, whether anything that scripts made is in no group."""
        observed = await self._observe(session)
        held = {node for own in observed.groups.values() for node in own.members}
        doomed = ObjectKey("BuiltinTag", (self.named("doomed"),))
        made = {own.id for own in observed.objects.values() if not own.seeded and own.key != doomed}
        ours = made - self.foreign
        assert ours <= held | {own.id for own in observed.groups.values()}
        assert self.foreign <= observed.objects.keys()

    async def _observe(self, session: Session) -> Observed:
        names = [*await session.groups(self.session), *await session.groups(self.other)]
        keys = [
            *(ObjectKey(kind, (self.named(own),)) for kind, all_ in NAMES.items() for own in all_),
            *(ObjectKey("SuiteInterface", (self.named("d1"), own)) for own in PORTS),
        ]
        return await session.observe(Query(keys=keys, groups=names, fields=FIELDS))

    def plain(self, observed: Observed) -> Any:
        """Return the content by names without the mark, to compare it with another shop's."""
        return _plain(content(observed), self.mark)

    def memberships(self, observed: Observed) -> dict[str, set[str]]:
        """Return what the groups hold that hold anything, by names without the mark."""
        found = {
            group.name: {str(observed.objects[node].key) for node in group.members}
            for group in observed.groups.values()
            if group.members
        }
        return {
            _plain(name, self.mark): _plain(members, self.mark) for name, members in found.items()
        }


def same_ids(one: Observed, other: Observed) -> bool:
    """Say whether what bears a name in both is the same object in both."""
    names = {own.key for own in one.objects.values()} & {own.key for own in other.objects.values()}
    return _ids(one, names) == _ids(other, names)


def _ids(observed: Observed, names: set[ObjectKey]) -> set[tuple[ObjectKey, str]]:
    return {(own.key, own.id) for own in observed.objects.values() if own.key in names}


def is_true(resumed: Resumed, before: Observed, now: Observed) -> bool:
    """Compare what was found out with what there was, and is."""
    group = now.groups.get(resumed.group)
    if resumed.members.keys() != (group.members if group else frozenset()):
        return False
    told = all(_is_true(own, resumed, before, now) for own in resumed.cut_short)
    return told and resumed.adopted <= resumed.members.keys()


def _is_true(own: RecordedChange, resumed: Resumed, before: Observed, now: Observed) -> bool:
    assert own.node is not None
    done = own.state is EntryState.APPLIED
    if own.action is Action.CREATE:
        return done is (own.node in resumed.members)
    if own.action is Action.DELETE:
        return done is (own.node not in now.objects)
    if own.action is Action.RELEASE:
        return done is (own.node not in resumed.members)
    new = _shown(now.objects[own.node], own) != _shown(before.objects[own.node], own)
    written = new or not own.fields
    return done is (written and own.node in resumed.members)


def _shown(obj: ObservedObject, change: RecordedChange) -> list[Any]:
    return [{**obj.attributes, **obj.relations}.get(own.name) for own in change.fields]


def _plain(value: Any, mark: str) -> Any:
    if isinstance(value, str):
        return value.replace(mark, "")
    if isinstance(value, dict):
        return {_plain(name, mark): _plain(own, mark) for name, own in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(_plain(own, mark) for own in value)
    return value

"""A script that dies anywhere is made up for by running it again: nothing is lost or doubled."""

import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import Any

import pytest

from properties.dying import killed
from properties.judging import content
from rounds import Broken
from sessions import Desk
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import Limits
from stateward.ports import Query, Session
from stateward.targets.embedded import EmbeddedTarget
from stateward.targets.embedded.store import Library
from stateward.tracking.library import TrackingSession
from stateward.tracking.resuming import Resumed
from targets import schema
from watching import Fuse

KINDS = ("SuiteSite", "SuiteDevice", "SuiteInterface", "SuiteTeam", "BuiltinTag")
SESSION, OTHER = "site", "other"
SUITE = schema()
LIBRARY = Library()
"""What schemas were worked out to: most of the time that a session takes is for that."""
PLENTY = Limits(deletes=1000, percent=100)
Script = Callable[[TrackingSession], Awaitable[None]]


async def first(session: TrackingSession) -> None:
    site = await session.create("SuiteSite", {"name": "ams"})
    batch = session.batch()
    batch.upsert("SuiteDevice", {"name": "d1", "site": site, "interfaces": _ports("e0", "e1")})
    batch.upsert("SuiteDevice", {"name": "d2", "site": "ams", "uplink": ["d1", "e0"]})
    batch.upsert("SuiteDevice", {"name": "found", "site": "ams", "comment": "ours"})
    batch.upsert("BuiltinTag", {"name": "shared"})
    batch.upsert("SuiteTeam", {"name": "crew", "sites": [site]})
    await batch.execute()


async def second(session: TrackingSession) -> None:
    site = await session.create("SuiteSite", {"name": "ams"})
    one = await session.upsert("SuiteDevice", {"name": "d1", "site": site, "comment": "new"})
    three = await session.upsert("SuiteDevice", {"name": "d3", "site": site})
    await session.relate(one, "neighbours", three)
    await session.upsert("BuiltinTag", {"name": "late"})


async def nothing(session: TrackingSession) -> None:
    """Want nothing any more."""


def _ports(*names: str) -> dict[str, Any]:
    return {"data": [{"name": name} for name in names]}


@dataclass
class Shop:
    """A target where others have something too, and scripts that are run on it."""

    path: Path
    fuse: Fuse = field(default_factory=Fuse)
    foreign: set[str] = field(default_factory=set)

    def desk(self, fuse: Fuse | None = None) -> Desk:
        target = EmbeddedTarget(f"sqlite:///{self.path}/target.db")
        target._library = LIBRARY
        found = Desk(target, SUITE, self.path / "state.db", fuse)
        found.watched.batch = 2
        found.watched.look = self.look if fuse is not None else None
        return found

    def copy(self, path: Path) -> "Shop":
        """Return another target that is as this one is."""
        shutil.copytree(self.path, path)
        return replace(self, path=path, fuse=Fuse())

    async def settle(self) -> None:
        """Have strangers, one of them under a name that the scripts use, and another session."""
        desk = self.desk()
        async with desk.client as client:
            site = await desk.stranger("SuiteSite", name="fra")
            device = {"name": "found", "comment": "theirs"}
            found = await desk.stranger("SuiteDevice", {"site": site}, **device)
            self.foreign = {site, found, await desk.stranger("BuiltinTag", name="theirs")}
            async with client.start_tracking(OTHER) as session:
                self.foreign.add((await session.upsert("BuiltinTag", {"name": "shared"})).id)

    async def run(self, script: Script, fuse: Fuse | None = None) -> bool:
        """Run a script, until the fuse blows; say whether it did."""
        desk = self.desk(fuse)
        given = {"delete_unused_nodes": True, "limits": PLENTY, "params": {"tenant": "acme"}}
        try:
            async with desk.client.start_tracking(SESSION, **given) as session:
                await script(session)
        except Broken:
            return True
        finally:
            await desk.journal.close()
        return False

    async def interrupted(self) -> list[Record]:
        desk = self.desk()
        try:
            return await desk.client.interrupted()
        finally:
            await desk.journal.close()

    async def resume(self) -> Resumed:
        desk = self.desk()
        try:
            return await desk.client.resume(SESSION, {"tenant": "acme"})
        finally:
            await desk.journal.close()

    async def take_back(self) -> None:
        """Take back what the session did since this was copied: its runs were on another file."""
        async with self.desk().client as client:
            for record in await client.history(SESSION):
                plan, _ = await client.rollback(record, allow_deletes=1000)
                assert plan.problems == ()

    async def everything(self) -> Observed:
        desk = self.desk()
        async with desk.watched.inner.session(None, write=False) as session:
            return await _everything(session)

    async def look(self, session: Session) -> None:
        """Look, after every write, whether anything that scripts made is in no group."""
        observed = await _everything(session)
        held = {node for own in observed.groups.values() for node in own.members}
        ours = {own.id for own in observed.objects.values() if not own.seeded} - self.foreign
        assert ours <= held | {own.id for own in observed.groups.values()}
        assert self.foreign <= observed.objects.keys()


async def _everything(session: Session) -> Observed:
    names = list(await session.groups(""))
    return await session.observe(Query(kinds=KINDS, groups=names))


def _memberships(observed: Observed) -> dict[str, set[str]]:
    return {
        group.name: {str(observed.objects[node].key) for node in group.members}
        for group in observed.groups.values()
    }


async def _recovered(shop: Shop, script: Script, wanted: Observed) -> None:
    """Run again on what is left: it must end as if nothing had happened, and then rest."""
    await shop.run(script)
    found = await shop.everything()
    assert content(found) == content(wanted)
    assert _memberships(found) == _memberships(wanted)
    assert set(Counter(own.key for own in found.objects.values()).values()) == {1}
    assert not await shop.run(script, Fuse(0))
    assert await shop.interrupted() == []


@pytest.mark.parametrize(
    ("history", "boundaries"),
    [([first], 25), ([first, second], 30), ([first, nothing], 15)],
    ids=["first", "second", "nothing-left"],
)
async def test_every_boundary(history: list[Script], boundaries: int, tmp_path: Path) -> None:
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    wanted = base.copy(tmp_path / "wanted")
    await wanted.run(history[-1])
    expected = await wanted.everything()
    at = 0
    broken = True
    while broken:
        shop = base.copy(tmp_path / str(at))
        broken = await shop.run(history[-1], Fuse(at))
        await _recovered(shop, history[-1], expected)
        now = await shop.everything()
        assert _ids(before, now) == _ids(now, before)
        assert shop.foreign <= now.objects.keys()
        at += 1
    assert at > boundaries


EACH_HISTORY = pytest.mark.parametrize(
    ("history", "boundaries"),
    [([first], 25), ([first, second], 30), ([first, nothing], 10)],
    ids=["first", "second", "nothing-left"],
)


@EACH_HISTORY
async def test_every_boundary_is_taken_back(
    history: list[Script], boundaries: int, tmp_path: Path
) -> None:
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    at = 0
    while True:
        shop = base.copy(tmp_path / str(at))
        if not await shop.run(history[-1], Fuse(at)):
            break
        # What died after its last word in the journal has ended, and is taken back as well.
        await shop.take_back()
        now = await shop.everything()
        assert content(now) == content(before)
        assert _held(now) == _held(before), at
        assert await shop.interrupted() == []
        at += 1
    assert at > boundaries


@EACH_HISTORY
async def test_every_boundary_is_resumed(
    history: list[Script], boundaries: int, tmp_path: Path
) -> None:
    """What was under way is told as it is; then it is taken back, or run again, all the same."""
    base = await _after(tmp_path / "base", *history[:-1])
    before = await base.everything()
    wanted = base.copy(tmp_path / "wanted")
    await wanted.run(history[-1])
    expected = await wanted.everything()
    at = 0
    states: Counter[EntryState] = Counter()
    while True:
        shop = base.copy(tmp_path / str(at))
        if not await shop.run(history[-1], Fuse(at)):
            break
        found = await shop.everything()
        forgetful = shop.copy(tmp_path / f"{at}-lost")
        _lose_state(forgetful.path)
        resumed = await shop.resume()
        assert await shop.everything() == found
        _is_true(resumed, before, found)
        states.update(own.state for own in resumed.cut_short)
        assert await shop.interrupted() == []
        assert (await shop.resume()).runs == ()
        unrecorded = await forgetful.resume()
        assert (unrecorded.runs, unrecorded.cut_short) == ((), ())
        assert unrecorded.members == resumed.members
        await _recovered(forgetful, history[-1], expected)
        again = shop.copy(tmp_path / f"{at}-again")
        await _recovered(again, history[-1], expected)
        await shop.take_back()
        now = await shop.everything()
        assert content(now) == content(before)
        assert _held(now) == _held(before), at
        at += 1
    assert at > boundaries
    assert states.keys() == {EntryState.APPLIED, EntryState.FAILED}


def _lose_state(directory: Path) -> None:
    for own in directory.glob("state.db*"):
        own.unlink()


def _is_true(resumed: Resumed, before: Observed, now: Observed) -> None:
    """Compare what was found out with what there was, and is."""
    group = now.groups.get(resumed.group)
    assert resumed.members.keys() == (group.members if group else frozenset())
    assert resumed.adopted <= resumed.members.keys()
    for own in resumed.cut_short:
        assert own.node is not None
        done = own.state is EntryState.APPLIED
        if own.action is Action.CREATE:
            assert done is (own.node in resumed.members), own
        elif own.action is Action.DELETE:
            assert done is (own.node not in now.objects), own
        elif own.action is Action.RELEASE:
            assert done is (own.node not in resumed.members), own
        else:
            new = _shown(now.objects[own.node], own) != _shown(before.objects[own.node], own)
            written = new or not own.fields
            assert done is (written and own.node in resumed.members), own


def _shown(obj: ObservedObject, change: RecordedChange) -> list[Any]:
    return [{**obj.attributes, **obj.relations}.get(own.name) for own in change.fields]


def _held(observed: Observed) -> dict[str, set[str]]:
    return {name: members for name, members in _memberships(observed).items() if members}


def _ids(one: Observed, other: Observed) -> set[tuple[ObjectKey, str]]:
    """Return names and ids, of what bears a name in both."""
    names = {own.key for own in other.objects.values()}
    return {(own.key, own.id) for own in one.objects.values() if own.key in names}


async def _after(directory: Path, *history: Script) -> Shop:
    shop = Shop(directory)
    await shop.settle()
    for script in history:
        await shop.run(script)
    return shop


CHILD = dedent("""
    import asyncio, sys
    from pathlib import Path
    from properties.test_session_crashes import PLENTY, SESSION, Shop, second

    async def main():
        desk = Shop(Path(sys.argv[1])).desk()

        async def look(_session):
            print(flush=True)  # one line for each write

        desk.watched.look = look
        given = {"delete_unused_nodes": True, "limits": PLENTY, "params": {"tenant": "acme"}}
        async with desk.client.start_tracking(SESSION, **given) as session:
            await second(session)

    asyncio.run(main())
""")


@pytest.mark.parametrize("seed", range(4))
async def test_process_that_is_killed(tmp_path: Path, seed: int) -> None:
    expected = await (await _after(tmp_path / "wanted", first, second)).everything()
    shop = await _after(tmp_path / "killed", first)
    killed(CHILD, shop.path, Random(seed).randint(0, 12))  # noqa: S311
    await _recovered(shop, second, expected)

"""Months of a repository in a minute: whatever happens to it, a simple book says what may be deleted.

The book knows who made each object, and nothing of plans, stamps or digests: what somebody else
made, or took out of our groups, is never deleted; what we made is, once Git has dropped it, unless
a guard is in the way. STATEWARD_MODEL_STEPS says how many steps are taken (400).
"""

import asyncio
import os
import shutil
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from properties.judging import PLENTY, everything, shown
from properties.worlds import UNITS, Revision, revisions, workshop
from rounds import Broken, Workshop
from stateward.engine.approvals import KeptApprovals
from stateward.engine.reconcile import Reconciler
from stateward.model.command import Command, Verb
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Delete, Enrol, Mutation, Update
from stateward.model.plan import Plan, UnitState
from stateward.model.record import Cause
from stateward.model.run import Outcome, Report
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import ADOPTED, group_name
from stateward.stores.commands import SqliteCommands
from stateward.stores.sqlite import SqliteJournal
from watching import Fuse, FusedJournal, Watched

_T = TypeVar("_T")
STEPS = int(os.environ.get("STATEWARD_MODEL_STEPS", "400"))
EACH = 40
"""Steps of one repository."""
DELETES, PERCENT, PROTECTED = 2, 40, "NetTeam"
LIMITS = {"deletes": DELETES, "percent": PERCENT, "protectedKinds": (PROTECTED,)}
PICK = st.integers(0, 99)
"""One of what is there, however much that is."""
TOOL, TEAM = "CoreGeneratorGroup", "CoreStandardGroup"


@dataclass(frozen=True)
class Book:
    """Who made what. By id, so that a name may be born twice."""

    ours: frozenset[str] = frozenset()
    """Made by us, and never given up since."""
    foreign: frozenset[str] = frozenset()
    """Made by somebody else, or taken from us."""
    tools: frozenset[str] = frozenset()
    """Groups by which another tool claims what is in them."""

    def made(self, fresh: set[str]) -> "Book":
        return replace(self, ours=self.ours | fresh)

    def taken(self, node: str) -> "Book":
        return replace(self, ours=self.ours - {node}, foreign=self.foreign | {node})


def declared(revision: Revision) -> dict[ObjectKey, frozenset[str]]:
    """Return who declares what in a revision, by reading it as a person would."""
    found: dict[ObjectKey, frozenset[str]] = {}

    def add(key: ObjectKey, units: tuple[str, ...]) -> None:
        found[key] = found.get(key, frozenset()) | frozenset(units)

    for item in revision.items:
        if item.kind == "NetInterface":
            add(ObjectKey(item.kind, (item.fields["device"], item.name)), item.units)
        else:
            add(ObjectKey(item.kind, (item.name,)), item.units)
        for port in item.fields.get("interfaces", {}).get("data", ()):
            add(ObjectKey("NetInterface", (item.name, port["name"])), item.units)
    return found


@dataclass(frozen=True)
class Backup:
    """What a person put away, with what the book said then."""

    file: Path
    book: Book


class World(RuleBasedStateMachine):
    """A repository, a target, and everybody who has to do with them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.shop: Workshop = self.stack.enter_context(workshop(limits=LIMITS))
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.book = Book()
        self.wanted: Mapping[ObjectKey, frozenset[str]] = {}
        self.backup: Backup | None = None

    def teardown(self) -> None:
        self.run(self._audit())
        self.stack.close()

    def run(self, what: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(what)

    # What people commit.

    @initialize(revision=revisions())
    def begins(self, revision: Revision) -> None:
        self.commits(revision)
        self.reconciles(lenient=True)

    @rule(revision=revisions())
    def commits(self, revision: Revision) -> None:
        self.shop.commit(revision.files())
        self.wanted = declared(revision)

    @rule(unit=st.sampled_from(UNITS))
    def deletes_a_directory(self, unit: str) -> None:
        latest = self.shop.source.revisions[f"r{len(self.shop.source.revisions)}"]
        left = {path: data for path, data in latest.items() if not path.startswith(f"{unit}/")}
        self.shop.commit({path: data for path, data in left.items() if path != "schema.yml"})
        gone = {own for own in UNITS if own == unit or own.startswith(f"{unit}/")}
        self.wanted = {key: units - gone for key, units in self.wanted.items() if units - gone}

    # What the daemon does.

    @rule(lenient=st.booleans())
    def reconciles(self, lenient: bool) -> None:
        self.run(self._round(allow_deletes=PLENTY if lenient else None))

    @rule()
    def approves(self) -> None:
        self.run(self._approved())

    @rule(at=st.integers(0, 40), lenient=st.booleans())
    def dies(self, at: int, lenient: bool) -> None:
        self.run(self._round(fuse=Fuse(at), allow_deletes=PLENTY if lenient else None))

    @rule()
    def loses_its_state(self) -> None:
        self.shop.state.unlink(missing_ok=True)

    # What others do.

    @rule(
        name=st.sampled_from(["tag0", "device0", "asset0", "group0", "by hand"]),
        kind=st.sampled_from(["BuiltinTag", "NetDevice", "NetAsset", TEAM]),
    )
    def stranger_makes(self, name: str, kind: str) -> None:
        fields = {"name": name, **({"serial": name} if kind == "NetAsset" else {})}
        refusal, node = self.run(self.shop.try_to_make(kind, **fields))
        if refusal is None:
            self.book = replace(self.book, foreign=self.book.foreign | {node})

    @rule(pick=PICK, role=st.sampled_from(["leaf", "spine"]))
    def stranger_edits(self, pick: int, role: str) -> None:
        own = self._any(pick, "NetDevice")
        if own is not None:
            self._try(Update(id=own.id, kind=own.key.kind, attributes={"role": role}))

    @rule(pick=PICK)
    def stranger_deletes(self, pick: int) -> None:
        own = self._any(pick, "BuiltinTag", "NetDevice", "NetAsset", "NetCable", "NetTeam")
        if own is not None:
            self._try(Delete(id=own.id, kind=own.key.kind))

    @rule(pick=PICK, kind=st.sampled_from([TOOL, TEAM]))
    def tool_claims(self, pick: int, kind: str) -> None:
        own = self._any(pick, "NetDevice", "BuiltinTag")
        if own is None:
            return
        name = f"of a tool: {kind}"
        refusal, group = self.run(self.shop.try_to_make(kind, name=name))
        if refusal is None:
            tools = {group} if kind == TOOL else set()
            self.book = replace(self.book, tools=self.book.tools | tools)
        else:
            group = self.run(self.shop.find(kind, name)).id
        self._try(Enrol(id=own.id, kind=own.key.kind, join=(group,)))

    @rule(pick=PICK)
    def somebody_takes_a_member_out(self, pick: int) -> None:
        seen = self.run(everything(self.shop))
        groups = [own for own in seen.groups.values() if own.members & self.book.ours]
        members = _sorted(seen, {node for own in groups for node in own.members & self.book.ours})
        if not members:
            return
        node = members[pick % len(members)]
        leave = tuple(own.id for own in groups if node in own.members)
        if self._try(Enrol(id=node, kind=seen.objects[node].key.kind, leave=leave)):
            self.book = self.book.taken(node)

    @precondition(lambda self: self.backup is None)
    @rule()
    def backs_the_target_up(self) -> None:
        file = self._target.with_suffix(".backup")
        if self._target.exists():
            shutil.copy(self._target, file)
            self.backup = Backup(file, self.book)

    @precondition(lambda self: self.backup is not None)
    @rule()
    def restores_the_target(self) -> None:
        assert self.backup is not None
        shutil.copy(self.backup.file, self._target)
        self.book, self.backup = self.backup.book, None

    @property
    def _target(self) -> Path:
        return self.shop.state.parent / "target.db"

    def _any(self, pick: int, *kinds: str) -> ObservedObject | None:
        seen = self.run(everything(self.shop))
        found = _sorted(seen, {node for node, own in seen.objects.items() if own.key.kind in kinds})
        return seen.objects[found[pick % len(found)]] if found else None

    def _try(self, mutation: Mutation) -> bool:
        """Do it if the target lets anybody do it."""

        async def tried() -> bool:
            async with self.shop.target.session(None, write=True) as session:
                (refusal,) = await session.apply([mutation])
            return refusal is None

        return self.run(tried())

    # What is true after every round, however it ended.

    async def _round(
        self,
        fuse: Fuse | None = None,
        commands: SqliteCommands | None = None,
        allow_deletes: int | None = None,
    ) -> None:
        before = await everything(self.shop)
        plan, report = await self._carried_out(fuse or Fuse(), commands, allow_deletes)
        after = await everything(self.shop)
        told = shown(plan, report) if plan is not None else "it died"
        free = allow_deletes is not None
        approved = {own.unit for own in plan.approvals} if plan is not None else set()
        self._deletes_only_what_it_may(before, after, told, free=free, approved=approved)
        self._gives_up_what_others_hold(before, after)
        self._orphans_nothing(before, after, told)
        if plan is not None and report is not None and _clean(plan, report):
            self._has_what_is_declared(after, told)
            assert (await self.shop.plan()).is_empty, told

    async def _carried_out(
        self, fuse: Fuse, commands: SqliteCommands | None, allow_deletes: int | None
    ) -> tuple[Plan | None, Report | None]:
        journal = SqliteJournal(self.shop.state)
        round_ = self.shop.round(Watched(self.shop.target, fuse=fuse), allow_deletes=allow_deletes)
        if commands is not None:
            round_ = replace(round_, approvals=KeptApprovals(commands))
        reconciler = Reconciler(
            round=round_,
            journal=FusedJournal(journal, fuse),
            new_id=lambda: str(uuid4()),
            cause=Cause(trigger="commit", actor="stateward"),
        )
        try:
            return await reconciler.apply(None, expected=None, progress=lambda _done, _all: None)
        except Broken:
            return None, None
        finally:
            await journal.close()

    async def _approved(self) -> None:
        """Look at what is held back, let one unit's prune through, and go on."""
        blocked = (await self.shop.plan()).blocked
        commands = SqliteCommands(self.shop.state, lambda: 0.0)
        try:
            for own in blocked[:1]:
                given = Command(
                    id=str(uuid4()),
                    verb=Verb.APPROVE,
                    source="default",
                    unit=own.unit,
                    actor="ada",
                    at=0.0,
                    digest=own.digest,
                )
                await commands.give(given)
            await self._round(commands=commands)
        finally:
            await commands.close()

    def _deletes_only_what_it_may(
        self, before: Observed, after: Observed, told: str, *, free: bool, approved: set[str]
    ) -> None:
        tracking = {own.id for own in before.groups.values()}
        gone = before.objects.keys() - after.objects.keys() - tracking
        claimed = _in(before, self.book.tools) & self.book.ours
        for node in gone:
            name = str(before.objects[node].key)
            assert node in self.book.ours, f"{name} is not ours\n{told}"
            assert before.objects[node].key not in self.wanted, f"{name} is declared\n{told}"
            assert before.objects[node].key.kind != PROTECTED, f"{name} is protected\n{told}"
            assert node not in claimed, f"{name} is another tool's as well\n{told}"
        if not free:
            self._stays_within_limits(before, gone, told, approved)

    def _stays_within_limits(
        self, before: Observed, gone: set[str], told: str, approved: set[str]
    ) -> None:
        """Of what one unit alone had, no more may go than its limits say."""
        holders = _holders(before)
        for unit in {*UNITS} - approved:
            had = {node for node, units in holders.items() if unit in units}
            own = {node for node in gone if holders.get(node) == {unit}}
            within = len(own) <= DELETES or 100 * len(own) <= PERCENT * len(had)
            assert within, f"{len(own)} of {len(had)} of {unit}\n{told}"
            emptied = not any(unit in units for units in self.wanted.values())
            assert not (own and emptied), f"{unit} was emptied\n{told}"

    def _gives_up_what_others_hold(self, before: Observed, after: Observed) -> None:
        """What Git has dropped and another tool holds is left to that tool."""
        held = {node for own in after.groups.values() for node in own.members}
        for node in (self.book.ours & _in(before, self.book.tools) & after.objects.keys()) - held:
            if before.objects[node].key not in self.wanted:
                self.book = self.book.taken(node)

    def _orphans_nothing(self, before: Observed, after: Observed, told: str) -> None:
        tracking = {own.id for own in after.groups.values()}
        seeded = {own.id for own in after.objects.values() if own.seeded}
        fresh = after.objects.keys() - before.objects.keys() - tracking - seeded
        self.book = self.book.made(set(fresh))
        held = {node for own in after.groups.values() for node in own.members}
        orphans = (self.book.ours & after.objects.keys()) - held
        assert not orphans, f"{[str(after.objects[node].key) for node in orphans]}\n{told}"

    def _has_what_is_declared(self, after: Observed, told: str) -> None:
        holders, there = _holders(after), {own.key: own.id for own in after.objects.values()}
        for key, units in self.wanted.items():
            assert key in there, f"{key} is declared, and not there\n{told}"
            assert units <= holders.get(there[key], set()), f"{key} is not {units}'s\n{told}"

    async def _audit(self) -> None:
        journal = SqliteJournal(self.shop.state)
        try:
            assert (await journal.verify()).broken is None
        finally:
            await journal.close()


def _clean(plan: Plan, report: Report) -> bool:
    """Tell whether nothing was left out, so that the target is as Git says."""
    ready = all(
        own.state is UnitState.READY and not own.withheld and not own.survivors
        for own in plan.units.values()
    )
    well = all(own.outcome is not Outcome.FAILED for own in report.runs)
    return ready and well and not plan.blocked and not plan.problems


def _sorted(seen: Observed, ids: set[str]) -> list[str]:
    """Sort ids by what they are called: the ids themselves are others each time."""
    return sorted(ids, key=lambda node: (str(seen.objects[node].key), node))


def _in(seen: Observed, groups: frozenset[str]) -> set[str]:
    """Return what is in one of the groups."""
    found = set()
    for own in seen.objects.values():
        mine = own.relations.get("member_of_groups")
        if isinstance(mine, frozenset) and mine & groups:
            found.add(own.id)
    return found


def _holders(seen: Observed) -> dict[str, set[str]]:
    """Return the units in whose groups each object is, adopted or made."""
    names = {group_name("default", "default", unit): unit for unit in UNITS}
    found: dict[str, set[str]] = {}
    for group in seen.groups.values():
        unit = names.get(group.name.removesuffix(ADOPTED))
        for node in group.members if unit is not None else ():
            found.setdefault(node, set()).add(unit)
    return found


TestModel = World.TestCase
TestModel.settings = settings(
    max_examples=max(1, STEPS // EACH),
    stateful_step_count=EACH,
    suppress_health_check=list(HealthCheck),
)

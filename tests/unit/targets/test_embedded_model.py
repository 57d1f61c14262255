"""Random mutations against a model of a few lines: the target agrees with it after every step.

The model knows names, edges and who needs whom. What it holds for true is compared with what the
target shows; and the target's tables are compared with themselves: no edge leads nowhere, and
names and unique values are those that would be worked out now.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stateward.model.mutation import Create, Delete, Enrol, Mutation, Relate, Update
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget
from stateward.targets.embedded.keys import Keys
from stateward.targets.embedded.records import Records
from stateward.targets.embedded.session import EmbeddedSession
from targets import new_id, schema

SITE, DEVICE, INTERFACE = "SuiteSite", "SuiteDevice", "SuiteInterface"
_MEMORY = next((path for path in ("/dev/shm",) if Path(path).is_dir()), None)  # noqa: S108
"""Where it need not wait for a disk: what is on it after a crash is another test."""
ANY = st.integers(0, 255)
NAMES = st.sampled_from(["a", "b", "c", "d"])
SCHEMA = schema()
Result = TypeVar("Result")


class Model:
    """What should be there."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.site: dict[str, str] = {}
        self.device: dict[str, str] = {}
        self.uplink: dict[str, str] = {}
        self.neighbours: set[frozenset[str]] = set()
        self.members: set[str] = set()

    def key(self, node: str) -> tuple[str, ...]:
        if self.kinds[node] == INTERFACE:
            return (self.names[self.device[node]], self.names[node])
        return (self.names[node],)

    def is_taken(self, kind: str, name: str, device: str | None, besides: str = "") -> bool:
        return any(
            self.kinds[node] == kind
            and self.names[node] == name
            and node != besides
            and (kind != INTERFACE or self.device[node] == device)
            for node in self.kinds
        )

    def remove(self, gone: set[str]) -> None:
        for table in (self.kinds, self.names, self.site, self.device, self.uplink):
            for node in gone:
                table.pop(node, None)
        self.uplink = {own: peer for own, peer in self.uplink.items() if peer not in gone}
        self.neighbours = {pair for pair in self.neighbours if not pair & gone}
        self.members -= gone

    def relations(self, node: str) -> dict[str, Any]:
        groups = frozenset({"group"} if node in self.members else ())
        if self.kinds[node] == SITE:
            return {"member_of_groups": groups}
        if self.kinds[node] == INTERFACE:
            owner = next((own for own, peer in self.uplink.items() if peer == node), None)
            return {
                "device": self.device[node],
                "uplink_of": owner,
                "member_of_groups": groups,
            }
        interfaces = frozenset(own for own, device in self.device.items() if device == node)
        neighbours = frozenset(
            next(iter(pair - {node}), node) for pair in self.neighbours if node in pair
        )
        return {
            "site": self.site[node],
            "interfaces": interfaces,
            "uplink": self.uplink.get(node),
            "neighbours": neighbours,
            "member_of_groups": groups,
        }


class Target(RuleBasedStateMachine):
    """The embedded target beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.ever: list[str] = []
        self.group = new_id()
        self.directory = tempfile.TemporaryDirectory(dir=_MEMORY)
        self.runner = asyncio.Runner()
        target = EmbeddedTarget(f"sqlite:///{Path(self.directory.name) / 'target.db'}")
        self.opened = target.session(SCHEMA, write=True)
        session = self.run(self.opened.__aenter__())
        assert isinstance(session, EmbeddedSession)
        self.session = session

    def run(self, job: Awaitable[Result]) -> Result:
        async def waited() -> Result:
            return await job

        return self.runner.run(waited())

    def teardown(self) -> None:
        self.run(self.opened.__aexit__(None, None, None))
        self.runner.close()
        self.directory.cleanup()

    def is_done(self, mutation: Mutation) -> bool:
        (refusal,) = self.run(self.session.apply([mutation]))
        return refusal is None

    def pick(self, kind: str | None, index: int) -> str:
        """Return an object: mostly one that there is, of the kind that is asked for."""
        kinds = self.model.kinds
        fitting = [node for node in kinds if kind in (None, kinds[node])]
        others = self.ever if index % 8 == 0 or not fitting else fitting
        return others[index // 8 % len(others)]

    @initialize()
    def begin(self) -> None:
        """Start with one of each, since little can be without them."""
        self.run(self.session.load_schema())
        group = {"name": "stateward/group"}
        assert self.is_done(Create(id=self.group, kind="CoreStandardGroup", attributes=group))
        self.create_site("a", member=True)
        self.create_device("a", 1, member=True)
        self.create_interface("a", 1, member=False)

    @rule(name=NAMES, member=st.booleans())
    def create_site(self, name: str, *, member: bool) -> None:
        self._create(SITE, name, {}, member=member)

    @rule(name=NAMES, at=ANY, member=st.booleans())
    def create_device(self, name: str, at: int, *, member: bool) -> None:
        site = self.pick(SITE, at)
        possible = self.is_a(site, SITE)
        found = self._create(DEVICE, name, {"site": site}, member=member, possible=possible)
        if found is not None:
            self.model.site[found] = site

    @rule(name=NAMES, at=ANY, member=st.booleans())
    def create_interface(self, name: str, at: int, *, member: bool) -> None:
        device = self.pick(DEVICE, at)
        possible = self.is_a(device, DEVICE)
        found = self._create(INTERFACE, name, {"device": device}, member=member, possible=possible)
        if found is not None:
            self.model.device[found] = device

    def _create(
        self,
        kind: str,
        name: str,
        relations: dict[str, str],
        *,
        member: bool,
        possible: bool = True,
    ) -> str | None:
        node = new_id()
        possible = possible and not self.model.is_taken(kind, name, relations.get("device"))
        create = Create(
            id=node,
            kind=kind,
            attributes={"name": name},
            relations=relations,
            groups=(self.group,) if member else (),
        )
        assert self.is_done(create) == possible
        if not possible:
            return None
        self.ever.append(node)
        self.model.kinds[node], self.model.names[node] = kind, name
        if member:
            self.model.members.add(node)
        return node

    def is_a(self, node: str, kind: str) -> bool:
        return self.model.kinds.get(node) == kind

    @rule(at=ANY, name=NAMES)
    def rename(self, at: int, name: str) -> None:
        node = self.pick(None, at)
        kind = self.model.kinds.get(node)
        possible = kind is not None and not self.model.is_taken(
            kind, name, self.model.device.get(node), node
        )
        update = Update(id=node, kind=kind or SITE, attributes={"name": name})
        assert self.is_done(update) == possible
        if possible:
            self.model.names[node] = name

    @rule(at=ANY, to=ANY)
    def move_interface(self, at: int, to: int) -> None:
        node, device = self.pick(INTERFACE, at), self.pick(DEVICE, to)
        possible = (
            self.is_a(node, INTERFACE)
            and self.is_a(device, DEVICE)
            and not self.model.is_taken(INTERFACE, self.model.names[node], device, node)
        )
        update = Update(id=node, kind=INTERFACE, relations={"device": device})
        assert self.is_done(update) == possible
        if possible:
            self.model.device[node] = device

    @rule(at=ANY, to=st.none() | ANY)
    def choose_uplink(self, at: int, to: int | None) -> None:
        node = self.pick(DEVICE, at)
        interface = None if to is None else self.pick(INTERFACE, to)
        taken = any(peer == interface and own != node for own, peer in self.model.uplink.items())
        possible = self.is_a(node, DEVICE) and (
            interface is None or (self.is_a(interface, INTERFACE) and not taken)
        )
        update = Update(id=node, kind=DEVICE, relations={"uplink": interface})
        assert self.is_done(update) == possible
        if possible:
            self.model.uplink.pop(node, None)
            if interface is not None:
                self.model.uplink[node] = interface

    @rule(at=ANY, to=st.none() | ANY)
    def choose_owner_of_uplink(self, at: int, to: int | None) -> None:
        node = self.pick(INTERFACE, at)
        owner = None if to is None else self.pick(DEVICE, to)
        possible = self.is_a(node, INTERFACE) and (
            owner is None
            or (self.is_a(owner, DEVICE) and self.model.uplink.get(owner, node) == node)
        )
        update = Update(id=node, kind=INTERFACE, relations={"uplink_of": owner})
        assert self.is_done(update) == possible
        if possible:
            uplinks = self.model.uplink.items()
            self.model.uplink = {own: peer for own, peer in uplinks if peer != node}
            if owner is not None:
                self.model.uplink[owner] = node

    @rule(at=ANY, to=st.lists(ANY, max_size=2))
    def replace_interfaces(self, at: int, to: list[int]) -> None:
        """A device can neither take an interface from another nor leave one without a device."""
        node, chosen = self.pick(DEVICE, at), {self.pick(INTERFACE, one) for one in to}
        possible = self.is_a(node, DEVICE) and chosen == self._interfaces(node)
        update = Update(id=node, kind=DEVICE, relations={"interfaces": frozenset(chosen)})
        assert self.is_done(update) == possible

    @rule(at=ANY, to=st.lists(ANY, max_size=3))
    def replace_neighbours(self, at: int, to: list[int]) -> None:
        node, peers = self.pick(DEVICE, at), [self.pick(DEVICE, one) for one in to]
        possible = all(self.is_a(one, DEVICE) for one in (node, *peers))
        update = Update(id=node, kind=DEVICE, relations={"neighbours": frozenset(peers)})
        assert self.is_done(update) == possible
        if possible:
            self.model.neighbours = {pair for pair in self.model.neighbours if node not in pair}
            self.model.neighbours |= {frozenset({node, peer}) for peer in peers}

    @rule(at=ANY, new=st.lists(ANY, max_size=2), old=st.lists(ANY, max_size=2))
    def change_neighbours(self, at: int, new: list[int], old: list[int]) -> None:
        node = self.pick(DEVICE, at)
        add, remove = ([self.pick(DEVICE, one) for one in ones] for ones in (new, old))
        alive = [one for one in remove if one in self.model.kinds]
        possible = all(self.is_a(one, DEVICE) for one in (node, *add, *alive))
        relate = Relate(
            id=node,
            kind=DEVICE,
            relationship="neighbours",
            add=tuple(add),
            remove=tuple(remove),
        )
        assert self.is_done(relate) == possible
        if possible:
            self.model.neighbours -= {frozenset({node, peer}) for peer in set(remove) - set(add)}
            self.model.neighbours |= {frozenset({node, peer}) for peer in add}

    @rule(at=ANY, join=st.booleans())
    def enrol(self, at: int, *, join: bool) -> None:
        node = self.pick(None, at)
        kind = self.model.kinds.get(node)
        groups = {"join" if join else "leave": (self.group,)}
        possible = kind is not None or not join
        assert self.is_done(Enrol(id=node, kind=kind or SITE, **groups)) == possible
        if kind is not None:
            (self.model.members.add if join else self.model.members.discard)(node)

    @rule(at=ANY)
    def delete(self, at: int) -> None:
        node = self.pick(None, at)
        kind = self.model.kinds.get(node)
        possible = node not in self.model.site.values()
        assert self.is_done(Delete(id=node, kind=kind or SITE)) == possible
        if possible:
            self.model.remove({node, *self._interfaces(node)})

    def _interfaces(self, node: str) -> set[str]:
        return {own for own, device in self.model.device.items() if device == node}

    @rule(at=ANY)
    def reuse_id(self, at: int) -> None:
        node = self.ever[at % len(self.ever)]
        tag = Create(id=node, kind="BuiltinTag", attributes={"name": "blue"})
        assert not self.is_done(tag)

    @invariant()
    def shows_what_the_model_holds(self) -> None:
        kinds = (SITE, DEVICE, INTERFACE)
        query = Query(kinds=kinds, groups=["stateward/group"])
        found = self.run(self.session.observe(query))
        assert {node: own.key for node, own in found.objects.items()} == {
            node: (self.model.kinds[node], self.model.key(node)) for node in self.model.kinds
        }
        for node, own in found.objects.items():
            expected = self.model.relations(node)
            expected["member_of_groups"] = frozenset(
                self.group for _ in expected["member_of_groups"]
            )
            assert {name: own.relations[name] for name in expected} == expected
        if found.groups:
            assert found.groups["stateward/group"].members == self.model.members

    @invariant()
    def tables_agree_with_each_other(self) -> None:
        self.run(self.session._run(self._check_tables))

    def _check_tables(self) -> None:
        store = self.session._store
        database = store._file()
        seqs = {seq for (seq,) in database.execute("SELECT seq FROM node")}
        for head, tail in database.execute("SELECT head, tail FROM edge"):
            assert {head, tail} <= seqs
        for table in ("unique_value", "alias"):
            owners = {seq for (seq,) in database.execute(f"SELECT node FROM {table}")}  # noqa: S608
            assert owners <= seqs
        records = Records(database, store._loaded)
        keys = Keys(records)
        for seq in seqs:
            node = records.node(seq)
            subject = keys.subject(node)
            assert keys.identity(subject) == node.identity
            held = database.execute(
                "SELECT scope, value FROM unique_value WHERE node = ?", (seq,)
            ).fetchall()
            assert dict(held) == keys.uniques(subject)
            named = database.execute(
                "SELECT scope, value FROM alias WHERE node = ?", (seq,)
            ).fetchall()
            assert set(named) == keys.aliases(subject)
            assert json.loads(json.dumps(node.fields)) == node.fields


TestTarget = Target.TestCase
TestTarget.settings = settings(stateful_step_count=40, deadline=None)

"""A repository in memory, a target in a file, and rounds between them."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import yaml

from stateward import settings
from stateward.desired.discover import Layout
from stateward.engine import adopting, inventory
from stateward.engine.load import Loader
from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Look, Round, Scope
from stateward.errors import Code, Problem, SourceRefused
from stateward.model.adoption import Adoption, Taking
from stateward.model.commit import Commit
from stateward.model.document import Document
from stateward.model.identity import ObjectKey
from stateward.model.inventory import Inventory, Repair
from stateward.model.mutation import Create, Delete, Mutation, Refusal
from stateward.model.plan import Plan
from stateward.model.record import Cause
from stateward.model.run import Report
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import UnitSettings
from stateward.ports import Checkout, Journal, Mandate, Query, Session, Target, TreeEntry
from stateward.settings import UnitDefaults, UnitOverrides
from stateward.stores.sqlite import SqliteJournal
from stateward.targets.embedded import EmbeddedTarget
from stateward.tracking.carry import Progress
from stateward.tracking.mandate import UNLIMITED

SCHEMA = """
version: "1.0"
generics:
  - name: Generic
    namespace: Location
    hierarchical: true
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
nodes:
  - {name: Country, namespace: Location, inherit_from: [LocationGeneric], parent: "", children: LocationSite}
  - {name: Site, namespace: Location, inherit_from: [LocationGeneric], parent: LocationCountry, children: ""}
  - name: Device
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: role, kind: Dropdown, default_value: leaf, choices: [{name: leaf}, {name: spine}]}
      - {name: comment, kind: Text, optional: true}
      - {name: rack_unit, kind: Number, optional: true}
      - {name: password, kind: HashedPassword, optional: true}
    relationships:
      - {name: site, peer: LocationGeneric, cardinality: one, optional: true, kind: Attribute}
      - {name: buddy, peer: NetDevice, cardinality: one, optional: true, direction: outbound, identifier: device__buddy}
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true, identifier: device__tags}
      - {name: interfaces, peer: NetInterface, cardinality: many, kind: Component, identifier: device__interfaces}
      - {name: uplink, peer: NetInterface, cardinality: one, optional: true, identifier: device__uplink}
  - name: Interface
    namespace: Net
    human_friendly_id: [device__name__value, name__value]
    uniqueness_constraints: [[device, name__value]]
    attributes:
      - {name: name, kind: Text}
      - {name: mtu, kind: Number, default_value: 1500}
    relationships:
      - {name: device, peer: NetDevice, cardinality: one, optional: false, kind: Parent, identifier: device__interfaces}
      - {name: uplink_of, peer: NetDevice, cardinality: one, optional: true, identifier: device__uplink}
  - name: Cable
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: device, peer: NetDevice, cardinality: one, optional: false, identifier: cable__device}
  - name: Asset
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: serial, kind: Text, unique: true}
      - {name: comment, kind: Text, optional: true}
    relationships:
      - {name: device, peer: NetDevice, cardinality: one, optional: true, identifier: asset__device}
  - name: Team
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: sites, peer: LocationGeneric, cardinality: many, optional: false, identifier: team__sites}
  - name: Check
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: query, peer: CoreGraphQLQuery, cardinality: one, optional: true, identifier: check__query}
  - name: Twin
    namespace: Net
    human_friendly_id: [name__value]
    attributes: [{name: name, kind: Text, unique: true}]
    relationships: [{name: twin, peer: NetTwin, cardinality: one, optional: false, direction: outbound, identifier: twin__twin}]
"""


class Broken(BaseException):
    """The process died here, as far as the program can tell."""


class MemorySource:
    """Revisions of files, named r1, r2 and so on."""

    name = "memory"

    def __init__(self) -> None:
        self.revisions: dict[str, dict[str, bytes]] = {}
        self.modes: dict[str, str] = {}
        """Modes of paths that are no plain files."""
        self.lost: set[str] = set()
        """Revisions and paths that cannot be read any more."""
        self.allows: dict[str, tuple[str, ...]] = {}
        """What revisions let be deleted, by trailers of their messages."""
        self.failure: Exception | None = None
        self._blobs: dict[str, bytes] = {}

    def commit(self, files: Mapping[str, str | bytes]) -> str:
        """Add a revision that holds exactly these files."""
        revision = f"r{len(self.revisions) + 1}"
        self.revisions[revision] = {
            path: dedent(text).encode() if isinstance(text, str) else text
            for path, text in files.items()
        }
        return revision

    async def head(self, max_age: float) -> str:
        del max_age
        return (await self.checkout()).revision

    async def checkout(self, revision: str | None = None) -> Checkout:
        if self.failure is not None:
            raise self.failure
        revision = revision or f"r{len(self.revisions)}"
        if revision not in self.revisions or revision in self.lost:
            raise SourceRefused(f"no revision {revision}", code=Code.NO_REVISION)
        entries = []
        for path, data in sorted(self.revisions[revision].items()):
            blob = hashlib.sha1(data).hexdigest()  # noqa: S324
            self._blobs[blob] = data
            mode = self.modes.get(path, "100644")
            entries.append(TreeEntry(path=path, mode=mode, blob=blob, size=len(data)))
        return Checkout(revision=revision, entries=tuple(entries))

    async def vouch(self, revision: str) -> None:
        assert revision in self.revisions

    async def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        for path in self.lost:
            for files in self.revisions.values():
                if path in files and hashlib.sha1(files[path]).hexdigest() in blobs:  # noqa: S324
                    raise SourceRefused(f"{path}: cannot be read", code=Code.CORRUPT_REPOSITORY)
        return {blob: self._blobs[blob] for blob in blobs}

    async def said(self, revision: str) -> Commit:
        return Commit(
            id=revision,
            author="Ada <ada@example.org>",
            subject=f"Commit {revision}",
            allows=self.allows.get(revision, ()),
        )


class Workshop:
    """A source, a target and a state database; nothing is kept in memory between rounds."""

    def __init__(self, directory: Path, **defaults: Any) -> None:
        self.source = MemorySource()
        self.target: Target = EmbeddedTarget(f"sqlite:///{directory}/target.db")
        self.state = directory / "state.db"
        self.layout = Layout()
        self.defaults = UnitDefaults.model_validate(defaults)

    def commit(self, files: Mapping[str, str | bytes]) -> str:
        return self.source.commit({"schema.yml": SCHEMA, **files})

    def round(self, target: Target | None = None, **scope: Any) -> Round:
        loader = Loader(
            source=self.source, layout=self.layout, schemas=None, read_settings=self._settings
        )
        scope = {"instance": "default", "source": "default", **scope}
        return Round(loader=loader, target=target or self.target, scope=Scope(**scope))

    def _settings(
        self, _unit: str, doc: Document | None
    ) -> tuple[UnitSettings, tuple[Problem, ...]]:
        return settings.read_unit(doc, UnitOverrides(), self.defaults)

    async def plan(self, revision: str | None = None, **scope: Any) -> Plan:
        return await self.round(**scope).plan(revision)

    async def apply(
        self,
        revision: str | None = None,
        *,
        expected: str | None = None,
        target: Target | None = None,
        journal: Journal | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        progress: Progress = lambda _done, _all: None,
        mandate: Mandate = UNLIMITED,
        look: Look | None = None,
        **scope: Any,
    ) -> tuple[Plan, Report]:
        """Apply; what is written to another journal than the workshop's own is not read back."""
        own = SqliteJournal(self.state)
        try:
            reconciler = Reconciler(
                round=self.round(target, **scope),
                journal=journal or own,
                trail=own if journal is None or hasattr(journal, "inner") else None,
                new_id=new_id,
                cause=Cause(trigger="manual", actor="ada"),
                mandate=mandate,
                look=look,
            )
            return await reconciler.apply(revision, expected=expected, progress=progress)
        finally:
            await own.close()

    async def adopt(
        self,
        *units: str,
        target: Target | None = None,
        instance: str = "default",
        **taking: Any,
    ) -> Adoption:
        """Take over what is there already."""
        journal = SqliteJournal(self.state)
        try:
            reconciler = self._reconciler(journal, target, named=units, instance=instance)
            return await adopting.adopt(
                reconciler, Taking(**taking), None, lambda _done, _all: None
            )
        finally:
            await journal.close()

    def _reconciler(
        self, journal: SqliteJournal, target: Target | None, **scope: Any
    ) -> Reconciler:
        return Reconciler(
            round=self.round(target, **scope),
            journal=journal,
            trail=journal,
            new_id=lambda: str(uuid4()),
            cause=Cause(trigger="manual", actor="ada"),
        )

    async def verify(self, *units: str, **scope: Any) -> Inventory:
        """Compare groups, journal and files."""
        journal = SqliteJournal(self.state)
        try:
            return await inventory.verify(self.round(named=units, **scope), journal, None)
        finally:
            await journal.close()

    async def repair(
        self, *units: str, target: Target | None = None, instance: str = "default"
    ) -> Repair:
        """Put right what is no risk."""
        journal = SqliteJournal(self.state)
        try:
            reconciler = self._reconciler(journal, target, named=units, instance=instance)
            return await inventory.mend(reconciler, journal, None, lambda _done, _all: None)
        finally:
            await journal.close()

    async def forget(self, instance: str = "default") -> None:
        """Have all that was made be nobody's, as another tool leaves it: without our groups."""
        async with self.target.session(None, write=True) as session:
            names = await session.groups(f"stateward/{instance}/")
            groups = (await session.observe(Query(groups=list(names)))).groups
            # Those that stand below others go first.
            ids = [groups[name].id for name in sorted(groups, reverse=True)]
            deletes = [Delete(id=own, kind="CoreStandardGroup") for own in ids]
            assert await session.apply(deletes) == [None] * len(deletes)

    async def do(self, *mutations: Mutation) -> None:
        """Change the target behind our back."""
        async with self.target.session(None, write=True) as session:
            refusals = await session.apply(mutations)
        assert refusals == [None] * len(mutations), refusals

    async def make(self, kind: str, groups: tuple[str, ...] = (), **fields: Any) -> str:
        """Put an object into the target that nobody of ours made; return its id."""
        refusal, node = await self.try_to_make(kind, groups, **fields)
        assert refusal is None, refusal
        return node

    async def try_to_make(
        self, kind: str, groups: tuple[str, ...] = (), **fields: Any
    ) -> tuple[Refusal | None, str]:
        node = str(uuid4())
        async with self.target.session(None, write=True) as session:
            known = session.schema.kinds[kind].relationships
            relations = {name: value for name, value in fields.items() if name in known}
            attributes = {name: value for name, value in fields.items() if name not in known}
            create = Create(
                id=node, kind=kind, attributes=attributes, relations=relations, groups=groups
            )
            (refusal,) = await session.apply([create])
        return refusal, node

    async def observe(self, *kinds: str) -> Observed:
        """Return everything the target holds of some kinds, tracking groups included."""
        async with self.target.session(None, write=False) as session:
            return await _everything(session, kinds)

    async def find(self, kind: str, *hfid: str) -> ObservedObject:
        found = (await self.observe(kind)).objects.values()
        return next(own for own in found if own.key == ObjectKey(kind, hfid))

    async def members(self, unit: str) -> set[str]:
        """Return what a unit holds, by name; nothing where it has no group."""
        observed = await self.observe(*KINDS)
        group = observed.groups.get(f"stateward/default/default/{unit}")
        return {str(observed.objects[node].key) for node in group.members} if group else set()


KINDS = (
    "LocationCountry",
    "LocationSite",
    "NetDevice",
    "NetInterface",
    "NetAsset",
    "NetCable",
    "NetTeam",
    "NetCheck",
    "BuiltinTag",
    "CoreStandardGroup",
)


async def _everything(session: Session, kinds: Collection[str]) -> Observed:
    groups = await session.groups("stateward/")
    known = [kind for kind in kinds or KINDS if kind in session.schema.kinds]
    return await session.observe(Query(kinds=known, groups=list(groups)))


def objects(kind: str, *items: Mapping[str, Any]) -> str:
    """Return an object file."""
    content = {"apiVersion": "infrahub.app/v1", "kind": "Object"}
    return yaml.safe_dump({**content, "spec": {"kind": kind, "data": list(items)}}, sort_keys=False)

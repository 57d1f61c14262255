"""Every edge of the core, as protocols. What implements one passes its suite in tests/contract."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from stateward.model.command import Command
from stateward.model.commit import Commit
from stateward.model.fight import Writer
from stateward.model.finding import Finding
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Mutation, Refusal
from stateward.model.record import Opening, Record
from stateward.model.run import Entry, Merge
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed, Pointer
from stateward.model.status import Overview, SourceStatus, Status
from stateward.model.tenure import Tenure


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """A file of a revision. ``mode`` is Git's: 120000 a symlink, 160000 a submodule."""

    path: str
    mode: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One revision of a source: what is there, without any of the contents."""

    revision: str
    entries: tuple[TreeEntry, ...]


class Source(Protocol):
    """A place that desired state comes from.

    Must: read a revision whole and unchanged, however often it is asked, or raise.
    Must: raise ``SourceRefused`` for what no retry mends, ``SourceUnavailable`` for the rest.
    Must not: follow symlinks, enter submodules, run anything the repository brings.
    """

    @property
    def name(self) -> str: ...

    async def checkout(self, revision: str | None = None) -> Checkout:
        """Fetch if need be, and list one revision; None is the configured one."""
        ...

    async def vouch(self, revision: str) -> None:
        """Raise ``SourceRefused`` where a revision, as ``checkout`` gave it, is by nobody who counts."""
        ...

    async def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        """Return contents by blob id. A blob that is missing is an error, never an empty one."""
        ...

    async def said(self, revision: str) -> Commit | None:
        """Return what a revision says of itself, as ``checkout`` gave it; None where it is no commit.

        Must: bound the length of what it says.
        """
        ...


class Followed(Source, Protocol):
    """A source whose newest revision can be asked for, again and again."""

    async def head(self, max_age: float) -> str:
        """Return the configured revision's commit, as it was at most ``max_age`` seconds ago.

        Must: be cheap, and fetch nothing that is not needed to know.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Leave to rely on what was seen before, where nothing shows that it has changed since."""

    name: str
    """What is seen is kept under this name, and relied on when it is asked for by it again."""
    max_age: float
    """Seconds since all of it was last read anew; with 0 nothing is relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a session is to observe, in one go.

    ``fields`` names the attributes and relationships wanted for each concrete kind. Beyond
    those a session always reads what identifies an object, and its mandatory relationships.
    """

    groups: Collection[str] = ()
    """Names of tracking groups: their members are observed."""
    keys: Collection[ObjectKey] = ()
    """Identities of concrete kinds: what bears one is observed."""
    references: Collection[ObjectKey] = ()
    """Identities, of generics too, that are to be turned into ids."""
    ids: Collection[str] = ()
    kinds: Collection[str] = ()
    """Concrete kinds of which every object is observed, with all its fields."""
    among: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Of ``kinds`` only what has one of these texts, or leads to one of these ids, is wanted, by the
    name of a field that all of them have. A target may return others as well."""
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pooled: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the fields those, by kind, of which it matters which resource pool gave them."""
    recall: Recall | None = None
    """Where it is given, only what can have changed has to be read again."""


class Session(Protocol):
    """One conversation with a target, under one schema; nothing is remembered from the last one.

    Must: answer a query from one moment in time, but for what it is given leave to recall.
    Must: spell values as ``schema.values.normalise`` does.
    Must: carry out mutations in order, each whole or not at all, and go on after a refusal.
    Must: treat a delete of what is gone as done, and clear optional references to the deleted.
    Must: refuse a delete while a mandatory relationship of another object needs the object.
    May: delete further objects by cascade, where the schema says so.
    Must not: create two objects for one mutation, whatever happens to the connection.
    """

    @property
    def schema(self) -> Schema:
        """The schema in force: what the target has, with what the files declare on top."""
        ...

    @property
    def schema_differs(self) -> bool:
        """Whether ``load_schema`` would change the target."""
        ...

    @property
    def schema_changes(self) -> Sequence[str]:
        """What ``load_schema`` would change, one line each."""
        ...

    @property
    def requests(self) -> int:
        """How many requests the conversation has taken so far; none with what is in a file."""
        ...

    async def groups(self, prefix: str) -> Mapping[str, str]:
        """Return the tracking groups whose names start with a prefix, and their descriptions."""
        ...

    async def observe(self, query: Query) -> Observed: ...

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        """Say what stands in the way of deleting each id, where anything does.

        A claim is a membership in another tool's tracking group: any group of a kind or a type
        that tools keep for themselves, or named as ours are, but not one of ``ours``: the start
        of the names of our groups, up to a slash, or the name of a single one.
        """
        ...

    async def claims(self, ids: Collection[str], ours: str) -> Mapping[str, tuple[str, ...]]:
        """Say which other tools' groups claim each id, where any does: as ``holds``, and no more.

        Must: cost no more than to read the objects, however much a delete of them would reach.
        """
        ...

    async def writers(self, ids: Collection[str]) -> Mapping[str, Writer]:
        """Say who changed objects last; those are left out of which the target does not know."""
        ...

    async def pointers(self, ids: Collection[str]) -> Mapping[str, Sequence[Pointer]]:
        """Say of each id by what optional relationships others lead to it, that it does not show.

        A delete of the object clears them. What belongs to groups, profiles and templates is left out.
        """
        ...

    async def load_schema(self) -> None:
        """Bring the target's schema up to the files'; kinds that still have objects stay."""
        ...

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        """Carry out mutations and say of each whether it was refused.

        Raises ``TargetUnavailable`` when what happened is not known: observe before going on.
        """
        ...

    async def settle(self, ids: Collection[str]) -> None:
        """Wait until what was sent to be done to objects, and was never answered, has ended.

        A target goes on with what it was asked for, whatever became of whoever asked.
        """
        ...

    @property
    def aside(self) -> bool:
        """Whether changes are made where nobody sees them, and take effect together or never."""
        ...

    async def conclude(self, *, well: bool) -> Merge | None:
        """End the changes of this session, once: those made aside take effect, or are dropped.

        Returns what took effect; None where nothing was made aside, or it was dropped.
        """
        ...


class Target(Protocol):
    """A system that is written to."""

    @property
    def name(self) -> str:
        """Its address without secrets: part of a plan's digest."""
        ...

    @property
    def batch(self) -> int:
        """How many mutations to send in one request."""
        ...

    @property
    def in_flight(self) -> int:
        """How many requests to have under way at once."""
        ...

    def session(
        self, declared: Schema | None, *, write: bool, shared: bool = False
    ) -> AbstractAsyncContextManager[Session]:
        """Open a session; ``declared`` is the schema that the files bring, if they bring one.

        A session that is not to write must not change the target in any way, and works on a
        read-only one. One that is to write holds the target's lease until it is closed, alone or
        ``shared`` with others that share it; raises ``TargetUnavailable`` while somebody else
        holds it. One that shares must not load a schema.
        """
        ...

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold what bears a name, for one session alone; for those that share the target.

        Raises ``TargetUnavailable`` while somebody else holds it, in this process or another.
        """
        ...

    async def diagnose(self, declared: Schema | None, kinds: Collection[str]) -> Sequence[Finding]:
        """Look at all that a round would need, and say of each thing how it is.

        Must: go on after what is wrong, as far as there is anything to be seen.
        Must not: raise for what is wrong, change anything, or repeat a secret.
        """
        ...


class Memory(Protocol):
    """Where a target keeps what it has seen, so that the next process need not read it again.

    May: forget anything at any time; that costs speed, never correctness.
    Must: give back what was kept, or nothing.
    """

    async def recall(self, name: str) -> bytes | None: ...

    async def keep(self, name: str, content: bytes) -> None:
        """Keep something, in place of what was kept under the name; what fails is forgotten."""
        ...


class Statuses(Protocol):
    """How units stand, kept for the next start and for whoever asks.

    May: be lost at any time; that costs what was known, never correctness.
    Must: give back what was kept, or nothing.
    """

    async def load(self, target: str, source: str) -> Mapping[str, Status]:
        """Return how the units of a source stood when they were kept last."""
        ...

    async def keep(self, target: str, units: Mapping[str, Status | None], source: str) -> None:
        """Keep how some units stand; None is forgotten."""
        ...

    async def keep_source(self, source: SourceStatus) -> None: ...

    async def only(self, sources: Collection[tuple[str, str]]) -> None:
        """Forget all but some sources, given with their target."""
        ...

    async def overviews(self) -> Sequence[Overview]:
        """Return all that is kept, by source and unit; nothing is made to find out."""
        ...


class Lease(Protocol):
    """What those who could lead a target agree on who does: one record, seen by all of them.

    Must: let one of several succeed who replace the same state at once, and the others not.
    Must: raise ``LeaseUnavailable`` where what is there cannot be known.
    May: tell that nobody leads as soon as it is certain that the holder is dead.
    """

    async def read(self) -> Tenure | None:
        """Return the newest state; None where there was none yet."""
        ...

    async def replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        """Put a state in place of another; return it as written, None where that is not the newest."""
        ...

    async def close(self) -> None: ...


class Mandate(Protocol):
    """Leave to write to a target, for as long as it lasts."""

    @property
    def name(self) -> str:
        """Whose it is."""
        ...

    @property
    def term(self) -> int:
        """What tells whose writes came later; 0 is outside of any order."""
        ...

    @property
    def held(self) -> bool:
        """Whether it lasts, at this moment."""
        ...

    def check(self, seen: int = 0) -> None:
        """Raise ``LeaseLost`` where it has ended, or the target shows a later term than ours."""
        ...


class Commands(Protocol):
    """What people tell the daemon, from any process, kept until it is done, taken back, or over.

    May: be lost at any time; then the daemon does what Git says, and nothing else.
    Must: take calls of several processes at once.
    """

    async def give(self, command: Command, instead_of: Collection[str] = ()) -> None:
        """Keep a command, in place of others, given by their ids."""
        ...

    async def standing(self) -> Sequence[Command]:
        """Return what is not done, taken back or over, oldest first; nothing is made to find out."""
        ...

    async def done(self, ids: Collection[str]) -> Sequence[str]:
        """Forget commands; return those that were there: of several that ask, one is told."""
        ...


class Journal(Protocol):
    """The record of what was about to happen and what happened: append-only.

    Must: have what it is given on disk before it returns; one call is kept whole or not at all.
    Must: keep no value of a ``Secret``, only that there was one.
    Must: take calls of several processes at once.
    May: drop what is older than it was told to keep.
    May: be lost at any time; that costs history, never correctness.
    """

    async def begin(self, openings: Sequence[Opening]) -> None:
        """Open runs: before anything is written to the target for them."""
        ...

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write down steps of changes, of one run or of several."""
        ...

    async def finish(self, run: str, outcome: str, error: str = "") -> None:
        """End a run. One that is not known any more, or has ended, stays as it is."""
        ...

    async def unfinished(self, target: str) -> Sequence[str]:
        """Return the runs on a target that were begun and not finished, oldest first."""
        ...

    async def under_way(self, run: str) -> Sequence[str]:
        """Return the ids of objects of which a run began a change, and never said what came of it."""
        ...


class Trail(Protocol):
    """The journal, read back."""

    async def runs(
        self,
        subject: str | None = None,
        *,
        since: str = "",
        limit: int | None = None,
        revision: str | None = None,
    ) -> Sequence[Record]:
        """Return runs with their changes, newest first.

        ``subject`` is a unit's path or a session's identifier, ``since`` a moment in UTC, as
        ISO 8601, ``revision`` the beginning of a commit.
        """
        ...

    async def together(self, record: Record) -> Sequence[Record]:
        """Return the runs of the round that a run was part of, this one included."""
        ...

    async def run(self, prefix: str) -> Record:
        """Return the one run whose id starts with ``prefix``; raises ``ConfigError`` else."""
        ...

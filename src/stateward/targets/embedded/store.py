"""One conversation with a database file: under which schema it is read, and how it is written."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stateward.errors import Code, TargetRefused
from stateward.model.mutation import Mutation, Refusal
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed, Pointer
from stateward.ports import Query
from stateward.schema import api
from stateward.schema.differences import differences, removals
from stateward.schema.files import core_schema
from stateward.schema.retention import retain
from stateward.targets.embedded import observe, seeds
from stateward.targets.embedded.database import (
    Database,
    create,
    errors,
    in_memory,
    open_to_read,
    open_to_write,
)
from stateward.targets.embedded.deletes import Deletes
from stateward.targets.embedded.layout import Layouts
from stateward.targets.embedded.migrate import migrate, occupied
from stateward.targets.embedded.mutations import Mutations
from stateward.targets.embedded.records import dump
from stateward.targets.lease import Lease

_T = TypeVar("_T")
_PUT = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


class Library:
    """Schemas that were met before, so that each is worked out once."""

    def __init__(self) -> None:
        self._known: dict[str, Layouts] = {}

    def layouts(self, schema: Schema) -> Layouts:
        return self._known.setdefault(schema.hash, Layouts(schema))

    def stored(self, database: Database) -> Layouts:
        """Return the schema that is loaded into a database."""
        (digest,) = database.execute("SELECT value FROM meta WHERE name = 'hash'").fetchone()
        if digest not in self._known:
            (text,) = database.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
            self._known[digest] = Layouts(api.from_api(json.loads(text)))
        return self._known[digest]


class Store:
    """A database and the two schemas that matter: the one loaded, and the one in force.

    The schema in force is what the files declare, with those kinds of the loaded one that the
    files lack and that still have objects. While they differ, reading happens on a copy in memory
    to which the schema in force has been loaded. All of this lives in one thread.
    """

    def __init__(self, path: Path, library: Library) -> None:
        self._path = path
        self._library = library
        self._lease = Lease(path)
        self._database: Database | None = None
        self._view: Database | None = None
        self._loaded: Layouts = library.layouts(core_schema())
        self._in_force: Layouts = self._loaded
        self._writes = False
        self.differs = self.is_new = False

    @property
    def schema(self) -> Schema:
        return self._in_force.schema

    @property
    def changes(self) -> tuple[str, ...]:
        """What loading the schema in force would change."""
        if not self.differs:
            return ()
        have, want = self._loaded.schema, self._in_force.schema
        lines = (*differences(have, want), *removals(have, want))
        # What is spelled otherwise and means the same is loaded, too.
        return lines or tuple(
            f"{name}: changes" for name, kind in want.kinds.items() if have.kinds.get(name) != kind
        )

    def open(self, declared: Schema | None, *, write: bool, shared: bool = False) -> None:
        with errors(str(self._path)):
            self._writes = write
            database = self._database = self._opened(write=write, shared=shared)
            if not write:
                # One moment for the whole session: the schema and all that is read under it.
                database.execute("BEGIN")
            with database.snapshot():
                self._loaded = self._library.stored(database)
                self._in_force, self.differs = self._compare(database, declared)

    def close(self) -> None:
        """Close whatever was opened; nothing that was not committed stays."""
        try:
            for database in (self._view, self._database):
                if database is not None:
                    database.dispose()
        finally:
            self._view = self._database = None
            self._lease.release()

    def groups(self, prefix: str) -> Mapping[str, str]:
        with errors(str(self._path)):
            return observe.groups(self._file(), self._loaded, prefix)

    def observe(self, query: Query) -> Observed:
        with errors(str(self._path)):
            return observe.observe(self._readable(), self._in_force, query)

    def pointers(self, ids: Collection[str]) -> Mapping[str, Sequence[Pointer]]:
        return self._of_each(ids, lambda deletes, seq: list(deletes.pointers(seq)))

    def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        return self._of_each(ids, lambda deletes, seq: deletes.hold(seq, ours))

    def claims(self, ids: Collection[str], ours: str) -> Mapping[str, tuple[str, ...]]:
        return self._of_each(ids, lambda deletes, seq: deletes.claims(seq, ours))

    def _of_each(
        self, ids: Collection[str], ask: Callable[[Deletes, int], _T | None]
    ) -> dict[str, _T]:
        """Ask the same of each object that is there, at one moment; nothing found is left out."""
        with errors(str(self._path)):
            database = self._readable()
            mutations = Mutations(database, self._in_force)
            with database.snapshot():
                places = {id_: mutations.records.place(id_) for id_ in ids}
                found = {
                    id_: ask(mutations.deletes, place.seq) for id_, place in places.items() if place
                }
            return {id_: own for id_, own in found.items() if own}

    def load_schema(self) -> None:
        with errors(str(self._path)):
            database = self._writable()
            if not self.differs:
                return
            with database.transaction():
                migrate(database, self._loaded, self._in_force)
                _keep(database, self._in_force.schema)
            self._loaded, self.differs = self._in_force, False
            self._forget_view()

    def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        with errors(str(self._path)):
            database = self._writable()
            self._forget_view()
            with database.transaction():
                return Mutations(database, self._loaded).apply(mutations)

    def _opened(self, *, write: bool, shared: bool) -> Database:
        if not write:
            if self._path.exists():
                return open_to_read(self._path)
            self.is_new = True
            return in_memory(self._prepare)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lease.take(shared=shared and self._path.exists())
        if not self._path.exists():
            create(self._path, self._prepare)
            if shared:
                self._lease.release()
                self._lease.take(shared=True)
        return open_to_write(self._path)

    def _prepare(self, database: Database) -> None:
        with database.transaction():
            _keep(database, self._loaded.schema)
            seeds.plant(database, self._loaded)

    def _compare(self, database: Database, declared: Schema | None) -> tuple[Layouts, bool]:
        """Return the schema in force, and whether it is another than the one loaded."""
        loaded = self._loaded.schema
        if declared is None or declared.hash == loaded.hash:
            return self._loaded, False
        lacking = occupied(database) - declared.kinds.keys()
        in_force = self._library.layouts(retain(declared, loaded, lacking))
        kinds = in_force.schema.kinds.items()
        # A kind that is loaded beyond these has no objects: nothing would come of removing it.
        return in_force, any(loaded.kinds.get(name) != kind for name, kind in kinds)

    def _file(self) -> Database:
        if self._database is None:
            raise TargetRefused(f"{self._path}: the session is closed")
        return self._database

    def _writable(self) -> Database:
        if not self._writes:
            message = f"{self._path}: the session was opened to read only"
            raise TargetRefused(message, code=Code.TARGET_READ_ONLY)
        return self._file()

    def _readable(self) -> Database:
        """Return a database that is in the schema in force."""
        if not self.differs:
            return self._file()
        if self._view is None:
            view = self._file().copy()
            try:
                with view.transaction():
                    migrate(view, self._loaded, self._in_force)
            except BaseException:
                view.dispose()
                raise
            self._view = view
        return self._view

    def _forget_view(self) -> None:
        if self._view is not None:
            self._view.dispose()
            self._view = None


def _keep(database: Database, schema: Schema) -> None:
    entries = [("schema", dump(api.to_api(schema))), ("hash", schema.hash)]
    database.executemany(_PUT, entries)

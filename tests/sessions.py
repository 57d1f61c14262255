"""A client of the tracking library on a target that is watched, in few words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from stateward.model.identity import ObjectKey
from stateward.model.mutation import Mutation
from stateward.model.schema import Schema
from stateward.model.state import Group, ObservedObject
from stateward.model.unit import ADOPTED, Limits
from stateward.ports import Query, Target
from stateward.stores.sqlite import SqliteJournal
from stateward.tracking.client import Client
from stateward.tracking.library import TrackingSession
from stateward.tracking.outcome import SessionReport
from targets import World, new_id
from watching import Fuse, FusedJournal, Watched

LIMITS = Limits(deletes=10, percent=25)
NOTHING_PROTECTED = Limits(deletes=10, percent=25, protected_kinds=frozenset())


class Desk:
    """Scripts of one person: their names are nobody else's."""

    def __init__(
        self,
        target: Target,
        schema: Schema,
        state: Path,
        fuse: Fuse | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.watched = Watched(target, batch=20, in_flight=2, fuse=fuse or Fuse())
        self.journal = SqliteJournal(state)
        self.schema = schema
        self.client = Client(
            open_target=lambda _branch: self.watched,
            journal=FusedJournal(self.journal, fuse) if fuse else self.journal,
            trail=self.journal,
            schema=schema,
            limits=limits,
            actor="ada",
            new_id=new_id,
            close=self.journal.close,
        )
        self._mark = uuid4().hex[:8]

    def named(self, text: str) -> str:
        return f"{text}-{self._mark}"

    def tracking(self, identifier: str = "site", **given: Any) -> TrackingSession:
        return self.client.start_tracking(self.named(identifier), **given)

    async def sites(self, *names: str, identifier: str = "site", **given: Any) -> SessionReport:
        """Run a script that wants some sites and nothing else."""
        session = self.tracking(identifier, delete_unused_nodes=True, **given)
        async with session:
            for name in names:
                await session.upsert("SuiteSite", {"name": self.named(name)})
        return session.report

    async def broken(self, session: TrackingSession, name: str) -> None:
        """Run a script that makes a site and then fails."""
        async with session:
            await session.upsert("SuiteSite", {"name": self.named(name)})
            _ = 1 / 0

    def key(self, kind: str, *names: str) -> ObjectKey:
        return ObjectKey(kind, tuple(self.named(name) for name in names))

    async def group(self, name: str) -> Group | None:
        """Return a group by its whole name."""
        async with self.watched.inner.session(None, write=False) as session:
            # To a server, groups below a group are its members where they are not asked for.
            query = Query(groups=[name, name + ADOPTED])
            return (await session.observe(query)).groups.get(name)

    async def members(self, name: str) -> set[str]:
        found = await self.group(name)
        assert found is not None
        return set(found.members)

    async def find(
        self, kind: str, *names: str, fields: Sequence[str] = ()
    ) -> ObservedObject | None:
        """Return the object of a name that is ours."""
        key = self.key(kind, *names)
        async with self.watched.inner.session(None, write=False) as session:
            query = Query(keys=[key], fields={kind: frozenset(fields)})
            found = (await session.observe(query)).objects.values()
        return next((own for own in found if own.key == key), None)

    async def there(self, kind: str, *names: str) -> bool:
        return await self.find(kind, *names) is not None

    def sent(self) -> list[Mutation]:
        """Return what was written since the last time that this was asked."""
        found, self.watched.sent = self.watched.sent, []
        return found

    async def stranger(
        self, kind: str, relations: dict[str, Any] | None = None, **data: Any
    ) -> str:
        """Make an object that belongs to nobody."""
        async with self.watched.inner.session(None, write=True, shared=True) as session:
            return await World(session).make(kind, relations, **data)

    async def change(self, *mutations: Mutation) -> None:
        """Change something behind the library's back."""
        async with self.watched.inner.session(None, write=True, shared=True) as session:
            await World(session).do(*mutations)

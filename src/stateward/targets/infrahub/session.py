"""The server's side of ``ports.Session``: one conversation with one branch."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.fight import Writer
from stateward.model.mutation import Enrol, Mutation, Refusal
from stateward.model.run import Merge
from stateward.model.schema import Schema
from stateward.model.state import Hold, Observed, Pointer
from stateward.ports import Query
from stateward.targets.infrahub import queries, wire, writes
from stateward.targets.infrahub.answers import Answer, GraphqlError, QueryRefused, Untouched
from stateward.targets.infrahub.aside import Aside
from stateward.targets.infrahub.checks import check
from stateward.targets.infrahub.client import UNKNOWN, Client
from stateward.targets.infrahub.deadline import within
from stateward.targets.infrahub.holds import Holds
from stateward.targets.infrahub.lineage import UNSIGNED, Lineage, Signature
from stateward.targets.infrahub.membership import Listing
from stateward.targets.infrahub.observe import Observation
from stateward.targets.infrahub.pointers import Pointers
from stateward.targets.infrahub.queries import Request
from stateward.targets.infrahub.recollection import Recollection
from stateward.targets.infrahub.refusals import refusal
from stateward.targets.infrahub.schemas import Schemas, hash_of
from stateward.targets.infrahub.writes import Operation
from stateward.targets.rules import Refused

_BUSY = "MERGE_IN_PROGRESS"
_DEADLOCKS = 5
"""How often a change is sent again that the server's database took back."""
_ACCOUNT = "{ AccountProfile { id } }"
_LONGEST = 300.0
"""Seconds to wait for what was sent and never answered to have ended."""
_SETTLED = 3
"""How often in a row the same is seen before a lost request is taken to have ended."""


@dataclass(slots=True)
class InfrahubSession:
    """One conversation. The lease, where it is to write, is somebody else's business."""

    client: Client
    schemas: Schemas
    write: bool
    recollection: Recollection
    pause: float
    """Seconds between two looks at what a lost request has done."""
    lineage: Lineage
    throwaway: Aside | None = None
    """The branch that changes are made on, where they are not made where they are to stand."""
    signature: Signature = UNSIGNED
    """What goes along with values, once that is known."""
    _checked: bool = False
    _listing: Listing | None = None
    """The groups as they were asked for, until somebody looks: so long they count as seen."""
    _last: Sequence[str] = ()
    """What was written to last, by id."""
    _former: Client | None = None
    """What spoke to the branch that the throw-away one was made of."""

    @property
    def aside(self) -> bool:
        return self.throwaway is not None

    @property
    def requests(self) -> int:
        own = self.client.requests + (self._former.requests if self._former else 0)
        return own + (self.throwaway.base.requests if self.throwaway else 0)

    @property
    def schema(self) -> Schema:
        return self.schemas.in_force

    @property
    def schema_differs(self) -> bool:
        return bool(self.schemas.changes)

    @property
    def schema_changes(self) -> tuple[str, ...]:
        return self.schemas.changes

    async def groups(self, prefix: str) -> Mapping[str, str]:
        self._listing = await Listing.of(self.client, prefix)
        return self._listing.descriptions

    async def observe(self, query: Query) -> Observed:
        made = self.throwaway is not None and self.throwaway.made
        asked = None if made else query.recall
        schema = f"{self.schemas.hash} {self.schema.hash}"
        seen = await self.recollection.recall(asked, schema)
        listing, self._listing = self._listing, None
        observation = Observation(
            self.client, self.schema, self.schemas.there, query, seen, listing
        )
        observed = await observation.complete()
        if asked is not None:
            with wire.understood():
                found = observation.sighting(schema, self.recollection.clock())
            if found is not None:
                self.recollection.keep(asked, found)
        return observed

    async def holds(self, ids: Collection[str], ours: str) -> Mapping[str, Hold]:
        return await Holds(self.client, self.schemas.there, ours).of(ids)

    async def claims(self, ids: Collection[str], ours: str) -> Mapping[str, tuple[str, ...]]:
        return await Holds(self.client, self.schemas.there, ours).claims(ids)

    async def pointers(self, ids: Collection[str]) -> Mapping[str, Sequence[Pointer]]:
        return await Pointers(self.client, self.schemas.there).of(ids)

    async def writers(self, ids: Collection[str]) -> Mapping[str, Writer]:
        request = Request()
        queries.add_writers_of(request, sorted(ids))
        answer = await self.client.query(request.text, request.variables)
        with wire.understood():
            return wire.writers(answer)

    async def load_schema(self) -> None:
        await self._begin()
        if self.schema_differs:
            await self.schemas.load()

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        await self._begin()
        self._last = [own.id for own in mutations]
        return await _Batch(self, mutations).send()

    async def conclude(self, *, well: bool) -> Merge | None:
        if self.throwaway is None or not self.throwaway.made:
            return None
        if well:
            return await self.throwaway.merge(self._standing)
        await self.throwaway.discard()
        return None

    async def _begin(self) -> None:
        """Refuse to write under another schema than was planned with, or as nobody; looked at once."""
        if not self.write:
            message = "this session was opened to read"
            raise TargetRefused(message, code=Code.TARGET_READ_ONLY)
        if self._checked:
            return
        if await self.schemas.moved():
            message = "the server's schema has changed since it was read: plan again"
            raise TargetUnavailable(message, code=Code.TARGET_BUSY)
        if self.lineage.wanted:
            self.signature = self.lineage.signature(await self._account())
        if self.throwaway is not None:
            self._former, self.client = self.client, await self.throwaway.make()
            await self.schemas.follow(self.client, self.throwaway.name)
        self._checked = True

    async def _account(self) -> str:
        try:
            answer = await self.client.query(_ACCOUNT, anywhere=True)
        except QueryRefused as error:
            message = (
                f"target.lineage: the server does not say whose account this is: {error.args[0]}"
            )
            raise TargetRefused(message, code=Code.TARGET_CREDENTIALS) from error
        with wire.understood():
            return str(answer["AccountProfile"]["id"])

    async def settle(self, ids: Collection[str]) -> None:
        before: Mapping[str, str] | None = None
        same = 0
        message = f"what was sent earlier is still being changed after {_LONGEST:.0f} s"
        async with within(_LONGEST, message, Code.TARGET_BUSY):
            while same < _SETTLED:
                await asyncio.sleep(self.pause)
                found = await _changed(self.client, ids)
                same = same + 1 if found == before else 0
                before = found

    async def _standing(self) -> tuple[str, Mapping[str, str]]:
        """Return the schema where changes are to stand, and when what was written last was changed."""
        former = self._former or self.client
        base = self.throwaway.connection.branch if self.throwaway else self.schemas.branch
        return await hash_of(former, base), await _changed(former, self._last)


async def _changed(client: Client, ids: Collection[str]) -> Mapping[str, str]:
    """Return when objects were changed, by id; what is not there is left out."""
    request = Request()
    queries.add_changes_of(request, sorted(ids))
    answer = await client.query(request.text, request.variables)
    with wire.understood():
        return wire.changed_by_id(answer)


@dataclass(slots=True)
class _Batch:
    """Mutations on their way: checked, spelled out, sent, and the answers told apart."""

    session: InfrahubSession
    mutations: Sequence[Mutation]
    refusals: dict[int, Refusal] = field(default_factory=dict)

    async def send(self) -> list[Refusal | None]:
        schema = self.session.schemas.there
        spelled: list[tuple[int, Operation]] = []
        leaving: list[tuple[int, Operation]] = []
        for index, mutation in enumerate(self.mutations):
            try:
                attributes = check(schema, mutation)
            except Refused as refused:
                self.refusals[index] = refused.refusal
                continue
            operations = writes.operations(schema, mutation, attributes, self.session.signature)
            moves = isinstance(mutation, Enrol) and mutation.join
            for own in operations:
                (leaving if moves and own.removes else spelled).append((index, own))
        await self._send(spelled, _DEADLOCKS)
        # What is to join one group and leave another has joined first: it is never in none of them.
        joined = [own for own in leaving if own[0] not in self.refusals]
        await self._send(joined, _DEADLOCKS)
        return [self.refusals.get(index) for index in range(len(self.mutations))]

    async def _send(self, spelled: Sequence[tuple[int, Operation]], left: int) -> None:
        """Send operations in one request; in halves where one of them spoils it for the others.

        What the server's database took back is sent again as often as is ``left``.
        """
        if not spelled:
            return
        text, variables = writes.document([own for _, own in spelled])
        answer = await self._mutate(text, variables)
        at_large = [own for own in answer.errors if not own.path]
        if not at_large:
            await self._send_again(self._take(spelled, answer), left)
        elif len(spelled) == 1:
            self._refuse(*spelled[0], at_large)
        else:
            middle = len(spelled) // 2
            await self._send(spelled[:middle], left)
            await self._send(spelled[middle:], left)

    async def _send_again(self, undone: Sequence[tuple[int, Operation]], left: int) -> None:
        if undone and not left:
            message = "the server's database took changes back for others, again and again"
            raise TargetUnavailable(message, code=Code.TARGET_BUSY)
        if undone:
            # What was in the way may be ours, too: they are not to meet at the same moment again.
            longest = self.session.pause * 2 ** (_DEADLOCKS - left)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311
            await self._send(undone, left - 1)

    async def _mutate(self, text: str, variables: Mapping[str, Any]) -> Answer:
        try:
            answer = await self.session.client.mutate(text, variables)
            _check_told(answer, len(variables))
        except Untouched:
            raise
        except TargetUnavailable:
            # Of a server that is gone nothing can be learned: what was lost is told all the same.
            with suppress(TargetUnavailable):
                await self.session.settle({own.id for own in self.mutations})
            raise
        return answer

    def _take(
        self, spelled: Sequence[tuple[int, Operation]], answer: Answer
    ) -> list[tuple[int, Operation]]:
        """Take in what became of operations; return those that are to be sent again.

        Of a mutation of which one was taken back, those that failed may have failed for that.
        """
        by_alias: dict[str, list[GraphqlError]] = {}
        for error in answer.errors:
            by_alias.setdefault(str(error.path[0]), []).append(error)
        if any(error.code == _BUSY for error in answer.errors):
            message = "a merge has begun on the server: changes are refused meanwhile"
            raise TargetUnavailable(message, code=Code.TARGET_BUSY)
        failed = [
            (index, operation, by_alias[f"m{number}"])
            for number, (index, operation) in enumerate(spelled)
            if f"m{number}" in by_alias
        ]
        undone = {index for index, _, errors in failed if any(own.undone for own in errors)}
        for index, operation, errors in failed:
            if index not in undone:
                self._refuse(index, operation, errors)
        return [(index, operation) for index, operation, _ in failed if index in undone]

    def _refuse(self, index: int, operation: Operation, errors: Sequence[GraphqlError]) -> None:
        found = refusal(operation, errors)
        if found is not None:
            self.refusals.setdefault(index, found)


def _check_told(answer: Answer, operations: int) -> None:
    """Take no change for done of which the server says neither that it is nor why not."""
    failed = {error.path[0] if error.path else None for error in answer.errors}
    untold = {f"m{number}" for number in range(operations)} - failed
    if None not in failed and not all(_is_done(answer.data.get(alias)) for alias in untold):
        message = f"the server does not say what became of every change: {UNKNOWN}"
        raise TargetUnavailable(message, code=Code.TARGET_ANSWER)


def _is_done(told: Any) -> bool:
    return isinstance(told, Mapping) and told.get("ok") is True

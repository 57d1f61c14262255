"""All or nothing: a round is applied on a branch of its own, which is merged when all is well.

Readers of the target see none of it before the merge, and all of it afterwards. Whatever goes
wrong, the branch is thrown away. One that a killed process left behind is known by its name, and
thrown away before anything is looked at: the server may be merging it still.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

from stateward.errors import Code, ConfigError, TargetRefused, TargetUnavailable
from stateward.instruments import Instruments
from stateward.model.run import Merge
from stateward.targets.infrahub.answers import Untouched
from stateward.targets.infrahub.breaker import Breaker
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.deadline import within
from stateward.targets.infrahub.wire import understood

Probe = Callable[[], Awaitable[Any]]
"""What the branch that is merged into says of something that the merge changes."""
_DEADLINE = 900.0
"""Seconds for the server to make, compare, merge or delete a branch."""
_PAUSE = 0.5
"""Seconds between two looks at a merge that is under way."""
_MERGING = "MERGING"
_DENIED = "PERMISSION_DENIED"
_SETTLED = 2
"""How often in a row no merge is seen before none is taken to be due."""
_MERGES = (
    'query { InfrahubTask(workflow: ["merge-branch-mutation", "branch-merge"],'
    " state: [SCHEDULED, PENDING, RUNNING]) { count } }"
)
_BRANCHES = "query { Branch { name status is_default } }"
_CREATE = (
    "mutation($n: String!)"
    " { m: BranchCreate(data: {name: $n, sync_with_git: false}, wait_until_completion: true) { ok } }"
)
_DIFF = "mutation($n: String!) { m: DiffUpdate(data: {branch: $n}, wait_until_completion: true) { ok } }"
_SUMMARY = (
    "query($n: String!)"
    " { DiffTreeSummary(branch: $n) { num_added num_updated num_removed num_conflicts } }"
)
_MERGE = (
    "mutation($n: String!) { m: BranchMerge(data: {name: $n}, wait_until_completion: true) { ok } }"
)
_DELETE = "mutation($n: String!) { m: BranchDelete(data: {name: $n}, wait_until_completion: true) { ok } }"


def prefix_of(instance: str) -> str:
    """Return how the branches of an instance's rounds begin; its own name may not do for a branch.

    No name is used twice: the server goes on clearing up after a branch when that is gone, and
    takes another one of its name for it.
    """
    return f"stateward-round-{sha256(instance.encode()).hexdigest()[:8]}-"


class _NotDone(TargetUnavailable):
    """The server did not do something with a branch, whatever the reason: another round may find it can."""


@dataclass(frozen=True, slots=True)
class _Branch:
    status: str
    is_default: bool


@dataclass(slots=True)
class Aside:
    """The throw-away branch of one round. ``base`` speaks to the branch that it is merged into."""

    prefix: str
    name: str
    base: Client
    connection: Connection
    breaker: Breaker
    instruments: Instruments
    stack: AsyncExitStack
    made: bool = False
    """Whether there is a branch that changes are made on, or may be."""

    async def clear(self) -> None:
        """Throw away what earlier rounds left, and wait for it where it is being merged."""
        for name in await self._branches():
            if name.startswith(self.prefix):
                await self._outlast_merges()
                await self._end(name)

    async def make(self) -> Client:
        """Make the branch and return what speaks to it."""
        branches = await self._branches()
        base = branches.get(self.connection.branch)
        if base is None or not base.is_default:
            raise ConfigError(
                f"strategy: branch: {self.connection.branch} is not the server's default branch,"
                " and only that can be branched off: use strategy: direct"
            )
        self.made = True
        await self._do(_CREATE, self.name)
        there = replace(self.connection, branch=self.name)
        client = Client(there, breaker=self.breaker, instruments=self.instruments)
        return await self.stack.enter_async_context(client)

    async def merge(self, probe: Probe) -> Merge:
        """Merge the branch and throw it away; return what the server says was in it."""
        await self._do(_DIFF, self.name)
        found = await self.base.query(_SUMMARY, {"n": self.name})
        with understood():
            diff = found["DiffTreeSummary"] or {}
            merge = Merge(
                branch=self.name,
                added=diff.get("num_added") or 0,
                updated=diff.get("num_updated") or 0,
                removed=diff.get("num_removed") or 0,
                conflicts=diff.get("num_conflicts") or 0,
            )
        if merge.conflicts:
            raise TargetUnavailable(
                f"branch {self.name}: {merge.conflicts} of its changes are to what somebody else has"
                " changed since: nothing of it was merged, and the next round plans anew",
                code=Code.TARGET_BUSY,
            )
        await self._merge(probe)
        # It has taken effect: what is left of the branch is for the next round to throw away.
        with suppress(TargetUnavailable, TargetRefused):
            await self.discard()
        self.made = False
        return merge

    async def _merge(self, probe: Probe) -> None:
        before = await probe()
        try:
            await self._do(_MERGE, self.name)
        except Untouched:
            raise
        except (TargetUnavailable, TargetRefused):
            # The server goes on without us: once the branch is gone it is merged, or never will be.
            await self._outlast_merges()
            await self._end(self.name)
            if await probe() == before:
                raise

    async def discard(self) -> None:
        if self.made:
            await self._end(self.name)
            self.made = False

    async def _outlast_merges(self) -> None:
        """Wait until no merge is under way, or due: a branch looks open until its own begins.

        The server would delete it all the same, and merge what is left of it.
        """
        quiet = 0
        message = f"the server has merges under way, for {_DEADLINE:.0f} s now"
        async with within(_DEADLINE, message, Code.TARGET_BUSY):
            while quiet < _SETTLED:
                answer = await self.base.query(_MERGES, anywhere=True)
                with understood():
                    quiet = quiet + 1 if answer["InfrahubTask"]["count"] == 0 else 0
                await asyncio.sleep(_PAUSE)

    async def _end(self, name: str) -> None:
        """Have a branch deleted, after a merge that is under way."""
        message = f"branch {name} is being merged, or deleted, for {_DEADLINE:.0f} s now"
        async with within(_DEADLINE, message, Code.TARGET_BUSY):
            while (own := (await self._branches()).get(name)) is not None:
                if own.status == _MERGING:
                    await asyncio.sleep(_PAUSE)
                else:
                    await self._delete(name)

    async def _delete(self, name: str) -> None:
        try:
            await self._do(_DELETE, name)
        except _NotDone:
            if name in await self._branches():  # the server may have done so by itself
                raise

    async def _branches(self) -> Mapping[str, _Branch]:
        answer = await self.base.query(_BRANCHES, anywhere=True)
        with understood():
            return {
                own["name"]: _Branch(own["status"], own["is_default"]) for own in answer["Branch"]
            }

    async def _do(self, text: str, name: str) -> None:
        answer = await self.base.mutate(text, {"n": name})
        done: Any = answer.data.get("m") or {}
        if answer.errors or not done.get("ok"):
            reason = "; ".join(error.message for error in answer.errors) or "no reason given"
            message = f"branch {name}: {reason}"
            if any(error.code == _DENIED for error in answer.errors):
                raise TargetRefused(message, code=Code.TARGET_PERMISSION)
            raise _NotDone(message, code=Code.REJECTED)


@asynccontextmanager
async def aside(
    prefix: str, connection: Connection, breaker: Breaker, instruments: Instruments
) -> AsyncIterator[Aside]:
    """Open what makes, merges and deletes the branch; one that was not merged is deleted."""
    patient = replace(connection, write_timeout=_DEADLINE)
    async with AsyncExitStack() as stack:
        client = Client(patient, breaker=breaker, instruments=instruments)
        base = await stack.enter_async_context(client)
        own = Aside(
            prefix, prefix + uuid4().hex[:12], base, connection, breaker, instruments, stack
        )
        try:
            yield own
        finally:
            # Where it cannot be had now, the next round throws it away.
            with suppress(TargetUnavailable, TargetRefused):
                await own.discard()

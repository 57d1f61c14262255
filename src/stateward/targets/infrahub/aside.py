"""All or nothing: a round is applied on a branch of its own, which is merged when all is well.

Readers of the target see none of it before the merge, and all of it afterwards. Whatever goes
wrong, the branch is thrown away. One that a killed process left behind is met by name and thrown
away too: there is one writer at a time.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from stateward.errors import Code, ConfigError, TargetRefused, TargetUnavailable
from stateward.instruments import Instruments
from stateward.model.run import Merge
from stateward.targets.infrahub.answers import Answer
from stateward.targets.infrahub.breaker import Breaker
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.wire import understood

NAME = "stateward-round"
"""The branch's name: no other of this name is expected on a server."""
_DEADLINE = 900.0
"""Seconds for the server to make, compare, merge or delete a branch."""
_BRANCHES = "query { Branch { name is_default } }"
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


@dataclass(slots=True)
class Aside:
    """The throw-away branch of one round. ``base`` speaks to the branch that it is merged into."""

    base: Client
    connection: Connection
    breaker: Breaker
    instruments: Instruments
    stack: AsyncExitStack
    made: bool = False

    async def make(self) -> Client:
        """Make the branch and return what speaks to it."""
        branches = await self._branches()
        if not branches.get(self.connection.branch):
            raise ConfigError(
                f"strategy: branch: {self.connection.branch} is not the server's default branch,"
                " and only that can be branched off: use strategy: direct"
            )
        if NAME in branches:
            await self._do(_DELETE)
        await self._do(_CREATE)
        self.made = True
        there = replace(self.connection, branch=NAME)
        client = Client(there, breaker=self.breaker, instruments=self.instruments)
        return await self.stack.enter_async_context(client)

    async def merge(self) -> Merge:
        """Merge the branch and throw it away; return what the server says was in it."""
        await self._do(_DIFF)
        found = await self.base.query(_SUMMARY, {"n": NAME})
        with understood():
            diff = found["DiffTreeSummary"] or {}
            merge = Merge(
                branch=NAME,
                added=diff.get("num_added") or 0,
                updated=diff.get("num_updated") or 0,
                removed=diff.get("num_removed") or 0,
                conflicts=diff.get("num_conflicts") or 0,
            )
        await self._do(_MERGE)
        await self.discard()
        return merge

    async def discard(self) -> None:
        if self.made:
            await self._do(_DELETE)
            self.made = False

    async def _branches(self) -> dict[str, bool]:
        """Return the branches there are, and which is the default one."""
        answer = await self.base.query(_BRANCHES)
        with understood():
            return {own["name"]: own["is_default"] for own in answer["Branch"]}

    async def _do(self, text: str) -> None:
        answer = await self.base.mutate(text, {"n": NAME})
        if answer.errors or not _ok(answer):
            reason = "; ".join(error.message for error in answer.errors) or "no reason given"
            raise TargetRefused(f"branch {NAME}: {reason}", code=Code.TARGET_BRANCH)


def _ok(answer: Answer) -> bool:
    done: Any = answer.data.get("m") or {}
    return bool(done.get("ok"))


@asynccontextmanager
async def aside(
    connection: Connection, breaker: Breaker, instruments: Instruments
) -> AsyncIterator[Aside]:
    """Open what makes, merges and deletes the branch; one that was not merged is deleted."""
    patient = replace(connection, write_timeout=_DEADLINE)
    async with AsyncExitStack() as stack:
        client = Client(patient, breaker=breaker, instruments=instruments)
        base = await stack.enter_async_context(client)
        own = Aside(base, connection, breaker, instruments, stack)
        try:
            yield own
        finally:
            try:
                await own.discard()
            except (TargetUnavailable, TargetRefused):
                own.made = False  # the next round throws it away

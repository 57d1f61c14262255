"""The branch of a round: merged as a whole, or thrown away, whatever answers are lost on the way."""

import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from infrahub_scripts import answer, client, connection
from infrahub_wire import virtually

from stateward.errors import Code, TargetUnavailable
from stateward.instruments import UNMEASURED
from stateward.targets.infrahub.aside import Aside, prefix_of
from stateward.targets.infrahub.client import new_breaker

PREFIX = prefix_of("site")
OWN, LEFT = f"{PREFIX}own", f"{PREFIX}left"
ASKED = (
    "BranchCreate",
    "DiffUpdate",
    "DiffTreeSummary",
    "BranchMerge",
    "BranchDelete",
    "InfrahubTask",
    "Branch",
)


@dataclass
class Server:
    """What a server says of branches, and what it does to them."""

    branches: dict[str, str] = field(default_factory=lambda: {"main": "OPEN"})
    due: list[int] = field(default_factory=list)
    """How many merges are under way, look after look; none after these."""
    merging: int = 0
    """For how many more looks a branch that is merged is shown as being merged."""
    conflicts: int = 0
    lost: set[str] = field(default_factory=set)
    """What is carried out, and not answered."""
    refused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    merged: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        what = next(own for own in ASKED if own in body["query"])
        self.asked.append(what)
        if what in self.refused:
            error = {"message": f"{what}: no", "path": ["m"], "extensions": {"code": "NO"}}
            return answer({"data": {"m": None}, "errors": [error]})
        data = self._do(what, body["variables"].get("n", ""))
        if what in self.lost:
            self.lost.remove(what)
            raise httpx.ReadError("reset")
        return answer({"data": data})

    def _do(self, what: str, name: str) -> dict[str, Any]:
        if what == "Branch":
            return {"Branch": [self._branch(own) for own in self.branches]}
        if what == "InfrahubTask":
            return {what: {"count": self.due.pop(0) if self.due else 0}}
        if what == "DiffTreeSummary":
            counts = {"num_added": 3, "num_updated": 2, "num_removed": 1}
            return {what: {**counts, "num_conflicts": self.conflicts}}
        if what == "BranchCreate":
            self.branches[name] = "OPEN"
        elif what == "BranchMerge":
            self.merged, self.branches[name] = True, "MERGED"
        elif what == "BranchDelete":
            del self.branches[name]
        return {"m": {"ok": True}}

    def _branch(self, name: str) -> dict[str, Any]:
        status = self.branches[name]
        if status == "MERGED" and self.merging > 0:
            self.merging -= 1
            status = "MERGING"
        return {"name": name, "status": status, "is_default": name == "main"}

    def run(self, job: Callable[[Aside], Coroutine[Any, Any, Any]]) -> tuple[Any, float]:
        """Have something done with the branch of a round; return its answer, and the seconds."""

        async def main() -> Any:
            async with client(self) as base, AsyncExitStack() as stack:
                own = Aside(PREFIX, OWN, base, connection(), new_breaker(), UNMEASURED, stack)
                return await job(own)

        return virtually(main())

    async def probe(self) -> bool:
        return self.merged

    async def round(self, own: Aside) -> Any:
        await own.clear()
        await own.make()
        return await own.merge(self.probe)


def test_branch_is_merged_and_deleted() -> None:
    server = Server()
    merge, _ = server.run(server.round)
    assert (merge.branch, merge.added, merge.updated, merge.removed) == (OWN, 3, 2, 1)
    assert server.merged
    assert server.branches == {"main": "OPEN"}


@pytest.mark.parametrize("status", ["OPEN", "MERGED", "DELETING"])
def test_what_is_left_of_this_instance_is_thrown_away_and_no_other(status: str) -> None:
    others = {"main": "OPEN", "mine": "OPEN", prefix_of("another") + "left": "OPEN"}
    server = Server(branches={**others, LEFT: status})
    server.run(Aside.clear)
    assert server.branches == others


def test_what_is_left_and_may_be_merged_is_waited_for() -> None:
    """A branch looks open until the merge of it begins, which may be due."""
    server = Server(branches={"main": "OPEN", LEFT: "MERGED"}, due=[1, 2, 0, 1], merging=3)
    _, took = server.run(Aside.clear)
    assert 4 <= took < 6
    assert server.asked[-3:] == ["Branch", "BranchDelete", "Branch"]
    assert server.branches == {"main": "OPEN"}


def test_merge_of_which_the_answer_is_lost_has_taken_effect() -> None:
    server = Server(lost={"BranchMerge"}, merging=2)
    merge, _ = server.run(server.round)
    assert merge.branch == OWN
    assert server.branches == {"main": "OPEN"}


def test_merge_that_never_began_is_told() -> None:
    class Deaf(Server):
        def _do(self, what: str, name: str) -> dict[str, Any]:
            return {} if what == "BranchMerge" else super()._do(what, name)

    server = Deaf(lost={"BranchMerge"})
    with pytest.raises(TargetUnavailable, match="is not known"):
        server.run(server.round)
    assert server.branches == {"main": "OPEN"}


def test_merge_that_is_refused_is_told_and_thrown_away() -> None:
    server = Server(refused={"BranchMerge"})
    with pytest.raises(TargetUnavailable, match="BranchMerge: no") as caught:
        server.run(server.round)
    assert caught.value.code is Code.REJECTED
    assert server.branches == {"main": "OPEN"}


def test_what_somebody_else_changed_is_not_merged_over() -> None:
    server = Server(conflicts=2)
    with pytest.raises(TargetUnavailable, match="2 of its changes") as caught:
        server.run(server.round)
    assert caught.value.code is Code.TARGET_BUSY
    assert "BranchMerge" not in server.asked


def test_merge_that_took_effect_is_none_the_worse_for_a_branch_that_stays() -> None:
    server = Server(refused={"BranchDelete"})
    merge, _ = server.run(server.round)
    assert merge.branch == OWN
    assert server.branches.keys() == {"main", OWN}


def test_branch_that_the_server_deletes_by_itself_is_no_refusal() -> None:
    class Tidy(Server):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            found = super().__call__(request)
            if self.asked[-1] == "BranchDelete":
                self.branches.pop(LEFT, None)
            return found

    server = Tidy(branches={"main": "OPEN", LEFT: "MERGED"}, refused={"BranchDelete"})
    server.run(Aside.clear)
    assert server.branches == {"main": "OPEN"}


@pytest.mark.parametrize(
    "server",
    [
        Server(branches={"main": "OPEN", LEFT: "MERGED"}, merging=10_000),
        Server(branches={"main": "OPEN", LEFT: "OPEN"}, due=[1] * 10_000),
    ],
)
def test_merge_that_does_not_end_is_not_waited_for_for_ever(server: Server) -> None:
    async def clear(own: Aside) -> TargetUnavailable:
        with pytest.raises(TargetUnavailable) as caught:
            await own.clear()
        return caught.value

    error, took = server.run(clear)
    assert error.code is Code.TARGET_BUSY
    assert "for 900 s now" in str(error)
    assert 900 <= took < 910
    assert LEFT in server.branches

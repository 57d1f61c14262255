"""A merge on the server, met in the middle of a round: what is refused meanwhile is sent again."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from branches import MERGING, Branch, default, fresh
from live import Lab
from rounds import Workshop, objects
from stateward.model.mutation import Mutation, Refusal
from stateward.ports import Session, Target

TAG = "BuiltinTag"
MERGE = (
    "mutation($n: String!) { BranchMerge(data: {name: $n}, wait_until_completion: false) { ok } }"
)
TOUCH = (
    "mutation($i: String!) { BuiltinTagUpdate(data: {id: $i, description: {value: null}}) { ok } }"
)
PATIENCE = 180.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


class Merging:
    """A target that a merge has begun on when our first changes reach it."""

    def __init__(self, target: Target, begin: Callable[[], None]) -> None:
        self._target = target
        self.begin: Callable[[], None] | None = begin
        self.sent: list[int] = []
        """How many times each lot of changes was sent."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    @asynccontextmanager
    async def session(self, *given: Any, **more: Any) -> AsyncIterator[Session]:
        async with self._target.session(*given, **more) as session:
            yield _MergingSession(session, self)  # type: ignore[misc]


class _MergingSession:
    def __init__(self, session: Any, own: Merging) -> None:
        self._session = session
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        begin, self._own.begin = self._own.begin, None
        if begin is not None:
            begin()
        before = self._session.client.writes
        found: Sequence[Refusal | None] = await self._session.apply(mutations)
        self._own.sent.append(self._session.client.writes - before)
        return found


@pytest.fixture
def main(lab: Lab) -> Iterator[Branch]:
    with default(lab) as own:
        yield own


@pytest.fixture
def mark(main: Branch) -> Iterator[str]:
    """What the tags here are called by: they are on the server's own branch, until they are deleted."""
    own = uuid4().hex[:8]
    yield own
    for node in main.find(TAG, "name { value }"):
        if node["name"]["value"].endswith(own):
            main.ask(f'mutation {{ {TAG}Delete(data: {{id: "{node["id"]}"}}) {{ ok }} }}')


async def test_merge_is_waited_for(lab: Lab, main: Branch, mark: str, tmp_path: Path) -> None:
    touched = main.make(TAG, name=f"touched-{mark}")
    with fresh(lab, "merging") as other:
        for number in range(10):
            other.make(TAG, name=f"merged-{number}-{mark}")

        def begin() -> None:
            main.ask(MERGE, n=other.name)
            deadline = time.monotonic() + PATIENCE
            while MERGING not in str(main.answer_at_once(TOUCH, i=touched)):
                assert time.monotonic() < deadline, "the server has not begun to merge"
                time.sleep(0.2)

        shop = Workshop(tmp_path)
        target = lab.target(tmp_path)
        shop.target = target
        declared = [{"name": f"declared-{number}-{mark}"} for number in range(3)]
        shop.source.commit({"tags/all.yml": objects(TAG, *declared)})
        merging = Merging(target, begin)
        _, report = await shop.apply(target=merging, instance=mark)
        assert [own.error for own in report.runs] == [None]
        assert merging.sent[0] > 1
        assert report.runs[0].summary["create"] == 3

        _, report = await shop.apply(instance=mark)
        assert report.writes == 0
        names = {node["name"]["value"] for node in main.find(TAG, "name { value }")}
        assert {own["name"] for own in declared} <= names
        assert {f"merged-{number}-{mark}" for number in range(10)} <= names

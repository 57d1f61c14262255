"""Hints from the file system: none is missed that counts, and its end is said."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import Repository
from stateward.daemon import files
from stateward.sources.repository import RepositorySource


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "work")
    found.commit("first")
    return found


async def hinted(repository: Repository, act: Callable[[], object]) -> None:
    """Wait until something that is done to a repository is told."""
    source = RepositorySource(repository.path, revision="HEAD", timeout=30)
    hint = asyncio.Event()
    places = await source.places()
    watches = [
        asyncio.ensure_future(
            files.watch(
                {place: [hint.set] for place, below in places if below is recursive},
                recursive=recursive,
            )
        )
        for recursive in (False, True)
    ]
    await asyncio.sleep(0)
    try:
        await asyncio.to_thread(act)
        async with asyncio.timeout(10):
            await hint.wait()
    finally:
        for own in watches:
            own.cancel()
        await asyncio.wait(watches)


@pytest.mark.parametrize(
    "act",
    [
        lambda repo: repo.commit("second"),
        lambda repo: repo.git("branch", "deep/er/branch"),
        lambda repo: repo.git("pack-refs", "--all"),
        lambda repo: repo.git("checkout", "-qb", "other"),
        lambda repo: repo.git("update-ref", "-d", "refs/heads/main"),
    ],
    ids=["commit", "branch", "pack", "checkout", "ref"],
)
async def test_whatever_may_be_a_new_commit_is_told(
    repository: Repository, act: Callable[[Repository], object]
) -> None:
    await hinted(repository, lambda: act(repository))


async def test_only_who_is_concerned_is_told(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for own in (one, other):
        own.mkdir()
    told: list[str] = []
    seen = asyncio.Event()

    def hint() -> None:
        told.append("one")
        seen.set()

    watch = asyncio.ensure_future(
        files.watch({one: [hint], other: [lambda: told.append("other")]}, recursive=True)
    )
    await asyncio.sleep(0)
    (one / "x").write_text("x")
    async with asyncio.timeout(10):
        await seen.wait()
    watch.cancel()
    await asyncio.wait([watch])
    assert set(told) == {"one"}


async def test_what_cannot_be_watched_is_said(tmp_path: Path) -> None:
    assert "No path" in await files.watch({tmp_path / "nothing": []}, recursive=True)

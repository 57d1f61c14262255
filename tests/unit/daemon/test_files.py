"""Hints from the file system: none is missed that counts, and its end is said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
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


@dataclass
class Heard:
    """What is told of directories."""

    hint: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)

    def tell(self) -> None:
        self._take("told")

    def lost(self, place: Path, reason: str) -> None:
        self._take(f"lost {place.name}: {reason}")

    def back(self, place: Path) -> None:
        self._take(f"back {place.name}")

    def _take(self, what: str) -> None:
        self.told.append(what)
        self.hint.set()

    async def until(self, what: str) -> list[str]:
        """Wait until this is told, and return all that was since it was last asked for."""
        found: list[str] = []
        while not any(own.startswith(what) for own in found):
            found += await self.next()
        return found

    async def next(self) -> list[str]:
        """Wait until something is told, and return all that was."""
        async with asyncio.timeout(10):
            await self.hint.wait()
        self.hint.clear()
        found, self.told = self.told, []
        return found


@asynccontextmanager
async def watching(places: Mapping[Path, Heard], *, recursive: bool = False) -> AsyncIterator[None]:
    watch = asyncio.ensure_future(
        files.watch({place: [own] for place, own in places.items()}, recursive=recursive)
    )
    await asyncio.sleep(0)
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait([watch])


async def hinted(repository: Repository, act: Callable[[], object]) -> None:
    """Wait until something that is done to a repository is told."""
    source = RepositorySource(repository.path, revision="HEAD", timeout=30)
    heard = Heard()
    places = await source.places()
    async with AsyncExitStack() as stack:
        for recursive in (False, True):
            mine = {place: heard for place, below in places if below is recursive}
            await stack.enter_async_context(watching(mine, recursive=recursive))
        await asyncio.to_thread(act)
        await heard.next()


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
    heard = {one: Heard(), other: Heard()}
    async with watching(heard, recursive=True):
        (one / "x").write_text("x")
        assert set(await heard[one].next()) == {"told"}
    assert heard[other].told == []


async def test_a_directory_that_is_removed_and_made_again_is_watched_again(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    heard = Heard()
    async with watching({place: heard}):
        place.rmdir()
        assert f"lost place: {place}: no such directory" in await heard.until("lost")
        place.mkdir()
        await heard.until("back")
        (place / "x").write_text("x")
        assert await heard.until("told") == ["told"]


async def test_a_directory_in_whose_place_another_is_put_is_watched_again(tmp_path: Path) -> None:
    place, other = tmp_path / "place", tmp_path / "other"
    for own in (place, other):
        own.mkdir()
    heard = Heard()
    async with watching({place: heard}):
        (place / "x").write_text("x")
        await heard.until("told")
        place.rename(tmp_path / "old")
        other.rename(place)
        (tmp_path / "old" / "y").write_text("y")  # so that somebody looks
        await heard.until("told")
        (place / "z").write_text("z")
        await heard.until("told")


async def test_one_that_is_not_there_does_not_keep_others_from_being_watched(
    tmp_path: Path,
) -> None:
    place, missing = tmp_path / "place", tmp_path / "missing"
    place.mkdir()
    heard = {place: Heard(), missing: Heard()}
    async with watching(heard):
        await heard[missing].until("lost")
        (place / "x").write_text("x")
        await heard[place].until("told")
        missing.mkdir()
        await heard[missing].until("back")


async def test_a_mounted_secret_that_is_swapped_is_told(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    for version in ("..1", "..2"):
        (mount / version).mkdir(parents=True)
        (mount / version / "token").write_text(version)
    (mount / "..data").symlink_to("..1")
    (mount / "token").symlink_to("..data/token")
    heard = Heard()
    async with watching({mount: heard}):
        (mount / "..data_tmp").symlink_to("..2")
        (mount / "..data_tmp").rename(mount / "..data")
        await heard.until("told")
        assert (mount / "token").read_text() == "..2"

"""How much of a repository a mirror has, and how much room it may take."""

import asyncio
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import Repository, executable, far, git
from stateward.errors import Code, SourceRefused
from stateward.sources.cache import UNUSED
from stateward.sources.growth import TooLarge, size, within
from stateward.sources.remote import RemoteSource

SMALL = 512 * 1024


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def mirror(cache: Path) -> Path:
    (found,) = cache.glob("*.git")
    return found


def kept(cache: Path) -> list[str]:
    return sorted(own.name for own in cache.iterdir())


def leave_for_long(cache: Path, name: str) -> None:
    (lock,) = cache.glob(f"{name}-*.lock")
    os.utime(lock, (0, time.time() - UNUSED - 60))


def noise(seed: int, length: int) -> str:
    """Return text that cannot be packed small."""
    return random.Random(seed).randbytes(length // 2).hex()  # noqa: S311 - no secret


class TestDepth:
    async def test_only_so_many_commits_are_had(self, repository: Repository, cache: Path) -> None:
        commits = [repository.commit(a=str(number)) for number in range(4)]
        source = far(repository.path, cache, depth=2)
        assert (await source.checkout()).revision == commits[3]
        assert (await source.checkout(commits[2])).revision == commits[2]
        with pytest.raises(SourceRefused, match=r"shallow.*git\.depth") as caught:
            await source.checkout(commits[1])
        assert caught.value.code is Code.NO_REVISION

    async def test_of_every_branch(self, repository: Repository, cache: Path) -> None:
        repository.commit(a="1")
        repository.git("switch", "-q", "-c", "topic")
        topic = repository.commit(a="2")
        repository.git("switch", "-q", "main")
        main = repository.commit(b="3")
        source = far(repository.path, cache, depth=1)
        assert (await source.checkout()).revision == main
        assert (await source.checkout("topic")).revision == topic

    async def test_what_came_before_is_not_made_up(
        self, repository: Repository, cache: Path
    ) -> None:
        old = repository.commit(a="1")
        source = far(repository.path, cache, depth=1)
        await source.checkout()
        for number in range(3):
            new = repository.commit(a=f"then {number}")
        await source.checkout()
        with pytest.raises(SourceRefused, match="not known") as caught:
            await source.is_ancestor(old, new)
        assert caught.value.code is Code.NO_REVISION
        assert await source.is_ancestor(new, new)

    async def test_may_be_changed(self, repository: Repository, cache: Path) -> None:
        commits = [repository.commit(a=str(number)) for number in range(4)]

        async def known(depth: int | None) -> int:
            await far(repository.path, cache, depth=depth).checkout()
            return int(git("-C", str(mirror(cache)), "rev-list", "--count", "--all"))

        assert [await known(depth) for depth in (1, 3, None, 2, None)] == [1, 3, 4, 2, 4]
        assert (await far(repository.path, cache).checkout(commits[0])).revision == commits[0]

    async def test_a_damaged_one_is_mended(self, repository: Repository, cache: Path) -> None:
        repository.commit(a="1")
        commit = repository.commit(a="2")
        await far(repository.path, cache, depth=1).checkout()
        (mirror(cache) / "shallow").write_text("garbage")
        source = far(repository.path, cache, depth=1)
        assert (await source.checkout()).revision == commit


class TestSize:
    async def test_a_repository_that_is_too_large_is_refused(
        self, repository: Repository, cache: Path
    ) -> None:
        repository.commit(a=noise(1, 4 * SMALL))
        with pytest.raises(SourceRefused, match=r"git\.maxSize") as caught:
            await far(repository.path, cache, limit=SMALL).checkout()
        assert caught.value.code is Code.SOURCE_TOO_LARGE
        (left,) = kept(cache)
        assert left.endswith(".lock")

    async def test_one_that_grows_keeps_what_there_was(
        self, repository: Repository, cache: Path
    ) -> None:
        commit = repository.commit(a="1")
        source = far(repository.path, cache, limit=SMALL)
        await source.checkout()
        sizes = []
        for number in range(3):
            repository.commit(a=noise(number, 4 * SMALL))
            with pytest.raises(SourceRefused) as caught:
                await source.checkout()
            assert caught.value.code is Code.SOURCE_TOO_LARGE
            assert (await source.checkout(commit)).revision == commit
            sizes.append(size(cache))
        assert sizes[0] == sizes[1] == sizes[2], "what is too large is not made larger"

    async def test_what_a_stopped_fetch_has_written_is_taken_away(
        self,
        repository: Repository,
        cache: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        commit = repository.commit(a="1")
        source = far(repository.path, cache, limit=SMALL)
        await source.checkout()
        repository.commit(a="2")
        endless = [
            'case " $* " in *" fetch "*)',
            'for word in "$@"; do case $word in --git-dir=*) dir=${word#--git-dir=};; esac; done',
            f'head -c {2 * SMALL} /dev/zero > "$dir/objects/pack/tmp_pack_x"',
            "exec sleep 1000;; esac",
            f'exec {shutil.which("git")} "$@"',
        ]
        wrapper = executable(tmp_path / "bin" / "git", endless)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        with pytest.raises(SourceRefused) as caught:
            await source.checkout()
        assert caught.value.code is Code.SOURCE_TOO_LARGE
        assert size(cache) < SMALL
        assert (await source.checkout(commit)).revision == commit

    async def test_what_the_remote_has_given_up_takes_no_room_for_long(
        self, repository: Repository, cache: Path
    ) -> None:
        first = repository.commit(a="1")
        source = far(repository.path, cache, limit=3 * SMALL)
        await source.checkout()
        for number in range(4):
            repository.git("reset", "-q", "--hard", first)
            last = repository.commit(a=noise(number, 2 * SMALL))
            assert (await source.checkout()).revision == last
            assert size(cache) <= 3 * SMALL

    async def test_stops_what_does_not_stop_by_itself(self, tmp_path: Path) -> None:
        ended = asyncio.Event()

        async def write() -> None:
            (tmp_path / "file").write_bytes(bytes(1001))
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        with pytest.raises(TooLarge):
            await within(1000, tmp_path, write())
        assert ended.is_set()

    async def test_what_is_too_large_already_is_not_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(bytes(1001))

        async def write() -> None:
            raise AssertionError

        with pytest.raises(TooLarge):
            await within(1000, tmp_path, write())

    async def test_leaves_alone_what_is_small(self, tmp_path: Path) -> None:
        async def answer() -> int:
            return 42

        async def fail() -> int:
            raise ZeroDivisionError

        assert await within(0, tmp_path, answer()) == 42
        with pytest.raises(ZeroDivisionError):
            await within(0, tmp_path, fail())


class TestUnused:
    @pytest.fixture
    def others(self, tmp_path: Path) -> Callable[[str], Repository]:
        def make(name: str) -> Repository:
            made = Repository(tmp_path / name)
            made.commit(a="1")
            return made

        return make

    async def test_mirrors_go_when_another_is_made(
        self, others: Callable[[str], Repository], cache: Path
    ) -> None:
        sources: dict[str, RemoteSource] = {}
        for name in ("old", "fresh"):
            sources[name] = far(others(name).path, cache)
            await sources[name].checkout()
        leave_for_long(cache, "old")
        await far(others("new").path, cache).checkout()
        assert [own.split("-")[0] for own in kept(cache)] == ["fresh", "fresh", "new", "new"]
        assert (await sources["old"].checkout()).entries, "it is made again when it is wanted"

    async def test_one_that_is_kept_up_stays(
        self, others: Callable[[str], Repository], cache: Path
    ) -> None:
        source = far(others("old").path, cache)
        await source.checkout()
        leave_for_long(cache, "old")
        await source.checkout()
        await far(others("new").path, cache).checkout()
        assert len(kept(cache)) == 4

"""What is new is asked for often, and must cost little: of a remote once for all, here no more."""

from pathlib import Path

import pytest

from repositories import Repository, git
from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.address import remote
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource
from stateward.sources.tips import Tips


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


def at(
    repository: Repository, cache: Path, revision: str, tips: Tips | None = None
) -> RemoteSource:
    return RemoteSource(
        remote(repository.url, schemes=["file"]),
        cache=cache,
        revision=revision,
        timeout=30,
        fetch_timeout=30,
        limit=1 << 30,
        shared=tips,
    )


class TestRemote:
    @pytest.mark.parametrize(
        "revision", ["HEAD", "main", "refs/heads/main", "v1", "annotated", "refs/tags/v1"]
    )
    async def test_says_what_a_checkout_would_be_of(
        self, repository: Repository, tmp_path: Path, revision: str
    ) -> None:
        repository.commit("first")
        repository.git("tag", "v1")
        repository.git("tag", "-am", "said", "annotated")
        source = at(repository, tmp_path / "cache", revision)
        assert await source.head(0) == (await source.checkout()).revision

    async def test_a_branch_goes_before_a_tag_of_its_name(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("first")
        repository.git("tag", "main")
        newest = repository.commit("second")
        assert await at(repository, tmp_path / "cache", "main").head(0) == newest

    async def test_fetches_nothing(self, repository: Repository, tmp_path: Path) -> None:
        commit = repository.commit("first")
        source = at(repository, tmp_path / "cache", "main")
        assert await source.head(0) == commit
        assert list((tmp_path / "cache").glob("*.git")) == []

    async def test_an_expression_is_looked_up_in_the_mirror(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        commit = repository.commit("first")
        repository.commit("second")
        assert await at(repository, tmp_path / "cache", "main~1").head(0) == commit

    async def test_a_commit_is_itself(self, repository: Repository, tmp_path: Path) -> None:
        commit = repository.commit("first")
        repository.commit("second")
        assert await at(repository, tmp_path / "cache", commit).head(0) == commit

    async def test_what_is_not_there_is_refused(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("first")
        with pytest.raises(SourceRefused, match="no revision nope there") as told:
            await at(repository, tmp_path / "cache", "nope").head(0)
        assert told.value.code is Code.NO_REVISION

    async def test_is_asked_once_for_all_as_long_as_the_answer_is_new_enough(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        now = 0.0
        tips = Tips(lambda: now)
        first = repository.commit("first")
        repository.git("branch", "other")
        main = at(repository, tmp_path / "cache", "main", tips)
        other = at(repository, tmp_path / "cache", "other", tips)
        assert await main.head(30) == first
        repository.git("checkout", "-q", "other")
        second = repository.commit("second")
        now = 29.9
        assert await other.head(30) == first
        assert await other.head(0) == second
        now = 100.0
        repository.git("checkout", "-q", "main")
        third = repository.commit("third")
        assert (await main.head(30), await other.head(30)) == (third, second)

    async def test_an_answer_that_never_came_is_not_kept(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        source = at(repository, tmp_path / "cache", "main")
        hidden = repository.path.rename(tmp_path / "hidden")
        with pytest.raises((SourceRefused, SourceUnavailable)):
            await source.head(1000)
        hidden.rename(repository.path)
        commit = repository.commit("first")
        assert await source.head(1000) == commit


class TestHere:
    async def test_says_what_a_checkout_would_be_of(self, repository: Repository) -> None:
        for _ in range(2):
            commit = repository.commit("another")
            source = RepositorySource(repository.path, revision="HEAD", timeout=30)
            assert await source.head(1000) == commit

    async def test_what_changes_with_a_commit_is_in_its_places(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("first")
        repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
        own = repository.path / ".git"
        here = RepositorySource(repository.path, revision="HEAD", timeout=30)
        assert dict(await here.places()) == {own: False, own / "refs": True}
        tree = RepositorySource(tmp_path / "tree", revision="HEAD", timeout=30)
        assert dict(await tree.places()) == {
            own / "worktrees" / "tree": False,
            own: False,
            own / "refs": True,
        }

    async def test_a_bare_repository_and_a_directory_in_a_work_tree_have_theirs(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit(sub__a="a: 1")
        bare = tmp_path / "bare.git"
        git("clone", "-q", "--bare", str(repository.path), str(bare))
        found = RepositorySource(bare, revision="HEAD", timeout=30)
        assert dict(await found.places()) == {bare: False, bare / "refs": True}
        below = RepositorySource(repository.path / "sub", revision="HEAD", timeout=30)
        assert repository.path / ".git" / "refs" in dict(await below.places())

    async def test_what_is_no_repository_has_none(self, tmp_path: Path) -> None:
        source = RepositorySource(tmp_path, revision="HEAD", timeout=30)
        with pytest.raises(SourceRefused):
            await source.places()

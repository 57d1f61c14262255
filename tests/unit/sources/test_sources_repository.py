"""Repositories in place: every kind there is, directories in them, and damage."""

from pathlib import Path

import pytest

from repositories import Repository, git, snapshot
from stateward.errors import Code, SourceRefused
from stateward.sources.repository import RepositorySource


def source(path: Path, revision: str = "HEAD") -> RepositorySource:
    return RepositorySource(path, revision=revision, timeout=30)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


async def paths(path: Path, revision: str = "HEAD") -> list[str]:
    return [entry.path for entry in (await source(path, revision).checkout()).entries]


async def test_a_bare_repository(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1", b__c="1")
    git("clone", "-q", "--bare", str(repository.path), str(tmp_path / "bare.git"))
    assert await paths(tmp_path / "bare.git") == ["a.yml", "b/c.yml"]


async def test_the_git_directory_itself(repository: Repository) -> None:
    repository.commit(a="1", b__c="1")
    assert await paths(repository.path / ".git") == ["a.yml", "b/c.yml"]


async def test_a_second_work_tree_has_its_own_head(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    repository.git("worktree", "add", "-q", "-b", "second", str(tmp_path / "second"))
    repository.commit(b="1")
    assert await paths(tmp_path / "second") == ["a.yml"]
    assert await paths(repository.path) == ["a.yml", "b.yml"]


async def test_a_submodule_is_a_repository_of_its_own(
    repository: Repository, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit(inside="1")
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.url, "modules/inner"
    )
    repository.commit(a="1")
    assert await paths(repository.path) == [".gitmodules", "a.yml", "modules/inner"]
    assert await paths(repository.path / "modules") == ["inner"]
    assert await paths(repository.path / "modules" / "inner") == ["inside.yml"]


async def test_a_repository_with_long_ids(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "sha256", "--object-format=sha256")
    commit = repository.commit(a="1")
    found = source(repository.path)
    checkout = await found.checkout(commit)
    assert len(checkout.revision) == 64
    assert list((await found.read([checkout.entries[0].blob])).values()) == [b"1"]


async def test_a_directory_is_seen_from_itself(repository: Repository) -> None:
    old = repository.commit(infra__a="1", infra__deep__b="1", infrared="1", other__c="1")
    new = repository.commit(infra__deep__b="2", other__c="2", infrared="2")
    found = source(repository.path / "infra")
    checkout = await found.checkout()
    assert [entry.path for entry in checkout.entries] == ["a.yml", "deep/b.yml"]
    assert await found.changed(old, new) == {"deep/b.yml"}


async def test_a_directory_with_an_odd_name(repository: Repository) -> None:
    name = ":(top)*\n\udcff[a]"
    repository.write(f"{name}/a.yml".encode("utf-8", "surrogateescape"), b"1")
    repository.commit(b="1")
    found = source(repository.path / name)
    assert [entry.path for entry in (await found.checkout()).entries] == ["a.yml"]
    found.name.encode()


async def test_a_directory_behind_a_link_is_the_directory(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit(infra__a="1", b="1")
    (tmp_path / "link").symlink_to(repository.path / "infra")
    assert await paths(tmp_path / "link") == ["a.yml"]


@pytest.mark.parametrize("what", ["file", "submodule", "nothing"])
async def test_a_directory_that_a_revision_lacks_is_not_an_empty_one(
    repository: Repository, what: str
) -> None:
    if what == "file":
        repository.write("infra", b"a file")
        repository.commit()
        (repository.path / "infra").unlink()
    elif what == "submodule":
        repository.commit()
        repository.submodule("infra", "1" * 40)
        repository.git("commit", "-q", "-m", "a submodule")
    else:
        repository.commit(b="1")
    (repository.path / "infra").mkdir(exist_ok=True)
    with pytest.raises(SourceRefused, match="has no directory infra") as caught:
        await source(repository.path / "infra").checkout()
    assert caught.value.code is Code.NO_REVISION


async def test_uncommitted_files_are_not_seen(repository: Repository) -> None:
    repository.commit(a="1")
    repository.write("new.yml", b"1")
    repository.git("add", "new.yml")
    assert await paths(repository.path) == ["a.yml"]


async def test_a_configured_work_tree_has_no_say(repository: Repository) -> None:
    repository.commit(a="1")
    found = source(repository.path)
    await found.checkout()
    repository.git("config", "core.worktree", "/not-there")
    assert [entry.path for entry in (await found.checkout()).entries] == ["a.yml"]


async def test_a_plain_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="git init") as caught:
        await source(tmp_path).checkout()
    assert caught.value.code is Code.NO_REPOSITORY


async def test_a_file_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceRefused, match="not a directory") as caught:
        await source(tmp_path / "file").checkout()
    assert caught.value.code is Code.NO_REPOSITORY


async def test_reading_before_listing(repository: Repository) -> None:
    repository.commit(a="1")
    blob = repository.git("rev-parse", "HEAD:a.yml")
    assert await source(repository.path).read([blob]) == {blob: b"1"}


async def test_a_shallow_clone_says_that_it_is(repository: Repository, tmp_path: Path) -> None:
    old = repository.commit(a="1")
    repository.commit(a="2")
    git("clone", "-q", "--depth=1", repository.url, str(tmp_path / "shallow"))
    shallow = source(tmp_path / "shallow")
    assert len((await shallow.checkout()).entries) == 1
    for revision in ("HEAD~1", old):
        with pytest.raises(SourceRefused, match="shallow") as caught:
            await shallow.checkout(revision)
        assert caught.value.code is Code.NO_REVISION


async def test_a_partial_clone_is_not_completed(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git("clone", "-q", "--bare", "--filter=blob:none", repository.url, str(partial))
    before = snapshot(partial)
    with pytest.raises(SourceRefused, match="promisor") as caught:
        await source(partial).checkout()
    assert caught.value.code is Code.CORRUPT_REPOSITORY
    assert snapshot(partial) == before


async def read_all(found: RepositorySource) -> None:
    checkout = await found.checkout()
    await found.read([entry.blob for entry in checkout.entries])


@pytest.mark.parametrize("name", ["HEAD", "HEAD^{tree}", "HEAD:a.yml", "HEAD:d"])
@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "gone"])
async def test_a_damaged_object_is_an_error(repository: Repository, name: str, damage: str) -> None:
    repository.commit(a="1" * 1000, d__e="2")
    file = repository.object(name)
    whole = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
        file.write_bytes({"empty": b"", "cut": whole[:middle], "flipped": flipped}[damage])
    with pytest.raises(SourceRefused) as caught:
        await read_all(source(repository.path))
    assert caught.value.code is Code.CORRUPT_REPOSITORY
    assert str(caught.value).isprintable()


async def test_a_damaged_pack_is_an_error(repository: Repository) -> None:
    repository.commit(a="1" * 1000, d__e="2")
    repository.git("gc", "-q")
    (pack,) = (repository.path / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[: pack.stat().st_size // 2])
    with pytest.raises(SourceRefused) as caught:
        await source(repository.path).checkout()
    assert caught.value.code is Code.CORRUPT_REPOSITORY


async def test_contents_that_are_not_what_their_id_says_are_an_error(
    repository: Repository,
) -> None:
    repository.commit(a="right", b="wrong")
    repository.object("HEAD:a.yml").write_bytes(repository.object("HEAD:b.yml").read_bytes())
    found = source(repository.path)
    entries = (await found.checkout()).entries
    with pytest.raises(SourceRefused, match="damaged") as caught:
        await found.read([entry.blob for entry in entries])
    assert caught.value.code is Code.CORRUPT_REPOSITORY


@pytest.mark.parametrize("damage", ["garbage in a branch", "dangling branch", "no HEAD", "config"])
async def test_a_damaged_repository_is_an_error(repository: Repository, damage: str) -> None:
    repository.commit(a="1")
    inside = repository.path / ".git"
    if damage == "garbage in a branch":
        (inside / "refs/heads/main").write_text("garbage\n")
    elif damage == "dangling branch":
        (inside / "refs/heads/main").write_text("1" * 40 + "\n")
    elif damage == "no HEAD":
        (inside / "HEAD").write_text("")
    else:
        (inside / "config").write_text("[core\n\tthis is no configuration")
    with pytest.raises(SourceRefused) as caught:
        await source(repository.path).checkout()
    assert caught.value.code is Code.CORRUPT_REPOSITORY

"""Revisions of repositories: forms, refusals, hints, history, damage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import Repository, looks
from stateward.errors import Code, SourceRefused
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource

Look = Callable[[Path], RepositorySource | RemoteSource]


@pytest.fixture(params=["repository", "remote"])
def look(request: pytest.FixtureRequest, tmp_path: Path) -> Look:
    return looks(tmp_path / "cache")[request.param]  # type: ignore[return-value]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


@pytest.mark.parametrize(
    "revision",
    [
        "main",
        "refs/heads/main",
        "HEAD",
        "HEAD~0",
        "@",
        "heads/main",
        "light",
        "annotated",
        "refs/tags/annotated",
        "annotated^{}",
        "tag-of-tag",
        "next~1",
        "feature/a-b",
    ],
)
async def test_every_way_to_name_a_commit(
    look: Look, repository: Repository, revision: str
) -> None:
    repository.commit(a="0")
    commit = repository.commit(a="1")
    repository.git("branch", "feature/a-b")
    repository.git("tag", "light")
    repository.git("tag", "-a", "-m", "x", "annotated")
    repository.git("tag", "-a", "-m", "x", "tag-of-tag", "annotated")
    repository.git("switch", "-q", "-c", "next")
    repository.commit(a="2")
    repository.git("switch", "-q", "main")
    assert (await look(repository.path).checkout(revision)).revision == commit


@pytest.mark.parametrize("length", [7, 12, 40])
async def test_a_commit_by_its_id(look: Look, repository: Repository, length: int) -> None:
    old = repository.commit(a="1")
    repository.commit(a="2")
    checkout = await look(repository.path).checkout(old[:length])
    assert checkout.revision == old
    assert [entry.size for entry in checkout.entries] == [1]


async def test_the_commit_before(look: Look, repository: Repository) -> None:
    old = repository.commit(a="1")
    repository.commit(a="2")
    assert (await look(repository.path).checkout("HEAD~1")).revision == old


async def test_a_branch_goes_before_a_tag_of_its_name(look: Look, repository: Repository) -> None:
    repository.commit(a="1")
    repository.git("tag", "main")
    commit = repository.commit(a="2")
    assert (await look(repository.path).checkout("main")).revision == commit


async def test_a_branch_cannot_pretend_to_be_a_commit(look: Look, repository: Repository) -> None:
    commit = repository.commit(a="1")
    repository.commit(a="2")
    repository.git("update-ref", f"refs/heads/{commit}", "HEAD")
    assert (await look(repository.path).checkout(commit)).revision == commit


@pytest.mark.parametrize(
    "revision",
    [
        *("--output=x", "-h", "--all", "^HEAD", "HEAD..main", "main...main", "HEAD^{/nope}"),
        *("main@{5}", "@{u}", "@{push}", "x@{u}", "HEAD:./a.yml", ":/nope", "@{-1}", ":0:a.yml"),
    ],
)
async def test_what_names_no_one_commit_is_refused(
    look: Look, repository: Repository, revision: str
) -> None:
    repository.commit(a="1")
    with pytest.raises(SourceRefused) as caught:
        await look(repository.path).checkout(revision)
    assert caught.value.code is Code.NO_REVISION


@pytest.mark.parametrize("revision", ["HEAD^{tree}", "HEAD:a.yml", "of-a-file"])
async def test_what_is_no_commit_is_called_what_it_is(
    look: Look, repository: Repository, revision: str
) -> None:
    repository.commit(a="1")
    repository.git("tag", "of-a-file", "HEAD:a.yml")
    with pytest.raises(SourceRefused, match=r"names a (tree|blob), not a commit") as caught:
        await look(repository.path).checkout(revision)
    assert caught.value.code is Code.NO_REVISION


async def test_a_slip_of_the_pen_gets_a_hint(look: Look, repository: Repository) -> None:
    repository.commit(a="1")
    repository.git("branch", "production")
    with pytest.raises(SourceRefused, match=r"did you mean production\? It has main, production"):
        await look(repository.path).checkout("prodcution")


async def test_many_branches_are_not_all_listed(look: Look, repository: Repository) -> None:
    repository.commit(a="1")
    for number in range(30):
        repository.git("branch", f"topic-{number:02}")
    with pytest.raises(SourceRefused, match="and 23 more"):
        await look(repository.path).checkout("zzz")


async def test_a_repository_without_commits_says_so(look: Look, repository: Repository) -> None:
    with pytest.raises(SourceRefused, match="no commits yet") as caught:
        await look(repository.path).checkout()
    assert caught.value.code is Code.NO_REVISION
    with pytest.raises(SourceRefused, match="no branches"):
        await look(repository.path).checkout("main")


async def test_a_head_that_names_nothing_leaves_the_branches(
    look: Look, repository: Repository
) -> None:
    commit = repository.commit(a="1")
    repository.git("symbolic-ref", "HEAD", "refs/heads/not-there")
    source = look(repository.path)
    with pytest.raises(SourceRefused, match="it has main"):
        await source.checkout()
    assert (await source.checkout("main")).revision == commit


async def test_a_detached_head_is_a_head(look: Look, repository: Repository) -> None:
    commit = repository.commit(a="1")
    repository.commit(a="2")
    repository.git("switch", "-q", "--detach", commit)
    assert (await look(repository.path).checkout()).revision == commit


async def test_changed_paths(look: Look, repository: Repository) -> None:
    repository.write("odd\n\xff.yml", b"1")
    old = repository.commit(a="1", b="1", c__d="1", e="1")
    repository.write("odd\n\xff.yml", b"2")
    repository.git("mv", "e.yml", "moved.yml")
    (repository.path / "b.yml").unlink()
    new = repository.commit(c__d="2", f="1")
    source = look(repository.path)
    await source.checkout()
    expected = {"b.yml", "c/d.yml", "e.yml", "f.yml", "moved.yml", "odd\n\xff.yml"}
    assert await source.changed(old, new) == expected
    assert await source.changed(new, old) == expected
    assert await source.changed(old, old) == frozenset()


async def test_who_came_before_whom(look: Look, repository: Repository) -> None:
    old = repository.commit(a="1")
    new = repository.commit(a="2")
    repository.git("switch", "-q", "-c", "other", old)
    other = repository.commit(a="3")
    source = look(repository.path)
    await source.checkout()
    assert await source.is_ancestor(old, new)
    assert await source.is_ancestor(old, old)
    assert not await source.is_ancestor(new, old)
    assert not await source.is_ancestor(new, other)


@pytest.mark.parametrize("bad", ["0" * 40, "main", "-v", "", "HEAD", "--all"])
async def test_history_is_asked_about_whole_commits(
    look: Look, repository: Repository, bad: str
) -> None:
    commit = repository.commit(a="1")
    source = look(repository.path)
    await source.checkout()
    for pair in ((bad, commit), (commit, bad)):
        with pytest.raises(SourceRefused) as caught:
            await source.changed(*pair)
        assert caught.value.code is Code.NO_REVISION
        with pytest.raises(SourceRefused):
            await source.is_ancestor(*pair)


async def test_replaced_objects_do_not_lie(look: Look, repository: Repository) -> None:
    repository.commit(a="true")
    liar = repository.git("hash-object", "-w", "--stdin", input=b"lie!")
    blob = repository.git("rev-parse", "HEAD:a.yml")
    repository.git("replace", blob, liar)
    source = look(repository.path)
    await source.checkout()
    assert await source.read([blob]) == {blob: b"true"}


def tree(repository: Repository, *lines: bytes) -> str:
    """Make a tree of our own: git would refuse most of them."""
    made = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(blob.decode())
        for mode, name, blob in (line.split(b" ", 2) for line in lines)
    )
    return repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", input=made)


async def test_a_tree_that_holds_itself_over_and_over_is_refused(repository: Repository) -> None:
    repository.commit(a="1")
    made = repository.git("rev-parse", "HEAD:a.yml")
    mode = b"100644"
    for _ in range(10):
        made = tree(repository, *(b"%s %0200d %s" % (mode, n, made.encode()) for n in range(10)))
        mode = b"40000"
    repository.git("update-ref", "refs/heads/bomb", repository.git("commit-tree", made, "-m", "x"))
    with pytest.raises(SourceRefused, match="too many files") as caught:
        await RepositorySource(repository.path, revision="bomb", timeout=30).checkout()
    assert caught.value.code is Code.REPOSITORY_REFUSED


@pytest.mark.parametrize(
    "names", [(b"..",), (b".",), (b"a/../b",), (b"/etc",), (b"",), (b"x.yml", b"x.yml")]
)
async def test_a_tree_that_no_git_would_make_is_refused(
    repository: Repository, names: tuple[bytes, ...]
) -> None:
    repository.commit(a="1")
    blob = repository.git("rev-parse", "HEAD:a.yml").encode()
    made = tree(repository, *(b"100644 " + name + b" " + blob for name in names))
    commit = repository.git("commit-tree", made, "-m", "x")
    repository.git("update-ref", "refs/heads/bad", commit)
    with pytest.raises(SourceRefused) as caught:
        await RepositorySource(repository.path, revision="bad", timeout=30).checkout()
    assert caught.value.code is Code.CORRUPT_REPOSITORY

"""What every Source promises, whatever it reads from."""

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from repositories import Repository, looks, snapshot
from stateward.errors import Code, SourceRefused, SourceUnavailable, StatewardError
from stateward.ports import Checkout, Source, TreeEntry
from stateward.sources import listing
from stateward.sources.folder import FolderSource

ELSEWHERE = "1234567890123456789012345678901234567890"

FILES = {
    b"top.yml": b"top\n",
    b"empty.yml": b"",
    b"objects/site/devices.yml": b"---\nspec: {}\n",
    b"objects/site/copy.yml": b"---\nspec: {}\n",
    b"objects/site.yml": b"sorts before what is in the directory",
    b"objects/with space/and 'quotes' \"too\".yml": b"no newline at the end",
    "objects/süß/größe.yml".encode(): "späß\n".encode(),
    b"odd/new\nline\ttab.yml": b"a name of two lines\n",
    b"odd/latin-\xe9-\xff.yml": b"not UTF-8\n",
    b"odd/-option.yml": b"-\n",
    b"odd/:(glob)*.yml": b"*\n",
    b"binary": bytes(range(256)) * 17,
    b"large": b"0123456789abcdef" * 100_000,
    b"looks/like/an/answer": ELSEWHERE.encode() + b" blob 3\nabc\n",
}

TRAPS = [
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.trap.command",
    "diff.trap.textconv",
    "filter.trap.clean",
    "filter.trap.smudge",
    "filter.trap.process",
    "merge.trap.driver",
    "credential.helper",
    "gpg.program",
    "gpg.ssh.program",
    "interactive.diffFilter",
    "pager.ls-tree",
    "pager.cat-file",
    "pager.rev-parse",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "sequence.editor",
    "trailer.x.command",
    "man.x.cmd",
]


@dataclass
class World:
    """A repository with a work tree, and how the source under test looks at it."""

    repository: Repository
    look: Callable[[Path], Source]

    @property
    def source(self) -> Source:
        return self.look(self.repository.path)


@pytest.fixture(params=["repository", "remote", "folder"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(Repository(tmp_path / "work"), looks(tmp_path / "cache")[request.param])


@pytest.fixture
def full(world: World) -> World:
    repository = world.repository
    for path, contents in FILES.items():
        repository.write(path, contents)
    repository.write("run.sh", b"#!/bin/sh\n")
    (repository.path / "run.sh").chmod(0o755)
    (repository.path / "here").symlink_to("top.yml")
    (repository.path / "away").symlink_to("/etc/passwd")
    (repository.path / "round").symlink_to("objects")
    (repository.path / "nowhere").symlink_to("not-there")
    repository.git("add", "--all")
    repository.submodule("other", ELSEWHERE)
    repository.git("commit", "-q", "-m", "everything")
    return world


def by_path(checkout: Checkout) -> dict[bytes, TreeEntry]:
    return {listing.encoded(entry.path): entry for entry in checkout.entries}


async def contents(source: Source, checkout: Checkout) -> dict[str, bytes]:
    files = [entry for entry in checkout.entries if entry.mode != "160000"]
    read = await source.read([entry.blob for entry in files])
    return {entry.path: read[entry.blob] for entry in files}


async def test_every_file_is_listed_as_git_lists_it(full: World) -> None:
    entries = by_path(await full.source.checkout())
    listed = full.repository.git("ls-tree", "-r", "-z", "-l", "HEAD").split("\0")[:-1]
    assert list(entries) == [
        line.partition("\t")[2].encode("utf-8", "surrogateescape") for line in listed
    ]
    for line in listed:
        facts, _, name = line.partition("\t")
        mode, _, blob, size = facts.split()
        entry = entries[name.encode("utf-8", "surrogateescape")]
        assert (entry.mode, entry.blob) == (mode, blob)
        assert entry.size == (0 if size == "-" else int(size))


async def test_contents_are_what_was_committed(full: World) -> None:
    source = full.source
    checkout = await source.checkout()
    read = await contents(source, checkout)
    for path, expected in FILES.items():
        assert read[listing.decoded(path)] == expected
    for entry in checkout.entries:
        assert entry.mode == "160000" or entry.size == len(read[entry.path])


async def test_links_and_submodules_are_told_and_not_followed(full: World) -> None:
    source = full.source
    entries = by_path(await source.checkout())
    links = {name: entries[name] for name in (b"here", b"away", b"round", b"nowhere")}
    assert {entry.mode for entry in links.values()} == {"120000"}
    read = await source.read([entry.blob for entry in links.values()])
    assert read[links[b"away"].blob] == b"/etc/passwd"
    assert read[links[b"round"].blob] == b"objects"
    assert (entries[b"other"].mode, entries[b"other"].blob) == ("160000", ELSEWHERE)
    assert not [name for name in entries if name.startswith((b"round/", b"other/"))]


async def test_the_same_question_has_the_same_answer(full: World) -> None:
    source = full.source
    first = await source.checkout()
    assert await source.checkout() == first
    assert await source.checkout(first.revision) == first
    assert await full.source.checkout() == first
    assert await contents(source, first) == await contents(source, first)


async def test_one_blob_asked_for_twice_is_read_once(full: World) -> None:
    source = full.source
    blob = by_path(await source.checkout())[b"top.yml"].blob
    assert await source.read([blob, blob]) == {blob: b"top\n"}


async def test_nothing_is_read_for_nothing(full: World) -> None:
    source = full.source
    await source.checkout()
    assert await source.read([]) == {}


@pytest.mark.parametrize(
    "blob", [ELSEWHERE, "", "HEAD:top.yml", "-v", "top.yml", "1234", "a\nb", "\udcff"]
)
async def test_what_is_no_blob_is_an_error(full: World, blob: str) -> None:
    source = full.source
    known = by_path(await source.checkout())[b"top.yml"].blob
    with pytest.raises((SourceRefused, SourceUnavailable)) as caught:
        await source.read([known, blob])
    str(caught.value).encode()


async def test_a_tree_is_no_file(full: World) -> None:
    source = full.source
    await source.checkout()
    with pytest.raises((SourceRefused, SourceUnavailable)):
        await source.read([full.repository.git("rev-parse", "HEAD^{tree}")])


async def test_a_new_state_is_a_new_revision(world: World) -> None:
    world.repository.commit(a="1", b="1")
    source = world.source
    before = await source.checkout()
    world.repository.commit(a="2")
    after = await source.checkout()
    assert after.revision != before.revision
    assert await contents(source, after) == {"a.yml": b"2", "b.yml": b"1"}


async def test_no_files_are_no_entries(world: World) -> None:
    world.repository.commit()
    assert (await world.source.checkout()).entries == ()


@pytest.mark.parametrize(
    "revision", ["nope", "-v", "--all", "main:a.yml", "a b", "\n", "\0", "x" * 5000]
)
async def test_an_unknown_revision_is_refused(world: World, revision: str) -> None:
    world.repository.commit(a="1")
    source = world.source
    with pytest.raises(SourceRefused) as caught:
        await source.checkout(revision)
    assert caught.value.code is Code.NO_REVISION
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


async def test_what_is_not_there_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        await world.look(tmp_path / "not-there").checkout()
    assert caught.value.code is Code.NO_REPOSITORY


async def test_the_name_says_where_it_is(world: World) -> None:
    assert str(world.repository.path) in world.source.name


async def test_many_ask_at_once(full: World) -> None:
    source, another = full.source, full.source
    first, *rest = await asyncio.gather(*(s.checkout() for s in (source, another) * 4))
    assert all(checkout == first for checkout in rest)
    once, *others = await asyncio.gather(*(contents(source, first) for _ in range(4)))
    assert all(read == once for read in others)


async def test_the_callers_git_variables_do_not_matter(
    full: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await full.source.checkout()
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\n\texcludesFile = {home}/ignore\n\tquotePath = false\n[safe]\n\tdirectory =\n"
        '[status]\n\tshowUntrackedFiles = no\n[url "ext::false "]\n\tinsteadOf = file://\n'
    )
    (home / "ignore").write_text("*\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "wrong"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    assert await full.source.checkout() == expected


async def test_where_we_stand_does_not_matter(
    full: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await full.source.checkout()
    monkeypatch.chdir(tmp_path)
    assert await full.source.checkout() == expected


async def test_nothing_in_the_repository_changes(full: World) -> None:
    (full.repository.path / "top.yml").touch()  # an index that git would like to refresh
    before = snapshot(full.repository.path)
    source = full.source
    await contents(source, await source.checkout())
    assert snapshot(full.repository.path) == before


async def test_a_repository_of_somebody_else_can_be_read(full: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (full.repository.path, *full.repository.path.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    source = full.source
    assert len(await contents(source, await source.checkout())) > len(FILES)


async def test_nothing_that_the_repository_brings_is_run(full: World, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    ran.mkdir()
    expected = await full.source.checkout()
    booby_trap(full.repository, ran)
    source = full.source
    checkout = await source.checkout()
    trapped = {".gitattributes"}
    assert [e for e in checkout.entries if e.path not in trapped] == list(expected.entries)
    await contents(source, checkout)
    await source.said(checkout.revision)
    assert not list(ran.iterdir())
    full.repository.git("ls-files", "--others")
    assert list(ran.iterdir()), "the traps work for whoever does not look out"


def booby_trap(repository: Repository, ran: Path) -> None:
    """Configure everything that git might run to leave a file behind."""
    repository.write(
        ".gitattributes",
        b"* filter=trap diff=trap merge=trap text\ntop.yml working-tree-encoding=UTF-16\n",
    )
    repository.git("add", ".gitattributes")
    repository.git("commit", "-q", "-m", "attributes")
    hooks = repository.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    names = "post-index-change fsmonitor-watchman post-checkout pre-auto-gc reference-transaction"
    for name in (*names.split(), "pre-receive", "update", "post-update", "post-rewrite"):
        hook = hooks / name
        hook.write_text(f"#!/bin/sh\ntouch {ran}/hook-{name}\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    trap = "touch " + str(ran) + "/{}; false"
    for key in TRAPS:
        repository.git("config", key, trap.format(key))
    for alias in ("ls-tree", "cat-file", "rev-parse", "ls-files", "fetch", "upload-pack"):
        repository.git("config", f"alias.{alias}", "!" + trap.format("alias"))
    repository.git("config", "core.hooksPath", str(hooks))
    repository.git("config", "core.untrackedCache", "true")
    repository.git("config", "gc.auto", "1")
    repository.git("config", "gc.autoPackLimit", "1")
    more = repository.path / ".git" / "more"
    more.write_text(f"[core]\n\tfsmonitor = touch {ran}/included\n")
    repository.git("config", "includeIf.gitdir:**.path", str(more))
    repository.git("config", "include.path", str(more))
    # A promise that what is missing can be had from a remote, by a program of its choice.
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "remote.origin.url", repository.url)


async def test_what_is_missing_is_not_fetched_behind_our_back(world: World, tmp_path: Path) -> None:
    world.repository.commit(a="1")
    blob = world.repository.git("rev-parse", "HEAD:a.yml")
    ran = tmp_path / "ran"
    ran.mkdir()
    booby_trap(world.repository, ran)
    world.repository.object(blob).unlink()
    source = world.source
    if isinstance(source, FolderSource):
        assert await contents(source, await source.checkout())
    else:
        with pytest.raises(StatewardError):
            await source.checkout()
    assert not list(ran.iterdir())


async def test_a_missing_git_is_said_clearly(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.repository.commit(a="1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceRefused, match="install git") as caught:
        await world.source.checkout()
    assert caught.value.code is Code.NO_GIT


@pytest.mark.parametrize(
    ("name", "subject", "found"),
    [
        pytest.param("Ada", "Remove the lab", ("Ada", "Remove the lab"), id="as it is"),
        pytest.param("Zoë", "Größe ✓", ("Zoë", "Größe ✓"), id="any letters"),
        pytest.param("A\x1b[2J", "a\u202eb", ("A\x1b[2J", "a\u202eb"), id="what means harm"),
        pytest.param("A" * 900, "b" * 900, ("A" * 300 + "…", "b" * 300 + "…"), id="cut short"),
    ],
)
async def test_commit_says_whose_it_is(
    world: World, name: str, subject: str, found: tuple[str, str]
) -> None:
    world.repository.write("a.yml", b"a")
    world.repository.git("add", "--all")
    as_ = ("-c", "log.showSignature=true", "-c", "i18n.logOutputEncoding=latin1")
    world.repository.git(*as_, "commit", "-q", f"--author={name} <a@b.c>", "-m", f"{subject}\n\nx")
    source = world.source
    revision = (await source.checkout()).revision
    said = await source.said(revision)
    if isinstance(source, FolderSource):
        assert said is None
    else:
        assert said is not None
        author, subject = found
        assert said.id == revision
        assert said.subject == subject
        assert said.author == (f"{author} <a@b.c>" if len(name) < 300 else author)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        pytest.param("a\n\nStateward-Allow-Deletes: 12", ("12",), id="last paragraph"),
        pytest.param("a\n\nstateward-allow-deletes: 12", ("12",), id="any case"),
        pytest.param(
            "a\n\nb\n\nStateward-Allow-Deletes: 12\nSigned-off-by: A <a@b.c>",
            ("12",),
            id="among others",
        ),
        pytest.param(
            "a\n\nStateward-Allow-Deletes: 1\nStateward-Allow-Deletes: 2", ("1", "2"), id="twice"
        ),
        pytest.param("a\n\nStateward-Allow-Deletes: some\n more", ("some more",), id="folded"),
        pytest.param("a\n\nStateward-Allow-Deletes: 12\n\nb", (), id="not the last paragraph"),
        pytest.param("a\n\nsay Stateward-Allow-Deletes: 12 there", (), id="in a sentence"),
        pytest.param("Stateward-Allow-Deletes: 12", (), id="the subject"),
        pytest.param("a\n\nStateward-Allow-Deletes:", (), id="nothing"),
        pytest.param("a\n\nStateward-Allow-Deletes= 12", (), id="another separator"),
    ],
)
async def test_trailers_are_read_as_git_reads_them(
    world: World, message: str, found: tuple[str, ...]
) -> None:
    world.repository.commit(message, a="1")
    world.repository.git("config", "trailer.separators", "=")
    source = world.source
    said = await source.said((await source.checkout()).revision)
    assert (said.allows if said is not None else found) == found


async def test_commit_that_is_not_there_is_refused(world: World) -> None:
    world.repository.commit(a="1")
    source = world.source
    await source.checkout()
    if not isinstance(source, FolderSource):
        with pytest.raises(SourceRefused) as caught:
            await source.said(ELSEWHERE)
        assert caught.value.code is Code.NO_REVISION

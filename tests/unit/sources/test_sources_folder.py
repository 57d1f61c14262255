"""Plain folders and uncommitted work trees."""

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repositories import Repository
from stateward.errors import Code, SourceRefused, SourceUnavailable, Transient
from stateward.sources import walk
from stateward.sources.folder import FolderSource


def source(path: Path) -> FolderSource:
    return FolderSource(path, timeout=30)


async def modes(path: Path) -> dict[str, str]:
    return {entry.path: entry.mode for entry in (await source(path).checkout()).entries}


def write(path: Path, contents: str = "1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(contents)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


async def test_a_plain_folder_needs_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    write(tmp_path / "a.yml")
    write(tmp_path / "deep/er/b.yml")
    write(tmp_path / ".stateward/state.db")
    write(tmp_path / ".stateward.yaml")
    (tmp_path / "empty").mkdir()
    assert list(await modes(tmp_path)) == [".stateward.yaml", "a.yml", "deep/er/b.yml"]


async def test_a_repository_in_a_plain_folder_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "a.yml")
    Repository(tmp_path / "inner").commit(b="1")
    assert await modes(tmp_path) == {"a.yml": "100644", "inner": "160000"}


async def test_a_work_tree_is_seen_as_it_is(repository: Repository) -> None:
    repository.commit(changed="1", deleted="1", staged="1", same="1", turned="1")
    write(repository.path / "changed.yml", "22")
    write(repository.path / "new.yml")
    write(repository.path / "ignored.tmp")
    write(repository.path / "build/out.yml")
    write(repository.path / ".gitignore", "*.tmp\n/build/\n")
    write(repository.path / ".stateward/state.db")
    (repository.path / "deleted.yml").unlink()
    (repository.path / "turned.yml").unlink()
    write(repository.path / "turned.yml/into/a.directory")
    write(repository.path / "staged.yml", "333")
    repository.git("add", "staged.yml")
    entries = (await source(repository.path).checkout()).entries
    assert {entry.path: entry.size for entry in entries} == {
        ".gitignore": 14,
        "changed.yml": 2,
        "new.yml": 1,
        "same.yml": 1,
        "staged.yml": 3,
        "turned.yml/into/a.directory": 1,
    }


async def test_tracked_files_are_seen_though_ignored(repository: Repository) -> None:
    repository.commit(tracked="1")
    write(repository.path / ".gitignore", "*.yml\n")
    write(repository.path / "other.yml")
    assert list(await modes(repository.path)) == [".gitignore", "tracked.yml"]


async def test_a_repository_without_commits_can_be_seen(repository: Repository) -> None:
    write(repository.path / "a.yml")
    assert list(await modes(repository.path)) == ["a.yml"]


async def test_a_directory_of_a_work_tree_is_seen_from_itself(repository: Repository) -> None:
    repository.commit(infra__a="1", other="1")
    write(repository.path / ".gitignore", "infra/*.tmp\n")
    write(repository.path / "infra/b.yml")
    write(repository.path / "infra/c.tmp")
    assert list(await modes(repository.path / "infra")) == ["a.yml", "b.yml"]


async def test_an_ignored_folder_that_is_asked_for_is_seen_whole(repository: Repository) -> None:
    repository.commit(a="1")
    write(repository.path / ".gitignore", "/generated/\n")
    write(repository.path / "generated/objects/b.yml")
    assert await modes(repository.path / "generated") == {"objects/b.yml": "100644"}
    assert await modes(repository.path / "generated/objects") == {"b.yml": "100644"}


async def test_a_new_repository_in_a_work_tree_is_not_entered(repository: Repository) -> None:
    repository.commit(a="1")
    Repository(repository.path / "inner").commit(b="1")
    assert await modes(repository.path) == {"a.yml": "100644", "inner": "160000"}


async def test_a_sparse_work_tree_is_not_one_with_deleted_files(repository: Repository) -> None:
    repository.commit(infra__a="1", other__b="1")
    repository.git("sparse-checkout", "set", "infra")
    with pytest.raises(SourceRefused, match=r"other/b\.yml.*sparse") as caught:
        await source(repository.path).checkout()
    assert caught.value.code is Code.REPOSITORY_REFUSED
    assert await modes(repository.path / "infra") == {"a.yml": "100644"}


async def test_a_git_directory_is_no_work_tree(repository: Repository) -> None:
    repository.commit(a="1")
    with pytest.raises(SourceRefused) as caught:
        await source(repository.path / ".git").checkout()
    assert caught.value.code is Code.NO_REPOSITORY


@pytest.mark.parametrize("damage", ["index", "HEAD"])
async def test_a_damaged_repository_is_an_error(repository: Repository, damage: str) -> None:
    repository.commit(a="1")
    (repository.path / ".git" / damage).write_bytes(b"garbage")
    with pytest.raises(SourceRefused) as caught:
        await source(repository.path).checkout()
    assert caught.value.code is Code.CORRUPT_REPOSITORY


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="not a directory"):
        await source(write(tmp_path / "file")).checkout()


async def test_links_to_directories_are_not_entered(repository: Repository, tmp_path: Path) -> None:
    write(tmp_path / "secret/key.yml")
    repository.commit(infra__key="1")
    (repository.path / "infra/key.yml").unlink()
    (repository.path / "infra").rmdir()
    (repository.path / "infra").symlink_to(tmp_path / "secret")
    assert await modes(repository.path) == {"infra": "120000"}


async def test_a_link_put_in_place_of_a_directory_leads_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write(folder / "deep/a.yml", "same")
    write(tmp_path / "secret/a.yml", "same")
    found = source(folder)
    (entry,) = (await found.checkout()).entries
    (folder / "deep/a.yml").unlink()
    (folder / "deep").rmdir()
    (folder / "deep").symlink_to(tmp_path / "secret")
    with pytest.raises(SourceUnavailable):
        await found.read([entry.blob])


async def test_a_folder_behind_a_link_is_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "folder/a.yml")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert list(await modes(tmp_path / "link")) == ["a.yml"]


async def test_what_is_no_file_is_told_and_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    write(folder / "a.yml")
    os.mkfifo(folder / "pipe.yml")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)
        try:
            server.bind("socket.yml")
        finally:
            os.chdir(here)
        found = source(folder)
        entries = (await found.checkout()).entries
    assert {entry.path: entry.mode for entry in entries} == {
        "a.yml": "100644",
        "pipe.yml": "010000",
        "socket.yml": "140000",
    }
    with pytest.raises(SourceUnavailable):
        await found.read([entry.blob for entry in entries])


async def test_a_tracked_file_that_became_a_pipe_is_not_gone(repository: Repository) -> None:
    repository.commit(a="1")
    (repository.path / "a.yml").unlink()
    os.mkfifo(repository.path / "a.yml")
    assert await modes(repository.path) == {"a.yml": "010000"}


async def test_a_changed_file_is_not_read_under_its_old_id(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yml", "old")
    found = source(tmp_path)
    (entry,) = (await found.checkout()).entries
    write(file, "new")
    with pytest.raises(SourceUnavailable, match="changed since") as caught:
        await found.read([entry.blob])
    assert isinstance(caught.value, Transient)
    file.unlink()
    with pytest.raises(SourceUnavailable):
        await found.read([entry.blob])


async def test_the_same_contents_elsewhere_will_do(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yml", "same")
    write(tmp_path / "b.yml", "same")
    found = source(tmp_path)
    blob = (await found.checkout()).entries[0].blob
    write(file, "changed")
    assert await found.read([blob]) == {blob: b"same"}


async def test_a_revision_that_is_over_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yml", "old")
    found = source(tmp_path)
    old = (await found.checkout()).revision
    assert old.startswith("worktree:")
    write(file, "new")
    with pytest.raises(SourceRefused, match="only as it is now") as caught:
        await found.checkout(old)
    assert caught.value.code is Code.NO_REVISION
    write(file, "old")
    assert (await found.checkout(old)).revision == old


async def test_the_revision_tells_names_and_modes_apart(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yml")
    found = source(tmp_path)
    first = (await found.checkout()).revision
    file.chmod(0o755)
    second = (await found.checkout()).revision
    file.rename(tmp_path / "b.yml")
    third = (await found.checkout()).revision
    assert len({first, second, third}) == 3


async def test_what_is_written_while_it_is_read_is_consistent_or_an_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yml")
    stop = threading.Event()

    def writer() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            file.write_text(str(number) * 5000)

    thread = threading.Thread(target=writer)
    thread.start()
    found = source(tmp_path)
    try:
        for _ in range(200):
            try:
                (entry,) = (await found.checkout()).entries
                contents = (await found.read([entry.blob]))[entry.blob]
            except SourceUnavailable:
                continue
            assert len(contents) == entry.size
            assert len(contents) % 5000 == 0 or contents.isdigit()
    finally:
        stop.set()
        thread.join()


async def test_directories_without_end_are_refused(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(walk.DEEPEST + 2):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with pytest.raises(SourceRefused) as caught:
        await source(tmp_path).checkout()
    assert caught.value.code is Code.REPOSITORY_REFUSED


@contextmanager
def unprivileged() -> Iterator[Path]:
    """Give a folder, and be somebody for whom permissions count."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder)
        path.chmod(0o755)
        root = os.geteuid() == 0
        try:
            yield path
        finally:
            if root:
                os.seteuid(0)
            for found in path.rglob("*"):
                found.chmod(0o755)


@pytest.mark.parametrize("what", ["a file", "a directory", "the folder", "the folder above"])
async def test_what_may_not_be_read_is_an_error(what: str) -> None:
    with unprivileged() as folder:
        file = write(folder / "deep/a.yml")
        write(folder / "b.yml")
        asked = folder / "deep" if what == "the folder above" else folder
        {"a file": file, "a directory": file.parent}.get(what, folder).chmod(0o000)
        if os.geteuid() == 0:
            os.seteuid(65534)
        with pytest.raises(SourceRefused) as caught:
            await source(asked).checkout()
        assert caught.value.code is Code.UNREADABLE


def test_nobody_waits_for_a_stopped_walk(tmp_path: Path) -> None:
    write(tmp_path / "a.yml")
    stop = threading.Event()
    stop.set()
    with pytest.raises(walk.Stopped):
        walk.listed(tmp_path, None, stop)

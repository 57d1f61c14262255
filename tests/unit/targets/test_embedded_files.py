"""The file of an embedded target: made with care, and never harmed."""

import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stateward.errors import Code, ConfigError, StatewardError, TargetRefused, TargetUnavailable
from stateward.model.mutation import Create
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget, database, session
from targets import World, new_id

_NOBODY = 65534


def target(path: Path) -> EmbeddedTarget:
    return EmbeddedTarget(f"sqlite:///{path}")


def tag(name: str, size: int = 0) -> Create:
    attributes = {"name": name, "description": "x" * size}
    return Create(id=new_id(), kind="BuiltinTag", attributes=attributes)


async def written(path: Path, *names: str) -> Path:
    async with target(path).session(None, write=True) as opened:
        await World(opened).do(*(tag(name) for name in names or ("blue",)))
    return path


async def tags(path: Path) -> int:
    async with target(path).session(None, write=False) as opened:
        return len((await opened.observe(Query(kinds=["BuiltinTag"]))).objects)


def listing(directory: Path) -> dict[str, str]:
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize("url", ["target.db", "sqlite://", "sqlite:///", "postgresql://host/db"])
def test_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        EmbeddedTarget(url)


def test_name_is_the_url() -> None:
    assert EmbeddedTarget("sqlite:///a/b.db").name == "sqlite:///a/b.db"


async def test_file_and_directory_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "repository" / ".stateward" / "target.db"
    async with target(path).session(None, write=True) as opened:
        await World(opened).do(tag("blue"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    names = ("target.db", "target.db-wal", "target.db-shm", "target.db.lock")
    assert modes == dict.fromkeys(names, 0o600)
    assert {file.name for file in path.parent.iterdir()} == {"target.db", "target.db.lock"}


async def test_names_that_a_url_would_trip_over(tmp_path: Path) -> None:
    path = tmp_path / "50% #1?mode=memory" / "a b.db"
    assert await tags(await written(path)) == 1
    assert path.is_file()


async def test_file_has_one_lease_by_whatever_name(tmp_path: Path) -> None:
    path = await written(tmp_path / "target.db")
    other = tmp_path / "other.db"
    other.symlink_to(path)
    async with target(path).session(None, write=True):
        with pytest.raises(TargetUnavailable):
            async with target(other).session(None, write=True):
                pytest.fail("two sessions hold the lease")


async def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert await tags(tmp_path / "missing" / "target.db") == 0
    assert not (tmp_path / "missing").exists()


async def test_reading_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    path = await written(tmp_path / "target.db")
    before = listing(tmp_path)
    assert await tags(path) == 1
    assert listing(tmp_path) == before


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE addresses (name TEXT)")
    connection.close()


def later_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    ("harm", "code"),
    [
        pytest.param(
            lambda path: path.unlink() or other_program(path),
            Code.TARGET_FOREIGN,
            id="other-program",
        ),
        pytest.param(later_version, Code.TARGET_FOREIGN, id="later-version"),
        pytest.param(lambda path: path.write_bytes(b""), Code.TARGET_CORRUPT, id="empty"),
        pytest.param(
            lambda path: path.write_text("name: blue\n" * 99), Code.TARGET_CORRUPT, id="text"
        ),
        pytest.param(half, Code.TARGET_CORRUPT, id="cut-off"),
        pytest.param(lambda path: os.truncate(path, 50), Code.TARGET_CORRUPT, id="cut-off-header"),
        pytest.param(overwritten, Code.TARGET_CORRUPT, id="overwritten"),
    ],
)
async def test_file_that_is_not_a_sound_one_of_ours_is_refused_and_left_alone(
    tmp_path: Path, harm: object, code: Code, *, write: bool
) -> None:
    path = await written(tmp_path / "target.db")
    assert callable(harm)
    harm(path)
    before = listing(tmp_path)
    with pytest.raises(TargetRefused) as refusal:
        async with target(path).session(None, write=write) as opened:
            await opened.groups("")
    assert refusal.value.code == code
    assert str(path) in str(refusal.value)
    assert listing(tmp_path) == before


async def test_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    for write in (False, True):
        with pytest.raises(TargetRefused):
            async with target(tmp_path).session(None, write=write):
                pytest.fail("a directory was opened")


@contextmanager
def as_nobody(*paths: Path) -> Iterator[Path]:
    """Give a directory that everybody may enter, and be somebody who is bound by its modes."""
    directory = Path(tempfile.mkdtemp(prefix="stateward-test-"))
    directory.chmod(0o755)
    for path in paths:
        shutil.copy(path, directory)
    for file in directory.iterdir():
        file.chmod(0o444)
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(_NOBODY)
    else:
        directory.chmod(0o555)
    try:
        yield directory
    finally:
        if privileged:
            os.seteuid(0)
        directory.chmod(0o755)
        shutil.rmtree(directory)


async def test_read_only_place_is_read_and_not_written_to(tmp_path: Path) -> None:
    path = await written(tmp_path / "target.db")
    with as_nobody(path) as directory:
        before = listing(directory)
        assert await tags(directory / "target.db") == 1
        assert await tags(directory / "missing.db") == 0
        for name in ("target.db", "missing.db"):
            with pytest.raises(TargetRefused) as refusal:
                async with target(directory / name).session(None, write=True):
                    pytest.fail("a read-only place was opened to write")
            assert refusal.value.code == Code.TARGET_READ_ONLY
        assert listing(directory) == before


async def test_read_only_copy_of_what_a_crash_left_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "target.db"
    async with target(path).session(None, write=True) as opened:
        await World(opened).do(tag("blue"), tag("red"))
        log = path.with_name("target.db-wal")
        assert log.stat().st_size
        with as_nobody(path, log) as directory:
            before = listing(directory)
            assert await tags(directory / "target.db") == 2
            assert listing(directory) == before


async def test_read_only_file_is_not_written_to(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    path = await written(tmp_path / "target.db")
    path.chmod(0o400)
    assert await tags(path) == 1
    with pytest.raises(TargetRefused) as refusal:
        await written(path, "red")
    assert refusal.value.code == Code.TARGET_READ_ONLY


async def test_other_program_that_writes_is_waited_for_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    path = await written(tmp_path / "target.db")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        async with target(path).session(None, write=True) as opened:
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(TargetUnavailable) as refusal:
                await opened.apply([tag("red")])
            assert refusal.value.code == Code.TARGET_BUSY
            connection.execute("ROLLBACK")
            await World(opened).do(tag("red"))
    finally:
        connection.close()


async def test_full_database_loses_nothing_and_leaves_nothing_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "target.db"
    async with target(path).session(None, write=True) as opened:
        assert isinstance(opened, session.EmbeddedSession)
        world = World(opened)
        await world.do(tag("first", 100))
        store = opened._store

        def cap(pages: int) -> None:
            store._file().execute(f"PRAGMA max_page_count = {pages}")

        await opened._run(lambda: cap(1))  # no smaller than it is
        with pytest.raises(TargetUnavailable) as refusal:
            await opened.apply([tag(f"second-{n}", 900) for n in range(500)])
        assert refusal.value.code == Code.TARGET_FULL
        await opened._run(lambda: cap(2**30))
        assert len((await opened.observe(Query(kinds=["BuiltinTag"]))).objects) == 1
        await world.do(tag("second", 900))
    assert await tags(path) == 2


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Give a file system of one megabyte, where we may mount one."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


async def fill(path: Path) -> None:
    """Write batches of a hundred tags until no more fits."""
    async with target(path).session(None, write=True) as opened:
        for _ in range(100):
            await World(opened).do(*(tag(new_id(), 900) for _ in range(100)))


async def test_full_disk_loses_nothing_and_leaves_nothing_by_halves(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = await written(disk / "target.db")
        for _ in range(2):
            with pytest.raises(TargetUnavailable) as refusal:
                await fill(path)
            assert refusal.value.code == Code.TARGET_FULL
        assert await tags(path) % 100 == 1


async def test_disk_that_is_full_from_the_start_leaves_no_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "filler").write_bytes(b"x" * (1024 * 1024 - 32 * 1024))
        with pytest.raises(StatewardError) as refusal:
            await written(disk / "target.db")
        assert refusal.value.code == Code.TARGET_FULL
        assert not (disk / "target.db").exists()
        (disk / "filler").unlink()
        assert await tags(await written(disk / "target.db")) == 1

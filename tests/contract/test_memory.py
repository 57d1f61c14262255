"""What a memory gives back is what was kept, or nothing."""

import stat
from pathlib import Path

import pytest

from stateward.stores.memory import FileMemory


@pytest.fixture
def memory(tmp_path: Path) -> FileMemory:
    return FileMemory(tmp_path / "memory")


async def test_gives_back_what_was_kept_last(memory: FileMemory) -> None:
    assert await memory.recall("a") is None
    await memory.keep("a", b"one")
    await memory.keep("a", b"two")
    await memory.keep("http://x/?branch=b c", b"\x00")
    assert await memory.recall("a") == b"two"
    assert await memory.recall("http://x/?branch=b c") == b"\x00"


async def test_is_for_its_owner_alone(memory: FileMemory, tmp_path: Path) -> None:
    await memory.keep("a", b"one")
    (file,) = (tmp_path / "memory").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_place_that_cannot_be_written_to_forgets(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    memory = FileMemory(tmp_path / "memory")
    await memory.keep("a", b"one")
    assert await memory.recall("a") is None


async def test_does_not_grow_for_ever(memory: FileMemory, tmp_path: Path) -> None:
    for number in range(60):
        await memory.keep(str(number), b"x")
    assert len(list((tmp_path / "memory").iterdir())) == 50
    assert await memory.recall("59") == b"x"

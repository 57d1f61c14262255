"""A writer that is killed at any moment loses nothing it was told is done, and no half is left."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from stateward.errors import Code, TargetUnavailable
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget
from targets import schema

_WRITER = Path(__file__).with_name("embedded_writer.py")
_TESTS = Path(__file__).parents[2]


class Writer:
    """The process, and what it said so far."""

    def __init__(self, path: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{_TESTS}:{_TESTS.parent / 'src'}"}
        self.process = subprocess.Popen(
            [sys.executable, str(_WRITER), str(path)],
            stdout=subprocess.PIPE,
            bufsize=0,
            env=environment,
        )

    def hear(self) -> str:
        assert self.process.stdout
        letter = self.process.stdout.read(1).decode()
        assert letter, "the writer ended by itself"
        return letter

    def wait_for(self, letter: str, times: int = 1) -> None:
        for _ in range(times):
            while self.hear() != letter:
                pass

    def kill(self) -> str:
        """Kill it, and return what it had said beyond what was heard."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.stdout
        rest = self.process.stdout.read().decode()
        self.process.stdout.close()
        assert self.process.wait() == -signal.SIGKILL
        return rest


async def check(path: Path) -> int:
    """Check that everything is whole, and return how many batches are there."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    async with EmbeddedTarget(f"sqlite:///{path}").session(schema(), write=False) as session:
        group = "stateward/i/s/unit"
        fields = frozenset({"name", "comment", "uplink", "interfaces", "member_of_groups"})
        kinds = ("SuiteDevice", "SuiteInterface", "SuiteSite")
        found = await session.observe(
            Query(groups=[group], kinds=kinds, fields=dict.fromkeys(kinds, fields))
        )
        if not found.groups:
            assert not found.objects
            return 0
        assert found.groups[group].members == found.objects.keys()
        devices = [own for own in found.objects.values() if own.key.kind == "SuiteDevice"]
        for device in devices:
            uplink = device.relations["uplink"]
            assert isinstance(uplink, str)
            assert device.relations["interfaces"] == {uplink}
            assert found.objects[uplink].key.hfid == (*device.key.hfid, "eth0")
        turns: dict[str, int] = {}
        for device in devices:
            turn = str(device.attributes["comment"]).rpartition("-")[0]
            turns[turn] = turns.get(turn, 0) + 1
        # Of a batch there are all five, or those three that the next one left.
        assert set(turns.values()) <= {3, 5}
        return len(turns)


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([("m", 1), ("m", 2), ("m", 3)], id="creating"),
        pytest.param([("m", 16), ("m", 18), ("m", 20)], id="deleting-and-updating"),
        pytest.param([("c", 1), ("c", 2), ("a", 1)], id="committing"),
    ],
)
async def test_killed_while_writing(tmp_path: Path, moments: list[tuple[str, int]]) -> None:
    """Each process goes on where the last one was killed."""
    path = tmp_path / "target.db"
    batches = 0
    for letter, times in moments:
        writer = Writer(path)
        writer.wait_for("a", 3)
        writer.wait_for(letter, times)
        writer.kill()
        found = await check(path)
        assert found >= batches + 2
        batches = found


@pytest.mark.parametrize("letter", ["o", "l"])
async def test_killed_while_opening(tmp_path: Path, letter: str) -> None:
    for number in range(2):
        path = tmp_path / f"{number}.db"
        writer = Writer(path)
        writer.wait_for(letter)
        writer.kill()
        if path.exists():
            await check(path)
        writer = Writer(path)
        writer.wait_for("a", 2)
        writer.kill()
        assert await check(path) >= 1


async def test_acknowledged_batches_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "target.db"
    writer = Writer(path)
    writer.wait_for("a")
    writer.wait_for("a", 20)
    acknowledged = 20 + writer.kill().count("a")
    assert acknowledged <= await check(path) <= acknowledged + 1


async def test_second_writer_is_told_who_is_the_first_and_not_kept_out_by_a_dead_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "target.db"
    target = EmbeddedTarget(f"sqlite:///{path}")
    writer = Writer(path)
    writer.wait_for("a")
    with pytest.raises(TargetUnavailable) as refusal:
        async with target.session(schema(), write=True):
            pytest.fail("two processes hold the lease")
    assert refusal.value.code == Code.TARGET_BUSY
    assert f"process {writer.process.pid}" in str(refusal.value)
    async with target.session(schema(), write=False) as session:
        assert await session.groups("stateward/")
    writer.kill()
    async with target.session(schema(), write=True):
        pass

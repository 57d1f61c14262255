"""The lease beside a state database: what dies with its holder, and what does not."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stateward.errors import LeaseUnavailable
from stateward.model.tenure import Tenure
from stateward.stores.lease_file import FileLease

HOLDER = """
import asyncio, sys, time
from pathlib import Path
from stateward.model.tenure import Tenure
from stateward.stores.lease_file import FileLease
lease = FileLease(Path(sys.argv[1]), "target", "other")
asyncio.run(lease.replace(None, Tenure(holder="other", term=4, patience=10)))
print("held", flush=True)
time.sleep(60)
"""


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def put(link: Path, text: str) -> None:
    link.unlink()
    link.symlink_to(text)


@contextmanager
def other(directory: Path) -> Iterator[int]:
    """Have another process hold the lease; returns its number."""
    command = [sys.executable, "-c", HOLDER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process.pid
        finally:
            process.kill()


def tenure(holder: str) -> Tenure:
    return Tenure(holder=holder, term=1, patience=10)


async def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert await FileLease(tmp_path / "leases", "target", "a").read() is None
    assert entries(tmp_path) == []


async def test_leases_of_other_targets_are_others(tmp_path: Path) -> None:
    one, other = FileLease(tmp_path, "one", "a"), FileLease(tmp_path, "other", "a")
    assert await one.replace(None, tenure("a")) is not None
    assert await other.read() is None
    await one.close()


async def test_one_link_stays_and_the_end_leaves_nothing_else(tmp_path: Path) -> None:
    lease = FileLease(tmp_path, "target", "a")
    known = None
    for _ in range(10):
        known = await lease.replace(known, tenure("a"))
    assert len(entries(tmp_path)) == 2
    await lease.close()
    (left,) = entries(tmp_path)
    assert left.is_symlink()


async def test_who_was_killed_leads_no_more_and_who_is_stopped_does(tmp_path: Path) -> None:
    lease = FileLease(tmp_path, "target", "a")
    with other(tmp_path) as process:
        os.kill(process, signal.SIGSTOP)
        found = await lease.read()
        assert found is not None
        assert found.holder == "other"
    left = await lease.read()
    assert left is not None
    assert (left.holder, left.term) == ("", 4)
    assert await lease.replace(left, tenure("a")) is not None
    await lease.close()


async def test_who_comes_from_another_machine_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stateward.stores.lease_file._machine", lambda: "another")
    far = FileLease(tmp_path, "target", "far")
    await far.replace(None, tenure("far"))
    await far.close()  # its lock is free, as one is that the network does not share
    monkeypatch.undo()
    found = await FileLease(tmp_path, "target", "a").read()
    assert found is not None
    assert found.holder == "far"


async def test_what_cannot_be_understood_is_nobodys(tmp_path: Path) -> None:
    lease = FileLease(tmp_path, "target", "a")
    await lease.replace(None, tenure("a"))
    await lease.close()
    (link,) = entries(tmp_path)
    put(link, "nonsense")
    found = await lease.read()
    assert found is not None
    assert (found.holder, found.term) == ("", 0)
    assert await lease.replace(found, tenure("a")) is not None
    await lease.close()


async def test_a_disk_that_does_not_work_is_told(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("no directory")
    lease = FileLease(tmp_path / "leases", "target", "a")
    with pytest.raises(LeaseUnavailable, match=r"SW5005 lease: .*leases: "):
        await lease.replace(None, tenure("a"))

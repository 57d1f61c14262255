"""The library for scripts that do not await: all of it, from anywhere, and no second one."""

import asyncio
import inspect
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import stateward
from stateward import sync
from stateward.tracking import library
from targets import SCHEMA


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sync.Client]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.yml").write_text(SCHEMA)
    with sync.connect("sqlite:///demo.db", schema="schema.yml") as found:
        yield found


def _names(client: sync.Client) -> list[str]:
    return [own.hfid[0] for own in client.all("SuiteSite")]


@pytest.mark.parametrize(
    ("face", "whole"),
    [
        (sync.Client, stateward.Client),
        (sync.TrackingSession, stateward.TrackingSession),
        (sync.Batch, library.Batch),
    ],
)
def test_everything_has_its_face(face: type, whole: type) -> None:
    def public(of: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(of) if not name.startswith("_")}

    assert public(face) == public(whole)


def test_a_script_runs_twice_and_writes_once(client: sync.Client) -> None:
    for written in (4, 0):
        with client.start_tracking("site", delete_unused_nodes=True) as session:
            site = session.upsert("SuiteSite", {"name": "ams"})
            batch = session.batch()
            batch.upsert("SuiteDevice", {"name": "leaf", "site": site})
            batch.create("SuiteDevice", {"name": "spine", "site": "ams"})
            assert len(batch.execute()) == 2
            assert session.get("SuiteDevice", name__value="leaf")["site"] == site.id
        assert session.report.writes == written
    assert session.group == "site"
    assert session.members.keys() == session.previous_members
    assert session.unused_members == frozenset()


def test_it_is_started_and_ended_by_hand(client: sync.Client) -> None:
    session = client.start_tracking("site", delete_unused_nodes=True)
    assert session.start() is session
    session.upsert("SuiteSite", {"name": "ams"})
    assert str(session.end()) == "1 created"
    assert _names(client) == ["ams"]


def test_an_error_of_the_script_is_the_scripts(client: sync.Client) -> None:
    session = client.start_tracking("site", delete_unused_nodes=True)

    def script() -> float:
        with session:
            session.upsert("SuiteSite", {"name": "ams"})
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        script()
    assert session.report.withheld == "the script ended by ZeroDivisionError"


async def test_it_works_beside_a_loop_that_runs(client: sync.Client) -> None:
    assert asyncio.get_running_loop().is_running()
    with client.start_tracking("site") as session:
        session.upsert("SuiteSite", {"name": "ams"})
    assert _names(client) == ["ams"]


def test_threads_share_a_client(client: sync.Client) -> None:
    meeting = threading.Barrier(3, timeout=30)

    def script(name: str) -> None:
        with client.start_tracking(name, delete_unused_nodes=True) as session:
            meeting.wait()
            session.upsert("SuiteSite", {"name": name})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(script, ["ams", "fra", "lon"]))
    assert _names(client) == ["ams", "fra", "lon"]


def test_an_interrupt_ends_what_is_under_way(client: sync.Client) -> None:
    ended: list[str] = []

    async def for_ever() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    session = client.start_tracking("site")

    def script() -> None:
        with session:
            session.upsert("SuiteSite", {"name": "ams"})
            session._loop.run(for_ever())

    with pytest.raises(KeyboardInterrupt):
        script()
    assert ended == ["ended"]
    assert session.report.withheld == "the script ended by KeyboardInterrupt"
    assert _names(client) == ["ams"]


def test_a_client_that_is_closed_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    state = f"sqlite:///{tmp_path}/state.db"
    client = sync.connect(f"sqlite:///{tmp_path}/demo.db", state=state)
    client.open()
    client.close()
    assert threading.active_count() == before

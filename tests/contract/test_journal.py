"""What every journal keeps to: what it was given is on disk, and it may be lost at any time."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repositories import snapshot
from stateward.errors import Code, StateUnavailable
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action
from stateward.model.run import Entry, EntryState
from stateward.stores import sqlite
from stateward.stores.sqlite import SqliteJournal

_NOBODY = 65534
_WRITER = Path(__file__).with_name("journal_writer.py")
_TESTS = Path(__file__).parents[1]

Row = tuple[str, int, str, str, str, tuple[str, ...], str | None, str]


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@dataclass(frozen=True)
class SqliteStore:
    """A place for a journal, and what stands there as somebody else reads it."""

    path: Path
    name: str = "sqlite"

    @asynccontextmanager
    async def journal(self) -> AsyncIterator[SqliteJournal]:
        opened = SqliteJournal(self.path)
        try:
            yield opened
        finally:
            await opened.close()

    def entries(self) -> list[Row]:
        query = (
            "SELECT run, number, state, action, kind, hfid, node, detail FROM entry ORDER BY rowid"
        )
        return [(*row[:5], tuple(json.loads(row[5])), *row[6:]) for row in _rows(self.path, query)]

    def ends(self) -> dict[str, tuple[str | None, str | None]]:
        return {
            run: (outcome, error)
            for run, outcome, error in _rows(self.path, "SELECT id, outcome, error FROM run")
        }

    def remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


Store = SqliteStore


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    assert request.param == "sqlite"
    return SqliteStore(tmp_path / "some/where/state.db")


def entry(index: int = 0, state: EntryState = EntryState.STARTED, **given: Any) -> Entry:
    known: dict[str, Any] = {
        "run": "run",
        "action": Action.CREATE,
        "key": ObjectKey("NetDevice", ("leaf1",)),
    }
    return Entry(index=index, state=state, **{**known, **given})


async def begin(journal: SqliteJournal, run: str = "run", target: str = "target") -> None:
    await journal.begin(run, unit="unit", revision="r1", target=target, detail="plan abc")


class TestEntries:
    async def test_are_kept_as_they_were_given(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record(
                [
                    entry(0),
                    entry(1, action=Action.DELETE, key=ObjectKey("NetPort", ("a", "b")), node="n1"),
                ]
            )
            await journal.record([entry(0, EntryState.FAILED, detail="because")])
            assert store.entries() == [
                ("run", 0, "started", "create", "NetDevice", ("leaf1",), None, ""),
                ("run", 1, "started", "delete", "NetPort", ("a", "b"), "n1", ""),
                ("run", 0, "failed", "create", "NetDevice", ("leaf1",), None, "because"),
            ]

    @pytest.mark.parametrize(
        "name", ["ü/\u2028\x00", "'); DROP TABLE entry; --", "\x1b[2J", "", "x" * 100_000]
    )
    async def test_take_any_name(self, store: Store, name: str) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(key=ObjectKey("Kind", (name, "b")), detail=name)])
        assert [(row[5], row[7]) for row in store.entries()] == [((name, "b"), name)]

    async def test_of_one_call_are_written_all_or_none(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            with pytest.raises(StateUnavailable):
                await journal.record([entry(0), entry(1, run=None)])
            assert store.entries() == []

    async def test_none_at_all_are_no_mistake(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.record([])
        assert store.entries() == []

    async def test_recorded_twice_stand_there_once(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(detail="first")])
            await journal.record([entry(detail="again")])
        assert [row[7] for row in store.entries()] == ["again"]

    async def test_of_several_batches_under_way_at_once_are_all_kept(self, store: Store) -> None:
        """So many that what one batch leaves behind would meet the next one in another thread."""
        batches, size = range(600), 20

        async def some(numbers: Sequence[int]) -> None:
            for number in numbers:
                await journal.record([entry(number * size + each) for each in range(size)])

        async with store.journal() as journal:
            await begin(journal)
            await asyncio.gather(*(some(batches[start::4]) for start in range(4)))
        assert {row[1] for row in store.entries()} == set(range(len(batches) * size))

    async def test_are_read_by_others_before_record_returns_to_us(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            for number in range(3):
                await journal.record([entry(number)])
                assert len(store.entries()) == number + 1

    @pytest.mark.parametrize("after", [0, 1, 25])
    def test_outlive_a_process_that_is_killed(self, store: Store, after: int) -> None:
        process = subprocess.Popen(
            [sys.executable, str(_WRITER), store.name, str(store.path)],
            env={**os.environ, "PYTHONPATH": f"{_TESTS.parent / 'src'}"},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        while int(process.stdout.readline()) < after:
            pass
        process.send_signal(signal.SIGKILL)
        last = after + len(process.stdout.read().split())
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        numbers = [row[1] for row in store.entries()]
        assert numbers in (list(range(last + 1)), list(range(last + 2)))
        assert asyncio.run(_unfinished(store)) == ["run"]


async def _unfinished(store: Store, target: str = "target") -> list[str]:
    async with store.journal() as journal:
        return list(await journal.unfinished(target))


class TestRuns:
    async def test_are_unfinished_until_they_are_finished(self, store: Store) -> None:
        async with store.journal() as journal:
            assert await journal.unfinished("target") == []
            await begin(journal)
            assert await journal.unfinished("target") == ["run"]
            await journal.finish("run", "applied")
            assert await journal.unfinished("target") == []

    async def test_come_oldest_first(self, store: Store) -> None:
        async with store.journal() as journal:
            for run in ("c", "a", "b"):
                await begin(journal, run)
                await asyncio.sleep(0.002)  # times are kept to the millisecond
            assert await journal.unfinished("target") == ["c", "a", "b"]

    async def test_are_those_of_one_target(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal, "here", "sqlite:////a.db")
            await begin(journal, "there", "sqlite:////b.db")
            assert await journal.unfinished("sqlite:////a.db") == ["here"]

    async def test_are_known_to_the_next_process(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
        assert await _unfinished(store) == ["run"]

    @pytest.mark.parametrize(
        ("outcome", "detail", "kept"),
        [("applied", "", ("applied", None)), ("failed", "why", ("failed", "why"))],
        ids=["well", "badly"],
    )
    async def test_end_as_it_is_said(
        self, store: Store, outcome: str, detail: str, kept: tuple[str, str | None]
    ) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.finish("run", outcome, detail)
        assert store.ends() == {"run": kept}

    async def test_that_are_not_known_any_more_can_be_finished(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.finish("lost", "failed", "interrupted")
        assert store.ends() == {}

    async def test_may_be_begun_by_several_at_once(self, store: Store) -> None:
        async def one(run: str) -> None:
            async with store.journal() as journal:
                await begin(journal, run)
                await journal.record([entry(run=run)])

        runs = [f"run{number}" for number in range(6)]
        await asyncio.gather(*(one(run) for run in runs))
        assert sorted(await _unfinished(store)) == runs
        assert sorted(row[0] for row in store.entries()) == runs


class TestNothing:
    async def test_is_made_before_it_is_written_to(self, store: Store) -> None:
        async with store.journal():
            pass
        assert not store.path.parent.exists()

    async def test_is_readable_by_others_on_the_machine(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
        assert store.path.parent.stat().st_mode & 0o077 == 0


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE theirs (a)")
        db.execute("INSERT INTO theirs VALUES (1)")


def _signed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA application_id = 7")


def _newer(path: Path) -> None:
    asyncio.run(_unfinished(SqliteStore(path)))
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {sqlite.VERSION + 1}")
        db.execute("PRAGMA journal_mode = DELETE")


def _torn(path: Path) -> None:
    asyncio.run(_unfinished(SqliteStore(path)))
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


class TestFileThatIsNoJournal:
    @pytest.fixture(
        params=[
            pytest.param(lambda path: path.write_bytes(b"kind: Object\n" * 1000), id="text"),
            pytest.param(lambda path: path.write_bytes(b"SQLite format 3\0"), id="cut-short"),
            pytest.param(_torn, id="torn"),
            pytest.param(_foreign, id="of-another-program"),
            pytest.param(_signed, id="signed-by-another-program"),
            pytest.param(_newer, id="of-a-newer-version"),
        ]
    )
    def bad(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        path = tmp_path / "state.db"
        make: Callable[[Path], object] = request.param
        make(path)
        return path

    @pytest.mark.parametrize("asks", ["unfinished", "begin", "record", "finish"])
    async def test_is_refused_by_name(self, bad: Path, asks: str) -> None:
        async with SqliteStore(bad).journal() as journal:
            calls: dict[str, Callable[[], Any]] = {
                "unfinished": lambda: journal.unfinished("target"),
                "begin": lambda: begin(journal),
                "record": lambda: journal.record([entry()]),
                "finish": lambda: journal.finish("run", "applied"),
            }
            with pytest.raises(StateUnavailable) as refusal:
                await calls[asks]()
        assert refusal.value.code is Code.STATE
        assert str(bad) in str(refusal.value)

    async def test_is_left_as_it_is(self, bad: Path) -> None:
        before = snapshot(bad.parent)
        async with SqliteStore(bad).journal() as journal:
            with pytest.raises(StateUnavailable):
                await begin(journal)
        assert snapshot(bad.parent) == before

    async def test_can_be_removed_and_made_anew(self, bad: Path) -> None:
        async with SqliteStore(bad).journal() as journal:
            with pytest.raises(StateUnavailable):
                await begin(journal)
        SqliteStore(bad).remove()
        async with SqliteStore(bad).journal() as journal:
            await begin(journal)
        assert await _unfinished(SqliteStore(bad)) == ["run"]


class TestPlaceThatCannotBeWritten:
    async def test_directory_where_the_file_should_be(self, store: Store) -> None:
        store.path.mkdir(parents=True)
        await _is_unavailable(store)

    async def test_file_where_the_directory_should_be(self, store: Store) -> None:
        store.path.parent.parent.mkdir()
        store.path.parent.write_text("")
        await _is_unavailable(store)

    async def test_directory_that_is_read_only(self) -> None:
        with _as_nobody() as directory:
            await _is_unavailable(SqliteStore(directory / "state.db"))

    async def test_file_that_is_read_only(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
        with _as_nobody(store.path) as directory:
            await _is_unavailable(SqliteStore(directory / store.path.name))


async def _is_unavailable(store: Store) -> None:
    async with store.journal() as journal:
        with pytest.raises(StateUnavailable) as refusal:
            await begin(journal)
    assert refusal.value.code is Code.STATE
    assert str(store.path) in str(refusal.value)


@contextmanager
def _as_nobody(*paths: Path) -> Iterator[Path]:
    """Give a directory that nobody may write to, and be somebody who is bound by its modes."""
    directory = Path(tempfile.mkdtemp(prefix="stateward-test-"))
    for path in paths:
        Path(shutil.copy(path, directory)).chmod(0o444)
    privileged = os.geteuid() == 0
    directory.chmod(0o755 if privileged else 0o555)
    if privileged:
        os.seteuid(_NOBODY)
    try:
        yield directory
    finally:
        if privileged:
            os.seteuid(0)
        directory.chmod(0o755)
        shutil.rmtree(directory)


class TestLoss:
    async def test_between_two_processes_costs_history_only(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
        store.remove()
        assert await _unfinished(store) == []
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry()])
        assert len(store.entries()) == 1

    async def test_under_an_open_journal_does_not_stop_it(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            store.remove()
            await journal.record([entry()])
            await journal.finish("run", "applied")
            assert await journal.unfinished("target") == []
        assert await _unfinished(store) == []

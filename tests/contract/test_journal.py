"""What every journal keeps to: what it was given is on disk, and it may be lost at any time."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from states import SqliteStore, Store

from repositories import snapshot
from stateward.errors import Code, ConfigError, StateUnavailable
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Action, Default, FieldChange, Secret, Undone
from stateward.model.record import Cause, Opening, Record, RunKind
from stateward.model.run import Entry, EntryState
from stateward.model.state import FromPool
from stateward.stores import tables
from stateward.stores.journal import KeptJournal

_NOBODY = 65534
_WRITER = Path(__file__).with_name("journal_writer.py")
_TESTS = Path(__file__).parents[1]


def entry(index: int = 0, state: EntryState = EntryState.STARTED, **given: Any) -> Entry:
    known: dict[str, Any] = {
        "run": "run",
        "action": Action.CREATE,
        "key": ObjectKey("NetDevice", ("leaf1",)),
    }
    return Entry(index=index, state=state, **{**known, **given})


def opening(run: str = "run", target: str = "target", **given: Any) -> Opening:
    known: dict[str, Any] = {
        "kind": RunKind.ROUND,
        "subject": "unit",
        "cause": Cause(trigger="manual", actor="ada"),
    }
    return Opening(run=run, target=target, **{**known, **given})


async def begin(journal: KeptJournal, run: str = "run", target: str = "target") -> None:
    await journal.begin([opening(run, target)])


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
        assert store.links() == []

    async def test_recorded_twice_count_as_last_told(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(detail="first")])
            await journal.record([entry(detail="again")])
            (change,) = (await journal.run("run")).changes
        assert change.detail == "again"

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
            [sys.executable, str(_WRITER), store.name, store.place],
            env={**os.environ, "PYTHONPATH": f"{_TESTS.parent / 'src'}:{_TESTS}"},
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


RED = ObjectKey("BuiltinTag", ("red",))
VALUES = (
    None,
    True,
    7,
    "text",
    ["a", 1],
    {"secret": True, "deep": [{"key": ["A", "b"]}]},
    RED,
    NodeId("n1"),
    frozenset({RED, NodeId("n2")}),
    frozenset(),
    FromPool(pool=RED, identifier="x"),
    Default(frozenset({RED})),
    Default(None),
)


class TestReading:
    async def test_gives_back_all_that_was_said(self, store: Store) -> None:
        said = opening(
            kind=RunKind.SESSION,
            subject="site-ams",
            params={"tenant": "acme"},
            target="https://infrahub.example?branch=feature/x",
            cause=Cause(trigger="script", actor="ada"),
            group="group",
            revision="r1",
            caller="deploy:12",
            plan="abc",
            before="Kept equal",
            undoes=("other",),
            detail="--allow-deletes 3",
        )
        async with store.journal() as journal:
            await journal.begin([said])
            await journal.finish("run", "failed", "because")
            found = await journal.run("run")
        assert found.opening == said
        assert found.opening.branch == "feature/x"
        assert (found.outcome, found.error) == ("failed", "because")
        assert found.started <= found.finished

    async def test_gives_back_a_change_with_every_field(self, store: Store) -> None:
        fields = tuple(FieldChange(f"f{at}", None, own) for at, own in enumerate(VALUES))
        given = {
            "giver": "b",
            "adopted": True,
            "along": 3,
            "undoes": (Undone("first", 4), Undone("first", 5)),
        }
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(fields=fields, **given)])
            await journal.record([entry(0, EntryState.FAILED, node="n1", detail="no")])
            (change,) = (await journal.run("run")).changes
        assert change.fields == fields
        assert (change.giver, change.adopted, change.along) == ("b", True, 3)
        assert change.undoes == given["undoes"]
        assert (change.state, change.node, change.detail) == (EntryState.FAILED, "n1", "no")
        assert change.started <= change.ended

    async def test_of_a_change_of_which_nobody_told_the_end_says_started(
        self, store: Store
    ) -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(0), entry(1, EntryState.SKIPPED)])
            changes = (await journal.run("run")).changes
        assert [(own.state.value, bool(own.ended)) for own in changes] == [
            ("started", False),
            ("skipped", True),
        ]

    async def test_gives_the_newest_runs_first(self, store: Store) -> None:
        async with store.journal() as journal:
            for run, unit in (("1", "a"), ("2", "b"), ("3", "a")):
                await journal.begin([opening(run, subject=unit)])
            assert ids(await journal.runs()) == ["3", "2", "1"]
            assert ids(await journal.runs(limit=2)) == ["3", "2"]
            assert ids(await journal.runs("a")) == ["3", "1"]
            moment = (await journal.run("2")).started
            assert ids(await journal.runs("b", since=moment)) == ["2"]
            assert ids(await journal.runs(since="9999")) == []

    async def test_takes_the_beginning_of_an_id(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.begin([opening("abc"), opening("abd"), opening("a%")])
            assert (await journal.run("abc")).id == "abc"
            assert (await journal.run("a%")).id == "a%"
            for wrong, why in (("ab", "several"), ("x", "no such"), ("", "several"), ("_b", "no")):
                with pytest.raises(ConfigError, match=why) as refusal:
                    await journal.run(wrong)
                assert refusal.value.code is Code.NO_SUCH_RUN

    async def test_of_what_is_not_there_makes_nothing(self, store: Store) -> None:
        async with store.journal() as journal:
            assert await journal.runs() == []
            assert (await journal.verify()).broken is None
            with pytest.raises(ConfigError):
                await journal.run("a")
        assert not store.exists()

    async def test_tells_what_was_taken_back_and_what_of_that_was_again(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal, "first")
            for index in (0, 1):
                await journal.record([entry(index, run="first")])
                await journal.record([entry(index, EntryState.APPLIED, run="first")])
            await journal.begin([opening("back", kind=RunKind.ROLLBACK, undoes=("first",))])
            await journal.record([entry(run="back", undoes=(Undone("first", 1),))])
            assert states(await journal.run("first")) == ["applied", "applied"]
            await journal.record([entry(0, EntryState.APPLIED, run="back")])
            assert states(await journal.run("first")) == ["applied", "undone"]
            await journal.begin([opening("again", kind=RunKind.ROLLBACK, undoes=("back",))])
            await journal.record(
                [entry(0, EntryState.APPLIED, run="again", undoes=(Undone("back", 0),))]
            )
            assert states(await journal.run("first")) == ["applied", "applied"]
            assert states(await journal.run("back")) == ["undone"]
            assert (await journal.run("first")).undone_by == ("back",)

    async def test_tells_what_was_taken_back_together(self, store: Store) -> None:
        runs = ("one", "two", "three")
        async with store.journal() as journal:
            for run in runs:
                await begin(journal, run)
                await journal.record([entry(0, EntryState.APPLIED, run=run)])
            back = opening("back", kind=RunKind.ROLLBACK, undoes=("one", "two"))
            undone = (Undone("one", 0), Undone("two", 0))
            await journal.begin([back])
            await journal.record([entry(0, EntryState.APPLIED, run="back", undoes=undone)])
            found = [await journal.run(run) for run in runs]
            assert [states(own) for own in found] == [["undone"], ["undone"], ["applied"]]
            assert [own.undone_by for own in found] == [("back",), ("back",), ()]
            assert (await journal.run("back")).opening == back

    async def test_reads_what_older_versions_took_back(self, store: Store) -> None:
        async with store.journal() as journal:
            await begin(journal, "first")
            await journal.record([entry(3, EntryState.APPLIED, run="first")])
            await journal.begin([opening("back", kind=RunKind.ROLLBACK, undoes=("first",))])
            await journal.record(
                [entry(0, EntryState.APPLIED, run="back", undoes=(Undone("first", 3),))]
            )
        store.tamper(
            """UPDATE record SET body = replace(body, '{"first":[3]}', '[3]') WHERE run = 'back'"""
        )
        async with store.journal() as journal:
            assert states(await journal.run("first")) == ["undone"]

    async def test_a_round_of_an_older_version_is_not_one_of_the_same_moment(
        self, store: Store
    ) -> None:
        async with store.journal() as journal:
            await journal.begin([opening("1", round="r1", plan="p")])
            await journal.begin([opening(own, plan="p") for own in "23"])
        store.tamper("UPDATE record SET at = '2026-01-01T00:00:00.000+00:00'")
        async with store.journal() as journal:
            together = [ids(await journal.together(await journal.run(own))) for own in "12"]
        assert together == [["1"], ["2", "3"]]

    async def test_gives_the_runs_of_a_round_and_those_of_a_commit(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.begin(
                [opening(own, round="r1", plan="p", revision="abc1") for own in "12"]
            )
            await journal.begin([opening("3", round="r2", plan="p", revision="abd1")])
            await journal.begin([opening(own, plan="p", revision="abc1") for own in "45"])
            await journal.begin([opening("6")])
            together = [ids(await journal.together(await journal.run(own))) for own in "2356"]
            assert together == [["1", "2"], ["3"], ["4", "5"], ["6"]]
            assert ids(await journal.runs(revision="abc")) == ["5", "4", "2", "1"]
            assert ids(await journal.runs("unit", revision="ab", limit=1)) == ["5"]
            assert ids(await journal.runs(revision="%")) == []


def ids(records: Sequence[Record]) -> list[str]:
    return [own.id for own in records]


def states(record: Record) -> list[str]:
    return [own.state.value for own in record.changes]


async def test_no_value_of_a_secret_is_kept(store: Store) -> None:
    canary = "c4nary-in-the-mine"
    hidden = (Secret(canary), Default(Secret(canary)), frozenset({Secret(canary)}))
    async with store.journal() as journal:
        await begin(journal)
        fields = tuple(FieldChange(f"f{at}", own, own) for at, own in enumerate(hidden))
        await journal.record([entry(fields=fields)])
        (change,) = (await journal.run("run")).changes
    assert change.fields[0] == FieldChange("f0", Secret(None), Secret(None))
    assert canary.encode() not in store.content()


class TestNothing:
    async def test_is_made_before_it_is_written_to(self, store: Store) -> None:
        async with store.journal():
            pass
        assert not store.exists()

    async def test_is_readable_by_others_on_the_machine(self, file: SqliteStore) -> None:
        async with file.journal() as journal:
            await begin(journal)
        assert file.path.parent.stat().st_mode & 0o077 == 0


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE theirs (a)")
        db.execute("INSERT INTO theirs VALUES (1)")


def _signed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA application_id = 7")


def _newer(path: Path) -> None:
    asyncio.run(_unfinished(SqliteStore(path=path)))
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {tables.VERSION + 1}")
        db.execute("PRAGMA journal_mode = DELETE")


def _torn(path: Path) -> None:
    asyncio.run(_unfinished(SqliteStore(path=path)))
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
        async with SqliteStore(path=bad).journal() as journal:
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
        async with SqliteStore(path=bad).journal() as journal:
            with pytest.raises(StateUnavailable):
                await begin(journal)
        assert snapshot(bad.parent) == before

    async def test_can_be_removed_and_made_anew(self, bad: Path) -> None:
        async with SqliteStore(path=bad).journal() as journal:
            with pytest.raises(StateUnavailable):
                await begin(journal)
        SqliteStore(path=bad).remove()
        async with SqliteStore(path=bad).journal() as journal:
            await begin(journal)
        assert await _unfinished(SqliteStore(path=bad)) == ["run"]


class TestPlaceThatCannotBeWritten:
    async def test_directory_where_the_file_should_be(self, file: SqliteStore) -> None:
        file.path.mkdir(parents=True)
        await _is_unavailable(file)

    async def test_file_where_the_directory_should_be(self, file: SqliteStore) -> None:
        file.path.parent.parent.mkdir()
        file.path.parent.write_text("")
        await _is_unavailable(file)

    async def test_directory_that_is_read_only(self) -> None:
        with _as_nobody() as directory:
            await _is_unavailable(SqliteStore(path=directory / "state.db"))

    async def test_file_that_is_read_only(self, file: SqliteStore) -> None:
        async with file.journal() as journal:
            await begin(journal)
        with _as_nobody(file.path) as directory:
            await _is_unavailable(SqliteStore(path=directory / file.path.name))


async def _is_unavailable(file: SqliteStore) -> None:
    async with file.journal() as journal:
        with pytest.raises(StateUnavailable) as refusal:
            await begin(journal)
    assert refusal.value.code is Code.STATE
    assert str(file.path) in str(refusal.value)


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

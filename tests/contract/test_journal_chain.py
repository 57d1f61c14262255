"""What is recorded cannot be changed without a trace, and grows no longer than it is told to."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from states import SqliteStore, Store
from test_journal import begin, entry, ids, opening

from stateward.errors import StateUnavailable
from stateward.model.chain import GENESIS, Break, End, Link, Verdict
from stateward.model.run import EntryState
from stateward.stores import chain
from stateward.stores.journal import KeptJournal


async def fill(journal: KeptJournal, *runs: str) -> None:
    """Record runs of four records each."""
    for run in runs:
        await begin(journal, run)
        await journal.record([entry(run=run)])
        await journal.record([entry(0, EntryState.APPLIED, run=run)])
        await journal.finish(run, "applied")


def verified(store: Store) -> Verdict:
    async def verify() -> Verdict:
        async with store.journal() as journal:
            return await journal.verify()

    return asyncio.run(verify())


class TestChain:
    async def test_holds_where_nobody_touched_it(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a", "b")
            verdict = await journal.verify()
        assert (verdict.links, verdict.broken) == (8, None)
        assert verdict.head == End(8, store.links()[-1][-1])

    async def test_holds_with_several_writers_at_once(self, store: Store) -> None:
        async def one(run: str) -> None:
            async with store.journal() as journal:
                await fill(journal, run)

        await asyncio.gather(*(one(f"run{number}") for number in range(6)))
        async with store.journal() as journal:
            verdict = await journal.verify()
        assert (verdict.links, verdict.broken) == (24, None)

    async def test_is_kept_by_the_file_itself(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a")
        for statement in ("UPDATE record SET body = '{}'", "DELETE FROM record"):
            with pytest.raises(
                Exception, match=r"records are (never changed|dropped by retention)"
            ):
                store.change(statement)

    @pytest.mark.parametrize(
        ("statement", "broken"),
        [
            ("UPDATE record SET body = replace(body, 'ada', 'eve') WHERE number = 5", 5),
            ("UPDATE record SET at = '2001-01-01' WHERE number = 2", 2),
            ("UPDATE record SET run = 'b' WHERE number = 3", 3),
            ("UPDATE record SET hash = 'ab' WHERE number = 4", 4),
            ("DELETE FROM record WHERE number = 6", 6),
            ("DELETE FROM record WHERE number < 4", 1),
            ("DELETE FROM record WHERE number > 6", 7),
            ("DELETE FROM record", 1),
            ("DELETE FROM head", 8),
            ("UPDATE head SET number = 7", 7),
            ("UPDATE record SET number = 0 WHERE number = 1", 1),
            ("INSERT INTO record VALUES (9, 'finish', 'a', '', '{}', 'ab')", 9),
        ],
    )
    async def test_breaks_where_it_was_touched(
        self, store: Store, statement: str, broken: int
    ) -> None:
        async with store.journal() as journal:
            await fill(journal, "a", "b")
        store.tamper(statement)
        async with store.journal() as journal:
            verdict = await journal.verify()
        assert verdict.broken is not None
        assert verdict.broken.number == broken, verdict.broken.reason

    async def test_breaks_at_what_is_no_text(self, file: SqliteStore) -> None:
        async with file.journal() as journal:
            await fill(journal, "a", "b")
        file.tamper("UPDATE record SET body = CAST(x'ff' AS TEXT) WHERE number = 4")
        async with file.journal() as journal:
            broken = (await journal.verify()).broken
        assert broken is not None
        assert broken.number == 4

    async def test_breaks_where_what_was_dropped_is_forged(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a", "b")
        body = '{"hash":"' + store.links()[3][-1] + '","runs":1,"through":4}'
        store.tamper(
            "DELETE FROM record WHERE number <= 4",
            f"INSERT INTO record VALUES (9, 'retention', '', '', '{body}', 'ab')",  # noqa: S608
        )
        async with store.journal() as journal:
            broken = (await journal.verify()).broken
        assert broken is not None
        assert broken.number == 9

    async def test_is_gone_on_with_by_the_next_process(self, store: Store) -> None:
        for run in "ab":
            async with store.journal() as journal:
                await fill(journal, run)
        async with store.journal() as journal:
            assert (await journal.verify()).links == 8

    async def test_that_lost_its_end_is_not_gone_on_with(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a")
        store.tamper("DELETE FROM head")
        async with store.journal() as journal:
            with pytest.raises(StateUnavailable, match="end of the chain"):
                await begin(journal, "b")

    async def test_records_that_cannot_be_read_are_told_by_name(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a")
        store.tamper("UPDATE record SET body = '{}' WHERE number = 1")
        async with store.journal() as journal:
            with pytest.raises(StateUnavailable, match=r"run a: .*audit verify"):
                await journal.runs()


_COLUMNS = ("number", "type", "run", "at", "body", "hash")


@st.composite
def links(draw: st.DrawFn) -> list[Link]:
    """A sound chain, as any journal may have written it."""
    texts = st.text(max_size=4)
    found: list[Link] = []
    for number in range(1, draw(st.integers(2, 6)) + 1):
        own = Link(number, draw(texts), draw(texts), draw(texts), draw(texts))
        before = found[-1].hash if found else GENESIS
        found.append(Link(*_values(own)[:-1], chain.digest(before, own)))
    return found


def _values(link: Link) -> tuple[Any, ...]:
    return tuple(getattr(link, name) for name in _COLUMNS)


def _check(found: list[Link], head: End) -> Break | None:
    return chain.verify(found, head=head, dropped=None).broken


@given(links(), st.data())
def test_any_edit_is_detected(found: list[Link], data: st.DataObject) -> None:
    """Change, drop, add, swap: each of them, anywhere, is told; and nothing else is."""
    head = End(found[-1].number, found[-1].hash)
    assert _check(found, head) is None
    edited = list(found)
    at = data.draw(st.integers(0, len(found) - 1))
    how = data.draw(st.sampled_from(["change", "drop", "add", "swap"]))
    if how == "change":
        values = list(_values(edited[at]))
        column = data.draw(st.integers(0, len(values) - 1))
        other = st.integers(-2, 9) if column == 0 else st.text(max_size=4)
        values[column] = data.draw(other.filter(lambda own: own != values[column]))
        edited[at] = Link(*values)
    elif how == "drop":
        del edited[at : data.draw(st.integers(at + 1, len(edited)))]
    elif how == "add":
        edited.insert(at, data.draw(st.sampled_from(found)))
    else:
        to = data.draw(st.integers(0, len(found) - 1).filter(lambda own: own != at))
        edited[at], edited[to] = edited[to], edited[at]
    broken = _check(edited, head)
    assert broken is not None
    assert broken.number <= len(found) + 1


class TestRetention:
    async def test_keeps_the_newest(self, store: Store) -> None:
        async with replace(store, count=2).journal() as journal:
            await fill(journal, "a", "b", "c", "d")
            assert ids(await journal.runs()) == ["d", "c"]
            assert (await journal.verify()).broken is None
        assert store.links()[0][1:3] == ("begin", "c")

    async def test_drops_what_is_old(self, store: Store) -> None:
        async with store.journal() as journal:
            await fill(journal, "a", "b")
        async with replace(store, age=timedelta(0)).journal() as journal:
            await asyncio.sleep(0.002)  # times are kept to the millisecond
            await journal.finish("b", "applied")
            assert ids(await journal.runs()) == []
            assert (await journal.verify()).broken is None
            await fill(journal, "c")
            assert (await journal.verify()).broken is None

    async def test_keeps_all_unless_it_is_told_otherwise(self, store: Store) -> None:
        async with replace(store, age=timedelta(days=1), count=4).journal() as journal:
            await fill(journal, "a", "b", "c", "d")
        assert len(store.links()) == 16

    async def test_keeps_what_is_under_way(self, store: Store) -> None:
        async with replace(store, count=1).journal() as journal:
            await begin(journal, "long")
            await fill(journal, "a", "b", "c")
            assert ids(await journal.runs()) == ["c", "b", "a", "long"]
            await journal.finish("long", "applied")
            assert ids(await journal.runs()) == ["c", "b", "a", "long"]
            await fill(journal, "d")
            assert ids(await journal.runs()) == ["d"]
            assert (await journal.verify()).broken is None

    async def test_never_drops_a_run_in_part(self, store: Store) -> None:
        async with replace(store, count=1).journal() as journal:
            await begin(journal, "a")
            await begin(journal, "b")
            await journal.finish("a", "applied")
            await journal.finish("b", "applied")
            assert ids(await journal.runs()) == ["b", "a"]
            await fill(journal, "c")
            assert ids(await journal.runs()) == ["c"]

    async def test_is_detected_where_more_is_dropped_than_it_says(self, store: Store) -> None:
        async with replace(store, count=2).journal() as journal:
            await fill(journal, "a", "b", "c", "d")
        store.tamper("DELETE FROM record WHERE run = 'c'")
        async with store.journal() as journal:
            broken = (await journal.verify()).broken
        assert broken is not None
        assert broken.number == 9


_LAYOUT_1 = """
CREATE TABLE run (
    id TEXT PRIMARY KEY, unit TEXT NOT NULL, revision TEXT NOT NULL, target TEXT NOT NULL,
    detail TEXT NOT NULL, started TEXT NOT NULL, finished TEXT, outcome TEXT, error TEXT
);
CREATE INDEX run_unfinished ON run (target) WHERE finished IS NULL;
CREATE TABLE entry (
    run TEXT NOT NULL REFERENCES run, number INTEGER NOT NULL, state TEXT NOT NULL,
    action TEXT NOT NULL, kind TEXT NOT NULL, hfid TEXT NOT NULL, node TEXT,
    detail TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, number, state)
);
INSERT INTO run VALUES ('r2', 'b', 'c2', 'target', 'plan y', '2026-01-02', NULL, NULL, NULL);
INSERT INTO run VALUES ('r1', 'a', 'c1', 'target', 'plan x', '2026-01-01', '2026-01-01', 'failed', 'no');
INSERT INTO entry VALUES ('r1', 0, 'started', 'create', 'NetDevice', '["d1"]', 'n1', '', '2026-01-01');
INSERT INTO entry VALUES ('r1', 0, 'failed', 'create', 'NetDevice', '["d1"]', 'n1', 'no', '2026-01-01');
PRAGMA application_id = 1398229553;
PRAGMA user_version = 1;
"""


class TestOlderLayout:
    @pytest.fixture
    def old(self, tmp_path: Path) -> SqliteStore:
        path = tmp_path / "state.db"
        with closing(sqlite3.connect(path)) as db:
            db.executescript(_LAYOUT_1)
        return SqliteStore(path=path)

    async def test_is_carried_over(self, old: SqliteStore) -> None:
        async with old.journal() as journal:
            assert await journal.unfinished("target") == ["r2"]
            second, first = await journal.runs()
            assert (await journal.verify()).links == 5
        assert (first.id, first.opening.subject, first.opening.revision) == ("r1", "a", "c1")
        assert (first.started, first.finished) == ("2026-01-01", "2026-01-01")
        assert (first.outcome, first.error, first.opening.detail) == ("failed", "no", "plan x")
        (change,) = first.changes
        assert (change.state, change.detail, change.node) == (EntryState.FAILED, "no", "n1")
        assert (second.id, second.outcome) == ("r2", "")

    async def test_is_left_as_it_is_by_who_only_looks(self, old: SqliteStore) -> None:
        before = old.path.read_bytes()
        async with old.journal() as journal:
            finding = await journal.diagnose("target")
        assert "the next run carries it over" in finding.message
        assert old.path.read_bytes() == before


def test_rejects_nothing_that_a_caller_may_give(store: Store) -> None:
    async def write() -> None:
        async with store.journal() as journal:
            names = ("\ud800", "\x00", "'", "ü")
            await journal.begin(
                [opening(f"run{at}", subject=name) for at, name in enumerate(names)]
            )

    asyncio.run(write())
    assert verified(store).links == 4

"""Which runs a commit is taken back by."""

from typing import Any

import pytest

from stateward.errors import Code, ConfigError
from stateward.model.record import Cause, Opening, Record, RunKind
from stateward.model.unit import Stamp, group_name
from stateward.tracking.choosing import of_commit

OLD, BAD, OTHER = "a" * 40, "b" * 40, "c" * 40


def run(run: str, unit: str = "a", *, after: str | None = OLD, **given: Any) -> Record:
    """Return a run at the bad commit, of a unit that another commit had been applied to."""
    known: dict[str, Any] = {
        "kind": RunKind.ROUND,
        "subject": unit,
        "target": "here",
        "cause": Cause(trigger="manual", actor="ada"),
        "revision": BAD,
        "group": group_name("default", given.pop("source", "net"), unit),
        "before": str(Stamp(applied=after, files="f")),
    }
    return Record(opening=Opening(run=run, **{**known, **given}), started="", outcome="applied")


def chosen(*oldest_first: Record, commit: str = "bbb", source: str | None = None) -> list[str]:
    return [own.id for own in of_commit(oldest_first[::-1], commit, "here", source)]


def refused(*oldest_first: Record, source: str | None = None) -> str:
    with pytest.raises(ConfigError) as refusal:
        chosen(*oldest_first, source=source)
    assert refusal.value.code is Code.NO_SUCH_RUN
    return str(refusal.value)


def test_all_rounds_count_that_led_to_it() -> None:
    assert chosen(run("1"), run("2", "b"), run("3"), run("4", "b")) == ["1", "2", "3", "4"]


def test_what_was_put_right_afterwards_is_no_part_of_it() -> None:
    assert chosen(run("1"), run("2", "b"), run("3", after=BAD)) == ["1", "2"]


def test_an_earlier_time_from_another_commit_is_another_story() -> None:
    assert chosen(run("1", after=OTHER), run("2"), run("3")) == ["2", "3"]


def test_runs_on_another_target_and_sessions_do_not_count() -> None:
    session = run("3", group="site-ams", kind=RunKind.SESSION)
    assert chosen(run("1"), run("2", target="there"), session) == ["1"]


def test_what_was_taken_back_counts_still_since_some_of_it_may_be_left() -> None:
    back = run("2", kind=RunKind.ROLLBACK, undoes=("1",))
    assert chosen(run("1"), back, run("3", "b")) == ["1", "3"]


def test_what_was_restored_is_named_by_the_run_that_restored_it() -> None:
    back = run("2", kind=RunKind.ROLLBACK, undoes=("1",))
    again = run("3", kind=RunKind.ROLLBACK, undoes=("2",))
    assert "`stateward rollback 3 --round`" in refused(run("1"), back, again)


def test_a_source_has_to_be_named_where_several_have_it() -> None:
    both = run("1"), run("2", source="dns")
    assert "several sources have it: give --source: dns, net" in refused(*both)
    assert chosen(*both, source="dns") == ["2"]
    assert "no run on here" in refused(*both, source="else")


def test_the_beginning_of_several_commits_is_not_enough() -> None:
    assert "several commits begin so" in refused(run("1"), run("2", revision="b" * 39 + "c"))

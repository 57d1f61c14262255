"""What the journal says of who has what, as far as it says anything."""

import pytest

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action
from stateward.model.record import Cause, Opening, Record, RecordedChange, RunKind
from stateward.model.run import EntryState
from stateward.planning.bookkeeping import book

KEY = ObjectKey("BuiltinTag", ("red",))


def run(action: Action, state: EntryState, number: int = 1, before: str = "") -> Record:
    moves = {"unit": "b", "giver": "a"} if action is Action.MOVE else {}
    change = RecordedChange(index=0, action=action, key=KEY, node="n", state=state, **moves)
    opening = Opening(
        run=f"run{number}",
        kind=RunKind.ROUND,
        subject=moves.get("unit", "a"),
        target="t",
        cause=Cause(trigger="manual", actor="ada"),
        before=before,
    )
    return Record(opening=opening, started=f"2026-01-0{number}T00:00:00Z", changes=(change,))


MADE = run(Action.CREATE, EntryState.APPLIED)
TAKES = [Action.DELETE, Action.RELEASE, Action.MOVE]


@pytest.mark.parametrize("action", TAKES)
class TestWhatTakesAnObjectFromAUnit:
    def test_and_came_about_is_the_last_word(self, action: Action) -> None:
        found = book([MADE, run(action, EntryState.APPLIED, 2)])
        assert ("a", "n") not in found.belongs
        assert found.doubtful == frozenset()

    def test_and_was_refused_leaves_it_there(self, action: Action) -> None:
        found = book([MADE, run(action, EntryState.FAILED, 2)])
        assert {own: past.run for own, past in found.belongs.items()} == {("a", "n"): "run1"}
        assert found.doubtful == frozenset()

    def test_and_was_cut_short_leaves_a_doubt(self, action: Action) -> None:
        found = book([MADE, run(action, EntryState.STARTED, 2)])
        assert found.belongs == {}
        assert ("a", "n") in found.doubtful


def test_what_failed_to_be_made_may_be_there_in_part() -> None:
    found = book([run(Action.CREATE, EntryState.FAILED)])
    assert (found.belongs, found.doubtful) == ({}, {("a", "n")})


def test_doubt_ends_with_the_next_word() -> None:
    cut = run(Action.RELEASE, EntryState.STARTED, 2)
    found = book([MADE, cut, run(Action.ADOPT, EntryState.APPLIED, 3)])
    assert (found.belongs["a", "n"].run, found.doubtful) == ("run3", frozenset())


def test_unit_is_whole_where_nothing_stood_on_its_group_before_the_first_run() -> None:
    later = run(Action.CREATE, EntryState.APPLIED, 2, before="stateward/v1 applied=r1")
    assert book([MADE, later]).whole == {"a"}
    assert book([later]).whole == frozenset()

"""The queue: whatever marks a unit, and whenever, a round comes of it, and one at a time."""

from hypothesis import given
from hypothesis import strategies as st

from stateward.daemon.queue import Mark, Queue
from stateward.model.status import Reason

COMMIT, INTERVAL, RETRY = Reason.COMMIT, Reason.INTERVAL, Reason.RETRY


def queue(**marks: Mark) -> Queue:
    found = Queue()
    for unit, mark in marks.items():
        found.mark(unit, mark)
    return found


class TestTaking:
    def test_takes_all_that_is_due_at_once_and_nothing_else(self) -> None:
        found = queue(a=Mark(10, COMMIT), b=Mark(10, RETRY), c=Mark(11, RETRY))
        assert found.take(9.9) == {}
        assert found.take(10) == {"a": {COMMIT}, "b": {RETRY}}
        assert found.due() == 11

    def test_is_once_whatever_marked_it(self) -> None:
        found = queue(a=Mark(10, RETRY))
        found.mark("a", Mark(5, COMMIT))
        found.mark("a", Mark(4, COMMIT))
        found.mark("a", Mark(6, COMMIT))
        assert found.due() == 4
        assert found.take(4) == {"a": {COMMIT}}
        assert found.due() is None

    def test_gives_all_reasons_that_are_due(self) -> None:
        found = queue(a=Mark(5, RETRY))
        found.mark("a", Mark(4, COMMIT))
        found.mark("a", Mark(60, INTERVAL))
        assert found.take(5) == {"a": {RETRY, COMMIT}}

    def test_a_later_mark_does_not_put_it_off(self) -> None:
        found = queue(a=Mark(5, RETRY))
        found.mark("a", Mark(50, RETRY))
        assert found.next("a") == Mark(5, RETRY)

    def test_takes_along_what_is_soon_due_for_its_interval_only(self) -> None:
        found = queue(
            a=Mark(10, COMMIT), b=Mark(12, INTERVAL), c=Mark(12, RETRY), d=Mark(20, INTERVAL)
        )
        assert found.take(9, slack=5) == {}
        assert found.take(10, slack=5) == {"a": {COMMIT}, "b": {INTERVAL}}
        assert found.take(12, slack=0) == {"c": {RETRY}}
        assert found.take(20) == {"d": {INTERVAL}}

    def test_of_nothing_is_nothing(self) -> None:
        assert Queue().take(1e9) == {}
        assert Queue().next("a") is None


class TestRounds:
    def test_what_is_under_way_is_not_taken_again(self) -> None:
        found = queue(a=Mark(1, COMMIT))
        found.take(1)
        found.mark("a", Mark(1, COMMIT))
        assert found.take(100) == {}

    def test_a_mark_during_a_round_counts_once_it_is_over(self) -> None:
        found = queue(a=Mark(1, COMMIT))
        found.take(1)
        found.mark("a", Mark(2, COMMIT))
        found.done("a", Mark(600, INTERVAL))
        assert found.take(2) == {"a": {COMMIT}}

    def test_a_round_says_when_it_is_due_again(self) -> None:
        found = queue(a=Mark(1, COMMIT), b=Mark(1, COMMIT))
        found.take(1)
        found.done("a", Mark(600, INTERVAL))
        found.done("b", None)
        assert (found.next("a"), found.next("b")) == (Mark(600, INTERVAL), None)
        assert found.due() == 600

    def test_what_is_dropped_is_not_taken(self) -> None:
        found = queue(a=Mark(1, COMMIT))
        found.drop("a")
        assert (found.due(), found.take(1)) == (None, {})


_UNITS = st.sampled_from("abc")
_STEP = st.one_of(
    st.tuples(st.just("mark"), _UNITS, st.integers(0, 20), st.sampled_from(Reason)),
    st.tuples(st.just("take"), st.integers(0, 3), st.integers(0, 5)),
    st.tuples(st.just("done"), _UNITS, st.integers(0, 20)),
)


@given(st.lists(_STEP, max_size=60))
def test_nothing_is_forgotten_and_nothing_runs_twice(steps: list[tuple]) -> None:
    """Against a plain account: when each unit is owed a round at the latest."""
    found = Queue()
    owed: dict[str, float] = {}
    running: set[str] = set()
    now = 0.0
    for step in steps:
        if step[0] == "mark":
            _, unit, after, reason = step
            found.mark(unit, Mark(now + after, reason))
            owed[unit] = min(owed.get(unit, now + after), now + after)
        elif step[0] == "take":
            now += step[1]
            taken = found.take(now, step[2])
            assert not running & taken.keys()
            assert all(taken.values())
            late = {own for own, due in owed.items() if due <= now and own not in running}
            assert late <= taken.keys()
            assert taken.keys() <= owed.keys()
            running |= taken.keys()
            for own in taken:
                del owed[own]
        elif step[1] in running:
            running.discard(step[1])
            found.done(step[1], Mark(now + step[2], INTERVAL))
            owed[step[1]] = min(owed.get(step[1], now + step[2]), now + step[2])
    assert found.due() == min(
        (due for own, due in owed.items() if own not in running), default=None
    )

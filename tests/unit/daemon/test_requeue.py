"""When a unit is looked at again, to the second."""

from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from stateward.daemon import requeue
from stateward.daemon.queue import Mark
from stateward.daemon.requeue import Pace
from stateward.model.run import Fault, Outcome, Run
from stateward.model.status import Condition, Reason

PACE = Pace(interval=600, backoff=5, cap=300)
NOW = 1000.0


def again(condition: Condition, fault: Fault | None = None, **given: Any) -> Mark | None:
    known = {"now": NOW, "pace": PACE, "failures": 1, "random": 0.5, **given}
    return requeue.again(condition, fault, **known)


def run(outcome: Outcome, fault: Fault | None = None) -> Run:
    return Run(id="", unit="a", revision="r", outcome=outcome, fault=fault)


@pytest.mark.parametrize(
    ("outcome", "fault", "condition"),
    [
        (Outcome.APPLIED, None, Condition.READY),
        (Outcome.UNCHANGED, None, Condition.READY),
        (Outcome.BLOCKED, None, Condition.BLOCKED),
        (Outcome.WAITING, None, Condition.WAITING),
        (Outcome.SKIPPED, None, Condition.SUSPENDED),
        (Outcome.FAILED, Fault.TRANSIENT, Condition.RETRYING),
        (Outcome.FAILED, Fault.STALLED, Condition.STALLED),
        (Outcome.FAILED, Fault.INVALID, Condition.STALLED),
    ],
)
def test_condition_follows_the_outcome(
    outcome: Outcome, fault: Fault | None, condition: Condition
) -> None:
    found = requeue.condition(run(outcome, fault), drifted=False, held=False)
    assert found is condition


def test_condition_tells_what_is_only_watched_and_what_is_held() -> None:
    own = run(Outcome.PLANNED)
    assert requeue.condition(own, drifted=True, held=False) is Condition.DRIFTED
    assert requeue.condition(own, drifted=False, held=True) is Condition.HELD


class TestTable:
    @pytest.mark.parametrize(
        "condition", [Condition.READY, Condition.DRIFTED, Condition.BLOCKED, Condition.HELD]
    )
    def test_what_is_done_or_held_back_is_looked_at_after_the_interval(
        self, condition: Condition
    ) -> None:
        assert again(condition, random=0) == Mark(NOW + 600, Reason.INTERVAL)
        assert again(condition, random=0.5) == Mark(NOW + 570, Reason.INTERVAL)

    def test_what_a_person_may_mend_in_the_target_is_looked_at_after_the_interval(self) -> None:
        found = again(Condition.STALLED, Fault.STALLED, random=0)
        assert found == Mark(NOW + 600, Reason.INTERVAL)

    def test_files_that_cannot_be_planned_wait_for_a_commit(self) -> None:
        assert again(Condition.STALLED, Fault.INVALID) is None

    def test_what_is_suspended_is_left_alone(self) -> None:
        assert again(Condition.SUSPENDED) is None

    @pytest.mark.parametrize(
        ("failures", "wait"), [(1, 2.5), (2, 5), (3, 10), (6, 80), (7, 150), (8, 150), (9999, 150)]
    )
    def test_what_failed_for_now_backs_off_up_to_the_cap(self, failures: int, wait: float) -> None:
        found = again(Condition.RETRYING, Fault.TRANSIENT, failures=failures)
        assert found == Mark(NOW + wait, Reason.RETRY)

    def test_the_target_says_when_at_the_earliest(self) -> None:
        found = again(Condition.RETRYING, Fault.TRANSIENT, retry_after=90)
        assert found == Mark(NOW + 90, Reason.RETRY)

    def test_what_waits_is_looked_at_at_least_as_often_as_for_drift(self) -> None:
        pace = Pace(interval=60, backoff=5, cap=300)
        assert again(Condition.WAITING) == Mark(NOW + 2.5, Reason.RETRY)
        found = again(Condition.WAITING, failures=50, pace=pace, random=0.999)
        assert found is not None
        assert found.due - NOW == pytest.approx(60, abs=0.1)

    @pytest.mark.parametrize(
        ("condition", "fault", "looks"),
        [
            (Condition.READY, None, False),
            (Condition.BLOCKED, None, False),
            (Condition.WAITING, None, True),
            (Condition.RETRYING, Fault.TRANSIENT, True),
        ],
    )
    def test_where_nobody_wants_drift_only_what_is_unsettled_is_looked_at(
        self, condition: Condition, fault: Fault | None, looks: bool
    ) -> None:
        pace = Pace(interval=None, backoff=5, cap=300)
        assert (again(condition, fault, pace=pace) is not None) is looks


class TestChance:
    def test_backoff_is_anywhere_up_to_its_limit_but_never_nothing(self) -> None:
        waits = [requeue.backed_off(3, 5, 300, own / 100) for own in range(100)]
        assert (min(waits), max(waits)) == (2.0, pytest.approx(19.8))

    def test_names_are_spread_evenly_over_the_interval(self) -> None:
        found = sorted(requeue.phase(f"objects/site-{own}", 600) for own in range(1000))
        assert 0 <= found[0] < 10
        assert 590 < found[-1] < 600
        assert fmean(found) == pytest.approx(300, abs=20)
        assert max(b - a for a, b in pairwise(found)) < 10

    def test_a_name_has_one_phase(self) -> None:
        assert requeue.phase("objects/a", 600) == requeue.phase("objects/a", 600)

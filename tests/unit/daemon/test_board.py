"""Which units are due after a look and after a round, and what is said of them."""

from dataclasses import replace
from typing import Any

import pytest

from stateward.daemon.board import Board, Facts, Verdict
from stateward.daemon.fights import Fights
from stateward.daemon.requeue import phase
from stateward.model.command import Command, Verb
from stateward.model.fight import Correction
from stateward.model.identity import ObjectKey
from stateward.model.run import Fault, Outcome, Run
from stateward.model.status import Condition, Pause, Reason, Status, Why
from stateward.model.unit import Drift, DriftMode, Window, WindowKind

ENFORCE = Drift(mode=DriftMode.ENFORCE, interval=600)
NOW = 10_000.0


def board(*known: Status) -> Board:
    statuses = {own.unit: own for own in known}
    return Board(usual=ENFORCE, backoff=10, cap=300, fights=Fights(3), statuses=statuses)


def facts(drift: Drift = ENFORCE, **units: str) -> dict[str, Facts]:
    return {unit: Facts(fingerprint=own, drift=drift) for unit, own in units.items()}


def verdict(unit: str, outcome: Outcome = Outcome.UNCHANGED, **given: Any) -> Verdict:
    of_run = {name: given.pop(name) for name in ("fault", "writes", "retry_after") if name in given}
    return Verdict(run=Run(id="", unit=unit, revision="r", outcome=outcome, **of_run), **given)


def settled(found: Board, now: float = NOW, random: float = 0.0, **outcomes: Verdict) -> None:
    """Run a round in which every unit comes out as given, else well."""
    taken = found.take(now)
    found.settle(
        [outcomes.get(unit, verdict(unit)) for unit in taken],
        found.revision or "",
        now,
        lambda: random,
    )


class TestFirstLook:
    def test_what_is_not_known_is_due_at_once(self) -> None:
        found = board()
        assert found.seen("r1", facts(a="1", b="1"), NOW) == {"a", "b"}
        assert found.statuses["a"].condition is Condition.PENDING
        assert found.take(NOW) == {"a": {Reason.START}, "b": {Reason.START}}

    def test_what_is_known_is_spread_over_the_interval(self) -> None:
        old = [
            Status(
                unit=f"u{own}",
                condition=Condition.READY,
                since=0,
                fingerprint="1",
                next=NOW - 5000,
                reason=Reason.INTERVAL,
            )
            for own in range(500)
        ]
        found = board(*old)
        assert found.seen("r1", facts(**{own.unit: "1" for own in old}), NOW) == set()
        dues = {unit: own.next for unit, own in found.statuses.items()}
        assert dues == {unit: NOW + phase(unit, 600) for unit in dues}
        assert found.take(NOW) == {}
        assert len(found.take(NOW + 60)) < 200

    def test_what_changed_while_nobody_looked_is_due_at_once(self) -> None:
        found = board(Status(unit="a", condition=Condition.READY, since=0, fingerprint="1"))
        assert found.seen("r1", facts(a="2"), NOW) == {"a"}
        assert found.take(NOW) == {"a": {Reason.COMMIT}}

    def test_what_was_to_be_tried_again_is_tried_when_it_was_to_be(self) -> None:
        old = Status(
            unit="a",
            condition=Condition.RETRYING,
            since=0,
            fingerprint="1",
            next=NOW + 30,
            reason=Reason.RETRY,
        )
        found = board(old)
        found.seen("r1", facts(a="1"), NOW)
        assert (found.take(NOW + 29), found.take(NOW + 30)) == ({}, {"a": {Reason.RETRY}})

    def test_what_waits_for_a_commit_goes_on_waiting(self) -> None:
        old = Status(unit="a", condition=Condition.STALLED, since=0, fingerprint="1")
        found = board(old)
        found.seen("r1", facts(a="1"), NOW)
        assert found.queue.due() is None


class TestCommit:
    def test_marks_only_what_it_touches(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found)
        assert found.seen("r2", facts(a="1", b="2"), NOW + 5) == {"b"}
        assert found.take(NOW + 5) == {"b": {Reason.COMMIT}}

    def test_of_something_else_marks_nothing(self) -> None:
        found = board()
        found.seen("r1", facts(a="1"), NOW)
        settled(found)
        assert found.seen("r2", facts(a="1"), NOW + 5) == set()
        assert found.take(NOW + 5) == {}

    @pytest.mark.parametrize(
        ("outcome", "fault"), [(Outcome.WAITING, None), (Outcome.FAILED, Fault.STALLED)]
    )
    def test_marks_what_it_may_settle(self, outcome: Outcome, fault: Fault | None) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found, a=verdict("a", outcome, fault=fault))
        found.seen("r2", facts(a="1", b="2"), NOW + 0.5)
        assert found.take(NOW + 0.5) == {"a": {Reason.DEPENDENCY}, "b": {Reason.COMMIT}}

    def test_leaves_what_failed_for_now_to_its_backoff(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found, a=verdict("a", Outcome.FAILED, fault=Fault.TRANSIENT))
        found.seen("r2", facts(a="1", b="2"), NOW + 0.5)
        assert found.take(NOW + 0.5) == {"b": {Reason.COMMIT}}

    def test_during_a_round_counts_after_it(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        taken = found.take(NOW)
        assert found.seen("r2", facts(a="2", b="1"), NOW + 1) == {"a"}
        assert found.take(NOW + 1) == {}
        found.settle([verdict(unit) for unit in taken], "r1", NOW + 2, lambda: 0)
        assert found.statuses["a"].applied == "r1"
        assert found.take(NOW + 2) == {"a": {Reason.COMMIT}}

    def test_that_removes_a_unit_has_it_looked_after_until_it_is_gone(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found)
        assert found.seen("r2", facts(a="1"), NOW + 5) == {"b"}
        settled(found, now=NOW + 5, b=verdict("b", Outcome.BLOCKED))
        assert found.statuses["b"].condition is Condition.BLOCKED
        assert found.seen("r3", facts(a="2"), NOW + 6) == {"a"}
        settled(found, now=NOW + 6)
        settled(found, now=NOW + 606, b=verdict("b", gone=True))
        assert set(found.statuses) == {"a"}

    @pytest.mark.parametrize("verb", [Verb.RECONCILE, None])
    def test_what_is_gone_is_due_no_more_whatever_was_asked_meanwhile(
        self, verb: Verb | None
    ) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found)
        found.seen("r2", facts(a="1"), NOW + 5)
        taken = found.take(NOW + 5)
        if verb is None:
            found.refuse("rewound", NOW + 6)
            found.refuse(None, NOW + 6)
        else:
            found.heed([told(verb)], NOW + 6)
        found.settle([verdict(unit, gone=True) for unit in taken], "r2", NOW + 7, lambda: 0)
        assert "b" not in found.take(NOW + 10_000)
        assert set(found.statuses) == {"a"}

    def test_a_fight_about_what_is_gone_is_over(self) -> None:
        found = board()
        role = Correction(key=ObjectKey("NetDevice", ("leaf1",)), field="role")
        found.seen("r1", facts(a="1"), NOW)
        for look in range(3):
            settled(found, now=NOW + 10_000 * look, a=verdict("a", corrected=[role]))
        assert found.statuses["a"].condition is Condition.FIGHTING
        found.seen("r2", {}, NOW + 50_000)
        settled(found, now=NOW + 50_000, a=verdict("a", gone=True))
        found.seen("r3", facts(a="1"), NOW + 50_001)
        settled(found, now=NOW + 50_001, a=verdict("a", corrected=[role]))
        assert found.statuses["a"].condition is Condition.READY

    def test_what_came_back_while_its_end_was_seen_to_is_due_at_once(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found)
        found.seen("r2", facts(a="1"), NOW + 5)
        taken = found.take(NOW + 5)
        found.seen("r3", facts(a="1", b="1"), NOW + 6)
        found.settle([verdict(unit, gone=True) for unit in taken], "r2", NOW + 7, lambda: 0)
        assert found.statuses["b"].condition is Condition.PENDING
        assert found.take(NOW + 7) == {"b": {Reason.COMMIT}}


class TestSettling:
    def test_a_failing_unit_does_not_delay_the_others(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found, a=verdict("a", Outcome.FAILED, fault=Fault.TRANSIENT), random=0.5)
        assert found.statuses["a"].next == NOW + 5
        settled(found, NOW + 5, a=verdict("a", Outcome.FAILED, fault=Fault.TRANSIENT), random=0.5)
        assert (found.statuses["a"].next, found.statuses["a"].failures) == (NOW + 15, 2)
        assert found.statuses["b"].next == NOW + 570
        settled(found, NOW + 15)
        assert (found.statuses["a"].condition, found.statuses["a"].failures) == (
            Condition.READY,
            0,
        )

    def test_applied_stays_what_it_was_when_a_round_fails(self) -> None:
        found = board()
        found.seen("r1", facts(a="1"), NOW)
        settled(found)
        found.seen("r2", facts(a="2"), NOW + 1)
        wrong = verdict("a", Outcome.FAILED, fault=Fault.INVALID, message="a.yml:3:1: SW1001")
        settled(found, NOW + 1, a=wrong)
        own = found.statuses["a"]
        assert (own.attempted, own.applied, own.condition) == ("r2", "r1", Condition.STALLED)
        assert (own.message, own.since, own.next) == ("a.yml:3:1: SW1001", NOW + 1, None)

    def test_what_waits_is_looked_at_once_something_came_about(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(
            found,
            a=verdict("a", Outcome.WAITING),
            b=verdict("b", Outcome.FAILED, fault=Fault.TRANSIENT),
        )
        found.seen("r2", facts(a="1", b="2"), NOW + 0.1)
        settled(found, NOW + 0.1, a=verdict("a", Outcome.WAITING), b=verdict("b", writes=3))
        assert found.take(NOW + 0.1) == {"a": {Reason.DEPENDENCY}}

    def test_what_waits_does_not_wake_itself(self) -> None:
        found = board()
        found.seen("r1", facts(a="1"), NOW)
        settled(found, a=verdict("a", Outcome.WAITING, writes=1))
        assert found.take(NOW) == {}

    def test_where_drift_is_ignored_a_ready_unit_is_left_alone(self) -> None:
        found = board()
        found.seen("r1", facts(Drift(mode=DriftMode.IGNORE, interval=600), a="1"), NOW)
        settled(found)
        assert (found.statuses["a"].condition, found.queue.due()) == (Condition.READY, None)

    def test_drift_that_is_only_reported_is_told(self) -> None:
        found = board()
        found.seen("r1", facts(Drift(mode=DriftMode.REPORT, interval=600), a="1"), NOW)
        settled(found, a=verdict("a", Outcome.PLANNED, drifted=True, message="2 changes"))
        own = found.statuses["a"]
        assert (own.condition, own.next, own.message) == (
            Condition.DRIFTED,
            NOW + 600,
            "2 changes",
        )

    def test_a_suspended_unit_waits_for_the_commit_that_lifts_it(self) -> None:
        found = board()
        found.seen("r1", facts(a="1"), NOW)
        settled(found, a=verdict("a", Outcome.SKIPPED))
        assert (found.statuses["a"].condition, found.queue.due()) == (Condition.SUSPENDED, None)

    def test_spreads_what_was_looked_at_together(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        numbers = iter((0.0, 1.0))
        found.settle([verdict(unit) for unit in found.take(NOW)], "r1", NOW, lambda: next(numbers))
        assert len({own.next for own in found.statuses.values()}) == 2

    def test_says_what_changed(self) -> None:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        taken = found.take(NOW)
        told = found.settle(
            [verdict(unit, gone=unit == "b") for unit in taken], "r1", NOW, lambda: 0
        )
        assert told == {"a": found.statuses["a"], "b": None}


def told(verb: Verb, unit: str | None = None, **given: Any) -> Command:
    known = {"id": f"{verb}{unit}", "source": "s", "actor": "ada", "at": NOW, **given}
    return Command(verb=verb, unit=unit, **known)


class TestSuspension:
    @pytest.fixture
    def found(self) -> Board:
        found = board()
        found.seen("r1", facts(a="1", b="1"), NOW)
        settled(found)
        return found

    def test_keeps_a_commit_from_its_round_until_it_is_lifted(self, found: Board) -> None:
        changed = found.heed([told(Verb.SUSPEND, "a", reason="move")], NOW + 1)
        assert set(changed) == {"a"}
        assert changed["a"].pause == Pause(why=Why.SUSPENDED, message="by ada: move")
        found.seen("r2", facts(a="2", b="2"), NOW + 2)
        assert found.take(NOW + 2) == {"b": {Reason.COMMIT}}
        assert (found.take(NOW + 999), found.statuses["a"].next) == ({}, None)
        assert found.heed([], NOW + 1000)["a"].pause is None
        assert found.take(NOW + 1000) == {"a": {Reason.COMMIT, Reason.RESUMED}}

    def test_ends_by_itself_to_the_second(self, found: Board) -> None:
        found.heed([told(Verb.SUSPEND, "a", until=NOW + 100)], NOW + 1)
        found.seen("r2", facts(a="2", b="1"), NOW + 2)
        assert found.take(NOW + 99.9) == {}
        assert (found.statuses["a"].next, found.queue.due()) == (NOW + 100, NOW + 100)
        assert found.take(NOW + 100) == {"a": {Reason.COMMIT, Reason.RESUMED}}
        assert found.statuses["a"].pause is None
        found.settle([verdict("a")], "r2", NOW + 101, lambda: 0)
        assert found.take(NOW + 101) == {}

    def test_of_all_is_for_what_comes_later_too(self, found: Board) -> None:
        found.heed([told(Verb.SUSPEND)], NOW + 1)
        found.seen("r2", facts(a="1", b="1", c="1"), NOW + 2)
        assert found.take(NOW + 2) == {}
        assert found.statuses["c"].pause is not None

    def test_of_what_is_not_known_is_kept_to(self, found: Board) -> None:
        found.heed([told(Verb.SUSPEND, "gone")], NOW + 1)
        assert found.pauses.of("gone", (), NOW + 2) is not None

    def test_that_was_lifted_while_nobody_looked_is_taken_up(self, found: Board) -> None:
        found.heed([told(Verb.SUSPEND, "a")], NOW + 1)
        again = board(*found.statuses.values())
        again.heed([], NOW + 5000)
        again.seen("r1", facts(a="1", b="1"), NOW + 5000)
        assert again.take(NOW + 5000) == {"a": {Reason.RESUMED}}

    def test_stands_after_a_restart(self, found: Board) -> None:
        commands = [told(Verb.SUSPEND, "a", until=NOW + 9000)]
        found.heed(commands, NOW + 1)
        again = board(*found.statuses.values())
        again.heed(commands, NOW + 5000)
        again.seen("r1", facts(a="2", b="1"), NOW + 5000)
        assert "a" not in again.take(NOW + 8999)
        assert "a" in again.take(NOW + 9000)


NIGHT = Window(kind=WindowKind.ALLOW, schedule="0 22 * * *", duration=3600, time_zone="UTC")
OPENS = 22 * 3600.0
"""On the first day of 1970."""


class TestWindow:
    @pytest.fixture
    def found(self) -> Board:
        found = board()
        found.seen("r1", {"a": replace(facts(a="1")["a"], windows=(NIGHT,)), **facts(b="1")}, NOW)
        return found

    def test_keeps_rounds_from_a_unit_until_it_opens(self, found: Board) -> None:
        assert found.take(NOW) == {"b": {Reason.START}}
        own = found.statuses["a"]
        assert own.pause == Pause(why=Why.WINDOW, message="outside its windows", until=OPENS)
        assert own.next == OPENS
        assert found.heed([], NOW + 1) == {}
        assert "a" not in found.take(OPENS - 0.001)
        assert found.take(OPENS)["a"] == {Reason.START, Reason.RESUMED}
        assert found.statuses["a"].pause is None

    def test_is_stepped_over_by_who_asks_for_it_once(self, found: Board) -> None:
        settled(found)
        found.heed([told(Verb.RECONCILE, "a")], NOW + 1)
        assert "a" not in found.take(NOW + 1)
        found.heed([told(Verb.RECONCILE, "a", any_time=True)], NOW + 2)
        assert found.take(NOW + 2) == {"a": {Reason.START, Reason.MANUAL}}
        assert found.pauses.of("a", (NIGHT,), NOW + 2) is None
        found.settle([verdict("a")], "r1", NOW + 3, lambda: 0)
        assert found.pauses.of("a", (NIGHT,), NOW + 3) is not None

    def test_is_for_nobody_who_is_suspended(self, found: Board) -> None:
        found.heed([told(Verb.SUSPEND, "a")], NOW + 1)
        assert "a" not in found.take(OPENS)


class TestAsked:
    def test_for_a_round_is_due_now_once_the_units_are_known(self) -> None:
        found = board(Status(unit="a", condition=Condition.READY, since=0, fingerprint="1"))
        found.heed([told(Verb.RECONCILE, "a")], NOW)
        assert found.take(NOW) == {}
        found.seen("r1", facts(a="1", b="1"), NOW)
        assert found.take(NOW) == {"b": {Reason.START}}
        found.heed([told(Verb.RECONCILE, "a")], NOW + 1)
        assert found.take(NOW + 1) == {"a": {Reason.MANUAL}}

    def test_an_approval_leads_to_one_round(self) -> None:
        found = board()
        found.seen("r1", facts(a="1"), NOW)
        settled(found, a=verdict("a", Outcome.BLOCKED, blocked="0123"))
        assert found.statuses["a"].blocked == "0123"
        for expected in ({"a": {Reason.MANUAL}}, {}):
            found.heed([told(Verb.APPROVE, "a")], NOW + 1)
            assert found.take(NOW + 1) == expected
            found.settle([verdict(own) for own in expected], "r1", NOW + 1, lambda: 0)
        assert found.statuses["a"].blocked is None

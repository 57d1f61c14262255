"""What results mean: for what is still to come, and for the runs that are reported."""

from typing import Any

import pytest

from stateward.errors import (
    Code,
    Problem,
    Severity,
    Stalled,
    TargetRefused,
    TargetUnavailable,
    Transient,
)
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Refusal
from stateward.model.plan import Action, Change, Plan, Survivor, UnitPlan, UnitState
from stateward.model.run import Fault, Outcome, Run
from stateward.model.unit import Stamp
from stateward.tracking.ledger import Ledger, dry_runs
from stateward.tracking.session import Result

NO = Refusal(code=Code.CONSTRAINT, message="no")
NEEDED = Refusal(code=Code.REJECTED, message="it is needed")


def key(name: str) -> ObjectKey:
    return ObjectKey("NetDevice", (name,))


def change(name: str, action: Action = Action.CREATE, **given: Any) -> Change:
    needs = tuple(key(own) for own in given.pop("needs", ()))
    return Change(action=action, **{"unit": "a", "key": key(name), "needs": needs, **given})


def plan(*changes: Change, problems: tuple[Problem, ...] = (), **states: UnitState) -> Plan:
    states = states or {"a": UnitState.READY, "b": UnitState.READY}
    units = {
        name: UnitPlan(unit=name, group=name, state=own, unchanged=3)
        for name, own in states.items()
    }
    return Plan(
        target="t",
        schema="s",
        revisions={"default": "r1"},
        changes=changes,
        units=units,
        problems=problems,
    )


def ledger(*results: tuple[Change, Refusal | None], **states: UnitState) -> Ledger:
    found = Ledger(plan(*(own for own, _ in results), **states))
    for own, refusal in results:
        found.take(Result(change=own, refusal=refusal))
    return found


def run_of(
    found: Ledger, unit: str = "a", lost: Stalled | Transient | None = None, writes: int = 1
) -> Run:
    runs = found.runs({unit: "id"}, {unit: writes}, lost)
    return next(own for own in runs if own.unit == unit)


class TestHindrance:
    def test_is_none_as_long_as_all_goes_well(self) -> None:
        assert ledger((change("x"), None)).hindrance(change("y", needs=["x"])) is None

    def test_is_what_failed(self) -> None:
        found = ledger((change("x"), NO))
        assert found.hindrance(change("y", needs=["x"])) == "needs NetDevice/x, which failed"
        assert found.hindrance(change("z", unit="b")) is None

    def test_passes_on_what_was_skipped(self) -> None:
        found = ledger((change("x"), NO))
        found.skip(change("y", needs=["x"]), "because")
        assert found.hindrance(change("z", needs=["y"], unit="b")) is not None

    @pytest.mark.parametrize("action", [Action.DELETE, Action.RELEASE])
    def test_of_a_prune_is_any_failure_of_its_unit(self, action: Action) -> None:
        found = ledger((change("x"), NO))
        assert "prune is withheld" in (found.hindrance(change("y", action)) or "")
        assert found.hindrance(change("y", action, unit="b")) is None

    def test_of_a_prune_is_no_survivor(self) -> None:
        found = ledger((change("x", Action.DELETE), NEEDED))
        assert found.hindrance(change("y", Action.DELETE)) is None

    def test_of_what_a_survivor_needs_is_the_survivor(self) -> None:
        found = ledger((change("x", Action.DELETE), NEEDED))
        assert found.hindrance(change("y", Action.DELETE, needs=["x"])) == (
            "NetDevice/x is still there"
        )

    def test_of_everything_in_a_unit_that_is_shut_is_its_group(self) -> None:
        found = ledger()
        found.shut("a", "refused")
        assert found.is_shut("a")
        assert "group could not be written" in (found.hindrance(change("x")) or "")
        assert found.hindrance(change("x", unit="b")) is None


class TestSettled:
    @pytest.mark.parametrize(
        ("result", "settled", "emptied"),
        [
            ((change("x"), None), True, True),
            ((change("x"), NO), False, False),
            ((change("x", Action.DELETE), NEEDED), True, False),
            ((change("x", Action.DELETE), NO), False, False),
        ],
        ids=["done", "failed", "survivor", "delete-failed"],
    )
    def test_is_a_unit_of_which_all_is_done(
        self,
        result: tuple[Change, Refusal | None],
        settled: bool,
        emptied: bool,
    ) -> None:
        found = ledger(result)
        assert (found.settled("a"), found.emptied("a")) == (settled, emptied)

    @pytest.mark.parametrize("skipped", [False, True])
    def test_is_no_giver_that_is_left_with_an_object(self, skipped: bool) -> None:
        move = change("x", Action.MOVE, giver="b")
        found = ledger() if skipped else ledger((move, NO))
        if skipped:
            found.skip(move, "because")
        assert not found.settled("b")


class TestRun:
    @pytest.mark.parametrize(
        ("state", "writes", "outcome"),
        [
            (UnitState.READY, 1, Outcome.APPLIED),
            (UnitState.READY, 0, Outcome.UNCHANGED),
            (UnitState.STALLED, 0, Outcome.FAILED),
            (UnitState.STALLED, 1, Outcome.FAILED),
            (UnitState.SUSPENDED, 0, Outcome.SKIPPED),
            (UnitState.BLOCKED, 1, Outcome.BLOCKED),
            (UnitState.WAITING, 1, Outcome.WAITING),
        ],
    )
    def test_outcome_follows_the_state(
        self, state: UnitState, writes: int, outcome: Outcome
    ) -> None:
        assert run_of(ledger(a=state), writes=writes).outcome is outcome

    @pytest.mark.parametrize("state", [UnitState.BLOCKED, UnitState.WAITING])
    def test_failure_wins_over_the_state(self, state: UnitState) -> None:
        assert run_of(ledger((change("x"), NO), a=state)).outcome is Outcome.FAILED

    def test_summary_counts_what_was_done(self) -> None:
        found = ledger((change("x"), None), (change("y"), NO), (change("z", Action.DELETE), None))
        summary = run_of(found).summary
        assert (summary["create"], summary["delete"], summary["unchanged"]) == (1, 1, 3)
        assert list(summary) == [*Action, "unchanged"]

    def test_survivors_of_the_plan_and_of_the_round_are_told(self) -> None:
        planned = Survivor(key=key("p"), id="p", reason="claimed")
        gone = change("x", Action.DELETE, node="n")
        unit = UnitPlan(unit="a", group="a", survivors=(planned,))
        found = Ledger(Plan(target="t", schema="", revisions={"s": "r"}, units={"a": unit}))
        found.take(Result(change=gone, refusal=NEEDED))
        assert run_of(found).survivors == (
            planned,
            Survivor(key=key("x"), id="n", reason="it is needed"),
        )

    def test_error_of_a_stalled_unit_is_its_first_problem(self) -> None:
        warning, error = (
            Problem(code=Code.ENUM, message=own.value, unit="a", severity=own)
            for own in (Severity.WARNING, Severity.ERROR)
        )
        found = Ledger(plan(problems=(warning, error), a=UnitState.STALLED))
        assert run_of(found).error == "SW1307 enum: error"

    @pytest.mark.parametrize(
        ("touched", "ended", "cut"),
        [(True, False, True), (True, True, False), (False, False, False)],
        ids=["under-way", "through", "not-touched"],
    )
    def test_lost_target_is_the_error_of_what_was_under_way(
        self,
        touched: bool,
        ended: bool,
        cut: bool,
    ) -> None:
        found = Ledger(plan(*([change("x")] if touched else [])))
        if ended:
            found.end("a")
        gone = TargetUnavailable("it is gone")
        run = run_of(found, lost=gone)
        assert (run.error, run.outcome is Outcome.FAILED) == (str(gone) if cut else None, cut)

    @pytest.mark.parametrize(
        ("lost", "fault", "after"),
        [
            (TargetUnavailable("gone", retry_after=7), Fault.TRANSIENT, 7),
            (TargetRefused("no"), Fault.STALLED, None),
        ],
        ids=["gone", "refused"],
    )
    def test_fault_of_what_was_under_way_is_that_of_the_target(
        self, lost: Stalled | Transient, fault: Fault, after: float | None
    ) -> None:
        run = run_of(Ledger(plan(change("x"))), lost=lost)
        assert (run.fault, run.retry_after) == (fault, after)

    def test_fault_of_a_refused_change_is_for_a_person(self) -> None:
        assert run_of(ledger((change("x"), NO))).fault is Fault.STALLED

    @pytest.mark.parametrize(
        ("code", "subject", "fault"),
        [
            (Code.YAML, None, Fault.INVALID),
            (Code.ENUM, "NetDevice/x", Fault.STALLED),
            (Code.SCHEMA_DIFFERS, None, Fault.STALLED),
        ],
    )
    def test_fault_of_a_stalled_unit_tells_files_from_single_objects(
        self, code: Code, subject: str | None, fault: Fault
    ) -> None:
        wrong = Problem(code=code, message="wrong", unit="a", subject=subject)
        assert run_of(Ledger(plan(problems=(wrong,), a=UnitState.STALLED))).fault is fault

    @pytest.mark.parametrize("state", [UnitState.READY, UnitState.BLOCKED, UnitState.WAITING])
    def test_there_is_no_fault_where_nothing_failed(self, state: UnitState) -> None:
        assert run_of(ledger(a=state)).fault is None


class TestDryRun:
    def test_counts_what_would_be_done(self) -> None:
        runs = {own.unit: own for own in dry_runs(plan(change("x"), change("y", Action.DELETE)))}
        assert runs["a"].outcome is Outcome.PLANNED
        assert (runs["a"].summary["create"], runs["a"].summary["delete"]) == (1, 1)
        assert runs["a"].writes == 0
        assert runs["b"].outcome is Outcome.UNCHANGED

    def test_of_upkeep_only_is_planned_too(self) -> None:
        unit = UnitPlan(unit="a", group="a", stamp=Stamp(applied="r1"))
        own = Plan(target="t", schema="", revisions={"s": "r"}, units={"a": unit})
        assert [run.outcome for run in dry_runs(own)] == [Outcome.PLANNED]

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            (UnitState.STALLED, Outcome.FAILED),
            (UnitState.WAITING, Outcome.WAITING),
            (UnitState.BLOCKED, Outcome.BLOCKED),
            (UnitState.SUSPENDED, Outcome.SKIPPED),
        ],
    )
    def test_keeps_what_hinders(self, state: UnitState, outcome: Outcome) -> None:
        (run,) = dry_runs(plan(change("x"), a=state))
        assert run.outcome is outcome

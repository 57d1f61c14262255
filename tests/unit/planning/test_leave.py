"""What a commit lets the round delete that brings it about."""

import pytest

from stateward.errors import Code
from stateward.model.commit import Commit, Leave
from stateward.model.plan import Plan
from stateward.model.unit import Budget, Reach
from stateward.planning.leave import leave_of
from unit.builders import codes, device, held, limits, plan, told, unit

ADA = "Ada <ada@example.org>"


def leave(deletes: int) -> Leave:
    return Leave(deletes=deletes, author=ADA)


def commit(*allows: str) -> Commit:
    return Commit(id="0123456789abcdef", author=ADA, subject="Less", allows=allows)


@pytest.mark.parametrize("given", ["0", "12", "007"])
def test_number_is_taken(given: str) -> None:
    assert leave_of(commit(given)) == (leave(int(given)), ())


def test_commit_that_says_nothing_gives_none() -> None:
    assert leave_of(commit()) == leave_of(None) == (None, ())


@pytest.mark.parametrize(
    "given", [("all",), ("-1",), ("1.5",), ("1", "2"), ("\u0661",), ("9" * 10,), ("1 2",)], ids=str
)
def test_what_is_no_number_is_told_and_stalls_nothing(given: tuple[str, ...]) -> None:
    found, (problem,) = leave_of(commit(*given))
    assert found is None
    assert problem.severity == "warning"
    assert "commit 0123456789ab: Stateward-Allow-Deletes: expected one number" in problem.message
    assert "Stateward-Allow-Deletes: 12" in problem.message


def emptied(allowed: int, **given: object) -> Plan:
    """Plan a unit whose files are others now, and that loses three of its three objects."""
    there = [device(f"d{number}") for number in range(3)]
    own = {name: given.pop(name) for name in ("leave", "commit") if name in given}
    return plan([unit("a", **given)], held("a", *there), **{"leave": leave(allowed), **own})


@pytest.mark.parametrize(("allowed", "blocked"), [(2, True), (3, False), (4, False)])
def test_so_many_deletes_go(allowed: int, blocked: bool) -> None:
    found = emptied(allowed)
    assert bool(found.blocked) is blocked
    assert found.by_commit == (frozenset() if blocked else {"a"})


def test_too_little_is_told_with_what_would_be_enough() -> None:
    found = emptied(2, commit=commit("2"))
    (problem,) = found.problems
    assert (problem.code, problem.severity) == (Code.COMMIT_TRAILER, "warning")
    assert "2 is less than the 3 objects that would be deleted" in problem.message
    assert problem.message.endswith("push a commit that says Stateward-Allow-Deletes: 3")


def test_too_little_is_told_only_where_more_would_help() -> None:
    protected = limits(10, 25, "NetDevice")
    assert emptied(2, commit=commit("2"), limits=protected).problems == ()
    target = [*held("a", device("x"), device("y")), *held("b", device("z"), device("stays"))]
    late = unit("b", device("stays"))
    found = plan([unit("a", files="f0"), late], target, leave=leave(0), commit=commit("0"))
    assert ([own.unit for own in found.blocked], found.problems) == (["a"], ())


def test_directory_that_is_gone_goes() -> None:
    assert not emptied(3, vanished=True).blocked


def test_unit_that_has_reached_the_commit_is_let_through_no_more() -> None:
    """What drift brings about later on is not what the commit was about."""
    found = emptied(3, files="f0")
    assert [own.unit for own in found.blocked] == ["a"]
    assert not found.by_commit


def test_unit_that_has_reached_it_does_not_use_it_up() -> None:
    target = [*held("a", device("x"), device("y")), *held("b", device("z"))]
    found = plan([unit("a", files="f0"), unit("b")], target, leave=leave(1))
    assert [own.unit for own in found.blocked] == ["a"]
    assert told(found) == ["delete NetDevice/z"]


def test_never_lets_a_protected_kind_through() -> None:
    found = emptied(9, limits=limits(10, 25, "NetDevice"))
    assert told(found) == []
    assert not found.by_commit


def test_what_would_go_anyway_needs_no_leave() -> None:
    target = held("a", device("x"), device("kept"))
    found = plan([unit("a", device("kept"))], target, leave=leave(1))
    assert told(found) == ["delete NetDevice/x"]
    assert not found.by_commit


@pytest.mark.parametrize(("allowed", "blocked"), [(1, ["a", "b"]), (2, [])])
def test_is_for_the_limits_of_a_source_too(allowed: int, blocked: list[str]) -> None:
    target = [*held("a", device("x"), device("kept")), *held("b", device("y"), device("stays"))]
    cases = [unit("a", device("kept")), unit("b", device("stays"))]
    budget = Budget(reach=Reach.SOURCE, deletes=1, percent=0)
    found = plan(cases, target, budgets=(budget,), leave=leave(allowed))
    assert [own.unit for own in found.blocked] == blocked
    assert found.by_commit == (frozenset() if blocked else {"a", "b"})
    assert codes(found) == []

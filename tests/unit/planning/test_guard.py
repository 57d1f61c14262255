"""How much of a unit may be deleted at once."""

import pytest

from stateward.model.command import Command, Verb
from stateward.model.identity import NodeId
from stateward.model.plan import Plan, UnitState
from stateward.model.state import Hold
from stateward.model.unit import Budget, Reach
from unit.builders import (
    asset,
    codes,
    device,
    group,
    held,
    key,
    limits,
    plan,
    told,
    unit,
)


def pruned(members: int, deletes: int, **given: object) -> Plan:
    """Plan a unit that drops some of its members, under limits of 10 objects and 25 %."""
    there = [device(f"d{number}") for number in range(members)]
    allow = given.pop("allow_deletes", None)
    return plan([unit("a", *there[deletes:], **given)], held("a", *there), allow_deletes=allow)


@pytest.mark.parametrize(
    ("members", "deletes", "blocked"),
    [
        pytest.param(40, 10, False, id="as many as are allowed, as large a part"),
        pytest.param(11, 10, False, id="as many as are allowed, nearly all"),
        pytest.param(100, 11, False, id="more, but a small part"),
        pytest.param(44, 11, False, id="more, and just the part that is allowed"),
        pytest.param(43, 11, True, id="more, and more than the part"),
        pytest.param(100, 26, True, id="many more"),
    ],
)
def test_both_limits_have_to_be_exceeded(members: int, deletes: int, blocked: bool) -> None:
    found = pruned(members, deletes)
    assert bool(found.blocked) is blocked
    assert len(found.changes) == (0 if blocked else deletes)


@pytest.mark.parametrize(
    ("deletes", "blocked"),
    [pytest.param(2, False, id="the floor"), pytest.param(3, True, id="one more")],
)
def test_number_that_always_passes_is_a_setting(deletes: int, blocked: bool) -> None:
    assert bool(pruned(6, deletes, limits=limits(2, 10)).blocked) is blocked


def test_limit_of_zero_blocks_every_delete() -> None:
    assert pruned(50, 1, limits=limits(0, 0)).blocked


def test_blocked_plan_says_the_figures_and_names_the_objects() -> None:
    (blocked,) = pruned(20, 12).blocked
    assert blocked.figures == {
        "deletes": 12,
        "members": 20,
        "percent": 60.0,
        "limitDeletes": 10,
        "limitPercent": 25,
    }
    assert len(blocked.objects) == 12
    assert key("NetDevice", "d0") in blocked.objects
    assert blocked.reason == "more than 10 objects and more than 25 % of the unit"


def test_unit_that_declares_nothing_any_more_is_blocked_however_small() -> None:
    (blocked,) = pruned(1, 1).blocked
    assert blocked.reason == "the directory declares nothing any more"


def test_unit_that_may_be_emptied_is_held_to_its_limits_only() -> None:
    assert not pruned(1, 1, may_empty=True).blocked
    assert pruned(11, 11, may_empty=True).blocked


def test_unit_whose_directory_is_gone_is_blocked_however_small() -> None:
    found = plan([unit("a", vanished=True)], held("a", device("d")))
    assert [own.reason for own in found.blocked] == ["the directory is gone"]
    assert not found.units["a"].leaves


def test_everything_but_the_prune_goes_on() -> None:
    found = plan([unit("a", device("new"), limits=limits(0, 0))], held("a", device("old")))
    assert told(found) == ["create NetDevice/new"]
    assert found.units["a"].state is UnitState.BLOCKED


def test_only_the_unit_that_exceeds_its_limits_is_blocked() -> None:
    found = plan(
        [unit("a"), unit("b", device("kept"))],
        [*held("a", device("x")), *held("b", device("y"), device("kept"))],
    )
    assert [own.unit for own in found.blocked] == ["a"]
    assert told(found) == ["delete NetDevice/y"]


def test_objects_that_move_are_no_deletes() -> None:
    there = [device(f"d{number}") for number in range(20)]
    found = plan([unit("a"), unit("b", *there)], held("a", *there))
    assert not found.blocked
    assert {own.action for own in found.changes} == {"move"}


def test_objects_that_are_renamed_are_no_deletes() -> None:
    found = plan([unit("a", asset("new", "1"))], held("a", asset("old", "1")))
    assert told(found) == ["update NetAsset/new name"]
    assert not found.blocked


def test_objects_that_are_released_are_no_deletes() -> None:
    there = [device(f"d{number}") for number in range(20)]
    assert not plan([unit("a")], held("a", *there, adopted=True)).blocked


@pytest.mark.parametrize(
    ("allowed", "blocked"),
    [
        pytest.param(None, True, id="not raised"),
        pytest.param(11, True, id="raised by too little"),
        pytest.param(12, False, id="raised by just enough"),
    ],
)
def test_raised_budget_lets_deletes_through(allowed: int | None, blocked: bool) -> None:
    assert bool(pruned(20, 12, allow_deletes=allowed).blocked) is blocked


@pytest.mark.parametrize("vanished", [True, False])
def test_raised_budget_covers_units_that_are_gone_or_empty(vanished: bool) -> None:
    found = plan([unit("a", vanished=vanished)], held("a", device("d")), allow_deletes=1)
    assert told(found) == ["delete NetDevice/d"]


def test_raised_budget_is_for_all_units_together() -> None:
    there = [*held("a", device("x")), *held("b", device("y"))]
    found = plan([unit("a"), unit("b")], there, allow_deletes=1)
    assert [own.unit for own in found.blocked] == ["a", "b"]


@pytest.mark.parametrize("allowed", [None, 100])
def test_protected_kind_is_never_deleted_whatever_the_budget(allowed: int | None) -> None:
    found = pruned(20, 1, limits=limits(10, 25, "NetDevice"), allow_deletes=allowed)
    assert [own.reason for own in found.blocked] == ["protected kinds are among them: NetDevice"]
    assert told(found) == []


def test_kind_that_another_holder_protects_is_protected() -> None:
    units = [unit("a", device("e")), unit("b", device("f"), limits=limits(10, 25, "NetDevice"))]
    found = plan(units, held("a b", device("d")))
    assert [own.unit for own in found.blocked] == ["a"]


def test_other_kinds_of_a_unit_with_a_protected_one_go_on() -> None:
    found = plan(
        [unit("a", device("kept"), limits=limits(10, 25, "NetDevice"))],
        held("a", device("kept"), asset("x", "1")),
    )
    assert told(found) == ["delete NetAsset/x"]


def test_digest_of_a_blocked_prune_is_over_exactly_its_objects() -> None:
    def digest(*kept: str, role: str = "leaf") -> str:
        there = [device(name) for name in ("d", "e", "f")]
        own = unit("a", *(device(name, role=role) for name in kept), limits=limits(0, 0))
        return plan([own], held("a", *there)).blocked[0].digest

    assert digest("d") == digest("d", role="spine")
    assert digest("d") != digest("d", "e")
    assert digest("d") != digest("e")


def test_survivor_is_no_delete_that_counts() -> None:
    holds = {"NetDevice/d": Hold(needed_by=(NodeId("NetAsset/foreign"),))}
    found = plan(
        [unit("a", device("kept"), limits=limits(0, 0))],
        [*held("a", device("d"), device("kept")), *held("", asset("foreign", "1"))],
        holds=holds,
    )
    assert not found.blocked
    assert codes(found) == ["survivor"]


def test_generic_protects_the_kinds_that_inherit_from_it() -> None:
    found = plan(
        [unit("a", device("kept"), limits=limits(10, 25, "CoreGroup", "NetAsset"))],
        held("a", device("kept"), group("ops")),
    )
    (blocked,) = found.blocked
    assert blocked.reason == "protected kinds are among them: CoreStandardGroup"
    assert (blocked.protecting, blocked.unprotecting) == (("CoreGroup",), ("NetAsset",))


def test_group_of_a_unit_that_ends_is_no_object_of_a_protected_kind() -> None:
    found = plan(
        [unit("a", vanished=True, limits=limits(10, 25, "CoreGroup"))],
        held("a", device("d")),
        allow_deletes=1,
    )
    assert told(found) == ["delete NetDevice/d"]
    assert found.units["a"].leaves


SOURCE = Budget(reach=Reach.SOURCE, deletes=3, percent=25)


def spread(
    units: int, members: int, deletes: int, budget: Budget = SOURCE, **given: object
) -> Plan:
    """Plan some units each of which drops as many of its members as it may."""
    cases, there = [], []
    for number in range(units):
        own = [device(f"{number}-{index}") for index in range(members)]
        cases.append(unit(f"u{number}", *own[deletes:]))
        there += held(f"u{number}", *own)
    return plan(cases, there, budgets=(budget,), **given)


@pytest.mark.parametrize(
    ("units", "members", "deletes", "blocked"),
    [
        pytest.param(3, 2, 1, False, id="as many as are allowed"),
        pytest.param(4, 4, 1, False, id="more, and just the part that is allowed"),
        pytest.param(4, 3, 1, True, id="more, and more than the part"),
    ],
)
def test_deletes_are_counted_over_all_units(
    units: int, members: int, deletes: int, blocked: bool
) -> None:
    found = spread(units, members, deletes)
    assert len(found.blocked) == (units if blocked else 0)
    assert len(found.changes) == (0 if blocked else units * deletes)


def test_what_exceeds_a_source_is_told_with_its_figures() -> None:
    found = spread(4, 3, 1)
    assert [own.unit for own in found.blocked] == ["u0", "u1", "u2", "u3"]
    assert {own.reach for own in found.blocked} == {Reach.SOURCE}
    assert str(found.blocked[0]) == (
        "4 of 12 objects (33.3 %) would be deleted:"
        " more than 3 objects and more than 25 % of the source"
    )
    assert found.units["u0"].state is UnitState.BLOCKED


def test_round_is_measured_by_the_units_that_it_is_about() -> None:
    there = [device(f"d{number}") for number in range(8)]
    cases = [unit("a", *there[4:]), unit("b", device("x"), selected=False)]
    more = [device("x"), *(device(f"x{number}") for number in range(30))]
    target = [*held("a", *there), *held("b", *more)]
    for reach, blocked in ((Reach.ROUND, True), (Reach.SOURCE, False)):
        budget = Budget(reach=reach, deletes=3, percent=25)
        assert bool(plan(cases, target, budgets=(budget,)).blocked) is blocked


def test_source_is_not_emptied_a_few_units_at_a_time() -> None:
    """What is due later counts with what is due now: not what is suspended, or held back anyway."""
    for given, blocked in (({}, True), ({"suspend": True}, False)):
        cases = [
            unit("a", device("a0")),
            *(unit(f"b{n}", device(f"b{n}"), selected=False, **given) for n in range(3)),
        ]
        there = [
            *held("a", device("a0"), device("a1"), device("a2")),
            *(
                own
                for n in range(3)
                for own in held(f"b{n}", *(device(f"b{n}{end}") for end in ("", "x", "y")))
            ),
        ]
        budget = Budget(reach=Reach.SOURCE, deletes=4, percent=25)
        found = plan(cases, there, budgets=(budget,))
        assert bool(found.blocked) is blocked
        assert [own.figures["deletes"] for own in found.blocked] == [8] * blocked


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_whoever_holds_an_object_is_asked_before_it_goes(names: tuple[str, str]) -> None:
    """One unit deletes for all: the directory that is gone may be the other one."""
    stays, gone = names
    shared = [device("x"), device("y")]
    own = [device(f"d{number}") for number in range(20)]
    there = [*held("a b", *shared), *held(stays, *own)]
    found = plan([unit(stays, *own), unit(gone, vanished=True)], there)
    assert not found.changes
    (blocked,) = found.blocked
    assert "the directory is gone" in blocked.reason
    assert plan([unit(stays, *own), unit(gone, vanished=True)], there, allow_deletes=2).changes


def test_what_a_unit_holds_back_itself_does_not_go_and_is_not_counted() -> None:
    """One bad directory holds back itself only."""
    there = [*held("a", device("x"), device("y")), *held("b", device("z"), device("kept"))]
    budget = Budget(reach=Reach.SOURCE, deletes=2, percent=0)
    found = plan([unit("a"), unit("b", device("kept"))], there, budgets=(budget,))
    assert [(own.unit, own.reach) for own in found.blocked] == [("a", Reach.UNIT)]
    assert told(found) == ["delete NetDevice/z"]


def test_shared_object_is_counted_once() -> None:
    there = held("a b", device("x"), device("y"), device("z"), device("kept"))
    cases = [unit("a", device("kept")), unit("b", device("kept"))]
    budget = Budget(reach=Reach.SOURCE, deletes=2, percent=0)
    (blocked,) = plan(cases, there, budgets=(budget,)).blocked
    assert (blocked.figures["deletes"], blocked.figures["members"]) == (3, 4)


def approved(plan: Plan, *units: str) -> tuple[Command, ...]:
    """Approve what is held back of some units."""
    return tuple(
        Command(
            id=own.unit,
            verb=Verb.APPROVE,
            source="default",
            unit=own.unit,
            actor="ada",
            at=0,
            digest=own.digest[:12],
        )
        for own in plan.blocked
        if own.unit in units
    )


def test_what_was_approved_is_not_counted_and_used_up() -> None:
    leaves = approved(spread(5, 2, 1), "u0", "u1")
    found = spread(5, 2, 1, approvals=leaves)
    assert not found.blocked
    assert {own.unit for own in found.approvals} == {"u0", "u1"}


def test_approval_lets_through_what_it_is_for_although_the_rest_is_too_much() -> None:
    leaves = approved(spread(5, 2, 1), "u0")
    found = spread(5, 2, 1, approvals=leaves)
    assert [own.unit for own in found.blocked] == ["u1", "u2", "u3", "u4"]
    assert told(found) == ["delete NetDevice/0-0"]


def test_approval_that_nothing_needs_is_not_used_up() -> None:
    leaves = approved(spread(5, 2, 1), "u0")
    wide = Budget(reach=Reach.SOURCE, deletes=5, percent=0)
    assert not spread(5, 2, 1, budget=wide, approvals=leaves).approvals


@pytest.mark.parametrize(("allowed", "blocked"), [(4, True), (5, False)])
def test_raised_budget_is_for_a_source_too(allowed: int, blocked: bool) -> None:
    assert bool(spread(5, 2, 1, allow_deletes=allowed).blocked) is blocked

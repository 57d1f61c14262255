"""Laws of the deletion guard, over units, limits and leave of any kind."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stateward.model.commit import Leave
from stateward.model.plan import Action, Plan
from stateward.model.state import DesiredObject
from stateward.model.unit import Budget, Reach
from unit.builders import Held, asset, device, held, limits, plan, site, tag, unit

PROTECTED = "LocationGeneric"
UNITS = ("a", "b", "c")


@dataclass(frozen=True)
class Case:
    """Objects by the units that hold them, and which of them are declared still."""

    objects: tuple[tuple[DesiredObject, tuple[str, ...], bool], ...]
    limits: dict[str, tuple[int, float]]
    gone: frozenset[str]
    budgets: tuple[Budget, ...]

    def plan(self, **given: Any) -> Plan:
        there: list[Held] = []
        for own, holders, _ in self.objects:
            there += held(" ".join(holders), own)
        cases = [
            unit(
                name,
                *(own for own, holders, stays in self.objects if stays and name in holders),
                limits=limits(*self.limits[name], PROTECTED),
                vanished=name in self.gone,
            )
            for name in UNITS
        ]
        return plan(cases, there, budgets=self.budgets, **given)


def _object(number: int, kind: int) -> DesiredObject:
    makers = (device, site, tag, lambda name: asset(name, f"s{number}"))
    return makers[kind](f"o{number}")


_SMALL = st.integers(0, 4)
_LIMITS = st.tuples(_SMALL, st.sampled_from([0, 25, 50]))
_HOLDERS = st.sets(st.sampled_from(UNITS), min_size=1).map(lambda own: tuple(sorted(own)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    drawn = draw(st.lists(st.tuples(st.integers(0, 3), _HOLDERS, st.booleans()), max_size=12))
    gone = draw(st.sets(st.sampled_from(UNITS)))
    objects = tuple(
        (_object(number, kind), holders, stays and not gone & set(holders))
        for number, (kind, holders, stays) in enumerate(drawn)
    )
    budgets = tuple(
        Budget(reach=reach, deletes=given[0], percent=given[1])
        for reach in (Reach.SOURCE, Reach.ROUND)
        if (given := draw(st.none() | _LIMITS)) is not None
    )
    return Case(objects, {own: draw(_LIMITS) for own in UNITS}, frozenset(gone), budgets)


def deleted(plan: Plan) -> set[str | None]:
    return {own.node for own in plan.changes if own.action is Action.DELETE}


@given(cases(), st.none() | st.integers(0, 50), st.integers(0, 50))
def test_no_budget_lets_a_protected_kind_through(
    case: Case, allowed: int | None, left: int
) -> None:
    found = case.plan(allow_deletes=allowed, leave=Leave(deletes=left, author="ada"))
    kinds = {own.key.kind for own in found.changes if own.action is Action.DELETE}
    assert "LocationSite" not in kinds


@given(cases(), st.integers(0, 12), st.integers(0, 12))
def test_more_leave_never_blocks_more(case: Case, allowed: int, more: int) -> None:
    less = case.plan(allow_deletes=allowed)
    found = case.plan(allow_deletes=allowed + more)
    assert {own.unit for own in found.blocked} <= {own.unit for own in less.blocked}
    assert deleted(found) >= deleted(less)
    assert deleted(less) >= deleted(case.plan())


@given(cases(), st.integers(0, 12), st.integers(0, 12))
def test_more_leave_of_a_commit_never_blocks_more(case: Case, allowed: int, more: int) -> None:
    less = case.plan(leave=Leave(deletes=allowed, author="ada"))
    found = case.plan(leave=Leave(deletes=allowed + more, author="ada"))
    assert {own.unit for own in found.blocked} <= {own.unit for own in less.blocked}
    assert deleted(found) >= deleted(less) >= deleted(case.plan())


@given(cases())
def test_figures_count_each_object_once(case: Case) -> None:
    found = case.plan()
    going = [own for blocked in found.blocked for own in blocked.objects]
    assert len(going) == len(set(going))
    dropped = {str(own.key) for own, _, stays in case.objects if not stays}
    assert {*map(str, going), *deleted(found)} == dropped
    everything = {own.key for own, _, _ in case.objects}
    for own in found.blocked:
        if own.reach is Reach.UNIT:
            assert own.figures["deletes"] == len(own.going)
        else:
            together = [one for one in found.blocked if one.reach is own.reach]
            assert own.figures["deletes"] == sum(len(one.going) for one in together)
            assert own.figures["members"] == len(everything)


@given(cases())
def test_what_goes_without_leave_is_within_every_limit(case: Case) -> None:
    found = case.plan()
    count, members = len(deleted(found)), len(case.objects)
    for own in case.budgets:
        assert count <= own.deletes or 100 * count <= own.percent * members
    for name, (deletes, percent) in case.limits.items():
        mine = sum(own.action is Action.DELETE and own.unit == name for own in found.changes)
        members = sum(name in holders for _, holders, _ in case.objects)
        assert mine <= deletes or 100 * mine <= percent * members

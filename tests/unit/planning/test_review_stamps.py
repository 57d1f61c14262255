"""What a tracking group remembers of a unit of which something is left out."""

from dataclasses import replace
from typing import Any

import pytest

from stateward.errors import Code, Problem
from stateward.model.plan import Default, Plan
from stateward.model.state import DesiredObject, Observed
from stateward.model.unit import Stamp
from unit.builders import (
    UnitCase,
    device,
    fields,
    held,
    limits,
    observe,
    plan,
    server,
    told,
    unit,
)


def wrong(name: str) -> Problem:
    return Problem(code=Code.UNRESOLVED, message="x", subject=f"NetServer/{name}")


def stamped(found: list[Any], units: list[UnitCase], stamp: Stamp) -> Observed:
    observed = observe(found, units)
    groups = {name: replace(own, description=str(stamp)) for name, own in observed.groups.items()}
    return replace(observed, groups=groups)


def again(first: Plan, units: list[UnitCase], *there: DesiredObject) -> Plan:
    """Plan once more, after a plan was applied."""
    stamp = first.units["a"].stamp
    assert stamp is not None
    was = replace(there[0], attributes={**there[0].attributes, "hashed": object()})
    found = held("a", *there)
    return plan(units, found, observed=stamped(found, units, stamp), formerly=[was])


def test_stamp_says_how_far_a_unit_is_of_which_something_is_left_out() -> None:
    stamp = Stamp(applied="r0", files="f0", attempted=("r1", "r2"), reached="d1")
    assert Stamp.parse(str(stamp)) == stamp
    assert stamp.attempt("r3") == Stamp(applied="r0", files="f0", attempted=("r1", "r2", "r3"))


def test_password_is_written_once_though_something_else_is_left_out() -> None:
    units = [unit("a", server("s", hashed="new"), server("t"), problems=(wrong("t"),))]
    was = server("s", hashed="old")
    first = plan(units, held("a", server("s", hashed="x")), formerly=[was])
    assert told(first) == ["update NetServer/s hashed"]
    assert first.units["a"].stamp is not None
    assert told(again(first, units, server("s", hashed="y"))) == []


@pytest.mark.parametrize(
    "now",
    [
        pytest.param({"problems": (wrong("u"),)}, id="something else is left out"),
        pytest.param({"problems": (wrong("t"),), "files": "f2"}, id="the files are others"),
    ],
)
def test_password_is_written_again_where_it_is_not_known_to_be_through(now: Any) -> None:
    objects = (server("s", hashed="new"), server("t"), server("u"))
    there = server("s", hashed="x"), server("t"), server("u")
    first = plan(
        [unit("a", *objects, problems=(wrong("t"),))],
        held("a", *there),
        formerly=[server("s", hashed="old")],
    )
    later = again(first, [unit("a", *objects, **now)], *there)
    assert told(later) == ["update NetServer/s hashed"]


def test_unit_that_keeps_an_object_for_a_file_that_cannot_be_read_still_knows_what_it_was() -> None:
    bad = Problem(code=Code.YAML, message="x")
    there = held("a", device("d", comment="x"), device("e", comment="x"))
    was = [device("d", comment="x"), device("e", comment="x")]
    mistake = [unit("a", device("e")), unit("b", problems=(bad,), unread=("name: d",))]
    first = plan(mistake, there, formerly=was)
    assert told(first) == ["update NetDevice/e comment"]
    stamp = first.units["a"].stamp
    assert stamp is not None
    assert (stamp.applied, stamp.files, stamp.attempted) == ("r0", "f0", ("r1",))

    mended = [unit("a", device("e"), files="f1"), unit("b", device("d"))]
    left = held("a", device("d", comment="x"), device("e"))
    second = plan(mended, left, observed=stamped(left, mended, stamp), formerly=was)
    assert told(second) == ["move NetDevice/d from a comment"]
    assert fields(second) == {"comment": ("x", Default(None))}


def test_unit_that_keeps_objects_and_changes_nothing_is_not_written() -> None:
    bad = Problem(code=Code.YAML, message="x")
    units = [unit("a", device("e")), unit("b", problems=(bad,), unread=("name: d",))]
    found = plan(units, held("a", device("d"), device("e")))
    assert found.units["a"].stamp is None


def test_unit_whose_prune_is_blocked_still_knows_what_it_declared() -> None:
    names = [f"d{number}" for number in range(4)]
    there = [*held("a", *(device(name) for name in names))]
    found = plan(
        [unit("a", device("d0", comment="new"), limits=limits(deletes=0))],
        there,
        formerly=[device(name) for name in names],
    )
    assert told(found) == ["update NetDevice/d0 comment"]
    stamp = found.units["a"].stamp
    assert stamp is not None
    assert (stamp.applied, stamp.attempted) == ("r0", ("r1",))

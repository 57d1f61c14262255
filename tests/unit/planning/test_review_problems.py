"""How the problems of a plan are told."""

from stateward.errors import Code, Location, Problem
from unit.builders import plan, unit


def test_problems_come_in_the_order_of_the_lines() -> None:
    places = [Location("a.yml", 10, 1), Location("a.yml", 9, 2), Location("a.yml", 9, 1)]
    wrong = tuple(Problem(code=Code.TYPE, message="x", location=own) for own in places)
    found = plan([unit("a", problems=wrong)])
    assert [own.location for own in found.problems] == sorted(places)

"""What is read in one request, and what in the next."""

from collections.abc import Mapping

import pytest

from stateward.targets.infrahub.lots import FIRST, LARGEST, ROOM, packed


def sizes(wanted: Mapping[str, tuple[int, int]]) -> list[dict[str, int]]:
    """Pack so many objects of kinds, with so many lists each; return how many go where."""
    objects = {kind: [f"{kind}{n}" for n in range(own)] for kind, (own, _) in wanted.items()}
    found = list(packed(objects, lambda kind: wanted[kind][1]))
    for kind, own in objects.items():
        assert [node for lot in found for node in lot.get(kind, ())] == own
    return [{kind: len(own) for kind, own in lot.items()} for lot in found]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, []),
        ({"A": (0, 3)}, []),
        ({"A": (3, 0), "B": (4, 2)}, [{"A": 3, "B": 4}]),
        ({"A": (LARGEST, 0)}, [{"A": LARGEST}]),
        ({"A": (LARGEST + 1, 0)}, [{"A": LARGEST}, {"A": 1}]),
        ({"A": (LARGEST - 1, 0), "B": (2, 0)}, [{"A": LARGEST - 1, "B": 1}, {"B": 1}]),
    ],
)
def test_so_many_objects_go_into_one(wanted, expected):
    assert sizes(wanted) == expected


def test_the_more_lists_there_are_of_each_the_fewer_go_into_one():
    assert sizes({"A": (400, 14)}) == [{"A": 180}, {"A": 180}, {"A": 40}]


def test_kinds_with_many_lists_do_not_all_go_into_one():
    found = sizes({f"K{n:02}": (2, 9) for n in range(30)})
    assert [len(lot) for lot in found] == [13, 13, 4]
    assert all(sum(10 * (own + FIRST) for own in lot.values()) <= ROOM for lot in found)


def test_one_goes_however_many_lists_it_has():
    assert sizes({"A": (2, 10 * ROOM), "B": (1, 0)}) == [{"A": 1}, {"A": 1}, {"B": 1}]

"""When something that is set back again and again is called a fight, and when it is over."""

from stateward.daemon.fights import Fights
from stateward.model.fight import Correction, Fight, Writer
from stateward.model.identity import ObjectKey

LEAF = ObjectKey("NetDevice", ("leaf1",))
EVE = Writer("Eve", "2026-11-27T12:00:00Z")
ROLE = Correction(key=LEAF, field="role")
STATUS = Correction(key=LEAF, field="status", writer=EVE)
NONE: tuple[Correction, ...] = ()


def test_it_is_one_after_so_many_looks_in_a_row() -> None:
    fights = Fights(3)
    assert [fights.take("a", [ROLE]) for _ in range(2)] == [(), ()]
    (found,) = fights.take("a", [ROLE])
    assert found == Fight(key=LEAF, field="role", count=3, writer=None)
    assert str(found) == "NetDevice/leaf1: role: set back 3 times, and changed again each time"


def test_it_names_the_last_writer() -> None:
    fights = Fights(2)
    fights.take("a", [Correction(key=LEAF, field="status")])
    (found,) = fights.take("a", [STATUS])
    assert str(found).endswith("each time, last by Eve at 2026-11-27T12:00:00Z")


def test_an_object_that_is_made_again_and_again_is_one_too() -> None:
    fights = Fights(2)
    for _ in range(2):
        found = fights.take("a", [Correction(key=LEAF, field="")])
    assert str(found[0]).startswith("NetDevice/leaf1: made again 2 times")


def test_each_field_counts_for_itself_and_each_unit() -> None:
    fights = Fights(2)
    fights.take("a", [ROLE])
    assert fights.take("a", [STATUS]) == ()
    assert fights.take("b", [ROLE]) == ()
    assert [own.field for own in fights.take("a", [ROLE, STATUS])] == ["role", "status"]


def test_one_look_that_finds_nothing_does_not_end_it_and_two_do() -> None:
    fights = Fights(2)
    for own in ([ROLE], NONE, [ROLE]):
        found = fights.take("a", own)
    assert len(found) == 1
    assert len(fights.take("a", NONE)) == 1
    assert fights.take("a", NONE) == ()
    assert fights.take("a", [ROLE]) == ()


def test_what_git_says_anew_begins_anew() -> None:
    fights = Fights(2)
    for _ in range(2):
        fights.take("a", [ROLE])
    assert fights.take("a", None, anew=True) == ()
    assert fights.take("a", [ROLE]) == ()


def test_a_round_that_failed_says_nothing_of_it() -> None:
    fights = Fights(2)
    fights.take("a", [ROLE])
    assert fights.take("a", None) == ()
    assert len(fights.take("a", [ROLE])) == 1


def test_looks_become_fewer_up_to_a_limit() -> None:
    fights = Fights(3)
    factors = []
    for _ in range(8):
        fights.take("a", [ROLE])
        factors.append(fights.factor("a"))
    assert factors == [1, 1, 2, 4, 8, 16, 16, 16]
    assert fights.factor("b") == 1

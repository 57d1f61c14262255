"""How many calls are let through, and that none is taken twice."""

from stateward.http.gate import Rate, Replays


def test_a_burst_is_let_through_and_then_so_many_a_second() -> None:
    rate = Rate(a_second=2, burst=3, most=10)
    assert [rate.admits("a", 0) for _ in range(4)] == [True, True, True, False]
    assert rate.admits("b", 0)
    assert [rate.admits("a", 1) for _ in range(3)] == [True, True, False]
    assert [rate.admits("a", 1000) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_is_behind_gives_nothing_back() -> None:
    rate = Rate(a_second=1, burst=1, most=10)
    assert [rate.admits("a", 10), rate.admits("a", 5), rate.admits("a", 6)] == [True, False, True]


def test_places_without_number_take_no_room_without_end() -> None:
    rate = Rate(a_second=1, burst=1, most=10)
    for own in range(1000):
        assert rate.admits(str(own), 0)
    assert len(rate._left) == 10


def test_a_call_is_new_once_and_again_after_a_while() -> None:
    replays = Replays(keep=60, most=10)
    assert [replays.is_new(b"a", 0), replays.is_new(b"a", 59), replays.is_new(b"b", 59)] == [
        True,
        False,
        True,
    ]
    assert replays.is_new(b"a", 60)
    assert not replays.is_new(b"a", 61)


def test_calls_without_number_take_no_room_without_end() -> None:
    replays = Replays(keep=60, most=10)
    for own in range(1000):
        assert replays.is_new(bytes([own % 256, own // 256]), 0)
    assert len(replays._taken) == 10
    assert not replays.is_new(bytes([999 % 256, 999 // 256]), 0)

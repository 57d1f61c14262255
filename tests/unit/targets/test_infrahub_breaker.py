"""A target that fails again and again is left alone, and tried again by one request."""

from stateward.targets.infrahub.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock, retry_after: float | None = None) -> Breaker:
    breaker = Breaker(threshold=2, rest=10.0, clock=clock)
    for _ in range(2):
        assert breaker.admit() == 0
        breaker.failed(retry_after)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row():
    assert broken(Clock()).admit() == 10


def test_a_success_between_failures_keeps_it_closed():
    breaker = Breaker(threshold=2, rest=10.0, clock=Clock())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert breaker.admit() == 0


def test_it_says_how_long_it_is_still_open():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 9

    assert breaker.admit() == 1


def test_after_the_rest_one_trial_is_let_through():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10

    assert (breaker.admit(), breaker.admit()) == (0, 10)


def test_a_trial_that_succeeds_closes_it():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    breaker.admit()
    breaker.succeeded()

    assert (breaker.admit(), breaker.admit()) == (0, 0)


def test_a_trial_that_fails_opens_it_for_another_rest():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 12
    breaker.admit()
    breaker.failed()

    assert breaker.admit() == 10


def test_a_trial_that_was_cancelled_lets_somebody_else_try():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    breaker.admit()
    breaker.abandoned()

    assert breaker.admit() == 0


def test_the_target_may_ask_for_a_longer_rest_but_not_for_a_shorter_one():
    assert broken(Clock(), retry_after=60).admit() == 60
    assert broken(Clock(), retry_after=1).admit() == 10


def test_a_late_failure_does_not_shorten_the_rest():
    breaker = broken(Clock(), retry_after=60)
    breaker.failed()

    assert breaker.admit() == 60

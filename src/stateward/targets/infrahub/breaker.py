"""A circuit breaker: a target that has failed again and again is left alone for a while.

Closed, everything is let through. After so many failures in a row it opens, and nothing is. When
the rest is over, one trial is let through: if it succeeds the breaker closes, else it rests again.
"""

from collections.abc import Callable


class Breaker:
    """What is known of a target's health; one for each target, however many talk to it."""

    def __init__(self, *, threshold: int, rest: float, clock: Callable[[], float]) -> None:
        self._threshold = threshold
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._until: float | None = None
        self._trial = False

    def admit(self) -> float:
        """Return 0 to let a request through, else the seconds until it is worth asking again.

        Whoever was let through says how it ended, by one of the other three methods.
        """
        if self._until is None:
            return 0.0
        left = self._until - self._clock()
        if left > 0:
            return left
        if self._trial:
            return self._rest
        self._trial = True
        return 0.0

    @property
    def resting(self) -> float:
        """Return for how many more seconds nothing is let through."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def succeeded(self) -> None:
        self._failures, self._until, self._trial = 0, None, False

    def failed(self, retry_after: float | None = None) -> None:
        """Count a failure; the rest is as long as the target asked for, if that is longer."""
        self._failures += 1
        if self._trial or self._failures >= self._threshold:
            until = self._clock() + max(self._rest, retry_after or 0.0)
            self._until = max(self._until or until, until)
            self._trial = False

    def abandoned(self) -> None:
        """Forget a request that ended without telling anything: somebody else may try."""
        self._trial = False

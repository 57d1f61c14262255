"""What is kept of calls to let no flood through and none twice. Pure; bounded, whoever calls."""

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Rate:
    """So many calls a second from one place, after a first burst."""

    a_second: float
    burst: float
    most: int
    """Places that are remembered: of the others, those that called last."""
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """How many calls a place had left, and when."""

    def admits(self, place: str, now: float) -> bool:
        left, at = self._left.pop(place, (self.burst, now))
        left = min(self.burst, left + max(0.0, now - at) * self.a_second)
        admitted = left >= 1
        self._left[place] = (left - admitted, now)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return admitted


@dataclass(slots=True)
class Replays:
    """What was taken, for a while."""

    keep: float
    """Seconds."""
    most: int
    _taken: OrderedDict[bytes, float] = field(default_factory=OrderedDict)

    def is_new(self, mark: bytes, now: float) -> bool:
        """Tell whether something was not taken before, and take it."""
        while self._taken:
            first, at = next(iter(self._taken.items()))
            if now - at < self.keep and len(self._taken) < self.most:
                break
            del self._taken[first]
        if mark in self._taken:
            return False
        self._taken[mark] = now
        return True

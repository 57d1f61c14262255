"""What is due when: a queue of one source's units. Pure; the time is given with every question.

A unit is in it once, whatever marks it: reasons add up, and the earliest moment counts. While a
round is at it, marks are kept and count once the round is over, which has to say when the unit is
due again: nothing is forgotten, and no unit is in two rounds at once.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stateward.model.status import Reason


class Mark(NamedTuple):
    """When a unit is due, and why."""

    due: float
    reason: Reason


@dataclass(slots=True)
class Queue:
    """The units of one source."""

    _waiting: dict[str, dict[Reason, float]] = field(default_factory=dict)
    _processing: set[str] = field(default_factory=set)
    _meanwhile: dict[str, list[Mark]] = field(default_factory=dict)
    _heap: list[tuple[float, str]] = field(default_factory=list)
    """Every unit that waits, at its moment; and some that do not any more, or at another one."""

    def mark(self, unit: str, mark: Mark) -> None:
        """Have a unit looked at, at a moment at the latest."""
        if unit in self._processing:
            self._meanwhile.setdefault(unit, []).append(mark)
            return
        marks = self._waiting.setdefault(unit, {})
        before = min(marks.values(), default=None)
        marks[mark.reason] = min(mark.due, marks.get(mark.reason, mark.due))
        if before is None or mark.due < before:
            heapq.heappush(self._heap, (mark.due, unit))

    def due(self) -> float | None:
        """Return when something is due; None where nothing waits."""
        while self._heap:
            due, unit = self._heap[0]
            if unit in self._waiting and _first(self._waiting[unit]) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def waits(self, now: float) -> tuple[float, ...]:
        """Return for how many seconds each unit has been due that nobody has taken."""
        return tuple(now - due for own in self._waiting.values() if (due := _first(own)) <= now)

    def waiting(self) -> int:
        """Return how many units are due at some moment."""
        return len(self._waiting)

    def next(self, unit: str) -> Mark | None:
        """Return when a unit is due; None where it does not wait."""
        marks = self._waiting.get(unit)
        return min((Mark(due, own) for own, due in marks.items()), default=None) if marks else None

    def take(self, now: float, slack: float = 0.0) -> Mapping[str, frozenset[Reason]]:
        """Take what is due, with the reasons; each unit has to be given back by ``done``.

        Where anything is due, units that are due within ``slack`` seconds, and for no more than
        their interval, are taken along: one round looks at many as well as at one.
        """
        first = self.due()
        if first is None or first > now:
            return {}
        taken: dict[str, frozenset[Reason]] = {}
        early: list[tuple[float, str]] = []
        while self._heap and self._heap[0][0] <= now + slack:
            due, unit = heapq.heappop(self._heap)
            marks = self._waiting.get(unit)
            if marks is None or _first(marks) != due:
                continue
            reasons = frozenset(own for own, moment in marks.items() if moment <= now)
            if not reasons and marks.get(Reason.INTERVAL) != due:
                early.append((due, unit))
                continue
            taken[unit] = reasons or frozenset({Reason.INTERVAL})
            self._processing.add(unit)
            del self._waiting[unit]
        for own in early:
            heapq.heappush(self._heap, own)
        return taken

    def done(self, unit: str, again: Mark | None) -> None:
        """Give a unit back; it is due again at the mark, or when it was marked meanwhile."""
        self._processing.discard(unit)
        for mark in (*self._meanwhile.pop(unit, ()), *((again,) if again else ())):
            self.mark(unit, mark)

    def drop(self, unit: str) -> None:
        """Forget a unit that is no more, unless a round is at it."""
        self._waiting.pop(unit, None)


def _first(marks: Mapping[Reason, float]) -> float:
    return min(marks.values())

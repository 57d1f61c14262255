"""Fights: fields that we set back and somebody else changes again, told apart from drift. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code
from stateward.model.fight import Correction, Fight
from stateward.model.identity import ObjectKey

_CALM = 2
"""So many looks that find nothing to set back end a fight."""
_MOST = 4
"""The pauses between looks double so often at most."""

_Where = tuple[ObjectKey, str]


@dataclass(frozen=True, slots=True)
class _Count:
    """What is known of one field."""

    last: Correction
    times: int = 0
    calm: int = 0


@dataclass(slots=True)
class Fights:
    """The fields of one source that had to be set back lately, by unit."""

    after: int
    """How often a field is set back until it is called a fight."""
    _counts: dict[str, dict[_Where, _Count]] = field(default_factory=dict)

    def take(
        self, unit: str, corrections: Iterable[Correction] | None, *, anew: bool = False
    ) -> tuple[Fight, ...]:
        """Take in what a look for drift found, if it was one; return what is a fight now.

        Where Git says another thing than before, all begins ``anew``.
        """
        if anew:
            self._counts.pop(unit, None)
        if corrections is None:
            return self.of(unit)
        found = {(own.key, own.field): own for own in corrections}
        counts: dict[_Where, _Count] = {}
        for where, count in self._counts.get(unit, {}).items():
            if where not in found and count.calm + 1 < _CALM:
                counts[where] = replace(count, calm=count.calm + 1)
        for where, own in found.items():
            before = self._counts.get(unit, {}).get(where)
            counts[where] = _Count(own, before.times + 1 if before else 1)
        self._counts[unit] = counts
        return self.of(unit)

    def forget(self, unit: str) -> None:
        """Forget a unit that is gone: one that comes back under its name begins anew."""
        self._counts.pop(unit, None)

    def of(self, unit: str) -> tuple[Fight, ...]:
        """Return the fights about a unit, the longest first."""
        fights = [
            Fight(key=own.last.key, field=own.last.field, count=own.times, writer=own.last.writer)
            for own in self._counts.get(unit, {}).values()
            if own.times >= self.after
        ]
        return tuple(sorted(fights, key=lambda own: (-own.count, own.key, own.field)))

    def factor(self, unit: str) -> int:
        """Return by what the pauses between looks at a unit are longer than they would be."""
        most = max((own.count for own in self.of(unit)), default=self.after - 1)
        return 1 << min(most - self.after + 1, _MOST)


def told(fights: Sequence[Fight]) -> str:
    """Say of a unit what is fought over in it."""
    more = f" (and {len(fights) - 1} more)" if len(fights) > 1 else ""
    advice = "looked at less often now: have one of both leave it alone"
    return f"{Code.FIGHT} {Code.FIGHT.slug}: {fights[0]}{more}: {advice}"

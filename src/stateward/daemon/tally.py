"""What was done of one unit since the daemon began, in numbers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stateward.model.plan import Action
from stateward.model.run import Outcome, Run

DONE = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})
"""How a round comes out that brought a unit in line."""
_PRESENT = (Action.CREATE, Action.UPDATE, Action.ADOPT, Action.MOVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One unit's numbers."""

    rounds: int = 0
    unchanged: int = 0
    """Rounds that had nothing to do."""
    writes: int = 0
    changes: Mapping[Action, int] = field(default_factory=dict)
    """Objects changed, by what was done to them."""
    objects: int | None = None
    """Objects that were as declared after the last round that brought it in line."""
    taken_back: int = 0
    """Rounds whose changes were taken back again."""
    survivors: int = 0
    """Members whose delete was refused in the last round."""

    def plus(self, run: Run) -> "Tally":
        """Return the numbers with one more round."""
        done = {own: run.summary.get(own.value, 0) for own in Action}
        if run.outcome is Outcome.PLANNED:
            done = dict.fromkeys(Action, 0)  # what would be done was not
        present = sum(done[own] for own in _PRESENT) + run.summary.get("unchanged", 0)
        return replace(
            self,
            rounds=self.rounds + 1,
            unchanged=self.unchanged + (run.outcome is Outcome.UNCHANGED),
            writes=self.writes + run.writes,
            changes={own: self.changes.get(own, 0) + done[own] for own in Action},
            objects=present if run.outcome in DONE and run.summary else self.objects,
            taken_back=self.taken_back + (run.taken_back is not None),
            survivors=len(run.survivors),
        )

"""Who tends the sources of one target, at this moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stateward.daemon.means import Means
from stateward.daemon.tending import Tender


def never() -> float:
    """Return how long a target rests that never does."""
    return 0.0


@dataclass(slots=True, kw_only=True)
class Crew:
    """Those who tend the sources of one target, whether it is ours to write to or not."""

    target: str
    means: Means
    """Those of this target."""
    tenders: Sequence[Tender] = ()
    at_work: bool = False
    """Whether they know by now what an earlier process knew, and may be told something."""
    resting: Callable[[], float] = never
    """Says for how many more seconds the target is left alone, since it failed again and again."""

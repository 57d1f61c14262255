"""What stays where a failure is taken back, since it was made before the round that failed.

What a round made goes, whatever kind it is of: nobody has come to rely on it. What runs before it
made and nobody lived to take back has stood since, and is as protected as all else.
"""

from collections.abc import Sequence

from stateward.model.plan import Change
from stateward.planning.guard import protecting
from stateward.planning.inverse import Undoing


def keeping(undoing: Undoing, delete: Change) -> str | None:
    """Say why something is not deleted though it was made, if it is to be kept."""
    earlier = undoing.holding.earlier if undoing.holding is not None else frozenset()
    if earlier.isdisjoint(own.run for own in delete.undoes):
        return None
    settings = undoing.settings[delete.unit]
    kinds = sorted(protecting(delete.key.kind, settings.limits, undoing.schema))
    if not kinds and not settings.protects(delete.key):
        return None
    return f"an earlier run made it, and it is protected by {_by(kinds)}"


def _by(kinds: Sequence[str]) -> str:
    return f"limits.protectedKinds: {', '.join(kinds)}" if kinds else "protect"

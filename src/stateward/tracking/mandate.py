"""Leave to write, looked at before each write, and against what the target itself shows."""

from stateward.model.unit import Stamp
from stateward.ports import Mandate, Session


class _Unlimited:
    """The leave of a person, or of a script: it has no end, and no place in the order of terms."""

    name = ""
    term = 0
    held = True

    def check(self, seen: int = 0) -> None:
        """Let everything through."""


UNLIMITED: Mandate = _Unlimited()


async def fence(session: Session, mandate: Mandate, prefix: str) -> None:
    """Look right before the first write whether somebody has written in a later term.

    Planning takes a while, in which a leader may have been asleep without knowing. ``prefix`` is
    what the names of the tracking groups start with that count. Raises ``LeaseLost``.
    """
    if mandate.term:
        found = await session.groups(prefix)
        mandate.check(max((Stamp.parse(own).term for own in found.values()), default=0))

"""A source goes forward only: what did not come after what was applied is refused."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from stateward.errors import Code, SourceRefused
from stateward.model.command import Command, Verb

Follows = Callable[[str, str], Awaitable[bool]]
"""Says whether the second of two commits is the first one, or came after it."""
_SHOWN = 12


@dataclass(slots=True)
class Descent:
    """Looks at the commits of one source, in the order in which they come."""

    follows: Follows | None
    """None where it may also go back."""
    accepted: str | None = None
    """The last commit that was let through, also by an earlier process."""
    refused: str | None = None
    """The newest commit, where it is not let through."""

    async def check(
        self, commit: str, before: Collection[str], commands: Sequence[Command]
    ) -> Command | None:
        """Let a commit through; raises ``SourceRefused`` where it does not follow all of ``before``.

        Returns by whose leave it is let through, where that was needed.
        """
        leave = None
        if self.follows is not None:
            for own in sorted(before):
                if not await self.follows(own, commit):
                    leave = _leave(commit, commands)
                    if leave is None:
                        self.refused = commit
                        raise _refusal(own, commit)
        self.accepted, self.refused = commit, None
        return leave


def _leave(commit: str, commands: Sequence[Command]) -> Command | None:
    for own in commands:
        if own.verb is Verb.ALLOW_REWIND and own.digest and commit.startswith(own.digest):
            return own
    return None


def _refusal(old: str, new: str) -> SourceRefused:
    return SourceRefused(
        f"{new[:_SHOWN]} did not come after {old[:_SHOWN]}, which was applied: the branch was set"
        " back or rewritten: nothing is changed until it goes on from there, or somebody says"
        f" `stateward allow-rewind {new[:_SHOWN]}`",
        code=Code.REWOUND,
    )

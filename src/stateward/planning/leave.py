"""What a commit lets the round delete that brings it about, by a trailer of its message."""

import re

from stateward.errors import Code, Problem, Severity
from stateward.model.commit import TRAILER, Commit, Leave

_NUMBER = re.compile(r"[0-9]{1,9}")


def too_little(commit: Commit, leave: Leave, deletes: int) -> Problem:
    """Tell of a leave that is less than what would be deleted: then it counts for none of it."""
    message = (
        f"commit {commit.id[:12]}: {TRAILER}: {leave.deletes} is less than the {deletes} objects that"
        f" would be deleted: it lets nothing through: where they are meant to go, push a commit that"
        f" says {TRAILER}: {deletes}"
    )
    return Problem(code=Code.COMMIT_TRAILER, message=message, severity=Severity.WARNING)


def leave_of(commit: Commit | None) -> tuple[Leave | None, tuple[Problem, ...]]:
    """Read a commit's leave; one that cannot be read counts as none, and is told."""
    if commit is None or not commit.allows:
        return None, ()
    first, *others = commit.allows
    if not others and _NUMBER.fullmatch(first):
        return Leave(deletes=int(first), author=commit.author), ()
    given = " and ".join(repr(own) for own in commit.allows)
    message = (
        f"commit {commit.id[:12]}: {TRAILER}: expected one number, as in {TRAILER}: 12, not {given}"
    )
    problem = Problem(
        code=Code.COMMIT_TRAILER,
        message=f"{message}: it lets nothing through",
        severity=Severity.WARNING,
    )
    return None, (problem,)

"""What tells most about a prune: what of it matters most, in the words of a message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from stateward.model.commit import Commit
from stateward.model.plan import Blocked, Change, Going
from stateward.model.state import Hold, Observed

MOST_SHOWN = 10
_MOST_KINDS = 8
_SHORT = 12


class Concerned:
    """Which other objects a delete concerns: what goes along with it, and what refers to it."""

    def __init__(self, observed: Observed, deletes: Iterable[Change]) -> None:
        self._observed = observed
        self._nodes = {own.node for own in deletes if own.node is not None}

    @cached_property
    def _referring(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {node: set() for node in self._nodes}
        for own in self._observed.objects.values():
            for peer in own.peers() & self._nodes - {own.id}:
                found[peer].add(own.id)
        return found

    def along(self, node: str) -> frozenset[str]:
        """Return the ids of what a delete takes along."""
        return frozenset(own.id for own in self._hold(node).cascade)

    def referring(self, node: str) -> frozenset[str]:
        needing = frozenset(own.id for own in self._hold(node).needed_by)
        return needing | self._referring.get(node, set())

    def _hold(self, node: str) -> Hold:
        return self._observed.holds.get(node) or Hold()

    def order(
        self, deletes: Iterable[Change], protected: Iterable[Change] = ()
    ) -> tuple[Going, ...]:
        """Return what deletes take away: what is protected first, then what concerns most others."""
        kept = {own.node for own in protected}
        return ordered(self._going(own, protected=own.node in kept) for own in deletes)

    def _going(self, change: Change, *, protected: bool) -> Going:
        along, referring = self.along(change.node or ""), self.referring(change.node or "")
        return Going(change.key, protected, len(along), len(referring), len(along | referring))


def ordered(going: Iterable[Going]) -> tuple[Going, ...]:
    """Put what tells most first."""
    return tuple(sorted(going, key=lambda own: (not own.protected, -own.concerns, own.key)))


def lines(blocked: Blocked, commit: Commit | None, more: str = "") -> Iterator[str]:
    """Say what a prune would delete, and whose doing it is; names are as they are, not escaped."""
    yield _kinds(blocked.kinds)
    if commit is not None:
        yield f"at commit {commit.id[:_SHORT]} of {commit.author}: {commit.subject}"
    yield from (f"- {_object(own)}" for own in blocked.going[:MOST_SHOWN])
    left = len(blocked.going) - MOST_SHOWN
    if left > 0:
        yield f"… and {left} more{more}"


def _kinds(kinds: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds[:_MOST_KINDS])
    left = len(kinds) - _MOST_KINDS
    return f"{shown}, and {left} more kinds" if left > 0 else shown


def _object(own: Going) -> str:
    notes = ["protected"] if own.protected else []
    notes += [f"takes {own.along} along"] if own.along else []
    if own.referring:
        notes.append(f"{own.referring} refer{'s' if own.referring == 1 else ''} to it")
    return f"{own.key}  ({', '.join(notes)})" if notes else str(own.key)

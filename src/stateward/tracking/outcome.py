"""What a session did, as it is reported."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Blocked, Survivor

_WORDS = {
    Action.CREATE: "created",
    Action.ADOPT: "adopted",
    Action.UPDATE: "updated",
    Action.RELEASE: "released",
    Action.DELETE: "deleted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """What became of the objects of one session, and what of its prune."""

    group: str
    """The name of the tracking group."""
    created: tuple[ObjectKey, ...] = ()
    updated: tuple[ObjectKey, ...] = ()
    adopted: tuple[ObjectKey, ...] = ()
    """What existed before and is a member now: released, never deleted, when it is not used."""
    unchanged: tuple[ObjectKey, ...] = ()
    deleted: tuple[ObjectKey, ...] = ()
    released: tuple[ObjectKey, ...] = ()
    """What is no member any more, and stays."""
    survivors: tuple[Survivor, ...] = ()
    """Members whose delete was refused, or would hurt what is not ours: tried again next time."""
    blocked: Blocked | None = None
    """The prune that the guard held back."""
    withheld: str | None = None
    """Why there was no prune, where there should have been one."""
    writes: int = 0
    """Mutations sent."""

    def __str__(self) -> str:
        return ", ".join(self._parts()) or "nothing done"

    def _parts(self) -> Iterator[str]:
        for word in ("created", "updated", "adopted", "unchanged", "deleted", "released"):
            if found := getattr(self, word):
                yield f"{len(found)} {word}"
        if self.survivors:
            yield f"{len(self.survivors)} survived"
        if self.blocked is not None:
            yield f"prune of {len(self.blocked.objects)} blocked"
        if self.withheld is not None:
            yield "prune withheld"


@dataclass(slots=True)
class Tally:
    """The account of a session while it goes on."""

    done: dict[ObjectKey, str] = field(default_factory=dict)
    """What became of each object: the first thing said, but for a delete."""
    survivors: tuple[Survivor, ...] = ()
    blocked: Blocked | None = None
    withheld: str | None = None

    def take(self, action: Action, key: ObjectKey) -> None:
        word = _WORDS[action]
        if self.done.get(key) in {None, "unchanged"} or action is Action.DELETE:
            self.done[key] = word

    def unchanged(self, key: ObjectKey) -> None:
        self.done.setdefault(key, "unchanged")

    def report(self, group: str, writes: int) -> SessionReport:
        found: dict[str, list[ObjectKey]] = {}
        for key, word in self.done.items():
            found.setdefault(word, []).append(key)
        return SessionReport(
            group=group,
            survivors=self.survivors,
            blocked=self.blocked,
            withheld=self.withheld,
            writes=writes,
            **{word: tuple(keys) for word, keys in found.items()},
        )

"""What a run did to each object in all, from its recorded changes in their order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stateward.model.identity import ObjectKey, Reference
from stateward.model.plan import Action
from stateward.model.record import RecordedChange
from stateward.model.run import EntryState
from stateward.planning.compare import references

_COUNTS = frozenset({EntryState.APPLIED, EntryState.STARTED, EntryState.FAILED})
"""What may have had an effect: of a change that failed or was cut short, a part may stand."""
_CLAIMS = frozenset({Action.ADOPT, Action.MOVE, Action.RELEASE})


@dataclass(slots=True)
class Effect:
    """One object, before and after a run."""

    node: str
    key: ObjectKey
    """What it was called last."""
    made: bool = False
    gone: bool = False
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Before and after."""
    doubtful: set[str] = field(default_factory=set)
    """Fields that were to be written, and of which nobody knows whether they were."""
    loosened: dict[str, frozenset[Reference]] = field(default_factory=dict)
    """Peers that a relationship lost because they were deleted."""
    claim: Action | None = None
    """Whether it was adopted, moved or released."""
    unit: str | None = None
    """Where it was moved to, and from where."""
    giver: str | None = None
    adopted: bool = False
    changes: list[int] = field(default_factory=list)
    """The recorded changes that it is made of, by their indices."""

    def take(self, change: RecordedChange) -> None:
        self.key = change.key
        self.changes.append(change.index)
        if change.along is not None and change.action is Action.UPDATE:
            self._loosen(change)
            return
        if change.action is Action.CREATE and not self.changes[1:]:
            self.made = True
        elif change.action is Action.DELETE:
            self.gone = True
        elif change.action in _CLAIMS:
            self.claim, self.adopted = change.action, change.adopted
            self.unit, self.giver = change.unit, change.giver
        for own in change.fields:
            before = self.fields[own.name][0] if own.name in self.fields else own.old
            self.fields[own.name] = before, own.new
            if change.state is not EntryState.APPLIED:
                self.doubtful.add(own.name)

    def _loosen(self, change: RecordedChange) -> None:
        for own in change.fields:
            lost = frozenset(references(own.old))
            self.loosened[own.name] = self.loosened.get(own.name, frozenset()) | lost
            if own.name in self.fields:
                before, after = self.fields[own.name]
                left = after - lost if isinstance(after, frozenset) else None
                self.fields[own.name] = before, left


def effects(changes: Iterable[RecordedChange]) -> dict[str, Effect]:
    """Put the changes of a run together, by the objects' ids; what was taken back is left out."""
    found: dict[str, Effect] = {}
    for change in changes:
        if change.node is not None and change.state in _COUNTS:
            found.setdefault(change.node, Effect(change.node, change.key)).take(change)
    return {node: own for node, own in found.items() if not (own.made and own.gone)}

"""What each unit gives up: objects to delete, to release, or to keep after all."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Action, Change, Survivor
from stateward.planning.question import Holdings, Identities, Question
from stateward.planning.standing import Standing


def going(question: Question, holdings: Holdings, declared: frozenset[str]) -> dict[str, ObjectKey]:
    """Return the members that no unit declares any more and that nothing keeps.

    Adopted ones stay in the target, and so does what `prune: false` or `protect` keeps.
    """
    gone: dict[str, ObjectKey] = {}
    for unit, facts in question.units.items():
        if not facts.settings.prune:
            continue
        for node in holdings.members[unit] - holdings.adopted[unit] - declared:
            key = question.observed.objects[node].key
            if not facts.settings.protects(key):
                gone[node] = key
    return gone


@dataclass(slots=True)
class Prune:
    """Goes through what the units no longer declare and decides on each."""

    question: Question
    holdings: Holdings
    identities: Identities
    standing: Standing
    declared: frozenset[str]
    """The ids that any unit declares, stalled ones included."""
    taken: Mapping[str, set[str]]
    repointed: Mapping[str, frozenset[str]]
    """For each object that is to be changed, the ids its changed relationships leave."""
    problems: list[Problem] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    survivors: dict[str, list[Survivor]] = field(default_factory=dict)
    _mine: dict[str, set[str]] = field(default_factory=dict)

    def changes(self) -> Iterator[Change]:
        """Yield releases, and the deletes that are left when everything is considered."""
        deletes: dict[str, Change] = {}
        for unit in sorted(self.question.units):
            if not self.standing.plannable(unit):
                continue
            mine = self._declared_by(unit)
            dropped = self.holdings.members[unit] - mine - self.taken.get(unit, set())
            for node in sorted(dropped):
                change = self._decide(unit, node)
                if change is None:
                    self.kept[unit] = self.kept.get(unit, 0) + 1
                    continue
                if change.action is Action.DELETE:
                    deletes[node] = change
                else:
                    yield change
        yield from self._possible(deletes)

    def _declared_by(self, unit: str) -> set[str]:
        if unit not in self._mine:
            self._mine[unit] = self._find_declared(unit)
        return self._mine[unit]

    def _find_declared(self, unit: str) -> set[str]:
        own = self.question.desired.units.get(unit)
        if own is None:
            return set()
        ids = self.identities.ids
        mine = (key for key in own.objects if self.question.owners(key) in {None, unit})
        return {ids[key] for key in mine if key in ids}

    def _decide(self, unit: str, node: str) -> Change | None:
        key = self.question.observed.objects[node].key
        settings = self.question.units[unit].settings
        others = [own for own in self.holdings.holders[node] if own != unit]
        if any(self._keeps(own, node) for own in others):
            return self._change(Action.RELEASE, unit, node)
        if node in self.declared:
            return None  # declared by a unit that cannot take it this round
        if mention := self._mention(key):
            message = f"{key}: kept: {mention} cannot be read and may declare it"
            self._note(Code.MAY_HAVE_MOVED, unit, message)
            return None
        if not settings.prune or settings.protects(key):
            return None
        hold = self.question.observed.holds.get(node)
        adopted = any(node in self.holdings.adopted[own] for own in (unit, *others))
        if adopted or (hold and hold.claims):
            return self._change(Action.RELEASE, unit, node)
        if others and min(others) < unit:
            return None  # the first of the units that drop it deletes it
        return self._change(Action.DELETE, unit, node)

    def _keeps(self, unit: str, node: str) -> bool:
        """Tell whether another holder goes on holding an object."""
        if not self.standing.plannable(unit):
            return True
        return node in self._declared_by(unit) and node not in self.taken.get(unit, ())

    def _mention(self, key: ObjectKey) -> str | None:
        """Return the unit whose unreadable files may declare the object under another roof."""
        last = key.hfid[-1] if key.hfid else ""
        for unit in self.question.desired.units.values():
            for text in unit.unread:
                if last in text or "expand_range" in text:
                    return f"unit {unit.name}"
        return None

    def _possible(self, deletes: dict[str, Change]) -> Iterator[Change]:
        """Leave out deletes that would be refused, or take along what is not to be deleted."""
        while hindered := {
            node: reason for node in deletes if (reason := self._hindrance(node, deletes))
        }:
            for node, reason in hindered.items():
                change = deletes.pop(node)
                survivor = Survivor(key=change.key, id=node, reason=reason)
                self.survivors.setdefault(change.unit, []).append(survivor)
                self._note(Code.SURVIVOR, change.unit, f"{change.key}: kept: {reason}")
        yield from deletes.values()

    def _hindrance(self, node: str, deletes: Mapping[str, Change]) -> str | None:
        hold = self.question.observed.holds.get(node)
        if hold is None:
            return None
        if victims := self._staying(node, hold.cascade, deletes):
            return f"deleting it would delete {victims}, which is not ours to delete"
        if needing := self._staying(node, hold.needed_by, deletes):
            return f"{needing} cannot be without it"
        return None

    def _staying(
        self, node: str, others: Iterable[NodeId], deletes: Mapping[str, Change]
    ) -> str | None:
        """Name the others that are not deleted in this plan, and not pointed elsewhere."""
        names = [
            str(self.identities.name(other.id))
            for other in others
            if other.id not in deletes and node not in self.repointed.get(other.id, ())
        ]
        return ", ".join(sorted(names)) or None

    def _change(self, action: Action, unit: str, node: str) -> Change:
        own = self.question.observed.objects[node]
        return Change(action=action, unit=unit, key=own.key, node=node)

    def _note(self, code: Code, unit: str, message: str) -> None:
        self.problems.append(
            Problem(code=code, message=message, unit=unit, severity=Severity.WARNING)
        )

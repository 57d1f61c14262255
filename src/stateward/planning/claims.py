"""What each declared object needs: to be made, changed, adopted or moved, or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change, FieldChange
from stateward.model.state import DesiredObject, ObservedObject
from stateward.model.unit import Adopt
from stateward.planning.compare import Comparison
from stateward.planning.question import Holdings, Question
from stateward.planning.standing import Standing


@dataclass(slots=True)
class Claims:
    """Goes through the declared objects of all units and decides on each."""

    question: Question
    holdings: Holdings
    comparison: Comparison
    standing: Standing
    matches: dict[ObjectKey, str]
    """The id of each declared object that exists."""
    problems: list[Problem] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)
    """The ids that each unit gives up to another."""
    _done: set[ObjectKey] = field(default_factory=set)
    """Keys whose fields are taken care of: a shared object is written once."""

    def changes(self) -> Iterator[Change]:
        for name in sorted(self.question.desired.units):
            if not self.standing.plannable(name):
                continue
            self.unchanged[name] = 0
            for key, obj in self.question.desired.units[name].objects.items():
                owner = self.question.owners(key)
                if (name, key) in self.standing.withheld or owner not in {None, name}:
                    continue
                known = len(self.problems)
                change = self._decide(name, obj)
                if change is not None:
                    yield change
                elif len(self.problems) == known:
                    self.unchanged[name] += 1

    def _decide(self, unit: str, obj: DesiredObject) -> Change | None:
        node = self.matches.get(obj.key)
        if node is None:
            return self._create(unit, obj)
        have = self.question.observed.objects[node]
        first = obj.key not in self._done
        fields = self._fields(unit, obj, have) if first else []
        holders = self.holdings.holders.get(node, ())
        if unit in holders:
            self._done.add(obj.key)
            return self._change(Action.UPDATE, unit, obj, node, fields) if fields else None
        if holders:
            return self._share_or_move(unit, obj, node, fields)
        return self._adopt(unit, obj, node, fields)

    def _create(self, unit: str, obj: DesiredObject) -> Change:
        if obj.key in self._done:  # another unit makes it: this one claims it
            return replace(self._change(Action.ADOPT, unit, obj, None, []), needs=(obj.key,))
        self._done.add(obj.key)
        fields = list(self.comparison.created(obj))
        return self._change(Action.CREATE, unit, obj, obj.node, fields)

    def _share_or_move(
        self, unit: str, obj: DesiredObject, node: str, fields: list[FieldChange]
    ) -> Change:
        self._done.add(obj.key)
        holders = self.holdings.holders[node]
        adopted = any(node in self.holdings.adopted[holder] for holder in holders)
        for holder in holders:
            if self._gives_up(holder, obj.key, node):
                self.taken.setdefault(holder, set()).add(node)
                change = self._change(Action.MOVE, unit, obj, node, fields)
                return replace(change, giver=holder, adopted=adopted)
        change = self._change(Action.ADOPT, unit, obj, node, fields)
        return replace(change, adopted=adopted)

    def _gives_up(self, holder: str, key: ObjectKey, node: str) -> bool:
        """Tell whether a holder no longer declares an object, and may be changed this round."""
        declared = self.question.desired.units.get(holder)
        return (
            (declared is None or key not in declared.objects)
            and self.standing.plannable(holder)
            and node not in self.taken.get(holder, ())
        )

    def _adopt(
        self, unit: str, obj: DesiredObject, node: str, fields: list[FieldChange]
    ) -> Change | None:
        adopt = self.question.units[unit].settings.adopt
        if adopt is Adopt.ALWAYS or (adopt is Adopt.IDENTICAL and not fields):
            self._done.add(obj.key)
            return replace(self._change(Action.ADOPT, unit, obj, node, fields), adopted=True)
        differs = ", ".join(change.name for change in fields)
        reason = f"differs in {differs}" if fields else "adopting is off"
        message = f"{obj.key}: exists and belongs to nobody: {reason}: set adopt, or mend the files"
        self.problems.append(
            Problem(
                code=Code.STRANGER,
                message=message,
                location=obj.origin,
                unit=unit,
                subject=str(obj.key),
            )
        )
        return None

    def _fields(self, unit: str, obj: DesiredObject, have: ObservedObject) -> list[FieldChange]:
        settings = self.question.units[unit].settings
        formerly = self.question.formerly.get(obj.key)
        ignored = settings.ignored(obj.key.kind) if settings.ignore else ()
        return self.comparison.changes(obj, have, formerly, ignored)

    def _change(
        self,
        action: Action,
        unit: str,
        obj: DesiredObject,
        node: str | None,
        fields: list[FieldChange],
    ) -> Change:
        return Change(
            action=action,
            unit=unit,
            key=obj.key,
            node=node,
            fields=tuple(fields),
            origin=obj.origin,
        )

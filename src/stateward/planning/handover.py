"""Unique values that pass from one object to another within one plan."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, Problem
from stateward.model.plan import Action, Change
from stateward.model.schema import Path
from stateward.model.state import ObservedObject
from stateward.planning.question import Identities, Question

Value = tuple[Any, ...]
"""The kind a constraint belongs to, the constraint, and the values in it."""


@dataclass(slots=True)
class HandOvers:
    """Finds, for each change that takes a unique value, the change that gives it up."""

    question: Question
    identities: Identities
    problems: list[Problem] = field(default_factory=list)

    def find(
        self, takers: Iterable[Change], givers: Iterable[Change]
    ) -> Iterator[tuple[Change, Change | None]]:
        """Yield takers with their givers; where nobody gives the value up, that is a problem."""
        wanted = [(taker, value) for taker in takers for value in self._taken(taker)]
        if not wanted:
            return
        held = self._held({taker.key.kind for taker, _ in wanted})
        by_node = {giver.node: giver for giver in givers if giver.node is not None}
        for taker, value in wanted:
            holder = held.get(value)
            if holder is None or holder.id == taker.node:
                continue
            giver = by_node.get(holder.id)
            if giver is not None and self._gives(giver, value):
                yield taker, giver
            else:
                self._refuse(taker, value, holder)

    def _of(self, kind: str) -> Sequence[tuple[str, tuple[Path, ...]]]:
        return self.question.schema.unique_scopes(kind)

    def _taken(self, change: Change) -> Iterator[Value]:
        """Yield the unique values that an object has after a change and had not before."""
        if not change.fields:
            return
        new = {own.name: self._plain(own.new) for own in change.fields}
        own = self.question.observed.objects.get(change.node or "")
        for scope, constraint in self._of(change.key.kind):
            names = [path.relationship or path.attribute or "" for path in constraint]
            if not any(name in new for name in names):
                continue
            values = [new[name] if name in new else _now(own, name) for name in names]
            if None not in values:
                yield (scope, constraint, *values)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return self.identities.id(value) or str(value)  # type: ignore[arg-type]
        return value if isinstance(value, str | int | float | bool) else None

    def _held(self, kinds: set[str]) -> dict[Value, ObservedObject]:
        generics = {scope for kind in kinds for scope, _ in self._of(kind)}
        held: dict[Value, ObservedObject] = {}
        for own in self.question.observed.objects.values():
            for scope, constraint in self._of(own.key.kind):
                if scope in generics:
                    names = [path.relationship or path.attribute or "" for path in constraint]
                    values = [_now(own, name) for name in names]
                    if None not in values:
                        held[(scope, constraint, *values)] = own
        return held

    def _gives(self, giver: Change, value: Value) -> bool:
        """Tell whether a change of the holder leaves a unique value behind."""
        if giver.action is Action.DELETE:
            return True
        names = {path.relationship or path.attribute for path in value[1]}
        return any(own.name in names for own in giver.fields)

    def _refuse(self, taker: Change, value: Value, holder: ObservedObject) -> None:
        names = ", ".join(path.attribute or path.relationship or "" for path in value[1])
        message = f"{taker.key}: {names}: must be unique, and {holder.key} has that value in the"
        message += " target: give it another value, or let the other object go first"
        self.problems.append(
            Problem(
                code=Code.UNIQUE,
                message=message,
                location=taker.origin,
                unit=taker.unit,
                subject=str(taker.key),
            )
        )


def _now(own: ObservedObject | None, name: str) -> Any:
    if own is None:
        return None
    return own.attributes[name] if name in own.attributes else own.relations.get(name)

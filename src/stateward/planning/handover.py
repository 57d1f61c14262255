"""What one object only can have, and passes from one to another within a plan.

Unique values, and places at a peer that takes one partner.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from stateward.errors import Code, Problem, Severity
from stateward.model.plan import Action, Change
from stateward.model.schema import Path
from stateward.model.state import ObservedObject
from stateward.planning.ends import Ends
from stateward.planning.parking import parked
from stateward.planning.question import Identities, Question

Value = tuple[Any, ...]
"""The kind a constraint belongs to, the constraint, and the values in it."""

Changing = dict[str, list[Change]]
"""The changes of each object, by its id: one that several units declare has one of each."""


class HandOver(NamedTuple):
    """One change has to come after another."""

    taker: Change
    giver: Change
    field: str | None = None
    """A field that may also be cleared first, or set aside, and written later."""
    value: Any = None
    """What an attribute holds in between."""


@dataclass(slots=True)
class HandOvers:
    """Finds, for each change that takes what one object only can have, the one that gives it up."""

    question: Question
    identities: Identities
    leaves_later: Callable[[str, Collection[str]], bool]
    """Tells whether an object is to give up some of its fields, but not in this plan."""
    problems: list[Problem] = field(default_factory=list)
    _used: set[str | int] | None = None

    def find(self, writes: Sequence[Change], deletes: Sequence[Change]) -> Iterator[HandOver]:
        """Yield what passes; a unique value that nobody gives up is a problem."""
        by_node: Changing = {}
        for own in (*deletes, *writes):
            if own.node is not None:
                by_node.setdefault(own.node, []).append(own)
        yield from self._values(writes, by_node)
        yield from self._places(writes, by_node)

    def _values(self, writes: Sequence[Change], by_node: Changing) -> Iterator[HandOver]:
        wanted = [(taker, value) for taker in writes for value in self._taken(taker)]
        held = self._held({taker.key.kind for taker, _ in wanted}) if wanted else {}
        for taker, value in wanted:
            holder = held.get(value)
            if holder is None or holder.id == taker.node:
                continue
            givers = [own for own in by_node.get(holder.id, ()) if _gives(own, value)]
            for giver in givers:
                yield HandOver(taker, giver, *self._parked(taker, value, writes))
            if not givers:
                self._refuse(taker, value, holder)

    def _parked(
        self, taker: Change, value: Value, writes: Iterable[Change]
    ) -> tuple[str | None, Any]:
        """Return the attribute that may be set aside for a moment, and what it holds meanwhile."""
        if self._used is None:
            self._used = {
                own for obj in self.question.observed.objects.values() for own in _scalars(obj)
            }
            self._used |= {
                own.new
                for change in writes
                for own in change.fields
                if isinstance(own.new, str | int)
            }
        kind = self.question.schema.kinds[taker.key.kind]
        found = parked(kind, value[1], taker, self._used)
        return (None, None) if found is None else found

    def _places(self, writes: Sequence[Change], by_node: Changing) -> Iterator[HandOver]:
        ends = Ends(self.question, self.identities)
        wanted = [(taker, *taken) for taker in writes for taken in ends.taken(taker)]
        held = ends.held({place[0] for _, place, _ in wanted}) if wanted else {}
        for taker, place, own in wanted:
            for turned in by_node.get(place[2], ()):
                if ends.turns(turned, place):
                    yield HandOver(taker, turned)
            holders = (holder for holder in held.get(place, ()) if holder != taker.node)
            for giver in (change for holder in holders for change in by_node.get(holder, ())):
                if giver.action is Action.DELETE or ends.gives(giver, place):
                    yield HandOver(taker, giver, own.name)
        for giver in writes:
            for peer, inverse in ends.left(giver):
                for turned in by_node.get(peer, ()):
                    if any(own.name == inverse.name for own in turned.fields):
                        yield HandOver(giver, turned)

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
            values = [new[name] if name in new else self._now(own, name) for name in names]
            if None not in values:
                yield (scope, constraint, *values)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return self.identities.id(value) or str(value)  # type: ignore[arg-type]
        return value if isinstance(value, str | int | float | bool) else None

    def _now(self, own: ObservedObject | None, name: str) -> Any:
        if own is None:
            return None
        return (
            self._plain(own.attributes[name]) if name in own.attributes else own.relations.get(name)
        )

    def _held(self, kinds: set[str]) -> dict[Value, ObservedObject]:
        generics = {scope for kind in kinds for scope, _ in self._of(kind)}
        held: dict[Value, ObservedObject] = {}
        for own in self.question.observed.objects.values():
            for scope, constraint in self._of(own.key.kind):
                if scope in generics:
                    names = [path.relationship or path.attribute or "" for path in constraint]
                    values = [self._now(own, name) for name in names]
                    if None not in values:
                        held[(scope, constraint, *values)] = own
        return held

    def _refuse(self, taker: Change, value: Value, holder: ObservedObject) -> None:
        fields = [path.attribute or path.relationship or "" for path in value[1]]
        problem = Problem(
            code=Code.UNIQUE,
            message=f"{taker.key}: {', '.join(fields)}: must be unique, and {holder.key} has that"
            " value in the target: give it another value, or let the other object go first",
            location=taker.origin,
            unit=taker.unit,
            subject=str(taker.key),
        )
        if self.leaves_later(holder.id, fields):
            message = f"{taker.key}: {', '.join(fields)}: waits for {holder.key}, which has that"
            problem = replace(
                problem,
                code=Code.WAITING,
                severity=Severity.WARNING,
                message=f"{message} value and does not give it up in this round",
            )
        self.problems.append(problem)


def _scalars(obj: ObservedObject) -> Iterator[str | int]:
    return (own for own in obj.attributes.values() if isinstance(own, str | int))


def _gives(giver: Change, value: Value) -> bool:
    """Tell whether a change of the holder leaves a unique value behind."""
    if giver.action is Action.DELETE:
        return True
    names = {path.relationship or path.attribute for path in value[1]}
    return any(own.name in names for own in giver.fields)

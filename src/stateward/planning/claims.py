"""What each declared object needs: to be made, changed, adopted or moved, or nothing."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change, FieldChange
from stateward.model.state import DesiredObject, ObservedObject
from stateward.model.unit import ADOPTED, TRACKING, Adopt
from stateward.planning.brought import is_brought, is_templated
from stateward.planning.compare import Comparison
from stateward.planning.ignoring import Ignoring
from stateward.planning.question import Declared, Holdings, Question
from stateward.planning.standing import Standing


@dataclass(slots=True)
class Claims:
    """Goes through the declared objects and decides on each, for all of its units at once."""

    question: Question
    declared: Declared
    holdings: Holdings
    comparison: Comparison
    standing: Standing
    matches: Mapping[ObjectKey, str]
    """The id of each declared object that exists."""
    problems: list[Problem] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=dict)
    """How many objects of each unit are as they should be."""
    takers: dict[str, ObjectKey] = field(default_factory=dict)
    """What units claim in this round that others may give up: declared keys by id."""
    given: set[tuple[str, str]] = field(default_factory=set)
    """Units and the ids that they give up in a move."""
    _ignoring: Ignoring = field(init=False)
    _as_before: dict[str, bool] = field(default_factory=dict)
    """Units whose files, and what is left out of them, are what they were."""

    def __post_init__(self) -> None:
        self._ignoring = Ignoring(self.question.schema, self.question.units)

    def changes(self) -> Iterator[Change]:
        for key, units in self.declared.by_key.items():
            acting = [unit for unit in units if self.standing.plans(unit, key)]
            if acting:
                for change in self._decide(key, acting):
                    others = tuple(unit for unit in acting if unit != change.unit)
                    yield replace(change, shared=others) if others else change

    def _decide(self, key: ObjectKey, units: Sequence[str]) -> Iterator[Change]:
        first, *others = (self.declared.object(unit, key) for unit in units)
        node = self.matches.get(key)
        if node is None:
            yield self._create(first)
            for obj in others:  # it is made once: the others claim it
                yield replace(self.change(Action.ADOPT, obj, None, ()), needs=(key,))
            return
        fields = self.fields(first, self.question.observed.objects[node])
        if node in self.holdings.holders:
            yield from self._keep(node, [first, *others], fields)
        elif self.is_brought(self.question.observed.objects[node]):
            yield self.change(Action.ADOPT, first, node, fields)
            for obj in others:
                yield self.change(Action.ADOPT, obj, node, ())
        elif self._may_adopt(units, fields):
            # What another source or instance made is taken over from it, as within one source: it
            # is deleted by whoever has it last.
            claims = self._claims(node)
            adopted, beside = not made_elsewhere(claims), tuple(elsewhere(claims))
            for obj in (first, *others):
                change = self.change(Action.ADOPT, obj, node, fields if obj is first else ())
                yield replace(change, adopted=adopted, beside=beside)
        else:
            owner = self._owner(node, units)
            self.problems.extend(_stranger(obj, fields, owner) for obj in (first, *others))

    def _claims(self, node: str) -> tuple[str, ...]:
        """Return the groups of others that claim an object."""
        hold = self.question.observed.holds.get(node)
        return hold.claims if hold is not None else ()

    def _owner(self, node: str, units: Iterable[str]) -> str:
        """Say whose a stranger is; where nothing may be adopted nobody has asked."""
        own = next(iter(elsewhere(self._claims(node))), None)
        return own or ("nobody" if may_adopt(self.question, units) else "no unit of this source")

    def _create(self, obj: DesiredObject) -> Change:
        return self.change(Action.CREATE, obj, obj.node, self.comparison.created(obj))

    def _keep(
        self, node: str, objects: Sequence[DesiredObject], fields: Sequence[FieldChange]
    ) -> Iterator[Change]:
        """Decide on an object that is ours: the first of its units writes what differs."""
        holders = self.holdings.holders[node]
        adopted = self.holdings.was_adopted(node)
        givers = [unit for unit in holders if self.gives_up(unit, objects[0].key)]
        for index, obj in enumerate(objects):
            own = fields if index == 0 else ()
            if obj.unit in holders:
                if own:
                    yield self.change(Action.UPDATE, obj, node, own)
                else:
                    self.unchanged[obj.unit] = self.unchanged.get(obj.unit, 0) + 1
                continue
            self.takers[node] = obj.key
            if givers:
                giver = givers.pop(0)
                self.given.add((giver, node))
                change = self.change(Action.MOVE, obj, node, own)
                yield replace(change, giver=giver, adopted=adopted)
            else:
                yield replace(self.change(Action.ADOPT, obj, node, own), adopted=adopted)

    def gives_up(self, holder: str, key: ObjectKey) -> bool:
        """Tell whether a holder no longer declares an object, and may be changed this round."""
        return holder not in self.declared.units(key) and self.standing.plannable(holder)

    def is_brought(self, have: ObservedObject) -> bool:
        """Tell whether a template brought an object, for something that we have made from it."""
        question, holdings, observed = self.question, self.holdings, self.question.observed

        def is_ours(node: str) -> bool:
            made = node in holdings.holders and not holdings.was_adopted(node)
            return made and is_templated(observed.objects[node], question.schema, observed)

        return is_brought(have, question.schema, observed, is_ours)

    def _may_adopt(self, units: Sequence[str], fields: Sequence[FieldChange]) -> bool:
        """Tell whether one of its units may take a stranger: then it is ours for all of them."""
        allowed = {self.question.units[unit].settings.adopt for unit in units}
        return Adopt.ALWAYS in allowed or (Adopt.IDENTICAL in allowed and not fields)

    def fields(self, obj: DesiredObject, have: ObservedObject) -> tuple[FieldChange, ...]:
        """Compare; what was declared before counts only for what was ours before."""
        ignored = self._ignoring.of(obj.unit, obj.key.kind)
        formerly = None
        if have.id in self.holdings.holders:
            known = self.question.formerly
            as_before = obj if self._is_as_before(obj, have) else None
            formerly = as_before or known.get(obj.key) or known.get(have.key)
        return tuple(self.comparison.changes(obj, have, formerly, ignored))

    def _is_as_before(self, obj: DesiredObject, have: ObservedObject) -> bool:
        """Tell whether all that is declared of an object was written when it was last planned."""
        unit = obj.unit
        if unit not in self._as_before:
            stamp, files = self.holdings.stamps[unit], self.question.units[unit].files
            self._as_before[unit] = (
                stamp.reached == self.standing.reach(unit)
                if stamp.attempted
                else stamp.files == files
            )
        return self._as_before[unit] and unit in self.holdings.holders[have.id]

    def change(
        self,
        action: Action,
        obj: DesiredObject,
        node: str | None,
        fields: Sequence[FieldChange],
    ) -> Change:
        return Change(
            action=action,
            unit=obj.unit,
            key=obj.key,
            node=node,
            fields=tuple(fields),
            metadata=frozenset(own for own in (*obj.attributes, *obj.relations) if "." in own),
            origin=obj.origin,
        )


def may_adopt(question: Question, units: Iterable[str]) -> bool:
    """Tell whether any of some units may take what is nobody's here, be it only what is as declared."""
    return any(question.units[own].settings.adopt is not Adopt.NEVER for own in units)


def elsewhere(claims: Iterable[str]) -> list[str]:
    """Return those claims on an object that units of other sources and instances have."""
    return [own for own in claims if own.startswith(TRACKING) and not own.endswith(ADOPTED)]


def made_elsewhere(claims: Collection[str]) -> bool:
    """Tell whether a unit of another source or instance has an object that it did not adopt."""
    return any(own + ADOPTED not in claims for own in elsewhere(claims))


def _stranger(obj: DesiredObject, fields: Sequence[FieldChange], owner: str) -> Problem:
    differs = ", ".join(change.name for change in fields)
    reason = "adopting is off: set `adopt: identical`"
    if fields:
        reason = f"differs in {differs}: set `adopt: always`, or mend the files"
    return Problem(
        code=Code.STRANGER,
        message=f"{obj.key}: exists and belongs to {owner}: {reason}",
        location=obj.origin,
        unit=obj.unit,
        subject=str(obj.key),
    )

"""The plan of a takeover: declared objects that exist become members, and nothing else is written."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code
from stateward.model.adoption import Others, Taking
from stateward.model.plan import Action, Change, FieldChange, Left, Plan, UnitPlan, UnitState
from stateward.model.state import DesiredObject, Group
from stateward.model.unit import ADOPTED, Adopt
from stateward.planning.claims import Claims, made_elsewhere
from stateward.planning.digest import digest_of
from stateward.planning.plan import Known
from stateward.planning.question import Question
from stateward.planning.standing import stand
from stateward.planning.unread import Unread


def strangers(known: Known) -> list[str]:
    """Return the ids of what is declared and there, and no member of any of our units."""
    return [node for node in known.matches.ids.values() if node not in known.holdings.holders]


def take_over(known: Known, taking: Taking, others: Others) -> Plan:
    """Plan a takeover of what was looked at; what was looked at is used up."""
    stand(known.standing, known.identities, known.matches, known.going)
    return _TakeOver(known, taking, others).plan()


def done(question: Question, plan: Plan) -> Question:
    """Return the question that is there once a takeover is carried out."""
    groups = dict(question.observed.groups)
    for change in plan.changes:
        name = question.units[change.unit].group
        node = frozenset({change.node or ""})
        for own in (name, name + ADOPTED) if change.adopted else (name,):
            known = groups.get(own) or Group(id="", name=own, description="", members=frozenset())
            groups[own] = replace(known, members=known.members | node)
        if change.marks and not change.adopted:
            known = groups[name + ADOPTED]
            groups[name + ADOPTED] = replace(known, members=known.members - node)
    for unit in plan.units.values():
        if unit.stamp is not None and unit.group in groups:
            groups[unit.group] = replace(groups[unit.group], description=str(unit.stamp))
    return replace(question, observed=replace(question.observed, groups=groups))


def reached(plan: Plan, rest: Plan) -> Plan:
    """Have a takeover write down of each unit that nothing is left to be done, where that is so."""
    givers = {own.giver for own in rest.changes}
    units = {
        unit: replace(own, stamp=rest.units[unit].stamp)
        if not (rest.loads_schema or rest.of(unit) or unit in givers)
        and rest.units[unit].state is UnitState.READY
        and (plan.of(unit) or own.before.applied is None)
        else own
        for unit, own in plan.units.items()
    }
    plan = replace(plan, units=units)
    return replace(plan, digest=_digest(plan))


@dataclass(slots=True)
class _TakeOver:
    """Goes through the declared objects that exist, and decides on each for all of its units."""

    known: Known
    taking: Taking
    others: Others
    claims: Claims = field(init=False)
    unread: Unread = field(init=False)
    left: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unread = Unread(self.known.question)
        self.claims = self.known.claims()

    def plan(self) -> Plan:
        question, standing = self.known.question, self.known.standing
        changes = sorted(self._changes(), key=lambda own: (own.unit, own.key))
        self.left += self._undeclared()
        return Plan(
            target=question.target,
            schema=question.schema.hash,
            revisions=question.revisions,
            changes=tuple(changes),
            problems=tuple(dict.fromkeys(standing.problems)),
            units={unit: self._unit(unit) for unit in sorted(question.units)},
            only_claims=True,
            left=tuple(sorted(self.left, key=lambda own: (own.change.unit, own.change.key))),
            ids=self.known.identities.ids,
            groups={name: own.id for name, own in question.observed.groups.items()},
        )

    def _changes(self) -> Iterator[Change]:
        known = self.known
        for key, units in known.declared.by_key.items():
            objects = [
                known.declared.object(unit, key)
                for unit in units
                if known.standing.plans(unit, key)
            ]
            node = known.matches.ids.get(key)
            if node is None or not objects:
                continue
            if node in known.holdings.holders:
                yield from self._share(node, objects)
            else:
                yield from self._take(node, objects)

    def _share(self, node: str, objects: Sequence[DesiredObject]) -> Iterator[Change]:
        """Claim what other units of ours have and declare, too; what they give up is a move.

        What was only adopted is made ours where that is asked for.
        """
        holdings, key = self.known.holdings, objects[0].key
        holders = holdings.holders[node]
        moves = any(self.claims.gives_up(unit, key) for unit in holders)
        adopters = {unit for unit in holders if node in holdings.adopted[unit]}
        ours = self._becomes_ours(node, adopters, objects)
        for obj in objects:
            if ours and obj.unit in adopters:
                yield replace(self.claims.change(Action.ADOPT, obj, node, ()), marks=True)
            elif obj.unit in holders:
                self.claims.unchanged[obj.unit] = self.claims.unchanged.get(obj.unit, 0) + 1
            elif not moves:
                change = self.claims.change(Action.ADOPT, obj, node, ())
                yield replace(change, adopted=bool(adopters) and not ours)

    def _take(self, node: str, objects: Sequence[DesiredObject]) -> Iterator[Change]:
        """Take a stranger, or say why not."""
        if self.taking.group is not None and node not in self.others.members:
            return
        have = self.known.question.observed.objects[node]
        fields = self.claims.fields(objects[0], have)
        brought = self.claims.is_brought(have)
        claims = self.others.claims.get(node, ())
        foreign = [own for own in claims if not self.taking.allows(own)]
        if foreign:
            self._leave(node, objects, Code.CLAIMED, ", ".join(foreign), ())
        elif fields and not (brought or self._takes_differing(objects)):
            self._leave(node, objects, Code.STRANGER, "", fields)
        else:
            # What another source or instance made is deleted by whoever has it last, as in a round.
            own = brought or self.taking.own or made_elsewhere(claims)
            for obj in objects:
                change = self.claims.change(Action.ADOPT, obj, node, ())
                yield replace(change, adopted=not own)

    def _becomes_ours(
        self, node: str, adopters: Collection[str], objects: Iterable[DesiredObject]
    ) -> bool:
        """Tell whether a member that was adopted is to count as made by us: to all, or to none."""
        meant = self.taking.group is None or node in self.others.members
        reached = {own.unit for own in objects}
        return self.taking.own and meant and reached.issuperset(adopters)

    def _takes_differing(self, objects: Iterable[DesiredObject]) -> bool:
        units = self.known.question.units
        always = any(units[own.unit].settings.adopt is Adopt.ALWAYS for own in objects)
        return always or self.taking.differing

    def _leave(
        self,
        node: str,
        objects: Iterable[DesiredObject],
        code: Code,
        by: str,
        fields: Sequence[FieldChange],
    ) -> None:
        for obj in objects:
            change = self.claims.change(Action.ADOPT, obj, node, fields)
            self.left.append(Left(change, code, by, {own.name: obj.at(own.name) for own in fields}))

    def _undeclared(self) -> Iterator[Left]:
        """Yield what is in the group that was named, and that no file declares."""
        for node, own in self.others.members.items():
            if node not in self.known.matches.declared:
                change = Change(action=Action.ADOPT, unit="", key=own.key, node=node)
                yield Left(change, Code.UNDECLARED, self.unread.may_keep(own) or "", {})

    def _unit(self, unit: str) -> UnitPlan:
        question, standing = self.known.question, self.known.standing
        facts = question.units[unit]
        states = (
            (standing.held, UnitState.HELD),
            (standing.idle, UnitState.SUSPENDED),
            (standing.stalled, UnitState.STALLED),
            (standing.waiting, UnitState.WAITING),
        )
        return UnitPlan(
            unit=unit,
            group=facts.group,
            state=next((state for units, state in states if unit in units), UnitState.READY),
            unchanged=self.claims.unchanged.get(unit, 0),
            withheld=len(standing.withheld.get(unit, ())),
            keeps=True,
            files=facts.files,
            before=self.known.holdings.stamps[unit],
        )


def _digest(plan: Plan) -> str:
    changes = [
        [own.action, own.unit, own.key, own.node, own.adopted, own.marks] for own in plan.changes
    ]
    stamps = [[own.unit, own.group, str(own.stamp)] for own in plan.units.values()]
    return digest_of([plan.target, plan.schema, dict(plan.revisions), changes, stamps])

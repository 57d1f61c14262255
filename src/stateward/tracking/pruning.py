"""What a session gives up: planned by the reconciler's own planner, under its guard."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from stateward.errors import Code, Location, TargetRefused
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change, Plan
from stateward.model.state import Desired, DesiredObject, DesiredUnit, Observed, ObservedObject
from stateward.planning import plan as planner
from stateward.planning.question import Question
from stateward.ports import Query
from stateward.tracking.observe import with_holds
from stateward.tracking.work import Work


@dataclass(slots=True)
class Pruning:
    """Takes members out of the target, or out of the group."""

    work: Work

    async def plan(self, going: Collection[str], allow_deletes: int | None = None) -> Plan:
        """Plan what becomes of members that nobody wants any more."""
        session, membership = self.work.session, self.work.membership
        observed = await session.observe(Query(ids=sorted(going)))
        # What went along with another object, or was deleted by somebody, is gone already.
        membership.leave(node for node in going if node not in observed.objects)
        kept = {node: key for node, key in membership.members.items() if node not in going}
        question = self._question(observed, kept, allow_deletes)
        left = planner.Known.of(question).going
        held = await with_holds(session, question.observed, left, self.work.unit)
        return planner.plan(replace(question, observed=held))

    def _question(
        self, observed: Observed, kept: Mapping[str, ObjectKey], allow_deletes: int | None
    ) -> Question:
        """Ask about the members that go; of those that stay it matters only that they do."""
        unit = self.work.unit
        staying = {
            node: ObservedObject(id=node, key=key, attributes={}, relations={})
            for node, key in kept.items()
        }
        wanted = {_name(node, key, kept): node for node, key in kept.items()}
        objects = {
            key: DesiredObject(
                key=key, unit=unit, attributes={}, relations={}, origin=Location(unit), node=node
            )
            for key, node in wanted.items()
        }
        found = {**staying, **observed.objects}
        return Question(
            target=self.work.target.name,
            schema=self.work.session.schema,
            loads_schema=False,
            revisions={},
            desired=Desired(units={unit: DesiredUnit(name=unit, objects=objects)}),
            observed=replace(observed, objects=found, groups=self.work.membership.seen(found)),
            units={unit: self.work.settings.facts(prune=True)},
            allow_deletes=allow_deletes,
        )

    async def prune(self, plan: Plan) -> None:
        """Carry a plan out, and write down what is left of it."""
        ledger = await self.work.carry(plan, plan.changes)
        survivors = (*plan.units[self.work.unit].survivors, *ledger.survivors(self.work.unit))
        self.work.tally.survivors = (*self.work.tally.survivors, *survivors)
        self.work.tally.blocked = next(iter(plan.blocked), None)
        ledger.demand(but=Action.DELETE)

    async def delete(self, node: str, *, force: bool) -> None:
        """Delete one object, because the script says so; raises ``TargetRefused``.

        What is gone already counts as deleted. Without ``force`` only what a session made goes.
        """
        observed = await self.work.session.observe(Query(ids=[node]))
        if node not in observed.objects:
            self.work.membership.leave([node])
            return
        key = observed.objects[node].key
        if force:
            change = Change(action=Action.DELETE, unit=self.work.unit, key=key, node=node)
            plan = replace(await self.plan(()), changes=(change,))
        else:
            plan = await self._plan_of(node, key)
        ledger = await self.work.carry(plan, plan.changes)
        ledger.demand()

    async def _plan_of(self, node: str, key: ObjectKey) -> Plan:
        """Plan the delete of one member, and of the members that it takes along."""
        if node not in self.work.membership.members:
            message = f"{key}: is no member of {self.work.unit}: say force=True to delete it"
            raise TargetRefused(message, code=Code.STRANGER)
        holds = await self.work.session.holds([node], self.work.unit)
        along = {own.id for own in holds[node].cascade} if node in holds else set()
        going = {node, *along} & self.work.membership.members.keys()
        plan = await self.plan(going, allow_deletes=len(going))
        if {own.node for own in plan.changes if own.action is Action.DELETE} == going:
            return plan
        (unit,) = plan.units.values()
        why = "existed before, or another group claims it: say force=True to delete it"
        if unit.survivors:
            why = unit.survivors[0].reason
        elif plan.blocked:
            why = plan.blocked[0].reason
        raise TargetRefused(f"{key}: {why}", code=Code.STRANGER)


def _name(node: str, key: ObjectKey, kept: Mapping[str, ObjectKey]) -> ObjectKey:
    """Return what a member is called in the question: its id, where two have one name."""
    alike = sum(own == key for own in kept.values())
    return ObjectKey(key.kind, (node,)) if alike > 1 else key

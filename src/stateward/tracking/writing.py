"""What a script says of objects, planned and carried out: by the reconciler's own planner.

One call is one small round: the objects are read as files are, compared with what the target
holds, and only what differs is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stateward.desired import checks
from stateward.desired.load import UnitFiles, load
from stateward.errors import Code, InvalidDesired, Problem, Severity, TargetRefused
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Action, Plan, Secret
from stateward.model.state import Desired, DesiredObject, DesiredUnit, FromPool, Observed
from stateward.planning import plan as planner
from stateward.planning.question import Question
from stateward.ports import Query
from stateward.schema import values
from stateward.tracking.declaration import Item, Verb, documents
from stateward.tracking.ledger import Ledger
from stateward.tracking.node import Node
from stateward.tracking.observe import known_of, observe
from stateward.tracking.reading import fields_of, node_of
from stateward.tracking.sharing import shared
from stateward.tracking.work import Work

Known = Mapping[tuple[ObjectKey | NodeId, str], str]


@dataclass(slots=True)
class Writing:
    """Writes what a session's script describes."""

    work: Work

    async def write(self, items: Sequence[Item]) -> list[Node]:
        """Bring objects about; raises before anything is written where one cannot be planned.

        ``InvalidDesired`` says what is wrong with what the script said, ``TargetRefused`` what the
        target refused: the others are written then.
        """
        try:
            return await self._write(items)
        except TargetRefused as refused:
            if refused.code is not Code.UNIQUE:
                raise
            # Another session may have made the same a moment ago: then it is there now.
            return await self._write(items)

    async def _write(self, items: Sequence[Item]) -> list[Node]:
        desired = await self._desired(items)
        unit = desired.units[self.work.unit]
        objects = list(_found(unit, items))
        observed = await self._observe(desired)
        plan = planner.plan(self._question(desired, observed, items, objects))
        self._judge(plan, unit, items, objects)
        self.work.membership.used.update(
            plan.ids[own.key] for own in objects if own.key in plan.ids
        )
        self.work.tracking.ids.update(plan.ids)
        ledger = await self.work.carry(plan, await shared(self.work, plan.changes))
        self._take(plan, unit, ledger)
        return await self._nodes(objects, observed)

    async def _desired(self, items: Sequence[Item]) -> Desired:
        unit, schema = self.work.unit, self.work.session.schema
        files = {unit: UnitFiles(documents=documents(unit, items))}
        known = self._known()
        desired = load(files, schema, known)
        if desired.needs:
            found = await known_of(self.work.session, desired.needs)
            desired = load(files, schema, {**known, **found})
        return desired

    def _known(self) -> dict[tuple[ObjectKey | NodeId, str], str]:
        return {
            (NodeId(node), name): values.spell(value)
            for node, attributes in self.work.spelled.items()
            for name, value in attributes.items()
            if value is not None
        }

    async def _observe(self, desired: Desired) -> Observed:
        """Look up what is meant and what is referred to, and what the session does not know yet."""
        names = self.work.names
        unit = desired.units[self.work.unit]
        asked = tuple(
            own
            for own in unit.externals
            if isinstance(own.reference, ObjectKey) or own.reference.id not in names
        )
        some = replace(desired, units={unit.name: replace(unit, externals=asked)})
        observed = await observe(self.work.session, some, {}, (), ())
        return replace(
            observed,
            names={**names, **observed.names},
            groups=self.work.membership.seen(observed.objects),
        )

    def _question(
        self,
        desired: Desired,
        observed: Observed,
        items: Sequence[Item],
        objects: Sequence[DesiredObject],
    ) -> Question:
        unit = desired.units[self.work.unit]
        # What an object must have is only asked of one that is to be made: see `_judge`.
        bearable = tuple(own for own in unit.problems if own.code is not Code.MANDATORY)
        # An update says that a password is to be another one: which it is cannot be read back.
        bare = {
            own.key: replace(own, attributes={}, relations={}, parts=())
            for item, own in zip(items, objects, strict=False)
            if item.verb is Verb.UPDATE
        }
        return Question(
            target=self.work.target.name,
            schema=self.work.session.schema,
            loads_schema=False,
            revisions={},
            desired=replace(desired, units={unit.name: replace(unit, problems=bearable)}),
            observed=observed,
            units={unit.name: self.work.settings.facts(prune=False)},
            formerly=bare,
        )

    def _judge(
        self,
        plan: Plan,
        unit: DesiredUnit,
        items: Sequence[Item],
        objects: Sequence[DesiredObject],
    ) -> None:
        making = {own.key for own in plan.changes if own.action is Action.CREATE}
        lacking = checks.mandatory((unit.objects[key] for key in making), self.work.session.schema)
        problems = [*plan.problems, *lacking]
        wrong = any(own.severity is Severity.ERROR for own in problems)
        if len(objects) < len(items):
            problems, wrong = [*unit.problems, *problems], True
        left_out = any(own.code is Code.WAITING for own in problems)
        if wrong or left_out:
            raise InvalidDesired(tuple(_without_unit(own) for own in dict.fromkeys(problems)))
        for item, own in zip(items, objects, strict=True):
            if item.verb is Verb.CREATE and own.key not in making:
                self._may_create_again(plan, own.key)

    def _may_create_again(self, plan: Plan, key: ObjectKey) -> None:
        """Refuse to create what is there, but for what an earlier run of the script has made."""
        membership = self.work.membership
        node = plan.ids[key]
        ours = node in membership.members and node not in membership.adopted
        if not ours or node in membership.used:
            message = f"{key}: exists already: upsert it, or give it another name"
            raise TargetRefused(message, code=Code.EXISTS)

    def _take(self, plan: Plan, unit: DesiredUnit, ledger: Ledger) -> None:
        ids = self.work.tracking.ids
        changed = {own.key for own in plan.changes}
        for key, obj in unit.objects.items():
            if key in changed and key in ledger.failed:
                continue
            if key not in changed:
                self.work.tally.unchanged(key)
            self.work.membership.used.add(ids[key])
            self.work.meet(ids[key], key, _plain(obj))
        ledger.demand()

    async def _nodes(self, objects: Sequence[DesiredObject], observed: Observed) -> list[Node]:
        found = [self._node(own, observed) for own in objects]
        pooled = {own.id for own, obj in zip(found, objects, strict=True) if _is_pooled(obj)}
        if not pooled:
            return found
        fields: dict[str, frozenset[str]] = {}
        for node in found:
            fields |= fields_of(self.work.session.schema, node.kind)
        now = await self.work.session.observe(Query(ids=sorted(pooled), fields=fields))
        return [node_of(now.objects[own.id]) if own.id in pooled else own for own in found]

    def _node(self, obj: DesiredObject, observed: Observed) -> Node:
        node = self.work.tracking.ids.get(obj.key) or ""
        have = observed.objects.get(node)
        relations = {
            name: self._ids(related)
            for name, related in obj.relations.items()
            if not isinstance(related, FromPool)
        }
        return Node(
            id=node,
            key=obj.key,
            attributes={**(have.attributes if have else {}), **_plain(obj)},
            relations={**(have.relations if have else {}), **relations},
        )

    def _ids(self, related: Any) -> Any:
        if isinstance(related, frozenset):
            return frozenset(self._ids(peer) for peer in related)
        if isinstance(related, ObjectKey):
            return self.work.tracking.ids.get(related)
        return related.id if isinstance(related, NodeId) else None


def _found(unit: DesiredUnit, items: Sequence[Item]) -> Iterator[DesiredObject]:
    """Yield the object that each item describes; what has no identity is left out."""
    by_source = {id(source): obj for obj in unit.objects.values() for _, source in obj.parts}
    for item in items:
        if id(item.data) in by_source:
            yield by_source[id(item.data)]


def _plain(obj: DesiredObject) -> dict[str, Any]:
    return {
        name: value
        for name, value in obj.attributes.items()
        if not isinstance(value, FromPool | Secret)
    }


def _is_pooled(obj: DesiredObject) -> bool:
    fields = (*obj.attributes.values(), *obj.relations.values())
    return any(isinstance(value, FromPool) for value in fields)


def _without_unit(problem: Problem) -> Problem:
    return replace(problem, location=None)

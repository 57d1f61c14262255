"""What changes between two revisions, told by the planner without any target.

The older revision takes the target's place: everything it declares is there, ours, and exactly
as declared, and so is whatever else either revision refers to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from stateward.desired.load import load as load_desired
from stateward.engine.load import Loaded
from stateward.engine.round import Round
from stateward.errors import InvalidDesired, Severity
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Plan
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject, FromPool, Group, Observed, ObservedObject
from stateward.model.unit import Stamp
from stateward.planning import plan as planner
from stateward.planning.question import Question
from stateward.schema.files import core_schema


async def plan_against(round_: Round, revision: str | None, base: str) -> Plan:
    """Plan a revision against another one; raises ``InvalidDesired`` for a schema with errors."""
    before, _, _ = await round_.load(base)
    after, declared, problems = await round_.load(revision)
    errors = tuple(own for own in problems if own.severity is Severity.ERROR)
    if errors:
        raise InvalidDesired(errors)
    schema = declared or core_schema()
    wanted, had = load_desired(after.units, schema), load_desired(before.units, schema)
    gone = {
        unit: after.settings.get(unit) or before.settings.get(unit) or round_.settings(unit)
        for unit in sorted(before.units.keys() - after.units.keys())
    }
    facts = round_.facts(after, gone)
    observed = _observed(
        had, [wanted, had], schema, {u: own.group for u, own in facts.items()}, before
    )
    formerly = {key: obj for unit in had.units.values() for key, obj in unit.objects.items()}
    question = Question(
        target=f"revision {before.revision}",
        schema=schema,
        loads_schema=False,
        revisions={round_.scope.source: after.revision},
        desired=wanted,
        observed=observed,
        units=facts,
        formerly=formerly,
        owners=round_.scope.owners,
        allow_deletes=round_.scope.allow_deletes,
        budgets=round_.scope.budgets,
        problems=problems,
    )
    plan = planner.plan(await round_.with_commit(question, after.revision))
    changes = tuple(replace(own, node=None) for own in plan.changes)
    return replace(plan, changes=changes)


def _observed(
    had: Desired,
    everything: Iterable[Desired],
    schema: Schema,
    groups: Mapping[str, str],
    before: Loaded,
) -> Observed:
    objects = {
        str(key): _as_observed(obj)
        for unit in had.units.values()
        for key, obj in unit.objects.items()
    }
    found = {}
    for unit, name in groups.items():
        own = had.units.get(unit)
        stamp = Stamp(applied=before.revision, files=before.digests.get(unit))
        members = frozenset(str(key) for key in own.objects) if own else frozenset()
        found[name] = Group(id=name, name=name, description=str(stamp), members=members)
    references: dict[ObjectKey, tuple[str, ...]] = {}
    for desired in everything:
        for declared in desired.units.values():
            for external in declared.externals:
                if isinstance(external.reference, ObjectKey):
                    references[external.reference] = (_found(external.reference, objects, schema),)
                else:
                    key = ObjectKey("", (external.reference.id,))
                    objects.setdefault(
                        external.reference.id, ObservedObject(external.reference.id, key, {}, {})
                    )
    return Observed(objects=objects, groups=found, references=references)


def _found(reference: ObjectKey, objects: Mapping[str, ObservedObject], schema: Schema) -> str:
    """Return what a reference meant in the older revision, else a stand-in for it."""
    for kind in schema.concrete(reference.kind):
        name = str(ObjectKey(kind, reference.hfid))
        if name in objects:
            return name
    return str(reference)


def _as_observed(obj: DesiredObject) -> ObservedObject:
    relations: dict[str, str | frozenset[str] | None] = {}
    for name, related in obj.relations.items():
        if isinstance(related, frozenset):
            relations[name] = frozenset(_id(peer) for peer in related)
        else:
            relations[name] = None if related is None else _id(related)
    attributes = {
        name: None if isinstance(value, FromPool) else value
        for name, value in obj.attributes.items()
    }
    return ObservedObject(
        id=str(obj.key),
        key=obj.key,
        attributes=attributes,
        relations=relations,
        pools=dict(_pools(obj)),
    )


def _pools(obj: DesiredObject) -> Iterator[tuple[str, str]]:
    for name, value in (*obj.attributes.items(), *obj.relations.items()):
        if isinstance(value, FromPool):
            yield name, _id(value.pool)


def _id(reference: Reference | FromPool) -> str:
    if isinstance(reference, FromPool):
        return str(reference)
    return reference.id if isinstance(reference, NodeId) else str(reference)

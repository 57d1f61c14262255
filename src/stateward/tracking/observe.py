"""What a round has to know of the target, and no more."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from stateward.model.identity import NodeId, ObjectKey
from stateward.model.state import Desired, DesiredObject, External, FromPool, Hold, Observed
from stateward.model.unit import ADOPTED
from stateward.planning import brought
from stateward.planning.claims import elsewhere
from stateward.ports import Query, Recall, Session
from stateward.schema import values


async def observe(
    session: Session,
    desired: Desired,
    formerly: Mapping[ObjectKey, DesiredObject],
    groups: Iterable[str],
    hints: Iterable[ObjectKey],
    recall: Recall | None = None,
) -> Observed:
    """Observe the units' members, what bears a declared identity, and what is referred to."""
    objects = [obj for unit in desired.units.values() for obj in unit.objects.values()]
    externals = [own for unit in desired.units.values() for own in unit.externals]
    references = {own.reference for own in externals if isinstance(own.reference, ObjectKey)}
    references |= set(_former_references(formerly.values()))
    ids = {own.reference.id for own in externals if isinstance(own.reference, NodeId)}
    ids |= {obj.node for obj in objects if obj.node is not None}
    names = list(groups)
    query = Query(
        groups=[*names, *(name + ADOPTED for name in names)],
        keys=[*(obj.key for obj in objects), *hints],
        references=references,
        ids=ids,
        fields=_joined(
            _fields([*objects, *formerly.values()]), brought.asked(objects, session.schema)
        ),
        pooled=_pooled(objects),
        recall=recall,
    )
    return await session.observe(query)


async def with_holds(
    session: Session, observed: Observed, going: Iterable[str], ours: str
) -> Observed:
    """Add what stands in the way of deleting some objects, and what it is called."""
    ids = list(going)
    holds = await session.holds(ids, ours) if ids else {}
    others = {own.id for hold in holds.values() for own in (*hold.cascade, *hold.needed_by)}
    others -= observed.objects.keys() | observed.names.keys()
    found = await session.observe(Query(ids=others)) if others else Observed()
    names = {own.id: own.key for own in found.objects.values()}
    return replace(observed, holds=holds, names={**observed.names, **names})


async def with_claims(
    session: Session, observed: Observed, strangers: Collection[str], ours: str
) -> Observed:
    """Add whose else some objects are that nobody has here: units of other sources or instances."""
    found = await session.claims(strangers, ours) if strangers else {}
    claims = {node: Hold(claims=own) for node, own in found.items() if elsewhere(own)}
    return replace(observed, holds={**observed.holds, **claims}) if claims else observed


async def known_of(
    session: Session, needs: Collection[External]
) -> dict[tuple[ObjectKey | NodeId, str], str]:
    """Look up the attributes that identities here borrow from objects no unit declares."""
    wanted = {own.reference for own in needs}
    keys = [own for own in wanted if isinstance(own, ObjectKey)]
    found = await session.observe(Query(references=keys))
    nodes: dict[ObjectKey | NodeId, str] = {
        key: ids[0] for key, ids in found.references.items() if len(ids) == 1
    }
    nodes.update({own: own.id for own in wanted if isinstance(own, NodeId)})
    names = frozenset(own.field for own in needs)
    fields = {kind.kind: names & kind.attributes.keys() for kind in session.schema.kinds.values()}
    borrowed = await session.observe(Query(ids=list(nodes.values()), fields=fields))
    known: dict[tuple[ObjectKey | NodeId, str], str] = {}
    for reference, node in nodes.items():
        own = borrowed.objects.get(node)
        for name, value in own.attributes.items() if own else ():
            known[reference, name] = values.spell(value)
    return known


def _fields(objects: Iterable[DesiredObject]) -> dict[str, frozenset[str]]:
    return _by_kind((obj, (*obj.attributes, *obj.relations)) for obj in objects)


def _joined(
    one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    return {
        kind: one.get(kind, frozenset()) | other.get(kind, frozenset())
        for kind in (*one, *(own for own in other if own not in one))
    }


def _pooled(objects: Iterable[DesiredObject]) -> dict[str, frozenset[str]]:
    return _by_kind(
        (obj, [name for name, own in fields.items() if isinstance(own, FromPool)])
        for obj in objects
        for fields in (obj.attributes, obj.relations)
    )


def _by_kind(named: Iterable[tuple[DesiredObject, Iterable[str]]]) -> dict[str, frozenset[str]]:
    """Put the names of fields together that objects of one kind have."""
    found: dict[str, set[str]] = {}
    for obj, names in named:
        found.setdefault(obj.key.kind, set()).update(names)
    return {kind: frozenset(names) for kind, names in found.items() if names}


def _former_references(objects: Iterable[DesiredObject]) -> Iterable[ObjectKey]:
    """Yield what was referred to: to tell which peers of a shared relationship were ours."""
    for obj in objects:
        for related in obj.relations.values():
            if isinstance(related, frozenset):
                yield from (peer for peer in related if isinstance(peer, ObjectKey))
            elif isinstance(related, ObjectKey):
                yield related
            elif isinstance(related, FromPool) and isinstance(related.pool, ObjectKey):
                yield related.pool

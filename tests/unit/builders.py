"""What a planner is asked, in few words: objects, units, and what the target holds of them.

plan(unit("a", device("leaf1", role="leaf")), observed(held("a", device("leaf1"))))
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from rounds import SCHEMA
from stateward.errors import Location, Problem
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Plan
from stateward.model.schema import Schema
from stateward.model.state import (
    Desired,
    DesiredObject,
    DesiredUnit,
    External,
    FromPool,
    Group,
    Hold,
    Observed,
    ObservedObject,
)
from stateward.model.unit import ADOPTED, Adopt, Limits, Stamp, UnitSettings
from stateward.planning import plan as planner
from stateward.planning.question import Question, UnitFacts
from targets import schema as schema_of

AT = Location("file.yml", 1, 1)
MORE = """
  - name: Server
    namespace: Net
    generate_template: true
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: spare, kind: Boolean, optional: true}
      - {name: slots, kind: Number, optional: true}
      - {name: community, kind: Password, optional: true}
      - {name: hashed, kind: HashedPassword, optional: true}
      - {name: given, kind: Text, optional: true, read_only: true}
      - {name: settings, kind: JSON, optional: true}
    relationships:
      - {name: address, peer: NetAsset, cardinality: one, identifier: server__address}
      - {name: cards, peer: NetCard, cardinality: many, kind: Component, identifier: server__cards}
  - name: Card
    namespace: Net
    human_friendly_id: [server__name__value, name__value]
    attributes: [{name: name, kind: Text}, {name: speed, kind: Number, optional: true}]
    relationships: [{name: server, peer: NetServer, cardinality: one, optional: false, kind: Parent, identifier: server__cards}]
  - name: Address
    namespace: Ipam
    inherit_from: [BuiltinIPAddress]
    human_friendly_id: [address__value, ip_namespace__name__value]
  - name: Prefix
    namespace: Ipam
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [prefix__value, ip_namespace__name__value]
  - name: Routed
    namespace: Ipam
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [prefix__value, ip_namespace__name__value]
    relationships: [{name: gateway, peer: BuiltinIPAddress, cardinality: one, optional: false}]
  - name: Owned
    namespace: Ipam
    inherit_from: [BuiltinIPAddress]
    human_friendly_id: [address__value, ip_namespace__name__value]
    relationships: [{name: network, peer: IpamRouted, cardinality: one, optional: false}]
  - name: Rack
    namespace: Ipam
    human_friendly_id: [name__value]
    attributes: [{name: name, kind: Text}]
    relationships: [{name: primary, peer: BuiltinIPAddress, cardinality: one, optional: true, identifier: rack__primary}]
  - name: Racked
    namespace: Ipam
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [prefix__value, ip_namespace__name__value]
    relationships: [{name: rack, peer: IpamRack, cardinality: one, optional: false, identifier: rack__prefix}]
"""
"""What the schema of the rounds does without."""


@cache
def schema() -> Schema:
    return schema_of(SCHEMA + MORE)


def key(kind: str, *hfid: str) -> ObjectKey:
    return ObjectKey(kind, hfid)


def obj(
    kind: str, *hfid: str, node: str | None = None, line: int = 1, **fields: Any
) -> DesiredObject:
    """Declare an object; values that are references go to the relationships."""
    known = schema().kinds[kind].relationships
    is_relation = lambda name: name in known or name.endswith((".source", ".owner"))  # noqa: E731
    names = {name.replace("__", "."): value for name, value in fields.items()}
    return DesiredObject(
        key=ObjectKey(kind, hfid),
        unit="",
        attributes={name: own for name, own in names.items() if not is_relation(name)},
        relations={name: own for name, own in names.items() if is_relation(name)},
        origin=Location("file.yml", line, 1),
        node=node,
    )


def device(name: str, **fields: Any) -> DesiredObject:
    return obj("NetDevice", name, **{"name": name, **fields})


def interface(owner: str, name: str, **fields: Any) -> DesiredObject:
    fields = {"name": name, "device": key("NetDevice", owner), **fields}
    return obj("NetInterface", owner, name, **fields)


def cable(name: str, to: str, **fields: Any) -> DesiredObject:
    return obj("NetCable", name, **{"name": name, "device": key("NetDevice", to), **fields})


def asset(name: str, serial: str, **fields: Any) -> DesiredObject:
    return obj("NetAsset", name, **{"name": name, "serial": serial, **fields})


def tag(name: str, **fields: Any) -> DesiredObject:
    return obj("BuiltinTag", name, **{"name": name, **fields})


def twin(name: str, other: str) -> DesiredObject:
    return obj("NetTwin", name, name=name, twin=key("NetTwin", other))


def team(name: str, *sites: str, **fields: Any) -> DesiredObject:
    peers = frozenset(key("LocationSite", own) for own in sites)
    return obj("NetTeam", name, **{"name": name, "sites": peers, **fields})


def server(name: str, **fields: Any) -> DesiredObject:
    return obj("NetServer", name, **{"name": name, **fields})


def group(name: str, **fields: Any) -> DesiredObject:
    return obj("CoreStandardGroup", name, **{"name": name, **fields})


def site(name: str, **fields: Any) -> DesiredObject:
    return obj("LocationSite", name, **{"name": name, **fields})


def limits(deletes: int = 10, percent: float = 25, *protected: str) -> Limits:
    return Limits(deletes=deletes, percent=percent, protected_kinds=frozenset(protected))


def settings(**given: Any) -> UnitSettings:
    return UnitSettings(**{"prune": True, "adopt": Adopt.IDENTICAL, "limits": limits(), **given})


@dataclass(frozen=True)
class UnitCase:
    """A unit: what it declares, its settings, and what is wrong with its files."""

    name: str
    objects: tuple[DesiredObject, ...] = ()
    settings: UnitSettings = field(default_factory=settings)
    externals: tuple[External, ...] = ()
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()
    vanished: bool = False
    selected: bool = True
    files: str = "f1"

    @property
    def group(self) -> str:
        return f"stateward/default/default/{self.name}"


def unit(name: str, *objects: DesiredObject, **given: Any) -> UnitCase:
    """Declare a unit; keywords that are no part of it are settings."""
    own = {name: given.pop(name) for name in tuple(given) if name in UnitCase.__dataclass_fields__}
    return UnitCase(name, objects, **{"settings": settings(**given), **own})


def external(reference: Reference, subject: DesiredObject, name: str) -> External:
    return External(reference=reference, at=AT, subject=subject.key, field=name)


@dataclass(frozen=True)
class Held:
    """An object of the target and who holds it."""

    object: DesiredObject
    units: tuple[str, ...]
    adopted: bool = False
    pools: Mapping[str, str] = field(default_factory=dict)


def held(units: str, *objects: DesiredObject, **given: Any) -> list[Held]:
    """Put objects into the target, as members of units (``"a b"``), or as strangers (``""``)."""
    return [Held(own, tuple(units.split()), **given) for own in objects]


def id_of(own: DesiredObject | ObjectKey) -> str:
    """Return the id that an object of these tests has in the target."""
    if isinstance(own, DesiredObject):
        return own.node or str(own.key)
    return str(own)


def observe(
    found: Iterable[Held], units: Iterable[UnitCase], *, files: str = "f0", **given: Any
) -> Observed:
    """Return what the target answers: what is held, and all that is referred to and held."""
    objects = {id_of(own.object): _observed(own) for own in found}
    groups: dict[str, Group] = {}
    stamp = str(Stamp(applied="r0", files=files))
    for one in units:
        mine = [own for own in found if one.name in own.units]
        for name, members in (
            (one.group, mine),
            (one.group + ADOPTED, [own for own in mine if own.adopted]),
        ):
            if members or name == one.group:
                ids = frozenset(id_of(own.object) for own in members)
                groups[name] = Group(id=name, name=name, description=stamp, members=ids)
    wanted = {own.reference for one in units for own in one.externals}
    references: dict[ObjectKey, list[str]] = {}
    for own in objects.values():
        for name in (own.key.kind, *schema().kinds[own.key.kind].inherits):
            if (known := ObjectKey(name, own.key.hfid)) in wanted:
                references.setdefault(known, []).append(own.id)
    answers = {name: tuple(ids) for name, ids in references.items()}
    return Observed(objects=objects, groups=groups, references=answers, **given)


def _observed(own: Held) -> ObservedObject:
    kind = schema().kinds[own.object.key.kind]
    attributes = {name: known.default for name, known in kind.attributes.items()}
    relations = {
        name: frozenset() if known.many else None for name, known in kind.relationships.items()
    }
    for name, value in own.object.relations.items():
        if isinstance(value, frozenset):
            relations[name] = frozenset(_id(peer) for peer in value)
        elif not isinstance(value, FromPool):
            relations[name] = None if value is None else _id(value)
    return ObservedObject(
        id=id_of(own.object),
        key=own.object.key,
        attributes={**attributes, **own.object.attributes},
        relations=relations,
        defaults=frozenset(attributes.keys() - own.object.attributes.keys()),
        pools=own.pools,
    )


def _id(peer: Reference) -> str:
    return peer.id if isinstance(peer, NodeId) else str(peer)


def question(
    units: Iterable[UnitCase],
    found: Iterable[Held] = (),
    *,
    formerly: Iterable[DesiredObject] = (),
    holds: Mapping[str, Hold] | None = None,
    observed: Observed | None = None,
    stamped: str = "f0",
    **given: Any,
) -> Question:
    """Ask the planner about units and a target."""
    units, found = list(units), list(found)
    desired = {
        one.name: DesiredUnit(
            name=one.name,
            objects={own.key: replace(own, unit=one.name) for own in one.objects},
            externals=one.externals,
            problems=tuple(replace(own, unit=one.name) for own in one.problems),
            unread=one.unread,
        )
        for one in units
        if not one.vanished
    }
    facts = {
        one.name: UnitFacts(
            settings=one.settings,
            group=one.group,
            revision="r1",
            files="" if one.vanished else one.files,
            selected=one.selected,
            vanished=one.vanished,
        )
        for one in units
    }
    known: dict[str, Any] = {
        "target": "test",
        "schema": schema(),
        "loads_schema": False,
        "revisions": {"default": "r1"},
        "desired": Desired(units=desired),
        "observed": observed or observe(found, units, files=stamped, holds=holds or {}),
        "units": facts,
        "formerly": {own.key: own for own in formerly},
    }
    return Question(**{**known, **given})


def plan(units: Iterable[UnitCase], found: Iterable[Held] = (), **given: Any) -> Plan:
    return planner.plan(question(units, found, **given))


def told(plan: Plan) -> list[str]:
    """Return a plan's changes in one line each, in order."""
    return [
        f"{own.action} {own.key}"
        + (f" [{own.unit}]" if len({one.unit for one in plan.changes}) > 1 else "")
        + (f" from {own.giver}" if own.giver else "")
        + "".join(f" {one.name}" for one in own.fields if own.action != "create")
        for own in plan.changes
    ]


def codes(plan: Plan) -> list[str]:
    return [own.code.slug for own in plan.problems]


def fields(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """Return the fields of a plan's changes before and after."""
    return {own.name: (own.old, own.new) for change in plan.changes for own in change.fields}


def messages(plan: Plan) -> str:
    return "\n".join(map(str, plan.problems))

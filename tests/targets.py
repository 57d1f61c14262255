"""A small schema and a few helpers, for tests of what implements ``ports.Target``.

Names are made unique, so that the same tests can run on a server that holds other things already.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import Any
from uuid import uuid4

import yaml

from stateward.desired.documents import parse
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Allocation, Create, Mutation, Peers, Refusal
from stateward.model.schema import Schema
from stateward.model.state import Observed, ObservedObject
from stateward.ports import Query, Session, Target
from stateward.schema.files import load

Data = dict[str, Any]

SCHEMA = """
version: "1.0"
generics:
  - namespace: Suite
    name: Location
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: description, kind: Text, optional: true}
  - namespace: Suite
    name: Paper
    default_filter: title__value
    attributes:
      - {name: title, kind: Text}
      - {name: topic, kind: Text, optional: true}
nodes:
  - namespace: Suite
    name: Site
    inherit_from: [SuiteLocation]
  - namespace: Suite
    name: Room
    inherit_from: [SuiteLocation]
  - namespace: Suite
    name: Note
    inherit_from: [SuitePaper]
    uniqueness_constraints: [[title__value, topic__value]]
  - namespace: Suite
    name: Letter
    inherit_from: [SuitePaper]
  - namespace: Suite
    name: Device
    generate_template: true
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: label, kind: Text, optional: true, default_value: plain}
      - {name: comment, kind: Text, optional: true}
      - {name: active, kind: Boolean, default_value: true}
      - {name: role, kind: Dropdown, optional: true, choices: [{name: leaf}, {name: spine}]}
      - {name: serial, kind: Text, optional: true, regex: "^[A-Z]+$", max_length: 5}
      - {name: ports, kind: Number, optional: true}
      - {name: mac, kind: MacAddress, optional: true}
      - {name: address, kind: IPHost, optional: true}
      - {name: password, kind: HashedPassword, optional: true}
      - {name: given, kind: Text, optional: true, read_only: true}
    relationships:
      - {name: site, peer: SuiteLocation, cardinality: one, optional: false, kind: Attribute}
      - {name: interfaces, peer: SuiteInterface, cardinality: many, kind: Component, identifier: device__interfaces}
      - {name: uplink, peer: SuiteInterface, cardinality: one, optional: true, identifier: device__uplink}
      - {name: spares, peer: SuiteInterface, cardinality: many, optional: true, max_count: 2, identifier: device__spares}
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true, identifier: device__tags}
      - {name: neighbours, peer: SuiteDevice, cardinality: many, optional: true, identifier: device__neighbours}
  - namespace: Suite
    name: Interface
    human_friendly_id: [device__name__value, name__value]
    uniqueness_constraints: [[device, name__value]]
    attributes:
      - {name: name, kind: Text}
    relationships:
      - {name: device, peer: SuiteDevice, cardinality: one, optional: false, kind: Parent, identifier: device__interfaces}
      - {name: uplink_of, peer: SuiteDevice, cardinality: one, optional: true, identifier: device__uplink}
      - {name: parts, peer: SuitePart, cardinality: many, kind: Component, identifier: interface__parts}
  - namespace: Suite
    name: Part
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: interface, peer: SuiteInterface, cardinality: one, optional: false, kind: Parent, identifier: interface__parts}
  - namespace: Suite
    name: Team
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: sites, peer: SuiteSite, cardinality: many, optional: false, identifier: team__sites}
  - namespace: Suite
    name: Setting
    human_friendly_id: [name__value, variant__value]
    uniqueness_constraints: [[name__value, variant__value]]
    attributes:
      - {name: name, kind: Text}
      - {name: variant, kind: Text, optional: true}
  - namespace: Suite
    name: Slot
    human_friendly_id: [name__value, number__value, rear__value]
    uniqueness_constraints: [[name__value, number__value, rear__value]]
    default_filter: label__value
    attributes:
      - {name: name, kind: Text}
      - {name: number, kind: Number}
      - {name: rear, kind: Boolean, default_value: false}
      - {name: label, kind: Text, optional: true}
  - namespace: Suite
    name: Address
    inherit_from: [BuiltinIPAddress]
    human_friendly_id: [address__value, ip_namespace__name__value]
  - namespace: Suite
    name: Prefix
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [prefix__value, ip_namespace__name__value]
  - namespace: Suite
    name: Tenant
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: number, kind: Number, optional: true}
    relationships:
      - {name: address, peer: SuiteAddress, cardinality: one, optional: true}
      - {name: prefix, peer: SuitePrefix, cardinality: one, optional: true}
"""


def schema(text: str = SCHEMA) -> Schema:
    """Load a schema from the text of a schema file."""
    documents, problems = parse("schema.yml", text.encode())
    assert not problems
    found, problems = load(documents)
    assert found is not None, [str(problem) for problem in problems]
    return found


SMALL = """
version: "1.0"
nodes:
  - namespace: Suite
    name: Site
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
  - namespace: Suite
    name: Device
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: comment, kind: Text, optional: true}
    relationships:
      - {name: site, peer: SuiteSite, cardinality: one, optional: false, kind: Attribute}
"""


def changed(change: Callable[[dict[str, Data]], None], text: str = SCHEMA) -> Schema:
    """Return a schema, the suite's, with a change to its kinds, which are given by name."""
    data = yaml.safe_load(text)
    data.setdefault("generics", [])
    items = [*data["generics"], *data["nodes"]]
    change({item["name"]: item for item in items})
    for section in ("generics", "nodes"):
        data[section] = [item for item in data[section] if not item.get("dropped")]
    return schema(yaml.safe_dump(data))


def attribute(kind: Data, name: str) -> Data:
    found: Data = next(item for item in kind["attributes"] if item["name"] == name)
    return found


def new_id() -> str:
    return str(uuid4())


class World:
    """A session that is written to, in few words."""

    def __init__(self, session: Session, namespace: str = "Suite") -> None:
        self.session = session
        self._namespace = namespace
        self._mark = uuid4().hex[:8]

    @property
    def network(self) -> IPv6Network:
        """A network that is nobody else's."""
        return IPv6Network(f"fd00:{self._mark[:4]}:{self._mark[4:]}::/64")

    def named(self, text: str) -> str:
        """Return a name that is nobody else's."""
        return f"{text}-{self._mark}"

    async def make(
        self,
        kind: str,
        relations: dict[str, Peers | Allocation] | None = None,
        groups: tuple[str, ...] = (),
        **attributes: Any,
    ) -> str:
        """Create an object and return its id."""
        found = new_id()
        await self.do(
            Create(
                id=found, kind=kind, attributes=attributes, relations=relations or {}, groups=groups
            )
        )
        return found

    async def do(self, *mutations: Mutation) -> None:
        refusals = await self.session.apply(mutations)
        assert refusals == [None] * len(mutations), refusals

    async def refused(self, mutation: Mutation) -> Refusal:
        (refusal,) = await self.session.apply([mutation])
        assert refusal is not None
        return refusal

    async def read(self, node: str, *fields: str) -> ObservedObject:
        """Return an object with these fields."""
        found = await self.look(node, *fields)
        return found.objects[node]

    async def look(self, *asked: str) -> Observed:
        """Observe one id with the fields that follow it."""
        node, *fields = asked
        query = Query(ids=[node])
        for kind in (own.key.kind for own in (await self.session.observe(query)).objects.values()):
            wanted = {kind: frozenset(fields)}
            query = Query(ids=[node], fields=wanted, pooled=wanted)
        return await self.session.observe(query)

    async def gone(self, node: str) -> bool:
        return node not in (await self.session.observe(Query(ids=[node]))).objects

    async def related(self, node: str, name: str) -> Any:
        return (await self.read(node, name)).relations[name]

    async def find(self, kind: str, *parts: str) -> tuple[str, ...]:
        """Return what answers to a reference."""
        key = ObjectKey(kind, parts)
        return (await self.session.observe(Query(references=[key]))).references.get(key, ())

    async def site(self, name: str = "site") -> str:
        return await self.make(f"{self._namespace}Site", name=self.named(name))

    async def device(self, name: str = "leaf", site: str | None = None, **attributes: Any) -> str:
        return await self.make(
            f"{self._namespace}Device",
            {"site": site or await self.site(f"site-of-{name}")},
            name=self.named(name),
            **attributes,
        )

    async def interface(self, device: str, name: str = "eth0") -> str:
        return await self.make("SuiteInterface", {"device": device}, name=name)

    async def group(self, name: str, **attributes: Any) -> str:
        return await self.make("CoreStandardGroup", name=self.named(name), **attributes)

    async def members(self, name: str) -> Collection[str]:
        full = self.named(name)
        return (await self.session.observe(Query(groups=[full]))).groups[full].members


@dataclass(frozen=True, slots=True)
class Fresh:
    """A target, and a small schema in a namespace of which it has no kinds yet."""

    target: Target
    namespace: str

    @property
    def schema(self) -> Schema:
        return schema(self._text)

    def changed(self, change: Callable[[dict[str, Data]], None]) -> Schema:
        return changed(change, self._text)

    @property
    def _text(self) -> str:
        return SMALL.replace("Suite", self.namespace)

    def world(self, session: Session) -> World:
        return World(session, self.namespace)

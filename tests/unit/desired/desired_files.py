"""A schema, and object files written in few words, for the tests of ``stateward.desired``."""

from collections.abc import Mapping
from functools import cache
from textwrap import dedent, indent

from stateward.desired.documents import parse
from stateward.desired.load import Known, UnitFiles, load
from stateward.errors import Problem, Severity
from stateward.model.document import Document
from stateward.model.identity import ObjectKey
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject, DesiredUnit
from stateward.schema.files import load as load_schema

SCHEMA = """
version: "1.0"
generics:
  - namespace: Lab
    name: Place
    hierarchical: true
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: index, kind: Number, optional: true}
  - namespace: Lab
    name: Port
    human_friendly_id: [device__name__value, name__value]
    uniqueness_constraints: [[device, name__value]]
    attributes:
      - {name: name, kind: Text}
      - {name: speed, kind: Number, optional: true}
    relationships:
      - {name: device, peer: LabDevice, cardinality: one, optional: false, kind: Parent, identifier: device__port}
      - {name: cable, peer: LabCable, cardinality: one, optional: true, identifier: cable__port}
      - {name: spare_of, peer: LabDevice, cardinality: one, optional: true, identifier: device__spare}
  - namespace: Lab
    name: Paper
    default_filter: title__value
    attributes:
      - {name: title, kind: Text}
  - namespace: Lab
    name: Mark
    human_friendly_id: [cable__colour__value, name__value]
    attributes:
      - {name: name, kind: Text}
    relationships:
      - {name: cable, peer: LabCable, cardinality: one, optional: false, kind: Attribute, identifier: cable__mark}
nodes:
  - {namespace: Lab, name: Region, inherit_from: [LabPlace], children: LabSite}
  - {namespace: Lab, name: Site, inherit_from: [LabPlace], parent: LabRegion}
  - namespace: Lab
    name: Device
    generate_template: true
    human_friendly_id: [name__value]
    default_filter: serial__value
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: label, kind: Text, optional: true, default_value: plain}
      - {name: serial, kind: Text, optional: true}
      - {name: ports, kind: Number, optional: true}
      - {name: active, kind: Boolean, optional: true}
      - {name: mac, kind: MacAddress, optional: true}
      - {name: address, kind: IPHost, optional: true}
      - {name: settings, kind: JSON, optional: true}
      - {name: role, kind: Dropdown, optional: true, choices: [{name: leaf}, {name: spine}]}
      - {name: phrase, kind: Password, optional: true, max_length: 12}
      - {name: secret, kind: HashedPassword, optional: true}
      - {name: made, kind: Text, optional: true, read_only: true}
    relationships:
      - {name: site, peer: LabPlace, cardinality: one, optional: false, kind: Attribute}
      - {name: interfaces, peer: LabPort, cardinality: many, kind: Component, identifier: device__port}
      - {name: spare, peer: LabPort, cardinality: one, optional: true, identifier: device__spare}
      - {name: boards, peer: LabBoard, cardinality: one, optional: true, identifier: device__board}
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true, identifier: device__tag}
      - {name: teams, peer: LabTeam, cardinality: many, optional: true, identifier: device__team}
      - {name: uplinks, peer: LabDevice, cardinality: many, optional: true, identifier: device__uplink, direction: outbound}
      - {name: computed, peer: BuiltinTag, cardinality: many, optional: true, read_only: true, identifier: device__computed}
      - {name: prefix, peer: LabPrefix, cardinality: one, optional: true}
  - {namespace: Lab, name: Interface, inherit_from: [LabPort]}
  - {namespace: Lab, name: Lag, inherit_from: [LabPort]}
  - namespace: Lab
    name: Board
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: device, peer: LabDevice, cardinality: one, optional: false, identifier: device__board}
  - namespace: Lab
    name: Team
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
    relationships:
      - {name: devices, peer: LabDevice, cardinality: many, optional: false, identifier: device__team}
  - namespace: Lab
    name: Cable
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: colour, kind: Text, optional: true, unique: true}
    relationships:
      - {name: ends, peer: LabPort, cardinality: many, optional: true, identifier: cable__port}
  - namespace: Lab
    name: Note
    inherit_from: [LabPaper]
    uniqueness_constraints: [[title__value, topic__value]]
    attributes:
      - {name: topic, kind: Text, optional: true}
      - {name: page, kind: Number, optional: true}
  - {namespace: Lab, name: Letter, inherit_from: [LabPaper]}
  - namespace: Lab
    name: Slot
    uniqueness_constraints: [[port, name__value]]
    attributes:
      - {name: name, kind: Text}
    relationships:
      - {name: port, peer: LabPort, cardinality: one, optional: false, kind: Attribute}
  - {namespace: Lab, name: Sticker, inherit_from: [LabMark]}
  - namespace: Lab
    name: Badge
    inherit_from: [LabMark]
    human_friendly_id: [code__value]
    attributes:
      - {name: code, kind: Text, unique: true}
  - namespace: Lab
    name: Link
    uniqueness_constraints: [[before, name__value]]
    attributes:
      - {name: name, kind: Text}
    relationships:
      - {name: before, peer: LabLink, cardinality: one, optional: false, identifier: link__before, direction: outbound}
  - namespace: Lab
    name: Hint
    uniqueness_constraints: [[first__value, second__value]]
    attributes:
      - {name: first, kind: Text, optional: true}
      - {name: second, kind: Text, optional: true}
  - namespace: Lab
    name: Scrap
    attributes:
      - {name: text, kind: Text}
    relationships:
      - {name: device, peer: LabDevice, cardinality: one, optional: true, identifier: device__scrap}
  - namespace: Lab
    name: Page
    generate_template: true
    human_friendly_id: [name__value]
    uniqueness_constraints: [[title__value, topic__value]]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: title, kind: Text, optional: true, default_value: plain}
      - {name: topic, kind: Text, optional: true}
  - namespace: Lab
    name: Label
    human_friendly_id: [name__value]
    uniqueness_constraints: [[port, text__value], [port, things__value]]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: text, kind: Text, optional: true}
      - {name: things, kind: List, optional: true}
      - {name: made, kind: Text, optional: true, read_only: true, unique: true}
    relationships:
      - {name: port, peer: LabPort, cardinality: one, optional: false, kind: Attribute, identifier: label__port}
  - namespace: Lab
    name: Net
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [name__value]
    uniqueness_constraints: [[ip_namespace, prefix__value]]
    attributes:
      - {name: name, kind: Text, unique: true}
  - namespace: Lab
    name: Prefix
    inherit_from: [BuiltinIPPrefix]
    human_friendly_id: [prefix__value, ip_namespace__name__value]
"""


@cache
def schema(text: str = SCHEMA) -> Schema:
    documents, problems = parse("schema.yml", text.encode())
    assert not problems
    found, problems = load_schema(documents)
    assert found is not None, [str(problem) for problem in problems]
    return found


def objects(kind: str, data: str, file_kind: str = "Object", extra: str = "") -> str:
    """Return an object document: its items start in line 6, and in column 7 if dashed."""
    lines = [
        f"kind: {file_kind}",
        "spec:",
        f"  kind: {kind}",
        *([extra] if extra else []),
        "  data:",
    ]
    return "\n".join(["---", *lines, indent(dedent(data).strip("\n"), "    "), ""])


def documents(text: str, file: str = "u.yml") -> tuple[Document, ...]:
    found, problems = parse(file, text.encode())
    assert not problems, [str(problem) for problem in problems]
    return found


def unit(*texts: str, file: str = "u.yml") -> UnitFiles:
    """Return a unit of files ``u.yml``, ``u2.yml`` and so on."""
    stem, suffix = file.rsplit(".", 1)
    names = [file, *(f"{stem}{number}.{suffix}" for number in range(2, len(texts) + 1))]
    return UnitFiles(
        documents=[
            doc for name, text in zip(names, texts, strict=False) for doc in documents(text, name)
        ],
        texts=dict(zip(names, texts, strict=False)),
        paths=names,
    )


def load_all(units: Mapping[str, UnitFiles], known: Known | None = None) -> Desired:
    return load(units, schema(), known)


def load_one(*texts: str) -> DesiredUnit:
    return load_all({"u": unit(*texts)}).units["u"]


def shown(problems: tuple[Problem, ...] | list[Problem]) -> list[str]:
    """Return problems as ``line:column name``, warnings with a question mark."""
    return [
        f"{own.location.line}:{own.location.column} {own.code.slug}"
        + ("?" if own.severity is Severity.WARNING else "")
        for own in problems
        if own.location is not None
    ]


def key(text: str) -> ObjectKey:
    kind, *parts = text.split("/")
    return ObjectKey(kind, tuple(parts))


def object_of(own: DesiredUnit, name: str) -> DesiredObject:
    return own.objects[key(name)]

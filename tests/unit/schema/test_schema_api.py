"""The schema as JSON: what a server answers, and what is written to be read back."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateward.model.schema import (
    Attribute,
    Cardinality,
    Direction,
    Kind,
    Path,
    Relationship,
    Schema,
    Section,
)
from stateward.schema.api import assemble, from_api, to_api
from stateward.schema.files import core_schema, load
from stateward.schema.retention import retain
from unit.schema.schema_files import documents, schema

ANSWER: dict[str, Any] = {
    "main": "9c0f",
    "nodes": [
        {
            "kind": "LabThing",
            "namespace": "Lab",
            "name": "Thing",
            "state": "present",
            "inherit_from": ["LabNamed"],
            "human_friendly_id": ["space__name__value", "name__value"],
            "uniqueness_constraints": [["space", "name__value"]],
            "default_filter": "name__value",
            "attributes": [
                {
                    "name": "name",
                    "kind": "Text",
                    "state": "present",
                    "optional": False,
                    "regex": "^old",
                    "min_length": 3,
                    "parameters": {"regex": "^new", "min_length": None},
                    "computed_attribute": {"kind": "User"},
                    "choices": None,
                    "enum": None,
                    "default_value": None,
                },
                {
                    "name": "status",
                    "kind": "Dropdown",
                    "choices": [{"name": "up"}, {"name": "down"}],
                    "default_value": "sideways",
                    "computed_attribute": {"kind": "Jinja2", "jinja2_template": "x"},
                },
                {"name": "gone", "kind": "Text", "state": "absent"},
            ],
            "relationships": [
                {
                    "name": "space",
                    "peer": "IpamNamespace",
                    "kind": "Attribute",
                    "identifier": "a__b",
                    "cardinality": "one",
                    "direction": "outbound",
                    "optional": False,
                    "on_delete": "cascade",
                    "min_count": 1,
                    "max_count": 1,
                    "common_parent": "site",
                },
                {"name": "gone", "peer": "LabThing", "state": "absent"},
            ],
        },
        {"kind": "LabGone", "state": "absent", "attributes": [], "relationships": []},
    ],
    "generics": [{"kind": "LabNamed", "attributes": [], "relationships": []}],
    "profiles": [],
    "namespaces": [],
}


def test_answer_of_a_server() -> None:
    found = from_api(ANSWER)
    name, space = Path(None, "name"), Path("space", None)
    assert found.kinds == {
        "LabNamed": Kind(
            kind="LabNamed", section=Section.GENERIC, inherits=frozenset({"CoreNode"})
        ),
        "LabThing": Kind(
            kind="LabThing",
            attributes={
                "name": Attribute(name="name", kind="Text", regex="^new", min_length=3),
                "status": Attribute(
                    name="status",
                    kind="Dropdown",
                    choices=("down", "up"),
                    default="sideways",
                    computed=True,
                ),
            },
            relationships={
                "space": Relationship(
                    name="space",
                    peer="IpamNamespace",
                    kind="Attribute",
                    identifier="a__b",
                    cardinality=Cardinality.ONE,
                    direction=Direction.OUTBOUND,
                    optional=False,
                    cascade=True,
                    min_count=1,
                    max_count=1,
                    common_parent="site",
                )
            },
            hfid=(Path("space", "name"), name),
            uniqueness=((space, name),),
            default_filter=name,
            inherits=frozenset({"CoreNode", "LabNamed"}),
        ),
    }


def test_digest_depends_on_the_content_alone() -> None:
    kinds = list(core_schema().kinds.values())
    turned = [
        replace(
            kind,
            attributes=dict(reversed(kind.attributes.items())),
            relationships=dict(reversed(kind.relationships.items())),
        )
        for kind in reversed(kinds)
    ]
    assert assemble(turned).hash == core_schema().hash


@pytest.mark.parametrize(
    "change",
    [
        {"hfid": (Path(None, "description"),)},
        {"uniqueness": ()},
        {"default_filter": None},
        {"section": Section.GENERIC},
        {"inherits": frozenset({"CoreNode", "LineageOwner"})},
        {"attributes": {}},
        {"relationships": {}},
    ],
)
def test_digest_changes_with_the_content(change: dict[str, Any]) -> None:
    kinds = dict(core_schema().kinds)
    kinds["BuiltinTag"] = replace(kinds["BuiltinTag"], **change)
    assert assemble(kinds.values()).hash != core_schema().hash


NAMES = st.sampled_from(["name", "size", "space", "status"])
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
OPTIONAL_COUNT = st.none() | st.integers(0, 99)
TEXT_OR_NONE = st.none() | st.text()


@st.composite
def attributes(draw: st.DrawFn) -> Attribute:
    kind = draw(st.sampled_from(["Text", "Dropdown", "Any"]))
    default = draw(VALUES) if kind == "Any" else None
    choices = st.lists(st.text(min_size=1), unique=True).map(sorted).map(tuple)
    found = draw(
        st.builds(
            Attribute,
            name=NAMES,
            kind=st.just(kind),
            optional=st.booleans(),
            unique=st.booleans(),
            read_only=st.booleans(),
            computed=st.booleans(),
            choices=choices if kind != "Any" else st.just(()),
            min_length=OPTIONAL_COUNT,
            max_length=OPTIONAL_COUNT,
            min_value=OPTIONAL_COUNT,
            max_value=OPTIONAL_COUNT,
            excluded_values=st.none() | st.just("1,3-5"),
            regex=TEXT_OR_NONE,
        )
    )
    return replace(found, default=default)


RELATIONSHIPS = st.builds(
    Relationship,
    name=NAMES,
    peer=st.sampled_from(["LabThing", "BuiltinTag"]),
    kind=st.sampled_from(["Generic", "Component", "Group"]),
    cardinality=st.sampled_from(Cardinality),
    identifier=st.text(),
    direction=st.sampled_from(Direction),
    optional=st.booleans(),
    read_only=st.booleans(),
    cascade=st.booleans(),
    min_count=st.integers(0, 9),
    max_count=st.integers(0, 9),
    common_parent=st.none() | NAMES,
)


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    relationships = {item.name: item for item in draw(st.lists(RELATIONSHIPS, max_size=3))}
    own = [Path(None, "name"), Path(None, "size")]
    own = [path for path in own if path.attribute not in relationships]
    paths = own + [Path(name, end) for name in relationships for end in (None, "name")]
    path = st.sampled_from(paths)
    several = st.lists(path, min_size=1, max_size=2).map(tuple)
    return Kind(
        kind=draw(st.sampled_from(["LabThing", "LabPart"])),
        section=draw(st.sampled_from(Section)),
        attributes={item.name: item for item in draw(st.lists(attributes(), max_size=3))},
        relationships=relationships,
        hfid=draw(st.just(()) | several),
        uniqueness=draw(st.lists(several, max_size=2).map(tuple)),
        default_filter=draw(st.none() | path),
        inherits=draw(st.frozensets(st.just("LabNamed"))) | {"CoreNode"},
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(kinds(), max_size=2, unique_by=lambda kind: kind.kind))
def test_what_is_written_is_read_back(found: list[Kind]) -> None:
    written = assemble(found)
    assert from_api(json.loads(json.dumps(to_api(written)))) == written


THING = "nodes:\n  - {name: Thing, namespace: Lab, attributes: [{name: name, kind: Text}]}\n"
OTHER = """\
nodes:
  - {name: Other, namespace: Lab, inherit_from: [LabNamed], generate_template: true}
"""
NAMED = """\
generics:
  - name: Named
    namespace: Lab
    relationships: [{name: things, peer: LabThing, kind: Component}]
"""
EXTENSION = """\
extensions:
  nodes:
    - {kind: LabThing, attributes: [{name: size, kind: Number}]}
"""
AGAIN = """\
nodes:
  - {name: Thing, namespace: Lab, attributes: [{name: name, kind: Text, optional: true}]}
extensions:
  nodes:
    - {kind: LabThing, attributes: [{name: size, kind: Number, optional: true}]}
"""


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(5)))
def test_order_of_the_documents_does_not_matter(order: Sequence[int]) -> None:
    found = documents(THING, OTHER, NAMED, EXTENSION, AGAIN)
    expected = load(found)
    assert expected[0] is not None
    assert load([found[number] for number in order]) == expected


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)))
def test_order_of_the_files_does_not_matter_where_they_agree(order: Sequence[int]) -> None:
    texts = [THING, OTHER, NAMED, EXTENSION]
    assert schema(*(texts[number] for number in order)) == schema(*texts)


def test_kinds_that_still_have_objects_are_retained() -> None:
    previous, declared = schema(THING, OTHER, NAMED), schema(NAMED, THING)
    found = retain(declared, previous, {"LabOther", "LabThing", "LabNever"})
    assert set(found.kinds) - set(declared.kinds) == {"LabOther"}
    assert found.kinds["LabOther"] == previous.kinds["LabOther"]
    assert found.hash == assemble(found.kinds.values()).hash != declared.hash


def test_nothing_to_retain() -> None:
    declared: Schema = schema(THING)
    assert retain(declared, schema(OTHER, NAMED, THING), {"LabThing"}) is declared

"""What becomes of the kinds that files declare, rule by rule."""

from typing import Any

import pytest

from stateward.model.schema import Attribute, Cardinality, Direction, Kind, Path, Section
from stateward.schema.files import core_schema, load
from unit.schema.schema_files import documents, kind, schema, warnings


def one_attribute(text: str) -> Attribute:
    thing = kind("LabThing", f"nodes:\n  - {{name: Thing, namespace: Lab, attributes: [{text}]}}\n")
    return next(iter(thing.attributes.values()))


def path(text: str) -> Path:
    return Path(None, text)


def test_no_files_are_the_schema_of_an_empty_server() -> None:
    found, problems = load(())
    assert found == core_schema()
    assert problems == ()
    assert set(found.kinds) > {"CoreStandardGroup", "BuiltinTag", "CoreNode"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name: size, kind: Number}", {}),
        ("{name: size, kind: Number, optional: true}", {"optional": True}),
        ("{name: size, kind: Number, default_value: 5}", {"optional": True, "default": 5}),
        ("{name: size, kind: Number, deprecation: use weight}", {"optional": True}),
        ("{name: size, kind: Number, unique: yes}", {"unique": True}),
        ('{name: size, kind: Number, read_only: "true"}', {"read_only": True}),
        ("{name: size, kind: Number, read_only: 0}", {}),
        ("{name: size, kind: Number, label: null, enum: null}", {}),
        ("{name: size, kind: Number, enum: [1, 2]}", {"choices": (1, 2)}),
        (
            "{name: size, kind: Number, parameters: {min_value: 1, max_value: 9, excluded_values: '3,5'}}",
            {"min_value": 1, "max_value": 9, "excluded_values": "3,5"},
        ),
        ("{name: size, kind: Number, computed_attribute: {kind: User}}", {}),
    ],
)
def test_number(text: str, expected: dict[str, Any]) -> None:
    assert one_attribute(text) == Attribute(name="size", kind="Number", **expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("regex: '^a', min_length: 1, max_length: '9'", ("^a", 1, 9)),
        ("parameters: {regex: '^a', min_length: 1, max_length: 9}", ("^a", 1, 9)),
        ("regex: '^b', min_length: 2, parameters: {regex: '^a'}", ("^a", 2, None)),
    ],
)
def test_limits_of_a_text(text: str, expected: tuple[Any, ...]) -> None:
    found = one_attribute(f"{{name: size, kind: Text, {text}}}")
    assert (found.regex, found.min_length, found.max_length) == expected


def test_choices_are_in_the_order_of_their_names() -> None:
    found = one_attribute(
        "{name: size, kind: Dropdown, choices: [{name: tall, color: '#A9DFBF'}, {name: small}]}"
    )
    assert found.choices == ("small", "tall")


def test_default_is_spelled_as_objects_show_it() -> None:
    assert one_attribute("{name: address, kind: IPHost, default_value: 10.0.0.1}").default == (
        "10.0.0.1/32"
    )
    assert one_attribute("{name: enabled, kind: Boolean, default_value: no}").default is False


@pytest.mark.parametrize("kind_", ["Jinja2, jinja2_template: x", "TransformPython, transform: x"])
def test_computed_attribute(kind_: str) -> None:
    found = one_attribute(
        "{name: size, kind: Text, read_only: true, optional: true, "
        f"computed_attribute: {{kind: {kind_}}}}}"
    )
    assert found.computed
    assert not found.mandatory


RELATED = """\
nodes:
  - name: Thing
    namespace: Lab
    relationships:
      - {name: tags, peer: BuiltinTag}
      - {name: space, peer: IpamNamespace, cardinality: one, optional: false, read_only: true}
      - {name: other, peer: LabThing, cardinality: one, identifier: one__other}
      - {name: parts, peer: LabPart, kind: Component, min_count: 1, max_count: 5}
      - {name: owned, peer: LabPart, on_delete: cascade, identifier: owned, direction: outbound}
      - {name: spare, peer: LabPart, kind: Component, on_delete: no-action, identifier: spare}
      - {name: old, peer: LabPart, optional: false, deprecation: gone, identifier: old}
  - name: Part
    namespace: Lab
    relationships:
      - {name: thing, peer: LabThing, kind: Parent, cardinality: one, optional: false}
"""


def test_relationships() -> None:
    thing = kind("LabThing", RELATED)
    found = thing.relationships
    assert found["tags"].identifier == "builtintag__labthing"
    assert found["tags"].cardinality is Cardinality.MANY
    assert (found["tags"].min_count, found["tags"].max_count) == (0, 0)
    assert found["tags"].direction is Direction.BIDIRECTIONAL
    assert (found["space"].min_count, found["space"].max_count) == (1, 1)
    assert found["space"].read_only
    assert (found["other"].min_count, found["other"].max_count) == (0, 1)
    assert found["other"].identifier == "one__other"
    assert (found["parts"].min_count, found["parts"].max_count) == (1, 5)
    assert found["old"].optional


def test_delete_goes_on_to_components_and_where_it_is_said() -> None:
    thing = kind("LabThing", RELATED)
    cascading = {name for name, item in thing.relationships.items() if item.cascade}
    assert cascading == {"parts", "owned"}


def test_both_ends_of_a_relationship_meet() -> None:
    found = schema(RELATED)
    parts = found.kinds["LabThing"].relationships["parts"]
    assert found.inverse(parts, "LabPart") == found.kinds["LabPart"].relationships["thing"]


GENERICS = """\
generics:
  - name: Named
    namespace: Lab
    human_friendly_id: [name__value]
    default_filter: name__value
    attributes:
      - {name: name, kind: Text}
      - {name: size, kind: Number}
    relationships:
      - {name: tags, peer: BuiltinTag, identifier: named__tags}
  - name: Sized
    namespace: Lab
    uniqueness_constraints: [[size__value, name__value]]
    attributes:
      - {name: size, kind: Number, optional: true}
      - {name: name, kind: Text, regex: ^x}
"""


def test_heir_has_the_fields_of_its_generics() -> None:
    thing = kind(
        "LabThing",
        GENERICS
        + "nodes:\n  - {name: Thing, namespace: Lab, inherit_from: [LabNamed, LabSized]}\n",
    )
    assert thing.inherits == {"CoreNode", "LabNamed", "LabSized"}
    assert thing.attributes["name"].regex == "^x"
    assert thing.attributes["size"].optional
    assert thing.relationships["tags"].identifier == "named__tags"
    assert thing.hfid == (path("name"),)
    assert thing.default_filter == path("name")


def test_heir_keeps_what_it_declares_itself() -> None:
    thing = kind(
        "LabThing",
        GENERICS
        + """\
nodes:
  - name: Thing
    namespace: Lab
    inherit_from: [LabNamed]
    human_friendly_id: [size__value]
    default_filter: size
    attributes: [{name: name, kind: Text, optional: true}]
    relationships: [{name: tags, peer: BuiltinTag, identifier: own}]
""",
    )
    assert thing.attributes["name"].optional
    assert thing.relationships["tags"].identifier == "own"
    assert thing.hfid == (path("size"),)
    assert thing.default_filter == path("size")


def test_heir_may_make_something_else_of_a_relationship() -> None:
    text = """\
    generics:
      - {name: Named, namespace: Lab, relationships: [{name: tag, peer: BuiltinTag}]}
    nodes:
      - {name: Thing, namespace: Lab, inherit_from: [LabNamed], attributes: [{name: tag, kind: Text}]}
    """
    thing = kind("LabThing", text)
    assert "tag" in thing.attributes
    assert "tag" not in thing.relationships


def test_what_relationships_may_share() -> None:
    text = """\
    nodes:
      - name: Rack
        namespace: Lab
      - name: Slot
        namespace: Lab
        relationships:
          - {name: rack, peer: LabRack, kind: Parent, cardinality: one, optional: false, identifier: a__b}
          - {name: cable, peer: LabCable, common_parent: rack, common_relatives: [rack]}
      - name: Cable
        namespace: Lab
        relationships:
          - {name: rack, peer: LabRack, kind: Parent, cardinality: one, optional: false, identifier: c__d}
    """
    assert kind("LabSlot", text).relationships["cable"].common_parent == "rack"


def test_generics_are_no_kind_to_make_objects_of() -> None:
    found = schema(
        GENERICS + "nodes:\n  - {name: Thing, namespace: Lab, inherit_from: [LabNamed]}\n"
    )
    assert found.kinds["LabNamed"].section is Section.GENERIC
    assert found.concrete("LabNamed") == ("LabThing",)
    assert found.is_a("LabThing", "LabNamed")
    assert "LabThing" in found.concrete("CoreNode")


IDENTITY = """\
nodes:
  - name: Thing
    namespace: Lab
    attributes:
      - {name: size, kind: Number}
      - {name: name, kind: Text, unique: UNIQUE}
      - {name: code, kind: Text, unique: UNIQUE}
    relationships:
      - {name: space, peer: IpamNamespace, cardinality: one, optional: false}
    SETTINGS
"""


def identified(settings: str, unique: str = "false") -> Kind:
    return kind("LabThing", IDENTITY.replace("SETTINGS", settings).replace("UNIQUE", unique))


def test_human_friendly_id_is_the_first_unique_attribute() -> None:
    thing = identified("", unique="true")
    assert thing.hfid == (path("name"),)
    assert thing.uniqueness == ((path("name"),), (path("code"),))


def test_human_friendly_id_is_the_first_constraint_of_one_attribute() -> None:
    thing = identified("uniqueness_constraints: [[space, name__value], [space], [code__value]]")
    assert thing.hfid == (path("code"),)
    assert thing.attributes["code"].unique
    assert not thing.attributes["name"].unique
    assert thing.uniqueness == (
        (Path("space", None), path("name")),
        (Path("space", None),),
        (path("code"),),
    )


def test_human_friendly_id_is_unique() -> None:
    thing = identified("human_friendly_id: [space__name__value, name__value]")
    assert thing.hfid == (Path("space", "name"), path("name"))
    assert thing.uniqueness == ((Path("space", None), path("name")),)
    assert not thing.attributes["name"].unique


def test_constraint_that_is_there_in_another_order_is_enough() -> None:
    thing = identified(
        "human_friendly_id: [space__name__value, name__value]\n"
        "    uniqueness_constraints: [[name__value, space]]"
    )
    assert thing.uniqueness == ((path("name"), Path("space", None)),)


def test_kind_without_anything_unique_has_no_identity() -> None:
    thing = identified("")
    assert thing.hfid == ()
    assert thing.uniqueness == ()
    assert thing.default_filter is None


def test_unique_attribute_of_a_generic_is_not_constrained_again() -> None:
    text = """\
    generics:
      - {name: Named, namespace: Lab, attributes: [{name: name, kind: Text, unique: true}]}
    nodes:
      - name: Thing
        namespace: Lab
        inherit_from: [LabNamed]
        uniqueness_constraints: [[size__value, name__value]]
        human_friendly_id: [size__value, name__value]
        attributes: [{name: size, kind: Number}]
    """
    thing = kind("LabThing", text)
    assert thing.attributes["name"].unique
    assert thing.uniqueness == ((path("size"), path("name")),)


def test_ip_namespace_may_be_part_of_an_id_though_it_is_optional() -> None:
    text = """\
    nodes:
      - name: Address
        namespace: Lab
        inherit_from: [BuiltinIPAddress]
        human_friendly_id: [ip_namespace__name__value, address__value]
    """
    assert kind("LabAddress", text).hfid == (Path("ip_namespace", "name"), path("address"))


HIERARCHY = """\
generics:
  - name: Place
    namespace: Lab
    hierarchical: true
    attributes: [{name: name, kind: Text, unique: true}]
nodes:
  - {name: Region, namespace: Lab, inherit_from: [LabPlace], children: LabSite}
  - {name: Site, namespace: Lab, inherit_from: [LabPlace], parent: LabRegion, children: LabSite}
  - {name: Room, namespace: Lab, inherit_from: [LabPlace], parent: LabRoom, children: ""}
"""


def test_parents_and_children() -> None:
    found = schema(HIERARCHY)
    peers = {
        name: (item.relationships["parent"].peer, item.relationships["children"].peer)
        for name, item in found.kinds.items()
        if name.startswith("Lab")
    }
    assert peers == {
        "LabPlace": ("LabPlace", "LabPlace"),
        "LabRegion": ("LabPlace", "LabSite"),
        "LabSite": ("LabRegion", "LabSite"),
        "LabRoom": ("LabRoom", "LabPlace"),
    }
    parent = found.kinds["LabSite"].relationships["parent"]
    assert (parent.optional, parent.min_count, parent.max_count) == (False, 1, 1)
    assert (parent.direction, parent.identifier) == (Direction.OUTBOUND, "parent__child")
    for name in ("LabPlace", "LabRegion", "LabRoom"):
        assert found.kinds[name].relationships["parent"].optional
    children = found.kinds["LabSite"].relationships["children"]
    assert (children.direction, children.many) == (Direction.INBOUND, True)


def test_id_within_a_parent() -> None:
    text = HIERARCHY.replace(
        "parent: LabRegion,",
        "parent: LabRegion, human_friendly_id: [parent__name__value, name__value],",
    )
    site = kind("LabSite", text)
    assert site.hfid == (Path("parent", "name"), path("name"))
    assert (Path("parent", None), path("name")) in site.uniqueness


def test_hierarchy_of_prefixes_is_the_servers_to_keep() -> None:
    text = """\
    nodes:
      - name: Prefix
        namespace: Lab
        inherit_from: [BuiltinIPPrefix]
        parent: LabPrefix
    """
    prefix = kind("LabPrefix", text)
    assert prefix.relationships["parent"].read_only
    assert prefix.relationships["children"].read_only
    assert prefix.relationships["parent"].peer == "LabPrefix"
    assert prefix.relationships["parent"].optional
    assert prefix.relationships["children"].peer == "BuiltinIPPrefix"


THING = """\
nodes:
  - name: Thing
    namespace: Lab
    attributes:
      - {name: name, kind: Text, optional: true, regex: ^a, min_length: 1, default_value: abc}
      - {name: status, kind: Dropdown, choices: [{name: up}, {name: down}], default_value: up}
      - {name: mode, kind: Text, enum: [one, two]}
      - {name: gone, kind: Text}
    relationships:
      - {name: tags, peer: BuiltinTag, identifier: thing__tags, kind: Component}
      - {name: spaces, peer: IpamNamespace, on_delete: cascade}
"""
EXTENSION = """\
extensions:
  nodes:
    - kind: LabThing
      attributes:
        - {name: name, kind: Text, max_length: 9}
        - {name: status, kind: Dropdown, choices: [{name: broken}], default_value: broken}
        - {name: mode, kind: Text, enum: [three]}
        - {name: gone, kind: Text, state: absent}
        - {name: added, kind: Number}
      relationships:
        - {name: tags, peer: BuiltinTag, kind: Component, cardinality: one}
        - {name: spaces, peer: IpamNamespace, optional: false, on_delete: no-action}
"""


@pytest.mark.parametrize("texts", [(THING, EXTENSION), (EXTENSION, THING)])
def test_extension_wherever_it_stands(texts: tuple[str, ...]) -> None:
    thing = kind("LabThing", *texts)
    name = thing.attributes["name"]
    assert (name.regex, name.min_length, name.max_length) == ("^a", 1, 9)
    assert (name.default, name.optional) == ("abc", True)
    assert thing.attributes["status"].choices == ("broken", "down", "up")
    assert thing.attributes["status"].default == "broken"
    assert thing.attributes["mode"].choices == ("three",)
    assert "gone" not in thing.attributes
    assert thing.attributes["added"].kind == "Number"
    tags = thing.relationships["tags"]
    assert (tags.identifier, tags.cardinality, tags.cascade) == ("thing__tags", "one", True)
    spaces = thing.relationships["spaces"]
    assert (spaces.cascade, spaces.optional) == (False, False)


def test_extension_of_a_generic_reaches_its_heirs() -> None:
    text = """\
    extensions:
      nodes:
        - kind: CoreGroup
          attributes: [{name: owner, kind: Text, optional: true}]
    """
    found = schema(text)
    assert "owner" in found.kinds["CoreGroup"].attributes
    assert "owner" in found.kinds["CoreStandardGroup"].attributes
    assert "owner" not in core_schema().kinds["CoreGroup"].attributes


def test_extension_may_seal_and_unseal() -> None:
    generic = """\
    generics:
      - name: Named
        namespace: Lab
        attributes: [{name: name, kind: Text, allow_override: none}]
    nodes:
      - name: Thing
        namespace: Lab
        inherit_from: [LabNamed]
        attributes: [{name: name, kind: Text}]
    extensions:
      nodes:
        - kind: LabNamed
          attributes: [{name: name, kind: Text}]
    """
    assert "LabThing" in schema(generic).kinds


def test_second_declaration_adds_and_overrides() -> None:
    first = """\
    generics:
      - {name: Named, namespace: Lab}
    nodes:
      - name: Thing
        namespace: Lab
        inherit_from: [LabNamed]
        generate_profile: false
        human_friendly_id: [name__value]
        attributes: [{name: name, kind: Text}]
    """
    second = """\
    nodes:
      - name: Thing
        namespace: Lab
        attributes: [{name: size, kind: Number}]
    """
    found, problems = load(documents(first, second))
    assert found is not None
    assert len(problems) == 1
    thing = found.kinds["LabThing"]
    assert set(thing.attributes) == {"name", "size"}
    assert thing.hfid == (path("name"),)
    # As on the server: what has a default is set again by each declaration.
    assert thing.inherits == {"CoreNode"}
    assert "ProfileLabThing" in found.kinds


def test_absent_kind_is_gone() -> None:
    thing = "nodes:\n  - {name: Thing, namespace: Lab}\n"
    gone = "nodes:\n  - {name: Thing, namespace: Lab, state: absent}\n"
    assert "LabThing" not in schema(gone).kinds
    warnings(thing, gone)
    found, _ = load(documents(thing, gone))
    assert found is not None
    assert "LabThing" not in found.kinds


def test_absent_field_is_gone() -> None:
    text = """\
    nodes:
      - name: Thing
        namespace: Lab
        attributes: [{name: name, kind: Text, state: absent}]
        relationships: [{name: tags, peer: BuiltinTag, state: absent}]
    """
    thing = kind("LabThing", text)
    assert "name" not in thing.attributes
    assert "tags" not in thing.relationships


def test_display_settings_that_are_right() -> None:
    text = """\
    nodes:
      - name: Thing
        namespace: Lab
        display_label: "{% set x__y = name__value %}{{ x__y | upper }} {{ space__name__value }}"
        display_labels: [name, address__ip]
        order_by: [node_metadata__created_at__desc, name__value__asc, space__name__value]
        default_filter: name__value
        attributes:
          - {name: name, kind: Text}
          - {name: address, kind: IPHost}
        relationships: [{name: space, peer: IpamNamespace, cardinality: one}]
    """
    assert "LabThing" in schema(text).kinds


def test_identity_by_anything_but_a_value_is_not_supported() -> None:
    text = """\
    nodes:
      - name: Thing
        namespace: Lab
        human_friendly_id: [address__ip]
        attributes: [{name: address, kind: IPHost}]
    """
    found, problems = load(documents(text))
    assert found is None
    assert "only values are supported here, as in address__value" in str(problems[0])

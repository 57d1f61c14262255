"""The kinds and relationships that nobody declares: profiles, templates, groups."""

from stateward.model.schema import Cardinality, Direction, Path, Section
from stateward.schema.files import core_schema
from unit.schema.schema_files import kind, schema

NAME = Path(None, "profile_name")
TEMPLATE_NAME = Path(None, "template_name")

THING = """\
nodes:
  - name: Thing
    namespace: Lab
    human_friendly_id: [space__name__value, name__value]
    attributes:
      - {name: name, kind: Text}
      - {name: code, kind: Text, unique: true}
      - {name: size, kind: Number, default_value: 5}
      - {name: made, kind: Text, read_only: true, optional: true}
    relationships:
      - {name: space, peer: IpamNamespace, cardinality: one, optional: false}
      - {name: tags, peer: BuiltinTag, min_count: 2, optional: false, on_delete: cascade}
      - {name: parts, peer: LabPart, kind: Component}
      - {name: locked, peer: IpamNamespace, read_only: true, identifier: locked}
  - name: Part
    namespace: Lab
    generate_profile: false
    relationships: [{name: thing, peer: LabThing, kind: Parent, cardinality: one, optional: false}]
"""


def test_profile_has_what_objects_may_share() -> None:
    profile = kind("ProfileLabThing", THING)
    assert profile.section is Section.PROFILE
    assert set(profile.attributes) == {"profile_name", "profile_priority", "size"}
    size = profile.attributes["size"]
    assert (size.optional, size.default) == (True, None)
    assert set(profile.relationships) == {
        "related_nodes",
        "tags",
        "member_of_groups",
        "subscriber_of_groups",
    }
    tags = profile.relationships["tags"]
    assert (tags.identifier, tags.optional) == ("profile_builtintag__labthing", True)
    assert (tags.min_count, tags.cascade) == (2, False)
    assert profile.relationships["related_nodes"].peer == "LabThing"
    assert (profile.hfid, profile.default_filter) == ((NAME,), NAME)
    assert profile.inherits == {"CoreNode", "CoreProfile", "LineageSource"}


def test_every_kind_has_profiles_but_not_every_one_gets_its_own() -> None:
    found = schema(THING)
    assert "profiles" in found.kinds["LabPart"].relationships
    assert "ProfileLabPart" not in found.kinds
    assert "profiles" not in found.kinds["CoreStandardGroup"].relationships
    assert {name for name in core_schema().kinds if name.startswith("Profile")} == {
        "ProfileBuiltinIPAddress",
        "ProfileBuiltinIPPrefix",
        "ProfileBuiltinTag",
        "ProfileIpamNamespace",
    }


def test_nearly_every_kind_can_be_in_groups() -> None:
    found = schema(THING)
    for name in ("LabThing", "ProfileLabThing", "CoreNode", "CoreRepository"):
        groups = found.kinds[name].relationships["member_of_groups"]
        assert (groups.identifier, groups.kind, groups.shared) == ("group_member", "Group", True)
        assert "subscriber_of_groups" in found.kinds[name].relationships
    for name in ("CoreGroup", "CoreStandardGroup", "LineageOwner", "LineageSource"):
        assert "member_of_groups" not in found.kinds[name].relationships


TEMPLATES = """\
generics:
  - name: Endpoint
    namespace: Lab
    generate_profile: false
    attributes: [{name: speed, kind: Number}]
    relationships:
      - {name: device, peer: LabDevice, kind: Parent, cardinality: one, optional: false, identifier: device__ports}
nodes:
  - name: Device
    namespace: Lab
    generate_template: true
    inherit_from: [CoreArtifactTarget]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: size, kind: Number}
      - {name: made, kind: Number, read_only: true, optional: true}
    relationships:
      - {name: site, peer: LabSite, kind: Parent, cardinality: one, optional: false}
      - {name: ports, peer: LabEndpoint, kind: Component, identifier: device__ports}
      - {name: primary, peer: LabAddress, cardinality: one, identifier: Primary, kind: Attribute}
      - {name: prefixes, peer: BuiltinIPPrefix, identifier: prefixes, read_only: true, common_parent: up}
      - {name: watchers, peer: CoreGroup, kind: Component}
      - {name: pool, peer: CoreNumberPool, kind: Component, identifier: pool}
  - {name: Site, namespace: Lab, generate_template: true}
  - name: Port
    namespace: Lab
    inherit_from: [LabEndpoint]
    generate_profile: false
    attributes: [{name: name, kind: Text}]
  - {name: Address, namespace: Lab, inherit_from: [BuiltinIPAddress]}
  - {name: Bystander, namespace: Lab}
""".replace("identifier: Primary, ", "identifier: primary, ").replace(", common_parent: up", "")


def test_templates_of_a_kind_and_of_what_it_is_made_of() -> None:
    found = schema(TEMPLATES)
    templates = {name: item.section for name, item in found.kinds.items() if "Template" in name[:8]}
    assert templates == {
        "TemplateLabDevice": Section.TEMPLATE,
        "TemplateCoreArtifactTarget": Section.GENERIC,
        "TemplateLabEndpoint": Section.GENERIC,
        "TemplateLabPort": Section.TEMPLATE,
        "TemplateLabSite": Section.TEMPLATE,
    }


def test_template_that_is_asked_for() -> None:
    template = kind("TemplateLabDevice", TEMPLATES)
    assert set(template.attributes) == {"template_name", "size"}
    assert template.attributes["size"].optional
    assert template.hfid == (Path("site", "template_name"), TEMPLATE_NAME)
    assert template.uniqueness == ((TEMPLATE_NAME, Path("site", None)),)
    assert template.inherits == {
        "CoreNode",
        "CoreObjectTemplate",
        "LineageSource",
        "TemplateCoreArtifactTarget",
    }
    peers = {name: item.peer for name, item in template.relationships.items()}
    assert peers == {
        "related_nodes": "LabDevice",
        "artifacts": "CoreArtifact",
        "site": "TemplateLabSite",
        "ports": "TemplateLabEndpoint",
        "pool": "CoreNumberPool",
        "primary": "LabAddress",
        "primary_from_resource_pool": "CoreIPAddressPool",
        "prefixes": "BuiltinIPPrefix",
        "prefixes_from_resource_pool": "CoreIPPrefixPool",
        "size_from_resource_pool": "CoreNumberPool",
        "profiles": "CoreProfile",
        "member_of_groups": "CoreGroup",
        "subscriber_of_groups": "CoreGroup",
        "member_of_groups_for_instances": "CoreGroup",
        "subscriber_of_groups_for_instances": "CoreGroup",
    }


def test_relationships_of_a_template() -> None:
    template = kind("TemplateLabDevice", TEMPLATES).relationships
    assert not template["site"].optional
    assert template["ports"].cascade
    assert template["ports"].identifier == "template_device__ports"
    assert not template["prefixes"].read_only
    assert template["profiles"].identifier == "template__profile"
    pool = template["size_from_resource_pool"]
    assert (pool.direction, pool.cardinality) == (Direction.OUTBOUND, Cardinality.ONE)
    assert pool.identifier == "size_from_resource_pool"
    assert template["primary_from_resource_pool"].identifier == "primary_from_resource_pool"
    instances = template["member_of_groups_for_instances"]
    assert (instances.kind, instances.shared) == ("Generic", False)


def test_template_of_a_component_is_as_strict_as_the_component() -> None:
    template = kind("TemplateLabPort", TEMPLATES)
    assert template.attributes["name"].optional is False
    assert template.attributes["template_name"].unique is False
    assert template.inherits == {
        "CoreNode",
        "CoreObjectComponentTemplate",
        "LineageSource",
        "TemplateLabEndpoint",
    }
    assert template.hfid == (Path("device", "template_name"), TEMPLATE_NAME)
    assert not template.relationships["device"].optional
    assert "profiles" not in template.relationships


def test_template_of_a_generic() -> None:
    template = kind("TemplateLabEndpoint", TEMPLATES)
    assert template.hfid == (TEMPLATE_NAME,)
    assert template.uniqueness == ()
    assert "related_nodes" not in template.relationships
    assert "member_of_groups_for_instances" not in template.relationships
    assert template.inherits == {"CoreNode"}


def test_object_knows_its_template_and_the_profile_too() -> None:
    found = schema(TEMPLATES)
    own = found.kinds["LabDevice"].relationships["object_template"]
    assert (own.peer, own.kind, own.cardinality) == ("TemplateLabDevice", "Template", "one")
    assert "object_template" not in found.kinds["LabPort"].relationships
    profile = found.kinds["ProfileLabDevice"].relationships["related_templates"]
    assert (profile.peer, profile.identifier) == ("TemplateLabDevice", "template__profile")


def test_parent_that_is_a_generic_needs_one_template_only() -> None:
    text = """\
    generics:
      - {name: Shelf, namespace: Lab, relationships: [{name: things, peer: LabThing, kind: Component}]}
    nodes:
      - {name: Rack, namespace: Lab, inherit_from: [LabShelf], generate_template: true}
      - {name: Cupboard, namespace: Lab, inherit_from: [LabShelf]}
      - name: Thing
        namespace: Lab
        relationships: [{name: shelf, peer: LabShelf, kind: Parent, cardinality: one, optional: false}]
    """
    found = schema(text)
    templates = {name for name in found.kinds if name.startswith("Template")}
    assert templates == {"TemplateLabRack", "TemplateLabShelf", "TemplateLabThing"}


def test_parent_that_is_a_generic_nobody_needs_yet() -> None:
    text = """\
    generics:
      - {name: Shelf, namespace: Lab}
    nodes:
      - {name: Box, namespace: Lab, generate_template: true, relationships: [{name: things, peer: LabThing, kind: Component}]}
      - {name: Cupboard, namespace: Lab, inherit_from: [LabShelf]}
      - name: Thing
        namespace: Lab
        relationships: [{name: shelf, peer: LabShelf, kind: Parent, cardinality: one, optional: false}]
    """
    templates = {name for name in schema(text).kinds if name.startswith("Template")}
    assert templates == {
        "TemplateLabBox",
        "TemplateLabThing",
        "TemplateLabShelf",
        "TemplateLabCupboard",
    }

"""Everything the server refuses in a schema, found without it and at its place.

An arrow stands before each place that is to be reported. Each of the schemas was given to
Infrahub 1.11.9, which refused them too, but for the broken regex.
"""

from textwrap import dedent, indent

import pytest

from stateward.errors import Code, Problem, Severity
from stateward.schema.files import load
from unit.schema.schema_files import documents, marked, places, problems, warnings

DEVICE = """\
nodes:
  - name: Device
    namespace: Dcim
    attributes:
      - {name: name, kind: Text, unique: true}
"""

SHAPES = {
    "name-too-short": (
        """\
        nodes:
          - name: →D
            namespace: Dcim
        """,
        "DcimD: name: 'D' has 1 characters, at least 2 are needed",
    ),
    "name-without-capital": (
        """\
        nodes:
          - name: →device
            namespace: Dcim
        """,
        "Dcimdevice: name: 'device' must start with a capital letter",
    ),
    "name-that-python-keeps": (
        """\
        nodes:
          - name: →"True"
            namespace: Dcim
        """,
        "DcimTrue: name: 'True' is a word of Python: choose another name",
    ),
    "namespace-too-short": (
        """\
        nodes:
          - name: Device
            namespace: →Dc
        """,
        "DcDevice: namespace: 'Dc' has 2 characters, at least 3 are needed",
    ),
    "namespace-with-two-capitals": (
        """\
        nodes:
          - name: Device
            namespace: →DcIm
        """,
        "namespace: 'DcIm' must be one capital letter",
    ),
    "namespace-of-infrahub": (
        """\
        nodes:
          - name: Device
            namespace: →Core
        """,
        "CoreDevice: namespace: Core is Infrahub's own: choose another",
    ),
    "namespace-missing": (
        """\
        generics:
          - →description: nothing else
            name: Device
        """,
        "Device: namespace is missing",
    ),
    "name-empty": (
        "nodes:\n  - {name: →null, namespace: Dcim}",
        "Dcim: name: there is no value",
    ),
    "name-not-text": (
        """\
        nodes:
          - name: →5
            namespace: Dcim
        """,
        "Dcim5: name: 5 is not text: quote it if it is meant to be",
    ),
    "description-too-long": (
        "nodes:\n  - name: Device\n    namespace: Dcim\n    description: →" + "x" * 129,
        "has 129 characters, at most 128 are possible",
    ),
    "unknown-key": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            →inherits_from: [DcimGeneric]
        """,
        "DcimDevice: inherits_from: no such key: did you mean inherit_from?",
    ),
    "unknown-key-like-nothing": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            →zzz: 1
        """,
        "DcimDevice: zzz: no such key: remove it",
    ),
    "generic-that-inherits": (
        """\
        generics:
          - name: Device
            namespace: Dcim
            →inherit_from: [DcimGeneric]
        """,
        "inherit_from: no such key",
    ),
    "unknown-top-level-key": (
        """\
        →node:
          - name: Device
            namespace: Dcim
        """,
        "schema file: node: no such key: did you mean nodes?",
    ),
    "nodes-not-a-list": (
        """\
        nodes:
          →name: Device
        """,
        "schema file: nodes: a mapping is not a list",
    ),
    "nodes-empty": (
        "nodes:→",
        "nodes: there is no value",
    ),
    "node-not-a-mapping": (
        """\
        nodes:
          - →Device
        """,
        "nodes: 'Device' is not a mapping",
    ),
    "extensions-not-a-mapping": (
        "extensions: →[a]",
        "extensions: a list is not a mapping",
    ),
    "extension-without-kind": (
        """\
        extensions:
          nodes:
            - →attributes: []
        """,
        "extension: kind is missing",
    ),
    "flag-not-a-flag": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            generate_profile: →maybe
        """,
        "generate_profile: 'maybe' is not true or false",
    ),
    "flag-empty": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            generate_profile:→
        """,
        "generate_profile: there is no value",
    ),
    "list-item-not-text": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            inherit_from: [→1]
        """,
        "inherit_from: 1 is not text",
    ),
    "branch-unknown": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            branch: →Aware
        """,
        "branch: 'Aware' is unknown: did you mean aware?",
    ),
}

FIELDS = {
    "attribute-name-too-short": (
        "- {name: →id, kind: Text}",
        "DcimDevice.id: name: 'id' has 2 characters, at least 3 are needed",
    ),
    "attribute-name-with-capital": (
        "- {name: →Name, kind: Text}",
        "lower-case letters",
    ),
    "attribute-name-missing": (
        "- {→kind: Text}",
        "DcimDevice.one of the attributes: name is missing",
    ),
    "attribute-kind-missing": (
        "- {→name: name}",
        "DcimDevice.name: kind is missing",
    ),
    "attribute-kind-unknown": (
        "- {name: name, kind: →text}",
        "DcimDevice.name: kind: 'text' is unknown: did you mean Text?",
    ),
    "attribute-kind-like-nothing": (
        "- {name: name, kind: →Zzz}",
        "kind: 'Zzz' is unknown: it is one of Text, Dropdown,",
    ),
    "attribute-not-a-mapping": (
        "- →name",
        "DcimDevice: attributes: 'name' is not a mapping",
    ),
    "attribute-key-unknown": (
        "- {name: name, kind: Text, →option: true}",
        "DcimDevice.name: option: no such key: did you mean optional?",
    ),
    "attribute-twice": (
        """\
        - {name: name, kind: Text}
        - {name: →name, kind: Number}
        """,
        "DcimDevice: name: the name is given twice, first at a.yml:6:10",
    ),
    "dropdown-without-choices": (
        "- {→name: status, kind: Dropdown}",
        "DcimDevice.status: choices are missing",
    ),
    "choices-without-dropdown": (
        "- {name: status, kind: Text, →choices: [{name: active}]}",
        "choices: Text has none: make it a Dropdown",
    ),
    "choice-without-name": (
        "- {name: status, kind: Dropdown, choices: [{→label: Active}]}",
        "DcimDevice.status: choice: name is missing",
    ),
    "choice-not-a-mapping": (
        "- {name: status, kind: Dropdown, choices: [→active]}",
        "choices: 'active' is not a mapping",
    ),
    "choice-color": (
        "- {name: status, kind: Dropdown, choices: [{name: active, color: →green}]}",
        "color: 'green' is not a colour as in #A9DFBF",
    ),
    "default-not-a-choice": (
        "- {name: status, kind: Dropdown, default_value: →on, choices: [{name: active}]}",
        "DcimDevice.status: default_value: 'on' is not one of active",
    ),
    "enum-of-fractions": (
        "- {name: size, kind: Any, enum: [1, →.nan]}",
        "DcimDevice.size: enum: nan is neither text nor a whole number",
    ),
    "default-not-in-enum": (
        "- {name: status, kind: Text, default_value: →on, enum: [active]}",
        "default_value: 'on' is not one of active",
    ),
    "default-number-for-text": (
        "- {name: status, kind: Text, default_value: →5}",
        "default_value: 5 is not of kind Text: quote it",
    ),
    "default-text-for-number": (
        '- {name: mtu, kind: Number, default_value: →"5"}',
        "default_value: '5' is not of kind Number: remove the quotes",
    ),
    "default-text-for-flag": (
        "- {name: enabled, kind: Boolean, default_value: →maybe}",
        "default_value: 'maybe' is neither true nor false",
    ),
    "default-secret": (
        "- {name: secret, kind: Password, default_value: →1234}",
        "default_value: it is not of kind Password: quote it",
    ),
    "regex-broken": (
        '- {name: name, kind: Text, parameters: {regex: →"("}}',
        "DcimDevice.name: parameters: regex: '(' is not a regular expression",
    ),
    "parameter-of-another-kind": (
        "- {name: mtu, kind: Number, parameters: {→regex: a}}",
        "DcimDevice.mtu: parameters: regex: no such key",
    ),
    "parameters-of-no-kind": (
        "- {name: ip_address, kind: IPHost, parameters: {→regex: a}}",
        "parameters: regex: no such key",
    ),
    "lengths-crossed": (
        "- {name: name, kind: Text, parameters: {min_length: 5, max_length: →3}}",
        "DcimDevice.name: parameters: max_length: 3 is less than min_length, 5",
    ),
    "excluded-values": (
        '- {name: mtu, kind: Number, parameters: {excluded_values: →"1 2"}}',
        "excluded_values: '1 2' is not a list of numbers and ranges",
    ),
    "excluded-range-backwards": (
        '- {name: mtu, kind: Number, parameters: {excluded_values: →"5-1"}}',
        "has a range that ends before it begins",
    ),
    "excluded-ranges-overlap": (
        '- {name: mtu, kind: Number, parameters: {excluded_values: →"1-5,5-7"}}',
        "has ranges that overlap",
    ),
    "length-not-a-number": (
        "- {name: name, kind: Text, min_length: →few}",
        "min_length: 'few' is not a whole number",
    ),
    "computed-without-template": (
        "- {name: label, kind: Text, read_only: true, computed_attribute: {→kind: Jinja2}}",
        "DcimDevice.label: computed_attribute: jinja2_template is missing",
    ),
    "computed-by-nobody": (
        "- {name: label, kind: Text, read_only: true, computed_attribute: {kind: →Python}}",
        "computed_attribute: kind: 'Python' is unknown",
    ),
    "computed-not-read-only": (
        '- {→name: label, kind: Text, computed_attribute: {kind: Jinja2, jinja2_template: "x"}}',
        "DcimDevice.label: a computed attribute must be read_only: true",
    ),
    "computed-of-other-kind": (
        '- {name: label, kind: →Number, read_only: true, computed_attribute: {kind: Jinja2, jinja2_template: "x"}}',
        "kind: only Text and URL can be computed, not Number",
    ),
    "computed-by-transform-but-mandatory": (
        "- {→name: label, kind: Text, read_only: true, computed_attribute: {kind: TransformPython, transform: t}}",
        "what a transform computes must be optional: true",
    ),
    "computed-from-nothing": (
        '- {name: label, kind: Text, read_only: true, computed_attribute: {kind: Jinja2, jinja2_template: →"{{ nam__value }}"}}',
        "DcimDevice: label: nam__value: there is no nam",
    ),
    "computed-from-itself": (
        '- {name: label, kind: Text, read_only: true, computed_attribute: {kind: Jinja2, jinja2_template: →"{{ label__value }}"}}',
        "DcimDevice: label: its template asks for itself",
    ),
    "number-pool-optional": (
        "- {name: asn_id, kind: NumberPool, read_only: true, optional: →true}",
        "DcimDevice.asn_id: a NumberPool cannot be optional",
    ),
    "number-pool-writable": (
        "- {→name: asn_id, kind: NumberPool}",
        "a NumberPool must be read_only: true",
    ),
    "number-pool-range": (
        "- {name: asn_id, kind: NumberPool, read_only: true, parameters: {start_range: 5, end_range: →1}}",
        "end_range: 1 is less than start_range, 5",
    ),
    "reserved-name": (
        "- {name: →hfid, kind: Text}",
        "DcimDevice.hfid: Infrahub keeps this name for itself",
    ),
    "keyword-name": (
        "- {name: →class, kind: Text}",
        "keeps this name for itself",
    ),
    "name-with-two-underscores": (
        "- {name: →a__b, kind: Text}",
        "two underscores in a row separate the parts of a path",
    ),
    "name-with-reserved-suffix": (
        "- {name: →vlan_from_resource_pool, kind: Text}",
        "keeps names that end in _from_resource_pool",
    ),
}

RELATIONSHIPS = {
    "peer-unknown": (
        "- {name: site, peer: →LocationSite}",
        "DcimDevice.site: peer: LocationSite is not a kind that is declared",
    ),
    "peer-missing": (
        "- {→name: site}",
        "DcimDevice.site: peer is missing",
    ),
    "peer-not-a-kind": (
        "- {name: site, peer: →location_site}",
        "peer: 'location_site' is not a kind",
    ),
    "cardinality-unknown": (
        "- {name: tags, peer: BuiltinTag, cardinality: →two}",
        "cardinality: 'two' is unknown: it is one of one, many",
    ),
    "kind-unknown": (
        "- {name: tags, peer: BuiltinTag, kind: →attribute}",
        "kind: 'attribute' is unknown: did you mean Attribute?",
    ),
    "identifier-not-a-name": (
        "- {name: tags, peer: BuiltinTag, identifier: →Device-Tags}",
        "identifier: 'Device-Tags' may only hold lower-case letters",
    ),
    "identifier-of-two": (
        """\
        - {→name: tags, peer: BuiltinTag}
        - {→name: labels, peer: BuiltinTag}
        """,
        "DcimDevice.tags: identifier: tags, labels share builtintag__dcimdevice",
    ),
    "count-of-one": (
        "- {name: tags, peer: BuiltinTag, cardinality: one, optional: false, max_count: →2}",
        "max_count: it is 1 where the cardinality is one",
    ),
    "counts-crossed": (
        "- {name: tags, peer: BuiltinTag, min_count: →3, max_count: 2}",
        "min_count: 3 is more than max_count, 2",
    ),
    "many-that-is-one": (
        "- {name: tags, peer: BuiltinTag, max_count: →1}",
        "max_count: 1 of many is one",
    ),
    "parent-of-many": (
        "- {→name: site, peer: BuiltinTag, kind: Parent, optional: false}",
        "cardinality: a Parent must be of cardinality: one",
    ),
    "parent-optional": (
        "- {name: site, peer: BuiltinTag, kind: Parent, cardinality: one, optional: →true}",
        "optional: a Parent must be optional: false",
    ),
    "component-of-itself": (
        "- {name: parts, peer: DcimDevice, kind: →Component}",
        "parents and components go in a circle: DcimDevice -> DcimDevice",
    ),
    "attribute-and-relationship": (
        "- {name: →name, peer: BuiltinTag}",
        "DcimDevice: name: the name is given twice",
    ),
    "common-parent-without-parent": (
        "- {name: tags, peer: BuiltinTag, common_parent: →site}",
        "common_parent: the kind itself has no parent",
    ),
    "common-parent-missing": (
        """\
        - {name: tags, peer: BuiltinTag, common_parent: →site}
        - {name: site, peer: IpamNamespace, kind: Parent, cardinality: one, optional: false}
        """,
        "common_parent: BuiltinTag has no relationship site of kind Parent",
    ),
    "common-relatives-missing": (
        "- {name: tags, peer: BuiltinTag, common_relatives: →[site]}",
        "common_relatives: BuiltinTag has no relationship site",
    ),
}

SETTINGS = {
    "hfid-of-nothing": (
        "human_friendly_id: [→nam__value]",
        "DcimDevice: human_friendly_id: nam__value: there is no nam: did you mean name?",
    ),
    "hfid-without-property": (
        "human_friendly_id: [→name]",
        "human_friendly_id: name: the property is missing, as in name__value",
    ),
    "hfid-of-unknown-property": (
        "human_friendly_id: [→name__vale]",
        "name has no vale: value would do",
    ),
    "hfid-twice": (
        "human_friendly_id: [name__value, →name__value]",
        "human_friendly_id: name__value: it is named twice",
    ),
    "hfid-over-optional-relationship": (
        "human_friendly_id: [→tag__name__value]",
        "tag is optional: it must be optional: false to be used here",
    ),
    "hfid-over-many": (
        "human_friendly_id: [→tags__name__value]",
        "tags is of cardinality many: only one is possible here",
    ),
    "hfid-of-a-relationship-alone": (
        "human_friendly_id: [→space]",
        "an attribute of IpamNamespace is missing, as in space__name__value",
    ),
    "hfid-of-missing-peer-attribute": (
        "human_friendly_id: [→space__nam__value]",
        "IpamNamespace has no attribute nam: did you mean name?",
    ),
    "hfid-of-ambiguous-peer": (
        "human_friendly_id: →[space__description__value]",
        "human_friendly_id: space: several objects of IpamNamespace may have the same description",
    ),
    "uniqueness-of-nothing": (
        "uniqueness_constraints: [[name__value], [→serial__value]]",
        "uniqueness_constraints: serial__value: there is no serial",
    ),
    "uniqueness-of-no-field": (
        "uniqueness_constraints: [[name__value], →[]]",
        "uniqueness_constraints: a constraint names nothing: remove it",
    ),
    "uniqueness-of-peer-attribute": (
        "uniqueness_constraints: [[→space__name__value, name__value]]",
        "only the relationship itself is possible: space",
    ),
    "uniqueness-of-optional-relationship": (
        "uniqueness_constraints: [[→tag, name__value]]",
        "tag is optional",
    ),
    "filter-of-nothing": (
        "default_filter: →nam__value",
        "default_filter: nam__value: there is no nam",
    ),
    "filter-not-a-path": (
        "default_filter: →Name-Value",
        "default_filter: 'Name-Value' is not a path",
    ),
    "label-of-nothing": (
        "display_label: →nam__value",
        "display_label: nam__value: there is no nam",
    ),
    "label-without-property": (
        "display_label: →name",
        "display_label: name: the property is missing",
    ),
    "label-of-relationship": (
        "display_label: →space__name__value",
        "space is a relationship: only its own attributes are possible here",
    ),
    "label-template": (
        "display_label: →\"{{ nam__value }} {{ 'a__b' }}\"",
        "display_label: nam__value: there is no nam",
    ),
    "labels-of-nothing": (
        "display_labels: [name, →nam__value]",
        "display_labels: nam__value: there is no nam",
    ),
    "order-of-nothing": (
        "order_by: [name__value, →nam__value]",
        "order_by: nam__value: there is no nam",
    ),
    "order-of-a-stamp": (
        "order_by: [→node_metadata__made_at]",
        "order_by: node_metadata__made_at: there is no node_metadata",
    ),
    "order-twice": (
        "order_by: [name__value__asc, →name__value__desc]",
        "order_by: name__value__desc: name__value__asc stands before it: keep one of them",
    ),
}

TOGETHER = {
    "inherits-from-nothing": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            inherit_from: [→BuiltinTag, →DcimGeneric]
        """,
        "DcimGeneric is not a kind that is declared",
    ),
    "inherits-for-other-namespaces": (
        """\
        nodes:
          - name: Device
            namespace: Dcim
            inherit_from: [→DcimGeneric]
        generics:
          - name: Generic
            namespace: Dcim
            restricted_namespaces: [Network, Lab]
        """,
        "inherit_from: DcimGeneric is only for the namespaces Network, Lab",
    ),
    "inherits-address-and-prefix": (
        """\
        nodes:
          - →name: Both
            namespace: Lab
            inherit_from: [BuiltinIPAddress, →BuiltinIPPrefix]
        """,
        "LabBoth: it cannot be both a BuiltinIPPrefix and a BuiltinIPAddress",
    ),
    "inherits-two-hierarchies": (
        """\
        generics:
          - {name: Place, namespace: Lab, hierarchical: true}
          - {name: Group, namespace: Lab, hierarchical: true}
        nodes:
          - →name: Both
            namespace: Lab
            inherit_from: [LabPlace, →LabGroup]
        """,
        "LabBoth: only one of its generics may be hierarchical, not all of LabPlace, LabGroup",
    ),
    "override-of-another-kind": (
        """\
        generics:
          - name: Generic
            namespace: Lab
            attributes: [{name: size, kind: Number}]
            relationships: [{name: tags, peer: BuiltinTag}]
        nodes:
          - name: Thing
            namespace: Lab
            inherit_from: [LabGeneric]
            attributes: [{name: size, kind: →Text}]
            relationships: [{name: tags, peer: →IpamNamespace}]
        """,
        "LabThing.size: kind: it is Number in LabGeneric, and must stay so",
    ),
    "override-of-what-is-sealed": (
        """\
        nodes:
          - name: Prefix
            namespace: Lab
            inherit_from: [BuiltinIPPrefix]
            attributes: [{name: →utilization, kind: Number, read_only: true}]
        """,
        "LabPrefix.utilization: BuiltinIPPrefix has it and does not let it be overridden",
    ),
    "default-of-another-kind-now": (
        """\
        nodes:
          - {name: Thing, namespace: Lab, attributes: [{name: size, kind: Text, default_value: →a}]}
        extensions:
          nodes:
            - {kind: LabThing, attributes: [{name: size, kind: Number}]}
        """,
        "LabThing.size: default_value: 'a' is not of kind Number: remove the quotes",
    ),
    "parent-without-a-template": (
        """\
        generics:
          - name: Named
            namespace: Lab
            relationships:
              - {name: box, peer: →LabBox, kind: Parent, cardinality: one, optional: false}
        nodes:
          - {name: Box, namespace: Lab}
          - {→name: Heir, namespace: Lab, inherit_from: [LabNamed], generate_template: true}
          - name: Thing
            namespace: Lab
            generate_template: true
            relationships:
              - {name: box, peer: →LabBox, kind: Parent, cardinality: one, optional: false}
        """,
        "LabThing.box: peer: LabBox has no template, as a Parent must: give it generate_template",
    ),
    "own-parent-in-a-hierarchy": (
        """\
        generics:
          - →name: Place
            namespace: Lab
            hierarchical: true
            relationships: [{name: parent, peer: BuiltinTag}]
        nodes:
          - {→name: Site, namespace: Lab, inherit_from: [LabPlace]}
        """,
        "LabPlace: children has no other end in LabPlace: parent and children are the hierarchy's",
    ),
    "needed-by-itself-twice": (
        """\
        nodes:
          - name: Thing
            namespace: Lab
            relationships:
              - {name: one, peer: LabThing, cardinality: one, optional: →false, identifier: a__b}
              - {name: two, peer: LabThing, cardinality: one, optional: →false, identifier: c__d}
        """,
        "LabThing.one: LabThing needs a LabThing as well: make one of the two optional",
    ),
    "circle-that-is-inherited": (
        """\
        generics:
          - {name: Thing, namespace: Lab, relationships: [{name: inner, peer: LabBox, kind: Component}]}
        nodes:
          - {→name: Box, namespace: Lab, inherit_from: [LabThing]}
        """,
        "LabBox: parents and components go in a circle: LabBox -> LabBox",
    ),
    "extended-and-without-a-generic": (
        """\
        nodes:
          - {name: Thing, namespace: Lab, inherit_from: [→LabNamed]}
        extensions:
          nodes:
            - {kind: LabThing, attributes: [{name: size, kind: Number}]}
        """,
        "LabThing: inherit_from: LabNamed is not a kind that is declared",
    ),
    "id-over-a-peer-that-is-not-there": (
        """\
        nodes:
          - name: Thing
            namespace: Lab
            human_friendly_id: [box__name__value]
            relationships: [{name: box, peer: →LabBox, cardinality: one, optional: false}]
        """,
        "LabThing.box: peer: LabBox is not a kind that is declared",
    ),
    "two-generics-of-one-name": (
        """\
        generics:
          - {name: One, namespace: Lab, attributes: [{name: size, kind: Number}]}
          - {name: Two, namespace: Lab, attributes: [{name: size, kind: Text}]}
        nodes:
          - name: Thing
            namespace: Lab
            inherit_from: [LabOne, →LabTwo]
        """,
        "size comes from LabTwo and from another as something else: rename one of them",
    ),
    "two-generics-of-one-relationship": (
        """\
        generics:
          - name: One
            namespace: Lab
            relationships: [{name: tags, peer: BuiltinTag, identifier: a__b}]
          - name: Two
            namespace: Lab
            relationships: [{name: tags, peer: BuiltinTag, identifier: c__d}]
        nodes:
          - name: Thing
            namespace: Lab
            inherit_from: [LabOne, →LabTwo]
        """,
        "tags has another identifier in LabTwo than in LabOne: make them alike, or rename one",
    ),
    "two-makers-of-one-value": (
        """\
        generics:
          - name: One
            namespace: Lab
            attributes: &own
              - name: text
                kind: Text
                read_only: true
                computed_attribute: {kind: Jinja2, jinja2_template: x}
          - name: Two
            namespace: Lab
            attributes: *own
        nodes:
          - name: Thing
            namespace: Lab
            inherit_from: [LabOne, →LabTwo]
        """,
        "text is made by the server in LabOne and in LabTwo: inherit from one of them",
    ),
    "number-pool-overridden": (
        """\
        generics:
          - name: One
            namespace: Lab
            attributes: [{name: vlan_id, kind: NumberPool, read_only: true}]
        nodes:
          - name: Thing
            namespace: Lab
            inherit_from: [LineageSource, LabOne]
            attributes: [{name: →vlan_id, kind: NumberPool, read_only: true}]
        """,
        "LabThing.vlan_id: LabOne has this NumberPool, which cannot be overridden",
    ),
    "parent-without-hierarchy": (
        """\
        nodes:
          - {name: Thing, namespace: Lab, parent: →LabThing}
        """,
        "LabThing: parent: none of the generics it inherits from is hierarchical",
    ),
    "child-unknown": (
        """\
        generics:
          - {name: Place, namespace: Lab, hierarchical: true}
        nodes:
          - {name: Thing, namespace: Lab, inherit_from: [LabPlace], children: →LabRoom}
        """,
        "LabThing: children: LabRoom is not a kind that is declared",
    ),
    "hierarchy-words": (
        """\
        generics:
          - name: Place
            namespace: Lab
            hierarchical: true
            attributes: [{name: →ancestors, kind: Text}]
        """,
        "LabPlace.ancestors: Infrahub keeps this name for itself",
    ),
    "generic-words": (
        """\
        generics:
          - {name: Place, namespace: Lab, attributes: [{name: →type, kind: Text}]}
        """,
        "LabPlace.type: Infrahub keeps this name for itself",
    ),
    "node-and-generic": (
        """\
        generics:
          - {name: Thing, namespace: Lab}
        nodes:
          - {name: →Thing, namespace: Lab}
        """,
        "LabThing: it is declared as a generic at a.yml:3:6: rename one",
    ),
    "extension-of-nothing": (
        """\
        extensions:
          nodes:
            - kind: →LabThing
              attributes: [{name: size, kind: Number}]
        """,
        "extension of LabThing: there is no such kind",
    ),
    "extension-with-another-type": (
        """\
        nodes:
          - {name: Thing, namespace: Lab, attributes: [{name: size, kind: Number}]}
        extensions:
          nodes:
            - kind: LabThing
              relationships: [{name: →size, peer: BuiltinTag}]
        """,
        "LabThing.size: it is an attribute and a relationship: rename one of them",
    ),
    "needed-both-ways": (
        """\
        nodes:
          - name: One
            namespace: Lab
            relationships: [{name: two, peer: LabTwo, cardinality: one, optional: →false}]
          - name: Two
            namespace: Lab
            relationships: [{name: one, peer: LabOne, cardinality: one, optional: →false}]
        """,
        "LabOne.two: LabTwo needs a LabOne as well: make one of the two optional",
    ),
    "directions": (
        """\
        nodes:
          - name: One
            namespace: Lab
            relationships: [{name: two, peer: LabTwo, direction: →outbound}]
          - name: Two
            namespace: Lab
            relationships: [{→name: one, peer: LabOne}]
        """,
        "LabOne.two: direction: outbound does not fit the other end, LabTwo.one, which is bidirec",
    ),
    "directions-of-two": (
        """\
        nodes:
          - name: One
            namespace: Lab
            relationships:
              - {name: left, peer: LabTwo, direction: →outbound, identifier: a__b}
              - {name: right, peer: LabTwo, direction: →inbound, identifier: a__b}
          - name: Two
            namespace: Lab
            relationships: [{name: one, peer: LabOne, identifier: a__b}]
        """,
        "direction: outbound does not fit the other end, LabTwo.one",
    ),
    "circle-of-components": (
        """\
        nodes:
          - name: One
            namespace: Lab
            relationships: [{name: two, peer: LabTwo, kind: Component}]
          - name: Two
            namespace: Lab
            relationships: [{name: one, peer: LabOne, kind: →Component, identifier: other}]
        """,
        "LabTwo.one: parents and components go in a circle: LabOne -> LabTwo -> LabOne",
    ),
    "computed-in-an-heir": (
        """\
        generics:
          - name: One
            namespace: Lab
            attributes:
              - name: text
                kind: Text
                read_only: true
                computed_attribute: {kind: Jinja2, jinja2_template: →"{{ size__value }}"}
        nodes:
          - {name: Thing, namespace: Lab, inherit_from: [LabOne]}
        """,
        "LabThing: text: size__value: there is no size",
    ),
    "absent-but-needed": (
        """\
        nodes:
          - {name: Thing, namespace: Lab, state: absent}
          - name: Other
            namespace: Lab
            relationships: [{name: thing, peer: →LabThing}]
        """,
        "LabOther.thing: peer: LabThing is not a kind that is declared",
    ),
    "parents": (
        """\
        nodes:
          - →name: Thing
            namespace: Lab
            relationships:
              - {name: tag, peer: BuiltinTag, kind: Parent, cardinality: one, optional: false}
              - {name: space, peer: IpamNamespace, kind: Parent, cardinality: one, optional: false}
        """,
        "LabThing: it has several parents, tag, space: only one may be of kind Parent",
    ),
}

REFERENCES = {
    "absent-but-needed",
    "child-unknown",
    "extended-and-without-a-generic",
    "extension-of-nothing",
    "id-over-a-peer-that-is-not-there",
    "inherits-from-nothing",
}


def attributes(text: str) -> str:
    """Put attributes into a node."""
    head = "nodes:\n  - name: Device\n    namespace: Dcim\n    attributes:\n"
    return head + indent(dedent(text), "      ")


def relationships(text: str) -> str:
    """Put relationships into a node that has a name."""
    return f"{DEVICE}    relationships:\n" + indent(dedent(text), "      ")


def setting(text: str) -> str:
    """Put a setting into a node that has a name, and relationships of all sorts."""
    fields = """\
        - {name: space, peer: IpamNamespace, cardinality: one, optional: false}
        - {name: tag, peer: BuiltinTag, cardinality: one, identifier: device__tag}
        - {name: tags, peer: BuiltinTag}
        """
    return f"{relationships(fields)}    {text}\n"


def check(text: str, message: str) -> list[Problem]:
    clean, expected = marked(text)
    found = problems(clean)
    assert sorted(set(places(found))) == expected
    assert message in "\n".join(map(str, found))
    return found


@pytest.mark.parametrize("case", SHAPES)
def test_shape(case: str) -> None:
    check(*SHAPES[case])


@pytest.mark.parametrize("case", FIELDS)
def test_attribute(case: str) -> None:
    text, message = FIELDS[case]
    check(attributes(text), message)


@pytest.mark.parametrize("case", RELATIONSHIPS)
def test_relationship(case: str) -> None:
    text, message = RELATIONSHIPS[case]
    found = check(relationships(text), message)
    assert (found[0].code is Code.SCHEMA_REFERENCE) == (case == "peer-unknown")


@pytest.mark.parametrize("case", SETTINGS)
def test_setting(case: str) -> None:
    text, message = SETTINGS[case]
    assert len(check(setting(text), message)) == 1


@pytest.mark.parametrize("case", TOGETHER)
def test_together(case: str) -> None:
    found = check(*TOGETHER[case])
    assert (found[-1].code is Code.SCHEMA_REFERENCE) == (case in REFERENCES)


def test_document_that_is_no_mapping() -> None:
    found = load(documents("- a\n", header="# a line\n"))
    assert found[0] is None
    assert str(found[1][0]).startswith(
        "a.yml:2:1: SW1201 schema: schema file: it must be a mapping"
    )


def test_version_is_missing() -> None:
    _, found = load(documents("nodes: []\n", header="# a line\n"))
    assert str(found[0]) == "a.yml:2:1: SW1201 schema: schema file: version is missing"


def test_version_is_text() -> None:
    _, found = load(documents("version: 1.0\n", header="# a line\n"))
    assert "schema file: version: 1.0 is not text: quote it" in str(found[0])


def test_all_problems_are_reported_once_and_in_order() -> None:
    broken = "nodes:\n  - {name: a, namespace: Lab}\n"
    found = problems(broken, broken, "nodes:\n  - {zzz: 1}\n")
    located = [str(problem.location) for problem in found]
    assert located == ["a.yml:3:12", "b.yml:3:12", "c.yml:3:6", "c.yml:3:6", "c.yml:3:6"]


def test_what_the_server_writes_itself_is_ignored() -> None:
    found = warnings("nodes:\n  - {name: Thing, namespace: Lab, hierarchy: LabPlace, hash: a}\n")
    assert places(found) == ["2:35", "2:56"]
    assert {problem.severity for problem in found} == {Severity.WARNING}
    assert "LabThing: hierarchy: Infrahub sets this itself: remove it" in str(found[0])


def test_kind_of_infrahub_declared_again_is_doubtful() -> None:
    again = "nodes:\n  - {name: Namespace, namespace: Ipam, inherit_from: [BuiltinIPNamespace]}\n"
    message = "IpamNamespace: it is declared before, by Infrahub itself: the two are merged"
    assert message in str(warnings(again)[0])


def test_kind_declared_twice_is_doubtful() -> None:
    one = "nodes:\n  - {name: Thing, namespace: Lab}\n"
    found = warnings(one, one)
    assert str(found[0].location) == "b.yml:3:12"
    assert "LabThing: it is declared before, at a.yml:3:6" in str(found[0])

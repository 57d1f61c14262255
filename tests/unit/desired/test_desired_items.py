"""Items: fields against their kind, and inline objects in every form that Infrahub has for them."""

from typing import Any

import pytest
from desired_files import documents, objects, schema, shown

from stateward.desired.drafts import Draft, RawPool, RawReference
from stateward.desired.envelope import Reader
from stateward.desired.items import ItemReader
from stateward.desired.notes import Notes, Page
from stateward.errors import Problem, Severity
from stateward.model.identity import NodeId

UUID = "0198a7f2-1111-4222-8333-444455556666"


def read(text: str) -> tuple[list[Draft], list[Problem]]:
    notes = Notes("u")
    drafts: list[Draft] = []
    for doc in documents(text):
        reader = Reader(Page("u.yml", notes))
        block = reader.document(doc)
        assert block is not None
        ItemReader(schema(), reader, drafts, menu=doc.root["kind"] == "Menu").block(block)
    return drafts, notes.problems


def device(fields: str) -> Draft:
    """Read one device with some fields, and nothing else."""
    drafts, problems = read(objects("LabDevice", "- name: d\n" + _indented(fields)))
    assert not problems, [str(own) for own in problems]
    return drafts[0]


def wrong(fields: str, kind: str = "LabDevice") -> list[str]:
    """Return the problems of an object whose fields begin in line 7, column 7."""
    return shown(read(objects(kind, "- name: d\n" + _indented(fields)))[1])


def _indented(fields: str) -> str:
    return "".join(f"  {line}\n" for line in fields.splitlines())


class TestAttributes:
    @pytest.mark.parametrize(
        ("field", "name", "value"),
        [
            ("ports: 5", "ports", 5),
            ("ports: '5'", "ports", 5),
            ("label: 010", "label", "010"),
            ("label: 1.10", "label", "1.10"),
            ("label: yes", "label", "yes"),
            ("active: yes", "active", True),
            ("mac: aabb.ccdd.eeff", "mac", "AA:BB:CC:DD:EE:FF"),
            ("address: 10.0.0.1", "address", "10.0.0.1/32"),
            ("label: null", "label", None),
            ("label:", "label", None),
            ("label: {value: x}", "label", "x"),
            ("label: {value: null}", "label", None),
            ("ports: {value: 7}", "ports", 7),
            ("settings: {a: [1, {b: 010}]}", "settings", {"a": [1, {"b": 10}]}),
            ("settings: {value: [1]}", "settings", [1]),
            ("settings: [a]", "settings", ["a"]),
        ],
    )
    def test_values(self, field: str, name: str, value: Any) -> None:
        found = device(field).attributes[name]
        assert found == value
        assert type(found) is type(value)

    def test_metadata(self) -> None:
        found = device("label: {value: x, is_protected: yes, source: admin, owner: [a, b]}")
        assert found.attributes["label.is_protected"] is True
        assert found.relations["label.source"] == RawReference(
            "LineageSource", ("admin",), 7 << 20 | 52
        )
        owner = found.relations["label.owner"]
        assert isinstance(owner, RawReference)
        assert (owner.peer, owner.parts) == ("LineageOwner", ("a", "b"))

    def test_metadata_that_is_null(self) -> None:
        found = device("label: {value: x, is_protected: null}")
        assert found.attributes == {"name": "d", "label": "x"}

    @pytest.mark.parametrize(
        "field",
        [
            "label: {value: x, source: null, owner: null}",
            "ports: {from_pool: numbers, source: admin}",
        ],
    )
    def test_lineage_that_no_server_takes_is_not_declared(self, field: str) -> None:
        (found,), problems = read(objects("LabDevice", "- name: d\n" + _indented(field)))
        assert found.relations == {}
        assert problems
        assert all(own.severity is Severity.WARNING for own in problems)

    @pytest.mark.parametrize(
        ("field", "pool", "identifier"),
        [
            ("ports: {from_pool: numbers}", ("numbers",), None),
            ("ports: {from_pool: {id: numbers}}", ("numbers",), None),
            ("ports: {from_pool: {id: numbers, identifier: d1}}", ("numbers",), "d1"),
            ("ports: {from_pool: {id: numbers, identifier: 010}}", ("numbers",), "010"),
            (f"ports: {{from_pool: {UUID.upper()}}}", NodeId(UUID), None),
            ("ports: {from_pool: {id: numbers}, value: 5}", ("numbers",), None),
        ],
    )
    def test_pools(self, field: str, pool: object, identifier: str | None) -> None:
        found = device(field).attributes["ports"]
        assert isinstance(found, RawPool)
        assert (found.pool.peer, found.pool.parts) == ("CoreResourcePool", pool)
        assert found.identifier == identifier

    def test_metadata_beside_a_pool(self) -> None:
        found = device("ports: {from_pool: numbers, is_protected: true}")
        assert found.attributes["ports.is_protected"] is True

    @pytest.mark.parametrize(
        ("field", "problem"),
        [
            ("ports: x", "7:14 type"),
            ("ports: 1.5", "7:14 type"),
            ("ports: {value: x}", "7:22 type"),
            ("active: maybe", "7:15 type"),
            ("label: {source: x}", "7:14 type"),
            ("label: [x]", "7:14 type"),
            ("role: border", "7:13 enum"),
            ("mac: x", "7:12 type"),
            ("made: x", "7:7 read-only"),
            ("computed: [x]", "7:7 read-only"),
            ("labl: x", "7:7 unknown-field"),
            ("'': x", "7:7 unknown-field"),
            ("id: 5", "7:11 type"),
            ("id: d", "7:11 type"),
            (f"id: [{UUID}]", "7:11 type"),
            ("label: {value: x, soruce: y}", "7:25 metadata?"),
            ("label: {value: x, is_visible: true}", "7:25 metadata?"),
            ("label: {value: x, is_protected: 1}", "7:39 metadata"),
            ("label: {value: x, source: {}}", "7:33 relationship-form"),
            ("label: {value: x, source: null}", "7:25 metadata?"),
            ("label: {value: x, owner: null}", "7:25 metadata?"),
            ("ports: {from_pool: x, source: y}", "7:29 metadata?"),
            ("ports: {from_pool: null}", "7:26 relationship-form"),
            ("ports: {from_pool: {}}", "7:26 relationship-form"),
            ("ports: {from_pool: {id: {}}}", "7:31 relationship-form"),
            ("ports: {from_pool: {id: x, size: 1}}", "7:34 metadata"),
            ("ports: {from_pool: {id: x, identifier: []}}", "7:46 metadata"),
        ],
    )
    def test_problems(self, field: str, problem: str) -> None:
        assert wrong(field) == [problem]

    @pytest.mark.parametrize(
        "field",
        [
            "phrase: hunter2hunter2",
            "phrase: {value: hunter2hunter2}",
            "phrase: [hunter2]",
            "phrase: {hunter2: x}",
            "secret: [hunter2]",
            "secret: {value: {hunter2: 1}}",
        ],
    )
    def test_secrets_are_never_told(self, field: str) -> None:
        _, problems = read(objects("LabDevice", f"- name: d\n  {field}"))
        assert problems
        assert "hunter2" not in "".join(own.message for own in problems)

    def test_the_id(self) -> None:
        assert device(f"id: {UUID.upper()}").node == UUID
        assert device("id: null").node is None
        assert device("label: x").node is None

    @pytest.mark.parametrize(
        ("field", "hint"),
        [("labl: x", "did you mean label?"), ("interface: x", "did you mean interfaces?")],
    )
    def test_hints(self, field: str, hint: str) -> None:
        _, (problem,) = read(objects("LabDevice", f"- {field}"))
        assert hint in problem.message


class TestReferences:
    @pytest.mark.parametrize(
        ("field", "parts"),
        [
            ("site: ams", ("ams",)),
            ("site: [ams]", ("ams",)),
            ("site: [a, 010, 1.10, true, yes]", ("a", "010", "1.10", "true", "yes")),
            ("site: 5", ("5",)),
            ("site: false", ("false",)),
            ("site: ''", ("",)),
            (f"site: {UUID.upper()}", NodeId(UUID)),
            (f"site: [{UUID}]", NodeId(UUID)),
            (f"site: [{UUID}, x]", (UUID, "x")),
        ],
    )
    def test_one(self, field: str, parts: object) -> None:
        found = device(field).relations["site"]
        assert isinstance(found, RawReference)
        assert (found.peer, found.parts, found.mark) == ("LabPlace", parts, 7 << 20 | 13)

    def test_many(self) -> None:
        found = device(f"tags:\n  - red\n  - [blue]\n  - {UUID}").relations["tags"]
        assert isinstance(found, list)
        assert [(own.parts, own.mark >> 20) for own in found if isinstance(own, RawReference)] == [
            (("red",), 8),
            (("blue",), 9),
            (NodeId(UUID), 10),
        ]

    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            ("site: null", {"site": None}),
            ("spare:", {"spare": None}),
            ("tags: null", {"tags": []}),
            ("tags: []", {"tags": []}),
            ("tags: {data: []}", {}),
            ("tags: {data: null}", {}),
            ("interfaces: {kind: LabInterface, data: []}", {}),
        ],
    )
    def test_nothing(self, field: str, expected: dict[str, object]) -> None:
        assert device(field).relations == expected

    def test_from_a_pool(self) -> None:
        found = device("prefix: {from_pool: {id: prefixes, identifier: x}}").relations["prefix"]
        assert isinstance(found, RawPool)
        assert (found.pool.parts, found.identifier) == (("prefixes",), "x")

    @pytest.mark.parametrize(
        ("field", "problem"),
        [
            ("site: []", "7:13 relationship-form"),
            ("site: [null]", "7:13 relationship-form"),
            ("site: [[ams]]", "7:13 relationship-form"),
            ("site: {name: ams}", "7:13 relationship-form"),
            ("site: {}", "7:13 relationship-form"),
            ("tags: red", "7:13 relationship-form"),
            ("tags: 5", "7:13 relationship-form"),
            ("tags: {name: red}", "7:13 relationship-form"),
            ("tags: [{name: red}]", "7:14 relationship-form"),
            ("tags: [null]", "7:14 relationship-form"),
            ("tags: [[red, [x]]]", "7:14 relationship-form"),
            ("tags: [{from_pool: x}]", "7:14 relationship-form"),
        ],
    )
    def test_wrong_forms(self, field: str, problem: str) -> None:
        assert wrong(field) == [problem]


class TestInlineObjects:
    @pytest.mark.parametrize(
        "field",
        [
            "interfaces:\n  kind: LabInterface\n  data:\n    - name: e1\n    - name: e2",
            "interfaces:\n  - kind: LabInterface\n    data: {name: e1}\n  - kind: LabInterface\n    data: {name: e2}",
            "interfaces:\n  - {kind: LabInterface, data: [{name: e1}, {name: e2}]}",
            "interfaces:\n  kind: LabInterface\n  parameters: {expand_range: true}\n  data:\n    - name: e[1-2]",
        ],
        ids=["block", "list-of-blocks", "list-of-blocks-with-lists", "ranges"],
    )
    def test_many(self, field: str) -> None:
        drafts, problems = read(objects("LabDevice", f"- name: d\n{_indented(field)}"))
        assert not problems
        outer, *inner = drafts
        assert outer.relations == {}
        assert [(own.kind.kind, own.attributes["name"]) for own in inner] == [
            ("LabInterface", "e1"),
            ("LabInterface", "e2"),
        ]
        assert all(own.inherited == {"device": outer} for own in inner)

    def test_mixed_kinds_and_references(self) -> None:
        text = "ends:\n  - {kind: LabLag, data: {name: l, device: x}}\n  - [d, e1]\n  - {kind: LabInterface, data: {name: e2, device: x}}"
        outer, lag, interface = read(objects("LabCable", f"- name: c\n{_indented(text)}"))[0]
        (reference,) = outer.relations["ends"]  # type: ignore[misc, union-attr]
        assert reference.parts == ("d", "e1")  # type: ignore[union-attr]
        assert [own.kind.kind for own in (lag, interface)] == ["LabLag", "LabInterface"]
        assert lag.inherited == interface.inherited == {"cable": outer}

    def test_one(self) -> None:
        outer, board = read(objects("LabDevice", "- name: d\n  boards: {data: {name: b}}"))[0]
        assert outer.relations == {}
        assert board.inherited == {"device": outer}

    @pytest.mark.parametrize("data", ["{name: s, device: d}", "[{name: s, device: d}]"])
    def test_one_whose_other_end_is_optional_is_listed(self, data: str) -> None:
        text = objects("LabDevice", f"- name: d\n  spare: {{kind: LabInterface, data: {data}}}")
        outer, spare = read(text)[0]
        assert outer.relations == {"spare": spare}
        assert spare.inherited == {}

    def test_those_that_may_have_many_others_are_listed(self) -> None:
        outer, *tags = read(objects("LabDevice", "- tags: {data: [{name: a}, {name: b}]}"))[0]
        assert outer.relations == {"tags": tags}
        assert all(tag.inherited == {} for tag in tags)

    def test_those_that_must_have_one_of_many_point(self) -> None:
        outer, team = read(objects("LabDevice", "- name: d\n  teams: {data: [{name: t}]}"))[0]
        assert outer.relations == {}
        assert team.inherited == {"devices": [outer]}

    def test_those_that_the_outer_one_cannot_be_without_are_listed(self) -> None:
        text = "- name: t\n  devices: {data: [{name: d, site: ams}]}"
        outer, inner = read(objects("LabTeam", text))[0]
        assert outer.relations == {"devices": [inner]}
        assert inner.inherited == {}

    def test_a_relationship_without_another_end(self) -> None:
        outer, inner = read(objects("LabDevice", "- uplinks: {data: [{name: up}]}"))[0]
        assert outer.relations == {"uplinks": [inner]}

    def test_hierarchies(self) -> None:
        text = "- name: r\n  children:\n    kind: LabSite\n    data: [{name: s}]"
        region, site = read(objects("LabRegion", text))[0]
        assert region.relations == {}
        assert site.inherited == {"parent": region}
        text = "- name: s\n  parent: {kind: LabRegion, data: {name: r}}"
        site, region = read(objects("LabSite", text))[0]
        assert site.relations == {"parent": region}

    def test_deep_nesting(self) -> None:
        text = """
            - name: d
              interfaces:
                kind: LabInterface
                data:
                  - name: e1
                    cable: {data: {name: c, ends: [{kind: LabLag, data: {name: l, device: x}}]}}
        """
        drafts, problems = read(objects("LabDevice", text))
        assert not problems
        assert [own.kind.kind for own in drafts] == [
            "LabDevice",
            "LabInterface",
            "LabCable",
            "LabLag",
        ]
        assert str(drafts[-1].origin) == "u.yml:11:66"

    @pytest.mark.parametrize(
        ("file_kind", "field", "kinds"),
        [
            ("LabRegion", "children: {kind: LabPlace, data: [{name: s}]}", ["LabRegion"]),
            ("LabDevice", "uplinks: {kind: null, data: [{name: s}]}", ["LabDevice"]),
            ("LabDevice", "uplinks: {kind: '', data: [{name: s}]}", ["LabDevice"]),
        ],
    )
    def test_kinds_that_are_not_given(self, file_kind: str, field: str, kinds: list[str]) -> None:
        if file_kind == "LabRegion":  # the file's kind takes a generic's place, and must fit
            assert wrong(field, file_kind) == ["7:24 wrong-peer"]
            return
        drafts, problems = read(objects(file_kind, f"- name: d\n  {field}"))
        assert not problems
        assert [own.kind.kind for own in drafts[1:]] == kinds

    def test_a_generic_peer_is_of_the_files_kind(self) -> None:
        text = """
            - name: Network
              namespace: Lab
              children:
                data:
                  - {name: Devices, namespace: Lab, kind: LabDevice}
                  - {name: Cables, namespace: Lab, order_weight: 5, path: /cables}
        """
        network, devices, cables = read(objects("CoreMenuItem", text, file_kind="Menu"))[0]
        assert devices.kind.kind == cables.kind.kind == "CoreMenuItem"
        assert devices.inherited == {"parent": network}
        assert "order_weight" not in network.attributes
        assert devices.attributes["path"] == "/objects/LabDevice"
        assert (devices.attributes["order_weight"], cables.attributes["order_weight"]) == (1000, 5)
        assert cables.attributes["path"] == "/cables"

    def test_menus_in_a_list_of_blocks_are_ordered_too(self) -> None:
        text = """
            - name: Network
              namespace: Lab
              children:
                - {kind: CoreMenuItem, data: {name: A, namespace: Lab, kind: null}}
                - {kind: CoreMenuItem, data: {name: B, namespace: Lab}}
        """
        _, one, two = read(objects("CoreMenuItem", text, file_kind="Menu"))[0]
        assert [own.attributes["order_weight"] for own in (one, two)] == [1000, 2000]
        assert "path" not in one.attributes

    def test_menu_fields_are_not_made_up_in_object_files(self) -> None:
        text = "- {name: A, namespace: Lab, kind: LabDevice, children: {data: [{name: B}]}}"
        assert all("path" not in own.attributes and "order_weight" not in own.attributes
                   for own in read(objects("CoreMenuItem", text))[0])  # fmt: skip

    @pytest.mark.parametrize(
        ("field", "problems"),
        [
            ("interfaces: {data: [{name: e}]}", ["7:19 generic-kind"]),
            ("interfaces: {kind: LabPort, data: [{name: e}]}", ["7:26 generic-kind"]),
            ("interfaces: {kind: LabCable, data: [{name: e}]}", ["7:26 wrong-peer"]),
            ("interfaces: {kind: LabInterfce, data: [{name: e}]}", ["7:26 unknown-kind"]),
            ("interfaces: {kind: [x], data: [{name: e}]}", ["7:26 unknown-kind"]),
            ("interfaces: {kind: LabInterface}", ["7:19 relationship-form"]),
            ("interfaces: {kind: LabInterface, data: x}", ["7:46 spec"]),
            ("interfaces: {kind: LabInterface, data: [x]}", ["7:47 spec"]),
            ("interfaces: [{kind: LabInterface, data: x}]", ["7:47 spec"]),
            ("interfaces: {kind: LabInterface, mtu: 1, data: []}", ["7:40 stray-key?"]),
            ("interfaces: {kind: LabInterface, strategy: x, data: []}", ["7:40 stale-strategy?"]),
            ("interfaces: {kind: LabInterface, data: [{mtu: 1}]}", ["7:48 unknown-field"]),
            ("spare: {kind: LabInterface, data: []}", ["7:41 relationship-form"]),
            ("spare: {kind: LabInterface, data: [{}, {}]}", ["7:41 relationship-form"]),
            ("spare: {kind: LabInterface, data: x}", ["7:41 spec", "7:41 relationship-form"]),
            ("spare: {kind: LabCable, data: {}}", ["7:21 wrong-peer"]),
        ],
    )
    def test_problems(self, field: str, problems: list[str]) -> None:
        assert wrong(field) == problems


@pytest.mark.parametrize(
    ("kind", "problem", "hint"),
    [
        ("LabDevise", "4:9 unknown-kind", "did you mean LabDevice?"),
        ("Xyz", "4:9 unknown-kind", "is its schema file listed"),
        ("LabPort", "4:9 generic-kind", "LabInterface, LabLag"),
        ("CoreGenericAccount", "4:9 generic-kind", "CoreAccount"),
        ("CoreArtifactTarget", "4:9 generic-kind", "none"),
    ],
)
def test_kinds_that_no_object_can_be_of(kind: str, problem: str, hint: str) -> None:
    drafts, problems = read(objects(kind, "- {name: x, nonsense: y}"))
    assert not drafts
    assert shown(problems) == [problem]
    assert hint in problems[0].message


def test_profiles_and_templates_are_kinds() -> None:
    text = objects("ProfileLabDevice", "- {profile_name: prof, label: x}")
    text += objects("TemplateLabDevice", "- {template_name: temp, label: x}")
    drafts, problems = read(text)
    assert not problems
    assert [own.kind.kind for own in drafts] == ["ProfileLabDevice", "TemplateLabDevice"]


def test_where_fields_stand() -> None:
    found = device("label: {value: x, source: admin}\nsite: ams")
    assert [str(found.at(name)) for name in ("name", "label", "label.source", "label.owner", "x")] == [
        "u.yml:6:13", "u.yml:7:14", "u.yml:7:33", "u.yml:7:14", "u.yml:6:7",
    ]  # fmt: skip

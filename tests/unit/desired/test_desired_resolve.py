"""Parts of one object merged, and references turned into keys."""

import pytest
from desired_files import key, load_all, load_one, object_of, objects, shown, unit

from stateward.desired.resolve import targets
from stateward.errors import Code
from stateward.model.identity import NodeId
from stateward.model.state import DesiredUnit, External, FromPool

UUID = "0198a7f2-1111-4222-8333-444455556666"
OTHER = "0198a7f2-1111-4222-8333-444455557777"
AMS = objects("LabRegion", "- name: ams")


def externals(own: DesiredUnit) -> list[tuple[str, str, str, str]]:
    return [
        (str(one.subject), one.field, str(one.reference), f"{one.at.line}:{one.at.column}")
        for one in own.externals
    ]


class TestMerging:
    def test_parts_with_different_fields(self) -> None:
        own = load_one(
            AMS,
            objects("LabDevice", "- {name: d, site: ams, ports: 5}\n- {name: d, label: x}"),
            objects("LabInterface", "- {name: e, device: {data: {name: d, ports: 5, serial: s}}}"),
        )
        assert not own.problems
        found = object_of(own, "LabDevice/d")
        assert found.attributes == {"name": "d", "ports": 5, "label": "x", "serial": "s"}
        assert found.relations == {"site": key("LabRegion/ams")}
        assert str(found.origin) == "u2.yml:6:8"
        assert len(found.parts) == 3
        places = [str(found.at(name)) for name in ("name", "label", "serial", "nothing")]
        assert places == ["u2.yml:6:14", "u2.yml:7:24", "u3.yml:6:60", "u2.yml:6:8"]

    @pytest.mark.parametrize(
        ("one", "other", "message"),
        [
            ("ports: 5", "ports: 6", "ports: another value than at u.yml:6:24"),
            ("ports: 5", "ports: null", "ports: another value than at u.yml:6:24"),
            ("site: ams", "site: fra", "site: another value than at u.yml:6:23"),
            ("tags: [a]", "tags: [b]", "tags: another value than at u.yml:6:23"),
            ("tags: [a]", "tags: [a, b]", "tags: another value than at u.yml:6:23"),
            (f"id: {UUID}", f"id: {OTHER}", "id: another value than at u.yml:6:21"),
            (
                "label: {value: x, is_protected: true}",
                "label: {value: x, is_protected: false}",
                "label.is_protected: another value than at u.yml:6:49",
            ),
            ("prefix: {from_pool: p}", "prefix: {from_pool: q}", "prefix: another value than at u.yml:6:25"),
            ("ports: {from_pool: p}", "ports: 5", "ports: another value than at u.yml:6:24"),
        ],
    )  # fmt: skip
    def test_contradictions(self, one: str, other: str, message: str) -> None:
        own = load_one(objects("LabDevice", f"- {{name: d, {one}}}\n- {{name: d, {other}}}"))
        found = [own.message for own in own.problems if own.code is Code.CONTRADICTION]
        assert found == [f"LabDevice/d: {message}: keep one"]

    @pytest.mark.parametrize(
        "fields",
        [
            "ports: 5",
            "ports: '5'",
            "site: ams",
            "site: [ams]",
            "tags: [a, b]",
            "tags: [b, [a]]",
            "prefix: {from_pool: p}",
            f"id: {UUID}",
            "label: null",
        ],
    )
    def test_what_is_said_twice(self, fields: str) -> None:
        spelled = fields.replace("'5'", "5").replace("[ams]", "ams").replace("[b, [a]]", "[a, b]")
        text = f"- {{name: d, site: ams, {spelled}}}\n- {{name: d, {fields}}}".replace(
            "site: ams, site", "site"
        )
        own = load_one(AMS, objects("LabDevice", text))
        assert "contradiction" not in " ".join(shown(own.problems))

    def test_groups_are_added_up(self) -> None:
        groups = objects("CoreStandardGroup", "- {name: g}\n- {name: h}")
        text = (
            "- {name: d, site: ams, member_of_groups: [g]}\n- {name: d, member_of_groups: [h, g]}"
        )
        own = load_one(AMS, groups, objects("LabDevice", text))
        assert not own.problems
        assert object_of(own, "LabDevice/d").relations["member_of_groups"] == {
            key("CoreStandardGroup/g"),
            key("CoreStandardGroup/h"),
        }

    def test_every_place_in_a_list_that_must_not_be_empty_adds_a_peer(self) -> None:
        devices = "- {name: d, site: ams, teams: {data: [{name: t}]}}\n- {name: e, site: ams, teams: {data: [{name: t}, {name: s}]}}"
        own = load_one(
            AMS, objects("LabDevice", devices), objects("LabTeam", "- {name: t, devices: [d]}")
        )
        assert not own.problems
        assert object_of(own, "LabTeam/t").relations == {
            "devices": {key("LabDevice/d"), key("LabDevice/e")}
        }
        assert object_of(own, "LabTeam/s").relations == {"devices": {key("LabDevice/e")}}
        assert object_of(own, "LabDevice/d").relations == {"site": key("LabRegion/ams")}

    def test_inside_of_two_objects(self) -> None:
        interfaces = "interfaces: {kind: LabInterface, data: [{name: e, device: d}]}"
        own = load_one(
            AMS,
            objects(
                "LabDevice", f"- {{name: d, site: ams}}\n- {{name: f, site: ams, {interfaces}}}"
            ),
        )
        (problem,) = own.problems
        assert problem.code is Code.CONTRADICTION
        assert problem.message.startswith(
            "LabInterface/d/e: device: another value than at u2.yml:7:"
        )

    def test_templates(self) -> None:
        text = "- {name: d, object_template: temp}\n- {name: e, site: ams, object_template: null}"
        template = objects("TemplateLabDevice", "- {template_name: temp}")
        own = load_one(AMS, template, objects("LabDevice", text))
        assert not own.problems
        assert object_of(own, "LabDevice/d").template
        assert not object_of(own, "LabDevice/e").template


class TestReferences:
    def test_to_what_is_declared_anywhere(self) -> None:
        desired = load_all(
            {
                "a": unit(objects("LabDevice", f"- {{name: d, site: ams, id: {UUID}}}"), file="a/u.yml"),
                "b": unit(AMS, objects("LabInterface", f"- {{name: e, device: {UUID}}}"), file="b/u.yml"),
            }
        )  # fmt: skip
        assert not desired.units["a"].externals
        assert not desired.units["b"].externals
        assert desired.units["a"].objects[key("LabDevice/d")].relations["site"] == key(
            "LabRegion/ams"
        )
        assert desired.units["a"].objects[key("LabDevice/d")].node == UUID
        assert key("LabInterface/d/e") in desired.units["b"].objects

    @pytest.mark.parametrize(
        ("field", "reference", "at"),
        [
            ("site: ams", "LabPlace/ams", "6:26"),
            ("site: [ams]", "LabPlace/ams", "6:26"),
            (f"site: {UUID}", UUID, "6:26"),
            ("uplinks: [x]", "LabDevice/x", "6:30"),
            ("label: {value: x, source: admin}", "LineageSource/admin", "6:46"),
            ("prefix: 10.0.0.0/8", "LabPrefix/10.0.0.0/8", "6:28"),
            ("prefix: [10.0.0.0/255.0.0.0, default]", "LabPrefix/10.0.0.0/8/default", "6:28"),
            ("prefix: {from_pool: {id: p}}", "CoreResourcePool/p", "6:45"),
            ("ports: {from_pool: p}", "CoreResourcePool/p", "6:39"),
        ],
    )
    def test_to_what_no_unit_declares(self, field: str, reference: str, at: str) -> None:
        own = load_one(objects("LabDevice", f"- {{name: dev1, {field}}}"))
        name = "from_pool" if "from_pool" in field else field.partition(":")[0]
        name = "label.source" if "source" in field else name
        assert externals(own) == [("LabDevice/dev1", name, reference, at)]

    def test_by_the_default_filter(self) -> None:
        own = load_one(
            AMS,
            objects("LabDevice", "- {name: d, site: ams, serial: s1}"),
            objects("LabInterface", "- {name: e, device: s1}"),
        )
        assert [str(one) for one in own.objects] == [
            "LabRegion/ams",
            "LabDevice/d",
            "LabInterface/s1/e",
        ]

    def test_ambiguous(self) -> None:
        notes = objects("LabNote", "- {title: t, topic: x}\n- {title: t, topic: y}")
        letter = objects("LabLetter", "- {title: t}")
        pool = objects("CoreStandardGroup", "- {name: g, members: [[t]]}")
        own = load_one(notes, letter, pool)
        (problem,) = own.problems
        assert problem.code is Code.AMBIGUOUS
        assert problem.message == (
            "CoreStandardGroup/g: members: t may mean any of LabLetter/t, LabNote/t/x, LabNote/t/y: say which"
        )
        assert str(problem.location) == "u3.yml:6:27"

    def test_pools(self) -> None:
        own = load_one(
            objects("LabDevice", "- {name: d, ports: {from_pool: {id: p, identifier: x}}}")
        )
        found = object_of(own, "LabDevice/d").attributes["ports"]
        assert found == FromPool(pool=key("CoreResourcePool/p"), identifier="x")


class TestPeersWithoutIdentity:
    def test_a_list_with_one_is_left_alone(self) -> None:
        """What Infrahub made of it is in the list, and must not be thrown out of it."""
        own = load_one(
            AMS,
            objects(
                "LabDevice",
                "- name: d\n  site: ams\n  member_of_groups: {kind: CoreStandardGroup, data: [{name: g}]}",
            ),
        )
        assert "member_of_groups" in object_of(own, "LabDevice/d").relations
        scrap = objects(
            "CoreStandardGroup", "- {name: g, members: [{kind: LabScrap, data: {text: x}}, [d]]}"
        )
        own = load_one(AMS, objects("LabDevice", "- {name: d, site: ams}"), scrap)
        assert shown(own.problems) == ["6:51 identity?"]
        assert object_of(own, "CoreStandardGroup/g").relations == {}

    def test_what_stands_inside_of_one_points_nowhere(self) -> None:
        own = load_one(
            objects(
                "LabDevice",
                "- label: x\n  interfaces: {kind: LabInterface, data: [{name: e}]}\n  teams: {data: [{name: t}]}",
            )
        )
        assert [str(one) for one in own.objects] == ["LabTeam/t"]
        assert object_of(own, "LabTeam/t").relations == {}
        assert shown(own.problems) == ["6:7 mandatory", "7:48 identity", "8:23 mandatory"]
        ends = "[{kind: LabInterface, data: {name: e, device: d}}]"
        own = load_one(objects("LabCable", f"- {{colour: red, ends: {ends}}}"))
        assert object_of(own, "LabInterface/d/e").relations == {"device": key("LabDevice/d")}


def test_targets() -> None:
    device = key("LabDevice/d")
    assert list(targets(None)) == []
    assert list(targets(FromPool(pool=device))) == []
    assert list(targets(device)) == [device]
    assert list(targets(frozenset({NodeId(UUID)}))) == [NodeId(UUID)]


def test_nothing_is_asked_for_an_object_that_is_left_out() -> None:
    own = load_one(objects("LabScrap", "- {text: x, device: d}"))
    assert own.externals == ()
    assert isinstance(own.objects, dict)
    assert not own.objects
    assert External.__dataclass_params__.frozen  # type: ignore[attr-defined]

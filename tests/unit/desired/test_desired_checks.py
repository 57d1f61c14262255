"""What shows only when objects are seen together."""

import pytest
from desired_files import key, load_all, load_one, objects, shown, unit

from stateward.desired.checks import rivals
from stateward.errors import Code, Problem, Severity
from stateward.model.state import Desired

UUID = "0198a7f2-1111-4222-8333-444455556666"
AMS = objects("LabRegion", "- name: ams")


def two_units(one: str, other: str, *more: str) -> Desired:
    texts = dict(zip("abcd", (one, other, *more), strict=False))
    return load_all({name: unit(text, file=f"{name}/u.yml") for name, text in texts.items()})


def said(desired: Desired, code: Code) -> dict[str, list[str]]:
    """Return the messages of one sort by unit."""
    found = {
        name: [p.message for p in own.problems if p.code is code]
        for name, own in desired.units.items()
    }
    return {name: messages for name, messages in found.items() if messages}


class TestMandatory:
    @pytest.mark.parametrize(
        ("kind", "item", "expected"),
        [
            ("LabDevice", "name: d", "6:7 LabDevice/d: site: mandatory: declare it"),
            ("LabDevice", "name: d\n  site: null", "6:7 LabDevice/d: site: mandatory: declare it"),
            ("LabDevice", "label: x", "6:7 LabDevice: name: mandatory: declare it"),
            ("LabTeam", "name: t", "6:7 LabTeam/t: devices: mandatory: declare it"),
            ("LabTeam", "name: t\n  devices: []", "6:7 LabTeam/t: devices: mandatory: declare it"),
            ("LabScrap", f"id: {UUID}", f"6:7 LabScrap/{UUID}: text: mandatory: declare it"),
            ("LabInterface", "{name: e}", "6:8 LabInterface: device: mandatory: declare it"),
            ("LabPrefix", "{}", "6:7 LabPrefix: prefix: mandatory: declare it"),
            ("LabDevice", "name: {from_pool: p}", "6:7 LabDevice: name comes from a pool, and cannot be part of its identity: declare its value"),
            ("LabHint", "{}", "6:7 LabHint: cannot be identified without first__value and second__value: declare it"),
        ],
    )  # fmt: skip
    def test_missing(self, kind: str, item: str, expected: str) -> None:
        own = load_one(objects(kind, f"- {item}"))
        found = [
            f"{one.location.line}:{one.location.column} {one.message}"
            for one in own.problems
            if one.location is not None
        ]
        assert found == [expected]

    @pytest.mark.parametrize(
        ("kind", "item"),
        [
            pytest.param("LabDevice", "name: [d]", id="a part of its identity"),
            pytest.param("LabScrap", f"{{id: {UUID}, text: {{}}}}", id="another attribute"),
        ],
    )
    def test_value_that_is_wrong_is_told_once(self, kind: str, item: str) -> None:
        (problem,) = load_one(objects(kind, f"- {item}")).problems
        assert problem.code is Code.TYPE

    def test_several_at_once(self) -> None:
        text = "- name: r\n  children:\n    kind: LabSite\n    data:\n      - {index: 1}\n      - {name: s}"
        own = load_one(objects("LabRegion", text))
        assert [one.message for one in own.problems] == ["LabSite: name: mandatory: declare it"]

    def test_a_template_or_another_part_may_bring_it(self) -> None:
        template = objects("TemplateLabDevice", "- {template_name: temp}")
        devices = objects(
            "LabDevice", "- {name: d, object_template: temp}\n- {name: e}\n- {name: e, site: ams}"
        )
        assert not load_one(AMS, template, devices).problems

    def test_the_other_end_does_not_bring_it(self) -> None:
        """The server makes one object after the other, and refuses the first of the two."""
        team = objects("LabTeam", "- {name: t}")
        device = objects("LabDevice", "- {name: d, site: ams, teams: [t]}")
        assert shown(load_one(AMS, device, team).problems) == ["6:8 mandatory"]


class TestOwnedTwice:
    def test_identical(self) -> None:
        region = objects("LabRegion", "- {name: r, index: 1}")
        own = two_units(region, region)
        assert not said(own, Code.OWNED_TWICE)
        assert all(key("LabRegion/r") in one.objects for one in own.units.values())

    @pytest.mark.parametrize(
        ("one", "other", "field", "places"),
        [
            ("name: r, index: 1", "name: r, index: 2", "index", ("6:24", "6:24")),
            ("name: r, index: 1", "name: r", "index", ("6:24", "6:8")),
            ("name: r, index: 1", "name: r, index: null", "index", ("6:24", "6:24")),
            ("name: r", "name: r, member_of_groups: [g]", "member_of_groups", ("6:8", "6:35")),
            (f"name: r, id: {UUID}", "name: r", "id", ("6:21", "6:8")),
        ],
    )
    def test_different(self, one: str, other: str, field: str, places: tuple[str, str]) -> None:
        own = two_units(
            objects("LabRegion", f"- {{{one}}}"), objects("LabRegion", f"- {{{other}}}")
        )
        text = "LabRegion/r: {}: unit {} declares another value at {}/u.yml:{}: make them equal, or name an owner"
        assert said(own, Code.OWNED_TWICE) == {
            "a": [text.format(field, "b", "b", places[1])],
            "b": [text.format(field, "a", "a", places[0])],
        }
        for unit_ in own.units.values():
            (problem,) = [p for p in unit_.problems if p.code is Code.OWNED_TWICE]
            assert (problem.subject, str(problem.location)[2:]) == ("LabRegion/r", "u.yml:6:8")

    def test_every_unit_that_declares_it_is_told(self) -> None:
        same, other = (
            objects("LabRegion", "- {name: r, index: 1}"),
            objects("LabRegion", "- {name: r}"),
        )
        own = two_units(same, same, other, same)
        assert sorted(said(own, Code.OWNED_TWICE)) == ["a", "b", "c", "d"]


class TestUnique:
    def test_in_one_unit(self) -> None:
        own = load_one(
            objects(
                "LabCable",
                "- {name: a, colour: red}\n- {name: b, colour: red}\n- {name: c, colour: blue}",
            )
        )
        assert [(str(p.location), p.message, p.subject) for p in own.problems] == [
            (
                "u.yml:6:25",
                "LabCable/a: colour: must be unique, and is used by LabCable/b at u.yml:7:25",
                None,
            ),
            (
                "u.yml:7:25",
                "LabCable/b: colour: must be unique, and is used by LabCable/a at u.yml:6:25",
                None,
            ),
        ]

    def test_across_units(self) -> None:
        own = two_units(
            objects("LabCable", "- {name: a, colour: red}"),
            objects("LabCable", "- {name: b, colour: red}"),
        )
        assert [one.subject for name in "ab" for one in own.units[name].problems] == [
            "LabCable/a",
            "LabCable/b",
        ]

    def test_everyone_who_holds_it_is_told(self) -> None:
        own = load_one(
            objects("LabCable", "\n".join(f"- {{name: {name}, colour: red}}" for name in "abc"))
        )
        assert shown(own.problems) == ["6:25 unique", "7:25 unique", "8:25 unique"]

    def test_across_kinds_of_a_generic(self) -> None:
        text = objects("LabRegion", "- {name: x}") + objects("LabSite", "- {name: x, parent: x}")
        own = load_one(text)
        assert [
            one.message.split(", and")[0] for one in own.problems if one.code is Code.UNIQUE
        ] == [
            "LabRegion/x: name: must be unique",
            "LabSite/x: name: must be unique",
        ]

    def test_an_object_that_two_units_share_is_one(self) -> None:
        cable = objects("LabCable", "- {name: a, colour: red}")
        assert not said(two_units(cable, cable), Code.UNIQUE)

    @pytest.mark.parametrize(
        "items",
        [
            "- {name: a, colour: {from_pool: p}}\n- {name: b, colour: {from_pool: p}}",
            "- {name: a, colour: red}\n- {name: b}",
            "- {name: a, colour: red}\n- {name: b, colour: null}",
        ],
        ids=["from-a-pool", "one-without", "one-null"],
    )
    def test_no_clash(self, items: str) -> None:
        assert not load_one(objects("LabCable", items)).problems

    @pytest.mark.parametrize(
        ("items", "problems"),
        [
            (
                "- {name: a, colour: null}\n- {name: b, colour: null}",
                ["6:25 unique", "7:25 unique"],
            ),
            ("- {name: a}\n- {name: b}\n- {name: c}", ["6:8 unique?"]),
            ("- {name: a, colour: null}\n- {name: b}", ["7:8 unique?"]),
        ],
        ids=["null", "undeclared", "both"],
    )
    def test_no_value_is_a_value(self, items: str, problems: list[str]) -> None:
        assert shown(load_one(objects("LabCable", items)).problems) == problems

    def test_where_nothing_is_declared_each_unit_is_warned_once(self) -> None:
        own = two_units(
            objects("LabCable", "- {name: a}\n- {name: b}"), objects("LabCable", "- {name: c}")
        )
        found: list[Problem] = [one for unit_ in own.units.values() for one in unit_.problems]
        assert [(one.unit, one.severity) for one in found] == [
            ("a", Severity.WARNING),
            ("b", Severity.WARNING),
        ]
        assert found[0].message == (
            "LabCable/a: colour: must be unique, is not declared,"
            " and LabCable/b at a/u.yml:7:8 has the same: declare it"
        )

    @pytest.mark.parametrize(
        ("items", "count"),
        [
            ("- {name: a, topic: x, title: t}\n- {name: b, topic: x, title: t}", 2),
            ("- {name: a, topic: x}\n- {name: b, topic: x}", 1),
            ("- {name: a, topic: x, title: plain}\n- {name: b, topic: x}", 1),
            ("- {name: a, topic: x, title: other}\n- {name: b, topic: x}", 0),
            ("- {name: a}\n- {name: b}", 0),
            ("- {name: a, title: plain}\n- {name: b, title: plain}", 1),
            ("- {name: a, topic: null, title: plain}\n- {name: b, topic: null, title: plain}", 2),
            ("- {name: a, topic: x, object_template: temp}\n- {name: b, topic: x}", 0),
            ("- {name: a, topic: x, profiles: [prof]}\n- {name: b, topic: x}", 0),
        ],
        ids=["both", "default", "default-and-value", "another", "nothing", "no-topic", "null", "template", "profile"],
    )  # fmt: skip
    def test_constraints_of_several_fields(self, items: str, count: int) -> None:
        own = load_one(objects("LabPage", items))
        assert len([one for one in own.problems if one.code is Code.UNIQUE]) == count

    @pytest.mark.parametrize(
        ("items", "problems"),
        [
            ("- {name: a, prefix: 10.0.0.0/8}\n- {name: b, prefix: 10.0.0.0/255.0.0.0}", ["unique?"]),
            ("- {name: a, prefix: 10.0.0.0/8, ip_namespace: default}\n- {name: b, prefix: 10.0.0.0/8}", ["unique?"]),
            ("- {name: a, prefix: 10.0.0.0/8, ip_namespace: default}\n- {name: b, prefix: 10.0.0.0/8, ip_namespace: default}", ["unique", "unique"]),
            ("- {name: a, prefix: 10.0.0.0/8, ip_namespace: blue}\n- {name: b, prefix: 10.0.0.0/8}", []),
            ("- {name: a, prefix: 10.0.0.0/8, ip_namespace: blue}\n- {name: b, prefix: 10.0.0.0/8, ip_namespace: blue}", ["unique", "unique"]),
            ("- {name: a, prefix: 10.0.0.0/8, ip_namespace: {from_pool: p}}\n- {name: b, prefix: 10.0.0.0/8, ip_namespace: {from_pool: p}}", []),
        ],
    )  # fmt: skip
    def test_the_default_namespace_need_not_be_named(self, items: str, problems: list[str]) -> None:
        own = load_one(objects("LabNet", items))
        assert [one.split()[1] for one in shown(own.problems)] == problems

    def test_peers_are_compared_by_who_they_are(self) -> None:
        labels = "- {name: a, port: [d, e], text: x}\n- {name: b, port: [d, e], text: x}\n- {name: c, port: [d, f], text: x}"
        own = load_one(objects("LabLabel", labels))
        found = [
            (one.split()[1], p.message)
            for one, p in zip(shown(own.problems), own.problems, strict=True)
        ]
        assert [sort for sort, _ in found] == ["unique", "unique", "unique?"]
        assert "port, text: must be unique" in found[0][1]
        assert "port, things: must be unique, is not declared" in found[2][1]

    def test_values_that_cannot_be_compared(self) -> None:
        labels = "- {name: a, things: [1]}\n- {name: b, things: [1]}"
        own = load_one(objects("LabLabel", labels))
        assert {one.code for one in own.problems} == {Code.MANDATORY}


class TestIds:
    def test_of_two_objects(self) -> None:
        own = load_one(
            objects("LabRegion", f"- {{name: a, id: {UUID}}}\n- {{name: b, id: {UUID.upper()}}}")
        )
        assert [(str(p.location), p.message) for p in own.problems] == [
            (
                "u.yml:6:21",
                "LabRegion/a: id: LabRegion/b asks for the same at u.yml:7:21: keep one",
            ),
            (
                "u.yml:7:21",
                "LabRegion/b: id: LabRegion/a asks for the same at u.yml:6:21: keep one",
            ),
        ]

    def test_of_one_object_in_two_units(self) -> None:
        region = objects("LabRegion", f"- {{name: a, id: {UUID}}}")
        assert not [one for own in two_units(region, region).units.values() for one in own.problems]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("", []),
        ("a", []),
        ("aaa", []),
        ("ab", [("a", "b"), ("b", "a")]),
        ("aabca", [("a", "b"), ("a", "b"), ("b", "a"), ("c", "a"), ("a", "b")]),
    ],
)
def test_rivals(items: str, expected: list[tuple[str, str]]) -> None:
    assert list(rivals(list(items), str.__eq__)) == expected

"""Documents of all units to what they declare."""

from dataclasses import replace

import pytest
from desired_files import documents, key, load_all, load_one, object_of, objects, shown, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from stateward.desired import notes
from stateward.desired.load import UnitFiles
from stateward.errors import Code, Location, Problem
from stateward.model.document import Document
from stateward.model.identity import NodeId
from stateward.model.state import Desired, External

UUID = "0198a7f2-1111-4222-8333-444455556666"

SITE = objects(
    "LabRegion", "- name: ams\n  children: {kind: LabSite, data: [{name: s1}, {name: s2}]}"
)
DEVICES = objects(
    "LabDevice",
    """
    - name: leaf[1-3]
      site: s1
      interfaces:
        kind: LabInterface
        parameters: {expand_range: true}
        data:
          - name: e[1-2]
          - {kind: x}
    """.replace("          - {kind: x}\n", ""),
    extra="  parameters: {expand_range: true}",
)
MORE = objects(
    "LabDevice", "- {name: leaf1, ports: 5, tags: [red]}\n- {name: leaf2, member_of_groups: [g]}"
)
GROUP = objects("CoreStandardGroup", "- {name: g}\n- {name: h}") + objects(
    "LabDevice", "- {name: leaf2, member_of_groups: [h]}"
)
CABLES = objects(
    "LabCable",
    """
    - {name: c1, colour: red, ends: [[leaf1, e1], {kind: LabLag, data: {name: l1, device: leaf2}}]}
    - {name: c2, colour: blue, ends: []}
    """,
) + objects("LabInterface", "- {name: e2, device: leaf3, cable: c2}")
TEAMS = objects(
    "LabDevice",
    "- {name: leaf1, teams: {data: [{name: t}]}}\n- {name: leaf3, teams: {data: [{name: t}]}}",
)
NOTES = objects("LabNote", "- {title: t}\n- {title: t, topic: x, page: 3}") + objects(
    "LabScrap", "- {text: x}"
)
STICKERS = objects("LabSticker", "- {name: x, cable: c1}\n- {name: y, cable: gone}")
PREFIX = objects("LabPrefix", "- {prefix: 10.0.0.0/8}\n- {prefix: 10.0.0.0/8, ip_namespace: blue}")
BY_ID = objects("LabInterface", f"- {{name: e9, device: {UUID}}}") + objects(
    "LabDevice", f"- {{name: leaf9, site: s2, id: {UUID}}}"
)
EVERYTHING = (SITE, DEVICES, MORE, GROUP, CABLES, TEAMS, NOTES, STICKERS, PREFIX, BY_ID)


def test_a_whole_unit() -> None:
    own = load_one(*EVERYTHING)
    assert shown(own.problems) == ["13:8 identity?", "7:8 identity"]
    leaf = object_of(own, "LabDevice/leaf1")
    assert leaf.attributes == {"name": "leaf1", "ports": 5}
    assert leaf.relations == {
        "site": key("LabSite/s1"),
        "tags": {key("BuiltinTag/red")},
    }
    assert object_of(own, "LabTeam/t").relations["devices"] == {
        key("LabDevice/leaf1"),
        key("LabDevice/leaf3"),
    }
    assert object_of(own, "LabSticker/red/x").relations == {"cable": key("LabCable/c1")}
    assert object_of(own, "LabInterface/leaf9/e9").relations == {"device": key("LabDevice/leaf9")}
    assert len([one for one in own.objects if one.kind == "LabInterface"]) == 7


@settings(max_examples=40)
@given(st.data())
def test_the_order_of_files_and_documents_does_not_matter(data: st.DataObject) -> None:
    plain = unit(*EVERYTHING)
    docs = data.draw(st.permutations(list(plain.documents)))
    assert _outcome(load_all({"u": replace(plain, documents=docs)})) == _outcome(
        load_all({"u": plain})
    )


@settings(max_examples=20)
@given(st.permutations(range(len(EVERYTHING))))
def test_the_order_of_units_does_not_matter(order: list[int]) -> None:
    units = {f"u{n}": unit(text, file=f"u{n}/u.yml") for n, text in enumerate(EVERYTHING)}
    shuffled = {f"u{n}": units[f"u{n}"] for n in order}
    assert _outcome(load_all(shuffled)) == _outcome(load_all(units))


def _outcome(desired: Desired) -> object:
    return {
        name: (dict(own.objects), sorted(map(str, own.problems)), sorted(map(str, own.externals)))
        for name, own in desired.units.items()
    }


def test_what_the_target_has_to_be_asked() -> None:
    text = objects("LabSticker", "- {name: x, cable: c}\n- {name: y, cable: c}") + objects(
        "LabInterface", f"- {{name: e, device: {UUID}}}"
    )
    desired = load_all({"u": unit(text)})
    assert [(str(one.reference), one.field, one.subject.kind) for one in desired.needs] == [
        ("LabCable/c", "colour", "LabSticker"),
        ("LabCable/c", "colour", "LabSticker"),
        (UUID, "name", "LabInterface"),
    ]
    known = {(key("LabCable/c"), "colour"): "red", (NodeId(UUID), "name"): "d"}
    told = load_all({"u": unit(text)}, known)
    assert not told.needs
    assert [str(one) for one in told.units["u"].objects] == [
        "LabSticker/red/x",
        "LabSticker/red/y",
        "LabInterface/d/e",
    ]
    assert [(str(one.reference), one.field) for one in told.units["u"].externals] == [
        ("LabCable/c", "cable"),
        ("LabCable/c", "cable"),
        (UUID, "device"),
    ]
    assert all(isinstance(one, External) for one in desired.needs)


def test_problems_that_files_came_with_are_kept() -> None:
    problem = Problem(code=Code.YAML, message="broken", location=Location("u.yml", 1, 1), unit="u")
    given_ = UnitFiles(documents=documents(SITE), problems=[problem], texts={"u.yml": "text"})
    own = load_all({"u": given_}).units["u"]
    assert own.problems == (problem,)
    assert own.unread == ("text",)


class TestWhatMayHideObjects:
    @pytest.mark.parametrize(
        "text",
        [
            "kind: Object\nspec: {}",
            "kind: Object\nspec: {kind: LabDevice, data: {name: d}}",
            "kind: Object\nspec: {kind: LabDevice, data: [d]}",
            "kind: Object\nspec: {kind: LabDevise, data: [{name: d}]}",
            "kind: Object\nspec: {kind: LabPort, data: [{name: d}]}",
            "kind: Object\napiVersion: infrahub.app/v2\nspec: {kind: LabRegion, data: [{name: d}]}",
            "kind: Object\nspec: {kind: LabRegion, data: [{name: d, children: [{name: s}]}]}",
            "kind: Object\nspec: {kind: LabRegion, data: [{name: d, children: {kind: LabDevice, data: [{}]}}]}",
            "kind: Object\nspec: {kind: LabRegion, parameters: {expand_range: true}, data: [{name: '[1-999999]'}]}",
            "kind: Object\nspec: {kind: LabRegion, data: [{index: 1}]}",
        ],
        ids=["spec", "data", "item", "kind", "generic", "version", "form", "peer", "range", "identity"],
    )  # fmt: skip
    def test_is_handed_on_as_text(self, text: str) -> None:
        own = load_one(text, SITE)
        assert own.unread == (text,)

    @pytest.mark.parametrize(
        "text",
        [
            "kind: Object\nspec: {kind: LabRegion, data: [{name: d, indx: 1}]}",
            "kind: Object\nspec: {kind: LabRegion, data: [{name: d, index: x}]}",
            "kind: Object\nspec: {kind: LabRegion, dat: []}",
            "kind: Object\nspec: {kind: LabScrap, data: [{text: x}]}",
        ],
        ids=["field", "value", "warning", "nameless"],
    )
    def test_is_not_what_is_only_wrong(self, text: str) -> None:
        assert load_one(text, SITE).unread == ()


def test_a_file_with_very_many_errors_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "_MOST_ERRORS", 5)
    wrong = objects("LabRegion", "\n".join(f"- {{name: r{n}, indx: 1}}" for n in range(20)))
    own = load_one(wrong + objects("LabRegion", "- {name: other, indx: 1}"), SITE)
    found = [one for one in own.problems if one.location is not None]
    assert [one.code for one in found].count(Code.UNKNOWN_FIELD) == 5
    (last,) = [one for one in found if one.code is Code.SPEC]
    assert "more than 5 errors" in last.message
    assert key("LabSite/s1") in own.objects
    assert own.unread == (wrong + objects("LabRegion", "- {name: other, indx: 1}"),)


class TestHostileFiles:
    """A file of a megabyte costs seconds and some hundred megabytes at most."""

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize(
        "item",
        [
            "{" + ", ".join(f"k{n}: 1" for n in range(40_000)) + "}",
            "{name: d, settings: {" + ", ".join(f"k{n}: 1" for n in range(100_000)) + "}}",
            "{name: d, label: {value: x, " + ", ".join(f"k{n}: 1" for n in range(100_000)) + "}}",
            "{name: d, tags: [" + "a," * 100_000 + "]}",
            "{name: " + "x" * 1_000_000 + ", lable: x}",
            "{" + "x" * 1_000 + ": 1}",
        ],
        ids=["unknown-fields", "json", "metadata", "references", "long-name", "long-field"],
    )
    def test_one_item(self, item: str) -> None:
        own = load_one(objects("LabDevice", f"- {item}"))
        assert all(len(one.message) < 1_000 for one in own.problems)

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("item", ["{name: d}", "{name: x, lable: 1}", "{role: x}", "{text: 1}"])
    def test_many_items(self, item: str) -> None:
        own = load_one(
            "{kind: Object, spec: {kind: LabDevice, data: [" + f"{item}," * 30_000 + "]}}"
        )
        assert len(own.problems) <= 2_001

    @pytest.mark.timeout(60)
    def test_nested_ranges(self) -> None:
        inner = "{name: 'n[1-1000]'}"
        for _ in range(3):
            inner = (
                "{name: 'n[1-1000]', site: x, uplinks: {parameters: {expand_range: true},"
                f" data: [{inner}]}}}}"
            )
        text = f"{{kind: Object, spec: {{kind: LabDevice, parameters: {{expand_range: true}}, data: [{inner}]}}}}"
        own = load_one(text)
        assert Code.RANGE in {one.code for one in own.problems}
        assert len(own.problems) < 20_000

    @pytest.mark.timeout(60)
    def test_aliases_of_inline_objects(self) -> None:
        text = "kind: Object\nspec:\n  kind: LabDevice\n  data:\n    - name: a\n      uplinks: &a {data: [{name: b}]}\n"
        for old, new in zip("abcdefghijkl", "bcdefghijklm", strict=True):
            text += f"    - name: {new}\n      uplinks: &{new} {{data: [{', '.join([f'{{name: x, uplinks: *{old}}}'] * 2)}]}}\n"
        own = load_one(text)
        assert {str(one) for one in own.objects} >= {"LabDevice/a", "LabDevice/x"}


def test_names_cannot_forge_lines_of_output() -> None:
    text = '- {name: "d\\n\\e[2Jx", site: "\\r\\n", "la\\u202Ebel": 1, role: "a\\nb"}'
    own = load_one(objects("LabDevice", text))
    assert own.problems
    assert all(one.message.isprintable() for one in own.problems)


def test_secrets_are_in_no_problem() -> None:
    text = """
        - {name: d, phrase: 'hunter2[01-02]', secret: hunter2}
        - {name: d, phrase: hunter2x, secret: hunter2y}
        - {name: e, phrase: 'hunter2[1-2,3-]', secret: {value: [hunter2]}}
        - {name: f, phrase: {hunter2: 1}, secret: {from_pool: {id: p, hunter: 2}}}
    """
    ranged = objects("LabDevice", text, extra="  parameters: {expand_range: true}")
    desired = load_all(
        {
            "a": unit(ranged),
            "b": unit(objects("LabDevice", "- {name: d, phrase: hunter2z}"), file="v.yml"),
        }
    )
    problems = [one for own in desired.units.values() for one in own.problems]
    assert len(problems) > 8
    assert "hunter2" not in " ".join(map(str, problems))


def test_documents_know_their_file() -> None:
    found: tuple[Document, ...] = documents(SITE, "a/b.yml")
    assert [str(one.location()) for one in found] == ["a/b.yml:2:1"]

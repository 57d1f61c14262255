"""Both ends of a relationship: what one of them says holds for the other."""

import pytest
from desired_files import key, load_all, load_one, object_of, objects, schema, shown, unit

from stateward.desired.ends import implied
from stateward.errors import Code, Problem
from stateward.model.state import Desired, DesiredUnit

UUID = "0198a7f2-1111-4222-8333-444455556666"
BASE = objects("LabRegion", "- name: ams") + objects(
    "LabDevice", "- {name: d, site: ams}\n- {name: f, site: ams}"
)
PORTS = objects("LabInterface", "- {name: e1, device: d}\n- {name: e2, device: d}")
FREE = objects(
    "LabInterface", "- {name: e1, device: d}\n- {name: e2, device: d}\n- {name: e3, device: d}"
)


def ends_of(*texts: str) -> set[str]:
    own = load_one(BASE, FREE, *texts)
    assert not own.problems, [str(problem) for problem in own.problems]
    related = object_of(own, "LabCable/c").relations.get("ends", frozenset())
    assert isinstance(related, frozenset)
    return {str(peer) for peer in related}


class TestLists:
    def test_a_declared_list_holds_what_points_here_too(self) -> None:
        cable = objects("LabCable", "- {name: c, ends: [[d, e1]]}")
        port = objects("LabInterface", "- {name: e2, device: d, cable: c}")
        assert ends_of(cable, port) == {"LabInterface/d/e1", "LabInterface/d/e2"}

    def test_an_empty_list_too(self) -> None:
        cable = objects("LabCable", "- {name: c, ends: []}")
        assert ends_of(cable) == set()
        assert ends_of(cable, objects("LabInterface", "- {name: e2, device: d, cable: c}")) == {
            "LabInterface/d/e2"
        }

    def test_no_list_is_made_of_what_points_here(self) -> None:
        own = load_one(
            BASE,
            FREE,
            objects("LabCable", "- {name: c}"),
            objects("LabInterface", "- {name: e2, device: d, cable: c}"),
        )
        assert object_of(own, "LabCable/c").relations == {}

    def test_both_ends_declared_alike(self) -> None:
        cable = objects("LabCable", "- {name: c, ends: [[d, e1]]}")
        port = objects("LabInterface", "- {name: e1, device: d, cable: c}")
        assert ends_of(cable, port) == {"LabInterface/d/e1"}

    def test_lists_at_both_ends_are_united(self) -> None:
        own = load_one(
            objects("LabRegion", "- name: ams"),
            objects(
                "LabDevice", "- {name: d, site: ams, teams: [t]}\n- {name: f, site: ams, teams: []}"
            ),
            objects("LabTeam", "- {name: t, devices: [f]}"),
        )
        assert not own.problems
        assert object_of(own, "LabTeam/t").relations["devices"] == {
            key("LabDevice/d"),
            key("LabDevice/f"),
        }
        assert object_of(own, "LabDevice/d").relations["teams"] == {key("LabTeam/t")}
        assert object_of(own, "LabDevice/f").relations["teams"] == {key("LabTeam/t")}

    def test_what_points_from_another_unit_counts(self) -> None:
        desired = load_all({
            "a": unit(BASE, FREE, objects("LabCable", "- {name: c, ends: []}"), file="a/u.yml"),
            "b": unit(objects("LabInterface", "- {name: e9, device: d, cable: c}"), file="b/u.yml"),
        })  # fmt: skip
        cable = desired.units["a"].objects[key("LabCable/c")]
        assert cable.relations["ends"] == {key("LabInterface/d/e9")}

    def test_each_unit_keeps_the_list_it_declares(self) -> None:
        """Completing must not make two units agree that do not."""
        own = _two_units("- {name: c, ends: [[d, e1]]}", "- {name: c, ends: [[d, e2]]}")
        lists = [own.units[name].objects[key("LabCable/c")].relations["ends"] for name in "ab"]
        third = key("LabInterface/d/e3")
        assert lists == [{key("LabInterface/d/e1"), third}, {key("LabInterface/d/e2"), third}]
        assert [shown(own.units[name].problems) for name in "ab"] == [["6:8 owned-twice"]] * 2


def contradictions(own: DesiredUnit) -> list[Problem]:
    return [one for one in own.problems if one.code is Code.CONTRADICTION]


def _two_units(one: str, other: str) -> Desired:
    ports = objects("LabInterface", "- {name: e3, device: d, cable: c}")
    return load_all({
        "a": unit(objects("LabCable", one), file="a/u.yml"),
        "b": unit(objects("LabCable", other), file="b/u.yml"),
        "c": unit(BASE, FREE, ports, file="c/u.yml"),
    })  # fmt: skip


class TestContradictions:
    @pytest.mark.parametrize(
        ("cables", "ports", "problems"),
        [
            ("- {name: c, ends: [[d, e1]]}\n- {name: b}", "- {name: e1, device: d, cable: b}", ["6:23 contradiction"]),
            ("- {name: c, ends: [[d, e1]]}", "- {name: e1, device: d, cable: gone}", ["6:23 contradiction"]),
            ("- {name: c, ends: [[d, e1]]}", "- {name: e1, device: d, cable: null}", ["6:23 contradiction"]),
            ("- {name: c, ends: [[d, e1]]}\n- {name: b, ends: [[d, e1]]}", "- {name: e1, device: d}", ["6:23 contradiction", "7:23 contradiction"]),
            ("- {name: c, ends: [[d, e1]]}\n- {name: b, ends: [[d, e2]]}", "- {name: e1, device: d, cable: c}", []),
            ("- {name: c, ends: [[d, e1]]}", f"- {{name: e1, device: d, cable: {UUID}}}", []),
        ],
        ids=["another", "an-external", "none", "two-take-it", "agreed", "by-an-id"],
    )  # fmt: skip
    def test_within_a_unit(self, cables: str, ports: str, problems: list[str]) -> None:
        own = load_one(BASE, PORTS, objects("LabCable", cables), objects("LabInterface", ports))
        assert shown(contradictions(own)) == problems
        assert all(one.subject is None for one in own.problems)

    def test_messages_name_both_places(self) -> None:
        cables = objects("LabCable", "- {name: c, ends: [[d, e1]]}\n- {name: b, ends: [[d, e1]]}")
        own = load_one(BASE, PORTS, cables)
        one, other = contradictions(own)
        assert one.message == (
            "LabCable/c: ends: LabInterface/d/e1 can belong to one only,"
            " and belongs to LabCable/b at u3.yml:7:23: keep one"
        )
        assert other.message.endswith("and belongs to LabCable/c at u3.yml:6:23: keep one")
        assert [str(one.location), str(other.location)] == ["u3.yml:6:23", "u3.yml:7:23"]

    def test_between_units_only_the_object_is_stalled(self) -> None:
        own = load_all({
            "a": unit(BASE, PORTS, objects("LabCable", "- {name: c, ends: [[d, e1]]}"), file="a/u.yml"),
            "b": unit(objects("LabCable", "- {name: b, ends: [[d, e1]]}"), file="b/u.yml"),
        })  # fmt: skip
        found = [contradictions(own.units[name]) for name in "ab"]
        assert [[one.subject for one in problems] for problems in found] == [
            ["LabCable/c"],
            ["LabCable/b"],
        ]

    def test_one_to_one(self) -> None:
        devices = "- {name: d, site: ams, spare: [d, e1]}\n- {name: f, site: ams, spare: [d, e1]}"
        own = load_one(objects("LabRegion", "- name: ams"), objects("LabDevice", devices), PORTS)
        assert shown(own.problems) == ["6:35 contradiction", "7:35 contradiction"]

    def test_an_object_that_two_units_share_is_no_rival_of_itself(self) -> None:
        cable = "- {name: c, ends: [[d, e1]]}"
        own = load_all({
            "a": unit(BASE, PORTS, objects("LabCable", cable), file="a/u.yml"),
            "b": unit(objects("LabCable", cable), file="b/u.yml"),
        })  # fmt: skip
        assert not own.units["a"].problems
        assert not own.units["b"].problems


def test_what_is_implied() -> None:
    own = load_one(BASE, PORTS)
    everything = own.objects.values()
    device = key("LabDevice/d")
    assert implied(everything, {(device, "interfaces")}, schema()) == {
        (device, "interfaces"): {key("LabInterface/d/e1"), key("LabInterface/d/e2")}
    }
    assert implied(everything, {(device, "tags")}, schema()) == {}
    assert implied(everything, set(), schema()) == {}

"""What a declared object needs: to be made, changed, adopted or shared, or nothing."""

import pytest

from stateward.model.plan import UnitState
from stateward.model.state import DesiredObject
from stateward.model.unit import Adopt
from unit.builders import (
    codes,
    device,
    fields,
    held,
    interface,
    key,
    messages,
    plan,
    told,
    unit,
)


def test_object_that_is_nowhere_is_created() -> None:
    assert told(plan([unit("a", device("d"))])) == ["create NetDevice/d"]


def test_member_that_differs_is_updated() -> None:
    found = plan([unit("a", device("d", role="spine"))], held("a", device("d")))
    assert told(found) == ["update NetDevice/d role"]


@pytest.mark.parametrize("there", [{}, {"comment__is_protected": True}])
def test_change_names_all_metadata_that_are_declared(there: dict[str, bool]) -> None:
    want = device("d", role="spine", comment__is_protected=True)
    (change,) = plan([unit("a", want)], held("a", device("d", **there))).changes
    assert change.metadata == {"comment.is_protected"}


def test_member_that_is_as_declared_is_counted_and_left_alone() -> None:
    found = plan([unit("a", device("d"), device("e"))], held("a", device("d"), device("e")))
    assert told(found) == []
    assert found.units["a"].unchanged == 2


def test_nothing_is_written_for_files_that_are_applied() -> None:
    found = plan([unit("a", device("d"), files="f")], held("a", device("d")), stamped="f")
    assert found.is_empty


def test_files_that_declare_the_same_in_other_words_are_only_noted() -> None:
    found = plan([unit("a", device("d"), files="f1")], held("a", device("d")), stamped="f0")
    assert found.changes == ()
    assert found.touched() == {"a"}


@pytest.mark.parametrize(
    ("policy", "there", "expected"),
    [
        pytest.param(Adopt.NEVER, device("d"), [], id="never, even if it is as declared"),
        pytest.param(Adopt.NEVER, device("d", role="spine"), [], id="never"),
        pytest.param(
            Adopt.IDENTICAL, device("d", comment="x"), ["adopt NetDevice/d"], id="identical"
        ),
        pytest.param(
            Adopt.IDENTICAL, device("d", role="spine"), [], id="identical, but it differs"
        ),
        pytest.param(
            Adopt.ALWAYS, device("d", role="spine"), ["adopt NetDevice/d role"], id="always"
        ),
    ],
)
def test_stranger_is_adopted_as_the_policy_says(
    policy: Adopt, there: DesiredObject, expected: list[str]
) -> None:
    found = plan([unit("a", device("d", role="leaf"), adopt=policy)], held("", there))
    assert told(found) == expected
    assert codes(found) == ([] if expected else ["stranger"])


def test_adopted_stranger_is_noted_as_one_that_was_there_before() -> None:
    found = plan([unit("a", device("d"))], held("", device("d")))
    assert [own.adopted for own in found.changes] == [True]


def test_created_object_is_not_noted_as_adopted() -> None:
    assert [own.adopted for own in plan([unit("a", device("d"))]).changes] == [False]


def test_stranger_that_may_not_be_adopted_is_named_with_what_differs() -> None:
    found = plan([unit("a", device("d", role="spine", line=7))], held("", device("d")))
    (problem,) = found.problems
    assert "differs in role" in problem.message
    assert str(problem.location) == "file.yml:7:1"


@pytest.mark.parametrize(
    ("there", "cure"),
    [
        pytest.param(device("d", role="leaf"), "adopt: identical", id="it is as declared"),
        pytest.param(device("d", role="spine"), "adopt: always", id="it differs"),
    ],
)
def test_stranger_is_reported_with_the_setting_that_would_adopt_it(
    there: DesiredObject, cure: str
) -> None:
    found = plan([unit("a", device("d", role="leaf"), adopt=Adopt.NEVER)], held("", there))
    assert f"set `{cure}`" in messages(found)


def test_stranger_does_not_keep_the_rest_of_its_unit_waiting() -> None:
    found = plan([unit("a", device("d", role="spine"), device("e"))], held("", device("d")))
    assert told(found) == ["create NetDevice/e"]
    assert found.units["a"].state is UnitState.WAITING


def test_member_of_the_same_kind_and_name_wins_over_a_stranger() -> None:
    mine, other = device("d"), device("d", node="other")
    found = plan([unit("a", device("d"))], [*held("a", mine), *held("", other)])
    assert told(found) == []


def test_two_strangers_of_one_name_are_ambiguous_until_an_id_is_named() -> None:
    there = held("", device("d", node="one"), device("d", node="two"))
    assert codes(plan([unit("a", device("d"))], there)) == ["ambiguous"]
    named = plan([unit("a", device("d", node="two"))], there)
    assert [own.node for own in named.changes] == ["two"]


def test_object_is_known_by_the_id_that_its_file_names() -> None:
    found = plan([unit("a", device("new", node="id"))], held("a", device("old", node="id")))
    assert told(found) == ["update NetDevice/new name"]


def test_id_of_an_object_of_another_kind_is_a_problem() -> None:
    found = plan(
        [unit("a", device("d", node="id"))], held("", interface("other", "eth0", node="id"))
    )
    assert codes(found) == ["identity"]
    assert told(found) == []


def test_id_that_two_objects_name_is_a_problem() -> None:
    both = [device("d", node="id"), device("e", node="id")]
    found = plan([unit("a", *both)], held("a", device("d", node="id")))
    assert codes(found) == ["identity"]
    assert "declared for NetDevice/d as well" in messages(found)


def test_object_that_two_units_declare_is_made_once_and_shared() -> None:
    found = plan([unit("a", device("d")), unit("b", device("d"))])
    assert told(found) == ["create NetDevice/d [a]", "adopt NetDevice/d [b]"]
    assert [own.adopted for own in found.changes] == [False, False]


def test_shared_object_is_written_by_the_first_of_its_units() -> None:
    both = [unit("b", device("d", role="spine")), unit("a", device("d", role="spine"))]
    found = plan(both, held("a b", device("d")))
    assert [(own.unit, own.action) for own in found.changes] == [("a", "update")]
    assert found.units["b"].unchanged == 1


def test_unit_that_declares_a_member_of_another_unit_shares_it() -> None:
    found = plan([unit("a", device("d")), unit("b", device("d"))], held("a", device("d")))
    assert told(found) == ["adopt NetDevice/d"]
    assert found.changes[0].unit == "b"
    assert not found.changes[0].adopted


def test_object_that_was_adopted_stays_so_for_those_who_share_it() -> None:
    there = held("a", device("d"), adopted=True)
    found = plan([unit("a", device("d")), unit("b", device("d"))], there)
    assert [(own.unit, own.adopted) for own in found.changes] == [("b", True)]


def test_one_unit_that_may_adopt_a_stranger_is_enough_for_all_who_declare_it() -> None:
    both = [
        unit("a", device("d", role="spine"), adopt=Adopt.NEVER),
        unit("b", device("d", role="spine"), adopt=Adopt.ALWAYS),
    ]
    found = plan(both, held("", device("d")))
    assert told(found) == ["adopt NetDevice/d [a] role", "adopt NetDevice/d [b]"]
    assert [own.adopted for own in found.changes] == [True, True]


def test_owner_that_the_configuration_names_is_the_only_one_that_counts() -> None:
    both = [unit("a", device("d", role="leaf")), unit("b", device("d", role="spine"))]
    found = plan(both, owners=lambda _: "b")
    assert fields(found)["role"] == (None, "spine")
    assert [own.unit for own in found.changes] == ["b"]


def test_owner_that_does_not_declare_the_object_changes_nothing() -> None:
    both = [unit("a", device("d")), unit("b", device("d"))]
    assert told(plan(both, owners=lambda _: "c")) == told(plan(both))


def test_unit_that_is_no_owner_any_more_releases_what_it_shared() -> None:
    both = [unit("a", device("d")), unit("b", device("d"))]
    found = plan(both, held("a b", device("d")), owners=lambda _: "b")
    assert [(own.action, own.unit) for own in found.changes] == [("release", "a")]


def test_reference_means_the_object_whatever_it_was_called() -> None:
    moved = {key("NetDevice", "old"): key("NetDevice", "new")}
    found = plan(
        [unit("a", device("new"), device("e", buddy=key("NetDevice", "new")), moved=moved)],
        held("a", device("old"), device("e", buddy=key("NetDevice", "old"))),
    )
    assert told(found) == ["update NetDevice/new name"], messages(found)

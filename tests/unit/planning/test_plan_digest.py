"""A plan's digest: the same for the same plan, another for any other."""

import pytest

from stateward.model.plan import Plan
from unit.builders import UnitCase, device, held, interface, limits, plan, server, tag, unit

UNITS = [unit("a", device("d", role="spine"), tag("t")), unit("b", interface("d", "eth0"))]
THERE = held("a", device("d"), device("gone"))


def usual(**given: object) -> Plan:
    return plan(given.pop("units", UNITS), given.pop("there", THERE), **given)  # type: ignore[arg-type]


def test_same_question_has_the_same_digest() -> None:
    assert usual().digest == usual().digest


def test_order_of_units_and_objects_is_not_in_the_digest() -> None:
    backwards = [
        UnitCase(own.name, tuple(reversed(own.objects)), own.settings) for own in reversed(UNITS)
    ]
    assert usual(units=backwards, there=list(reversed(THERE))).digest == usual().digest


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"target": "another"}, id="the target"),
        pytest.param({"revisions": {"default": "r2"}}, id="the revision"),
        pytest.param({"loads_schema": True}, id="whether the schema is loaded"),
        pytest.param({"units": UNITS[:1]}, id="a change less"),
        pytest.param({"there": THERE[:1]}, id="a delete less"),
        pytest.param({"there": held("a", device("d", role="spine"))}, id="what is there"),
        pytest.param({"there": held("", device("d", role="spine"))}, id="an adoption"),
        pytest.param(
            {"there": held("a", device("d", node="id"), device("gone"))}, id="another object's id"
        ),
        pytest.param({"there": held("b", device("d"), device("gone"))}, id="who gives up"),
        pytest.param({"units": [unit("a", tag("t"), limits=limits(0, 0)), UNITS[1]]}, id="a guard"),
    ],
)
def test_digest_changes_with(given: dict[str, object]) -> None:
    assert usual(**given).digest != usual().digest


def test_digest_changes_with_what_is_to_be_noted_on_a_group() -> None:
    own, there = [unit("a", device("d"), files="f")], held("a", device("d"))
    assert plan(own, there, stamped="f").digest != plan(own, there, stamped="old").digest


def test_digest_tells_values_of_different_types_apart() -> None:
    values = ("1", 1, 1.5, True, None, "")
    plans = [plan([unit("a", device("d", comment=own))]) for own in values]
    assert len({own.digest for own in plans}) == len(values)


def test_digest_is_no_way_to_guess_a_secret() -> None:
    one, other = (plan([unit("a", server("s", community=own))]).digest for own in ("one", "other"))
    assert one == other


def test_digest_does_not_change_with_where_an_object_stands() -> None:
    one, other = (plan([unit("a", device("d", line=own))]).digest for own in (1, 99))
    assert one == other

"""Which differences are drift, who made them, and that what is told stays small and keeps secrets."""

from collections.abc import Mapping
from typing import Any

import pytest

from rounds import Workshop, objects
from stateward.engine.drift import Writers, drift
from stateward.model.drift import MOST, Departure, Difference, DriftedField, UnitDrift
from stateward.model.fight import Writer
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Delete, Enrol, Update
from stateward.model.plan import Action, Change, Default, FieldChange, Plan, Secret, UnitPlan
from stateward.model.unit import Stamp

KEY = ObjectKey("NetDevice", ("leaf1",))
EVE = Writer("Eve", "2026-11-27T12:00:00Z")


@pytest.fixture
def shop(tmp_path: Any) -> Workshop:
    return Workshop(tmp_path)


async def look(shop: Workshop, unit: str = "a", **given: Any) -> UnitDrift | None:
    writers = Writers()
    plan = await shop.round(**given).plan(None, writers.look)
    return drift(plan, unit, writers.found, at=7.0)


async def applied(shop: Workshop, **units: str) -> None:
    shop.commit({f"{unit}/x.yml": text for unit, text in units.items()})
    await shop.apply()


DEVICES = objects("NetDevice", {"name": "leaf1", "role": "leaf", "comment": "ours"}, {"name": "leaf2"})  # fmt: skip


async def test_a_field_that_somebody_changed_is_told_as_it_was_and_is(shop: Workshop) -> None:
    await applied(shop, a=DEVICES)
    leaf = await shop.find("NetDevice", "leaf1")
    await shop.do(Update(id=leaf.id, kind="NetDevice", attributes={"comment": "mine"}))
    found = await look(shop)
    assert found is not None
    (own,) = found.differences
    assert (own.what, own.key, own.node) == (Departure.CHANGED, KEY, leaf.id)
    assert own.fields == (DriftedField("comment", "mine", "ours"),)
    assert (found.objects, found.fields, found.revision, found.at) == (1, 1, "r1", 7.0)
    assert str(own.origin).startswith("a/x.yml:")


async def test_what_was_deleted_is_missing_and_no_field_of_it_differs(shop: Workshop) -> None:
    await applied(shop, a=DEVICES)
    leaf = await shop.find("NetDevice", "leaf1")
    await shop.do(Delete(id=leaf.id, kind="NetDevice"))
    found = await look(shop)
    assert found is not None
    assert [(own.what, own.key, own.node, own.fields) for own in found.differences] == [
        (Departure.MISSING, KEY, None, ())
    ]
    assert (found.objects, found.fields) == (1, 0)


async def test_what_left_the_tracking_group_is_lost_and_what_came_is_extra(shop: Workshop) -> None:
    await applied(shop, a=DEVICES)
    leaf = await shop.find("NetDevice", "leaf1")
    other = await shop.make("NetDevice", name="other")
    groups = (await shop.observe("NetDevice")).groups
    group = groups["stateward/default/default/a"].id
    await shop.do(
        Enrol(id=leaf.id, kind="NetDevice", leave=(group,)),
        Enrol(id=other, kind="NetDevice", join=(group,)),
    )
    found = await look(shop)
    assert found is not None
    assert {(own.what, str(own.key)) for own in found.differences} == {
        (Departure.LOST, "NetDevice/leaf1"),
        (Departure.EXTRA, "NetDevice/other"),
    }
    assert found.fields == 0


async def test_nothing_differs_and_that_is_known(shop: Workshop) -> None:
    await applied(shop, a=DEVICES)
    assert await look(shop) == UnitDrift(revision="r1", at=7.0)


async def test_what_a_commit_asks_for_is_no_drift(shop: Workshop) -> None:
    shop.commit({"a/x.yml": DEVICES})
    assert await look(shop) is None
    await applied(shop, a=DEVICES, b=objects("BuiltinTag", {"name": "red"}))
    leaf = await shop.find("NetDevice", "leaf1")
    await shop.do(Update(id=leaf.id, kind="NetDevice", attributes={"comment": "mine"}))
    shop.commit({"a/x.yml": DEVICES, "b/x.yml": objects("BuiltinTag", {"name": "blue"})})
    assert await look(shop, "b") is None
    found = await look(shop, "a")
    assert found is not None
    assert found.objects == 1


async def test_of_what_is_left_alone_nothing_is_known(shop: Workshop) -> None:
    await applied(shop, a=DEVICES)
    assert await look(shop, units=frozenset()) is None
    assert await look(shop, "no such unit") is None


def planned(*changes: Change, **given: Any) -> Plan:
    """Return a plan of a unit whose files are as they were applied."""
    stamp = Stamp(applied="r1", files="f")
    unit = UnitPlan(unit="a", group="g", files="f", before=stamp, stamp=stamp, **given)
    return Plan(
        target="t", schema="s", revisions={"default": "r1"}, changes=changes, units={"a": unit}
    )


def update(*fields: FieldChange, node: str = "1") -> Change:
    return Change(action=Action.UPDATE, unit="a", key=KEY, node=node, fields=fields)


def told(plan: Plan, writers: Mapping[str, Writer] | None = None) -> tuple[Difference, ...]:
    found = drift(plan, "a", writers or {}, at=0.0)
    assert found is not None
    return found.differences


def field(old: Any, new: Any) -> DriftedField:
    ((own,),) = [own.fields for own in told(planned(update(FieldChange("f", old, new))))]
    return own


def test_who_changed_it_is_told_where_the_target_knows() -> None:
    plan = planned(update(FieldChange("f", 1, 2)), update(FieldChange("f", 1, 2), node="2"))
    assert [own.writer for own in told(plan, {"1": EVE})] == [EVE, None]


def test_a_secret_is_not_even_in_memory() -> None:
    own = field(Secret("c4nary"), Secret("other"))
    assert (own.old, own.new) == (Secret(None), Secret(None))


def test_where_a_part_of_a_mapping_differs_that_part_is_named() -> None:
    own = field({"mtu": 1, "seen": {"at": 5}}, {"mtu": 1, "seen": {"at": 4}, "new/one": 1})
    assert own.parts == ("/new~1one", "/seen/at")
    assert field([1], [2]).parts == ()
    assert field({str(n): 1 for n in range(40)}, {}).parts == ()


def test_what_is_large_is_cut() -> None:
    own = field("x" * 5000, "y")
    assert (len(own.old), own.new, own.cut) == (1001, "y", True)
    assert field({"a": "x" * 5000}, None).cut
    assert field(1, Default("x" * 5000)).cut
    assert not field("x", Default("y")).cut


def test_of_many_peers_those_are_told_that_differ() -> None:
    many = frozenset(ObjectKey("BuiltinTag", (f"t{n}",)) for n in range(100))
    red = frozenset({ObjectKey("BuiltinTag", ("red",))})
    assert field(many, many | red) == DriftedField("f", frozenset(), red, cut=True)
    assert len(field(many, red).old) == 20
    assert field(red, frozenset()) == DriftedField("f", red, frozenset())


def test_of_many_objects_the_first_are_told_and_all_counted() -> None:
    plan = planned(*(update(FieldChange("f", 1, 2), node=str(n)) for n in range(MOST + 5)))
    found = drift(plan, "a", {}, at=0.0)
    assert found is not None
    assert (len(found.differences), found.objects, found.fields) == (MOST, MOST + 5, MOST + 5)


def test_it_is_mended_only_where_there_was_something_to_mend() -> None:
    for changes in ((), (update(FieldChange("f", 1, 2)),)):
        found = drift(planned(*changes), "a", {}, at=0.0, mended=True)
        assert found is not None
        assert found.mended is bool(changes)

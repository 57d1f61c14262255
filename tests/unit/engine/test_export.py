"""A target read back: what is in it, whose it is, and what is left out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rounds import Workshop, objects
from stateward.engine.export import Exported, export
from stateward.errors import Code, ConfigError
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Enrol
from stateward.model.unit import group_name
from stateward.reporting import export as rendering


@pytest.fixture
async def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.commit(
        {
            "a/1.yml": objects(
                "NetDevice",
                {
                    "name": "d1",
                    "password": "c4nary",
                    "tags": ["red"],
                    "interfaces": {"data": [{"name": "e0"}]},
                },
            ),
            "b/adopted/1.yml": objects("BuiltinTag", {"name": "red"}),
            "1.yml": objects("LocationCountry", {"name": "nl"}),
        }
    )
    await shop.apply()
    await shop.make("BuiltinTag", name="theirs")
    return shop


async def exported(shop: Workshop, *kinds: str, unit: str | None = None) -> dict[str, Exported]:
    group = None if unit is None else group_name("default", "default", unit)
    found = await export(shop.target, kinds, group)
    return {str(own.key): own for own in found.objects}


async def test_holds_what_is_there_and_whose_it_is(shop: Workshop) -> None:
    assert {name: own.unit for name, own in (await exported(shop)).items()} == {
        "BuiltinTag/red": "b/adopted",
        "BuiltinTag/theirs": None,
        "LocationCountry/nl": ".",
        "NetDevice/d1": "a",
        "NetInterface/d1/e0": "a",
    }


async def test_is_sorted(shop: Workshop) -> None:
    found = list(await exported(shop))
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (["NetDevice"], ["NetDevice/d1"]),
        (["LocationGeneric"], ["LocationCountry/nl"]),
        (["NetDevice", "LocationCountry"], ["LocationCountry/nl", "NetDevice/d1"]),
        (["NetCable"], []),
    ],
    ids=["one", "generic", "several", "none-there"],
)
async def test_is_of_some_kinds(shop: Workshop, kinds: list[str], names: list[str]) -> None:
    assert list(await exported(shop, *kinds)) == names


@pytest.mark.parametrize(
    ("unit", "names"),
    [
        ("a", ["NetDevice/d1", "NetInterface/d1/e0"]),
        (".", ["LocationCountry/nl"]),
        ("b/adopted", ["BuiltinTag/red"]),
        ("nobody", []),
    ],
)
async def test_is_of_one_unit(shop: Workshop, unit: str, names: list[str]) -> None:
    assert list(await exported(shop, unit=unit)) == names


async def test_unit_is_ours_and_has_what_it_shares(shop: Workshop) -> None:
    theirs, red = await shop.find("BuiltinTag", "theirs"), await shop.find("BuiltinTag", "red")
    other = await shop.make("CoreStandardGroup", name=group_name("other", "default", "a"))
    await shop.do(Enrol(id=theirs.id, kind="BuiltinTag", join=(other,)))
    own = await shop.find("CoreStandardGroup", group_name("default", "default", "a"))
    await shop.do(Enrol(id=red.id, kind="BuiltinTag", join=(own.id,)))
    assert list(await exported(shop, unit="a")) == [
        "BuiltinTag/red",
        "NetDevice/d1",
        "NetInterface/d1/e0",
    ]
    assert list(await exported(shop, unit="b/adopted")) == ["BuiltinTag/red"]


async def test_kind_that_is_not_there_is_an_error(shop: Workshop) -> None:
    with pytest.raises(ConfigError, match="--kind Nope") as refusal:
        await exported(shop, "Nope")
    assert refusal.value.code is Code.UNKNOWN_KIND


async def test_fields_have_defaults_and_no_password(shop: Workshop) -> None:
    own = (await exported(shop))["NetDevice/d1"]
    assert own.attributes == {"name": "d1", "role": "leaf"}


async def test_relationships_are_told_at_both_ends_and_by_name(shop: Workshop) -> None:
    found = await exported(shop)
    device, port = ObjectKey("NetDevice", ("d1",)), ObjectKey("NetInterface", ("d1", "e0"))
    assert found["NetDevice/d1"].relations == {
        "interfaces": frozenset({port}),
        "tags": frozenset({ObjectKey("BuiltinTag", ("red",))}),
    }
    assert found["NetInterface/d1/e0"].relations == {"device": device}


async def test_peers_are_named_where_their_kind_is_not_asked_for(shop: Workshop) -> None:
    own = (await exported(shop, "NetInterface"))["NetInterface/d1/e0"]
    assert own.relations == {"device": ObjectKey("NetDevice", ("d1",))}


async def test_groups_of_ours_are_left_out_and_those_of_others_are_not(shop: Workshop) -> None:
    crew = await shop.make("CoreStandardGroup", name="crew")
    device = (await shop.find("NetDevice", "d1")).id
    await shop.do(Enrol(id=device, kind="NetDevice", join=(crew,)))
    found = await exported(shop)
    assert [own for own in found if own.startswith("CoreStandardGroup")] == [
        "CoreStandardGroup/crew"
    ]
    groups = found["NetDevice/d1"].relations["member_of_groups"]
    assert groups == frozenset({ObjectKey("CoreStandardGroup", ("crew",))})


class TestJson:
    async def test_has_the_documented_shape(self, shop: Workshop) -> None:
        document = rendering.as_json(await export(shop.target, ["NetInterface"], None))
        node = (await shop.find("NetInterface", "d1", "e0")).id
        assert document == {
            "schema": "stateward/export/v1",
            "objects": [
                {
                    "kind": "NetInterface",
                    "hfid": ["d1", "e0"],
                    "id": node,
                    "unit": "a",
                    "fields": {"name": "e0", "mtu": 1500, "device": ["d1"]},
                }
            ],
        }


class TestYaml:
    async def test_tells_a_relationship_at_one_end_and_what_is_needed_first(
        self, shop: Workshop
    ) -> None:
        text = rendering.as_yaml(await export(shop.target, (), None))
        documents: list[dict[str, Any]] = list(yaml.safe_load_all(text))
        kinds = [own["spec"]["kind"] for own in documents]
        assert kinds.index("NetDevice") < kinds.index("NetInterface")
        assert {own["kind"] for own in documents} == {"Object"}
        data = {own["spec"]["kind"]: own["spec"]["data"] for own in documents}
        assert data["NetInterface"] == [{"name": "e0", "mtu": 1500, "device": "d1"}]
        assert data["NetDevice"] == [{"name": "d1", "role": "leaf", "tags": ["red"]}]

    async def test_of_nothing_is_nothing(self, shop: Workshop) -> None:
        assert rendering.as_yaml(await export(shop.target, ["NetCable"], None)) == ""

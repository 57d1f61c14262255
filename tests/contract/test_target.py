"""What every target does with objects: their attributes, their names, and what it refuses."""

from typing import Any

import pytest

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.mutation import RESET, Create, Delete, Update
from stateward.ports import Query
from targets import World, new_id


async def test_created_object_is_found_by_id_by_name_and_in_its_group(world: World) -> None:
    group = await world.group("ours")
    site = await world.make("SuiteSite", groups=(group,), name=world.named("ams"))
    key = ObjectKey("SuiteSite", (world.named("ams"),))
    for query in (
        Query(ids=[site]),
        Query(keys=[key]),
        Query(groups=[world.named("ours")]),
        Query(kinds=["SuiteSite"]),
    ):
        found = await world.session.observe(query)
        assert found.objects[site].key == key
    assert (await world.session.observe(Query(references=[key]))).references == {key: (site,)}


async def test_only_asked_fields_are_shown_and_what_identifies_and_is_mandatory(
    world: World,
) -> None:
    site = await world.site()
    device = await world.device(site=site, comment="yes")
    found = await world.read(device, "comment")
    assert found.attributes == {"name": world.named("leaf"), "comment": "yes"}
    assert found.relations == {"site": site}


async def test_every_field_of_a_kind_is_shown_where_the_kind_is_asked_for(world: World) -> None:
    device = await world.device()
    found = (await world.session.observe(Query(kinds=["SuiteDevice"]))).objects[device]
    kind = world.session.schema.kinds["SuiteDevice"]
    assert found.attributes.keys() == kind.attributes.keys()
    assert found.relations.keys() == kind.relationships.keys()


@pytest.mark.parametrize(
    ("field", "given", "shown"),
    [
        pytest.param("mac", "aabb.ccdd.eeff", "AA:BB:CC:DD:EE:FF", id="mac"),
        pytest.param("address", "2001:DB8::0:1", "2001:db8::1/128", id="address"),
        pytest.param("ports", "48", 48, id="number"),
        pytest.param("comment", "", "", id="empty-text"),
        pytest.param("active", False, False, id="boolean"),
        pytest.param("role", "leaf", "leaf", id="dropdown"),
    ],
)
async def test_values_are_shown_in_the_servers_spelling(
    world: World, field: str, given: Any, shown: Any
) -> None:
    device = await world.device(**{field: given})
    found = await world.read(device, field)
    assert found.attributes[field] == shown
    assert field not in found.defaults


async def test_a_hashed_password_is_not_shown(world: World) -> None:
    plain = "hunter2"
    device = await world.device(password=plain)
    shown = (await world.read(device, "password")).attributes["password"]
    assert shown
    assert plain not in shown


@pytest.mark.parametrize(
    ("field", "given", "shown", "is_default"),
    [
        pytest.param("label", (), "plain", True, id="default-when-not-given"),
        pytest.param("label", ("plain",), "plain", False, id="default-given"),
        pytest.param("label", (None,), "plain", True, id="null-is-the-default"),
        pytest.param("label", ("mine", None), "plain", True, id="null-goes-back-to-the-default"),
        pytest.param("label", ("mine", RESET), "plain", True, id="reset-goes-back"),
        pytest.param("label", ("mine", "plain"), "plain", False, id="default-set-over-another"),
        pytest.param("label", (None, "plain"), "plain", True, id="default-set-over-itself"),
        pytest.param("comment", (), None, True, id="null-when-not-given"),
        pytest.param("comment", (None,), None, False, id="null-given"),
        pytest.param("comment", ("mine", None), None, False, id="null-set"),
        pytest.param("comment", ("mine", RESET), None, True, id="reset-to-null"),
        pytest.param("active", (False, RESET), True, True, id="mandatory-with-default-reset"),
        pytest.param("active", (False, None), True, True, id="mandatory-with-default-null"),
    ],
)
async def test_defaults(
    world: World, field: str, given: tuple[Any, ...], shown: Any, *, is_default: bool
) -> None:
    device = await world.device(**dict.fromkeys([field][: len(given)], *given[:1]))
    for value in given[1:]:
        await world.do(Update(id=device, kind="SuiteDevice", attributes={field: value}))
    found = await world.read(device, field)
    assert found.attributes[field] == shown
    assert (field in found.defaults) == is_default


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        pytest.param({}, Code.MANDATORY, id="mandatory-missing"),
        pytest.param({"name": None}, Code.MANDATORY, id="mandatory-null"),
        pytest.param({"name": "x", "colour": "red"}, Code.UNKNOWN_FIELD, id="unknown-field"),
        pytest.param({"name": "x", "given": "me"}, Code.READ_ONLY, id="read-only"),
        pytest.param({"name": "x", "ports": "many"}, Code.TYPE, id="type"),
        pytest.param({"name": "x", "role": "core"}, Code.ENUM, id="choice"),
        pytest.param({"name": "x", "serial": "abc"}, Code.CONSTRAINT, id="regex"),
        pytest.param({"name": "x", "serial": "ABCDEF"}, Code.CONSTRAINT, id="length"),
    ],
)
async def test_create_is_refused(world: World, attributes: dict[str, Any], code: Code) -> None:
    device = Create(
        id=new_id(),
        kind="SuiteDevice",
        attributes=attributes,
        relations={"site": await world.site()},
    )
    assert (await world.refused(device)).code == code
    assert await world.gone(device.id)


async def test_update_to_nothing_of_what_is_mandatory_is_refused(world: World) -> None:
    site = await world.site()
    for value in (None, RESET):
        refusal = await world.refused(Update(id=site, kind="SuiteSite", attributes={"name": value}))
        assert refusal.code == Code.MANDATORY
        assert "name" in refusal.message


async def test_some_of_a_kind_are_among_what_is_asked_for(world: World) -> None:
    site = await world.site()
    leaf = await world.device("leaf", site=site)
    await world.device("spine")
    for among in ({"name": [world.named("leaf")]}, {"site": [site], "name": [world.named("leaf")]}):
        found = await world.session.observe(Query(kinds=["SuiteDevice"], among=among))
        assert leaf in found.objects


async def test_object_of_no_kind_is_refused(world: World) -> None:
    unknown = await world.refused(Create(id=new_id(), kind="SuiteNothing"))
    generic = await world.refused(Create(id=new_id(), kind="SuiteLocation"))
    assert (unknown.code, generic.code) == (Code.UNKNOWN_KIND, Code.GENERIC_KIND)


async def test_ids_are_uuids_and_never_used_twice(world: World) -> None:
    site = await world.site()

    def again(node: str, kind: str = "SuiteSite") -> Create:
        return Create(id=node, kind=kind, attributes={"name": world.named("again")})

    assert (await world.refused(again("ams-1"))).code == Code.TYPE
    for kind in ("SuiteSite", "SuiteRoom"):
        refusal = await world.refused(again(site, kind))
        assert f"{site} is already in use" in refusal.message
    await world.do(Delete(id=site, kind="SuiteSite"))
    refusal = await world.refused(again(site))
    assert f"{site} is already in use" in refusal.message
    assert (await world.find("SuiteSite", world.named("again"))) == ()


async def test_batch_goes_on_after_a_refusal_and_each_mutation_is_whole(world: World) -> None:
    first, second, third, room = new_id(), new_id(), new_id(), world.named("room")
    tag = await world.make("BuiltinTag", name=world.named("tag"))
    refusals = await world.session.apply(
        [
            Create(id=first, kind="SuiteSite", attributes={"name": world.named("first")}),
            Create(
                id=second,
                kind="SuiteDevice",
                attributes={"name": world.named("leaf")},
                relations={"site": first, "tags": frozenset({tag, new_id()})},
            ),
            Create(id=third, kind="SuiteRoom", attributes={"name": room}),
        ]
    )
    assert [refusal and refusal.code for refusal in refusals] == [None, Code.UNRESOLVED, None]
    assert not await world.gone(first)
    assert await world.gone(second)
    assert await world.find("SuiteDevice", world.named("leaf")) == ()
    assert await world.find("SuiteRoom", room) == (third,)


async def test_later_mutation_of_a_batch_may_use_an_earlier_one(world: World) -> None:
    site, device = new_id(), new_id()
    await world.do(
        Create(id=site, kind="SuiteSite", attributes={"name": world.named("ams")}),
        Create(
            id=device,
            kind="SuiteDevice",
            attributes={"name": world.named("leaf")},
            relations={"site": site},
        ),
        Update(id=device, kind="SuiteDevice", attributes={"comment": "done"}),
        Delete(id=device, kind="SuiteDevice"),
        Delete(id=site, kind="SuiteSite"),
    )
    assert await world.gone(site)


async def test_update_and_delete_of_another_kind_are_refused(world: World) -> None:
    site = await world.site()
    for mutation in (
        Update(id=site, kind="SuiteRoom", attributes={"description": "no"}),
        Delete(id=site, kind="SuiteRoom"),
    ):
        assert (await world.refused(mutation)).code == Code.UNRESOLVED
    assert not await world.gone(site)


async def test_update_of_what_is_not_there_is_refused(world: World) -> None:
    update = Update(id=new_id(), kind="SuiteSite", attributes={"description": "no"})
    assert (await world.refused(update)).code == Code.UNRESOLVED


async def test_name_through_a_relationship_follows_the_peer(world: World) -> None:
    device, other = await world.device("leaf"), await world.device("spine")
    interface = await world.interface(device)
    assert (await world.read(interface)).key.hfid == (world.named("leaf"), "eth0")

    await world.do(Update(id=device, kind="SuiteDevice", attributes={"name": world.named("new")}))
    assert (await world.read(interface)).key.hfid == (world.named("new"), "eth0")
    assert await world.find("SuiteInterface", world.named("new"), "eth0") == (interface,)
    assert await world.find("SuiteInterface", world.named("leaf"), "eth0") == ()

    await world.do(Update(id=interface, kind="SuiteInterface", relations={"device": other}))
    assert (await world.read(interface)).key.hfid == (world.named("spine"), "eth0")


async def test_nothing_in_a_name_is_spelled_none(world: World) -> None:
    setting = await world.make("SuiteSetting", name=world.named("mtu"))
    assert (await world.read(setting)).key.hfid == (world.named("mtu"), "None")
    assert await world.find("SuiteSetting", world.named("mtu"), "None") == (setting,)


async def test_name_is_made_of_numbers_and_truths_as_the_server_spells_them(
    world: World,
) -> None:
    name = world.named("bay")
    front = await world.make("SuiteSlot", name=name, number=3)
    rear = await world.make("SuiteSlot", name=name, number=3, rear=True)
    await world.make("SuiteSlot", name=name, number=30)
    assert (await world.read(front)).key.hfid == (name, "3", "False")
    assert (await world.read(rear)).key.hfid == (name, "3", "True")
    keys = [ObjectKey("SuiteSlot", (name, "3", "True")), ObjectKey("SuiteSlot", (name, "3", "no"))]
    assert (await world.session.observe(Query(keys=keys))).objects.keys() == {rear}
    assert await world.find("SuiteSlot", name, "3", "False") == (front,)
    assert await world.find("SuiteSlot", name, "three", "False") == ()
    assert await world.find("SuiteSlot", name, "03", "False") == ()


async def test_reference_by_default_filter_beside_a_name(world: World) -> None:
    label = world.named("label")
    slot = await world.make("SuiteSlot", name=world.named("bay"), number=1, label=label)
    assert await world.find("SuiteSlot", label) == (slot,)
    assert await world.find("SuiteSlot", world.named("bay")) == ()


async def test_names_through_a_relationship_are_told_apart_many_at_once(world: World) -> None:
    made = {}
    for device, ports in (("leaf", ("eth0", "eth1")), ("spine", ("eth1", "eth2"))):
        own = await world.device(device)
        for port in ports:
            key = ObjectKey("SuiteInterface", (world.named(device), port))
            made[key] = await world.interface(own, port)
    crossed = [
        ObjectKey("SuiteInterface", (world.named("leaf"), "eth2")),
        ObjectKey("SuiteInterface", (world.named("spine"), "eth0")),
    ]
    found = await world.session.observe(Query(keys=[*made, *crossed]))
    assert {own.key: own.id for own in found.objects.values()} == made
    asked = await world.session.observe(Query(references=[*made, *crossed]))
    assert asked.references == {key: (node,) for key, node in made.items()}


async def test_reference_to_a_generic_means_any_heir(world: World) -> None:
    room = await world.make("SuiteRoom", name=world.named("room"))
    assert await world.find("SuiteLocation", world.named("room")) == (room,)
    assert await world.find("SuiteSite", world.named("room")) == ()


async def test_reference_to_a_generic_without_names_means_any_heir(world: World) -> None:
    name = world.named("ops")
    account = await world.make("CoreAccount", name=name, password="secret")  # noqa: S106
    assert await world.find("LineageOwner", name) == (account,)
    group = await world.make("CoreAccountGroup", name=name)
    assert set(await world.find("LineageOwner", name)) == {account, group}
    assert await world.find("CoreAccount", name) == (account,)


async def test_reference_by_default_filter_may_be_ambiguous(world: World) -> None:
    title = world.named("plans")
    note = await world.make("SuiteNote", title=title, topic="work")
    assert await world.find("SuiteNote", title, "work") == (note,)
    letter = await world.make("SuiteLetter", title=title)
    assert await world.find("SuiteLetter", title) == (letter,)
    assert await world.find("SuiteNote", title) == (note,)
    assert set(await world.find("SuitePaper", title)) == {note, letter}


async def test_reference_is_answered_for_many_at_once_and_not_for_what_is_not_there(
    world: World,
) -> None:
    sites = {
        ObjectKey("SuiteLocation", (world.named(f"s{n}"),)): await world.site(f"s{n}")
        for n in range(3)
    }
    nobody = ObjectKey("SuiteLocation", (world.named("nobody"),))
    found = (await world.session.observe(Query(references=[*sites, nobody]))).references
    assert found == {key: (site,) for key, site in sites.items()}


async def test_unique_within_a_kind_and_over_all_heirs_of_a_generic(world: World) -> None:
    site = await world.site("ams")
    for kind in ("SuiteSite", "SuiteRoom"):
        taken = Create(id=new_id(), kind=kind, attributes={"name": world.named("ams")})
        refusal = await world.refused(taken)
        assert refusal.code == Code.UNIQUE
        assert "Violates uniqueness constraint 'name'" in refusal.message
    await world.do(Update(id=site, kind="SuiteSite", attributes={"name": world.named("rtm")}))
    await world.make("SuiteRoom", name=world.named("ams"))
    taken_back = Update(id=site, kind="SuiteSite", attributes={"name": world.named("ams")})
    assert (await world.refused(taken_back)).code == Code.UNIQUE
    assert (await world.read(site)).attributes["name"] == world.named("rtm")


async def test_unique_value_is_free_once_its_holder_is_gone(world: World) -> None:
    site = await world.site("ams")
    await world.do(Delete(id=site, kind="SuiteSite"))
    assert await world.site("ams") != site


async def test_unique_together_with_a_peer(world: World) -> None:
    device, other = await world.device("leaf"), await world.device("spine")
    interface = await world.interface(device)
    await world.interface(other)
    await world.interface(device, "eth1")
    twin = Create(
        id=new_id(),
        kind="SuiteInterface",
        attributes={"name": "eth0"},
        relations={"device": device},
    )
    refusal = await world.refused(twin)
    assert (refusal.code, "device-name" in refusal.message) == (Code.UNIQUE, True)
    moved = Update(id=interface, kind="SuiteInterface", relations={"device": other})
    assert (await world.refused(moved)).code == Code.UNIQUE
    assert await world.related(interface, "device") == device


async def test_nothing_is_a_value_that_is_unique_too(world: World) -> None:
    await world.make("SuiteSetting", name=world.named("mtu"))
    await world.make("SuiteSetting", name=world.named("mtu"), variant="jumbo")
    twin = Create(id=new_id(), kind="SuiteSetting", attributes={"name": world.named("mtu")})
    refusal = await world.refused(twin)
    assert (refusal.code, "name-variant" in refusal.message) == (Code.UNIQUE, True)


async def test_lineage_of_an_attribute(world: World) -> None:
    login = {"name": world.named("robot"), "password": "secret"}
    account = await world.make("CoreAccount", **login)
    other = await world.make("CoreAccount", **(login | {"name": world.named("other")}))
    site = new_id()
    fields = ("name", "name.is_protected", "name.source", "name.owner")
    await world.do(
        Create(
            id=site,
            kind="SuiteSite",
            attributes={"name": world.named("ams"), "name.is_protected": True},
            relations={"name.source": account},
        )
    )
    found = await world.read(site, *fields)
    assert found.attributes["name.is_protected"] is True
    assert (found.relations["name.source"], found.relations["name.owner"]) == (account, None)

    await world.do(
        Update(
            id=site,
            kind="SuiteSite",
            attributes={"name.is_protected": False},
            relations={"name.source": other, "name.owner": account},
        )
    )
    found = await world.read(site, *fields)
    assert found.attributes["name.is_protected"] is False
    assert (found.relations["name.source"], found.relations["name.owner"]) == (other, account)


async def test_protection_of_an_attribute_is_taken_back(world: World) -> None:
    name = {"name": world.named("ams")}
    site = await world.make("SuiteSite", **name, **{"name.is_protected": True})
    protection = {"name.is_protected": RESET}
    await world.do(Update(id=site, kind="SuiteSite", attributes=protection))
    found = await world.read(site, "name.is_protected")
    assert found.attributes["name.is_protected"] is False


async def test_template_stands_for_what_is_mandatory(world: World) -> None:
    site = await world.site()
    template = await world.make(
        "TemplateSuiteDevice", {"site": site}, template_name=world.named("leaf")
    )
    device = new_id()
    await world.do(
        Create(
            id=device,
            kind="SuiteDevice",
            attributes={"name": world.named("leaf1")},
            relations={"object_template": template},
        )
    )
    assert await world.related(device, "object_template") == template


async def test_peers_are_called_by_their_names(world: World) -> None:
    site = await world.site("ams")
    device = await world.device(site=site)
    assert (await world.look(device)).names[site] == ObjectKey("SuiteSite", (world.named("ams"),))


@pytest.mark.parametrize("text", ["é", "😀", "a\x00b", '["\\', "\u2028", " x "])
async def test_text_is_kept_as_it_is(world: World, text: str) -> None:
    name = world.named(text)
    device = await world.make("SuiteSite", name=name, description=text)
    found = await world.read(device, "description")
    assert (found.attributes["name"], found.attributes["description"]) == (name, text)
    assert await world.find("SuiteSite", name) == (device,)
    group = await world.group(text, description=text)
    assert (await world.session.groups(name))[name] == text
    assert (await world.read(group)).key.hfid == (name,)


async def test_last_writers_are_names_and_of_what_is_there(world: World) -> None:
    tag = await world.make("BuiltinTag", name=world.named("red"))
    found = await world.session.writers([tag, new_id()])
    assert set(found) <= {tag}
    assert all(own.name and own.at for own in found.values())

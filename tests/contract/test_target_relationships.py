"""Relationships: both ends show them, and both ends' rules hold."""

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Delete, Enrol, Relate, Update
from stateward.model.state import Pointer
from stateward.ports import Query
from targets import World, new_id

DEVICE, INTERFACE = "SuiteDevice", "SuiteInterface"


async def test_both_ends_show_a_relationship(world: World) -> None:
    device = await world.device()
    interface = await world.interface(device)
    assert await world.related(interface, "device") == device
    assert await world.related(device, "interfaces") == {interface}


async def test_relationship_to_one_is_replaced_and_cleared(world: World) -> None:
    device = await world.device()
    first, second = await world.interface(device), await world.interface(device, "eth1")
    await world.do(Update(id=device, kind=DEVICE, relations={"uplink": first}))
    await world.do(Update(id=device, kind=DEVICE, relations={"uplink": second}))
    assert await world.related(device, "uplink") == second
    assert await world.related(first, "uplink_of") is None
    assert await world.related(second, "uplink_of") == device
    await world.do(Update(id=device, kind=DEVICE, relations={"uplink": None}))
    assert await world.related(device, "uplink") is None
    assert await world.related(second, "uplink_of") is None


async def test_peer_that_has_its_one_partner_is_not_taken_from_it(world: World) -> None:
    device, other = await world.device("leaf"), await world.device("spine")
    interface = await world.interface(device)
    await world.do(Update(id=device, kind=DEVICE, relations={"uplink": interface}))
    taken = await world.refused(Update(id=other, kind=DEVICE, relations={"uplink": interface}))
    assert taken.code == Code.CONSTRAINT
    assert await world.related(interface, "uplink_of") == device
    # From its own end it may choose another partner, as long as that one is free.
    await world.do(Update(id=interface, kind=INTERFACE, relations={"uplink_of": other}))
    assert await world.related(device, "uplink") is None
    assert await world.related(other, "uplink") == interface


async def test_children_are_not_taken_from_their_parent(world: World) -> None:
    device, other = await world.device("leaf"), await world.device("spine")
    interface = await world.interface(device)
    taken = Update(id=other, kind=DEVICE, relations={"interfaces": frozenset({interface})})
    assert (await world.refused(taken)).code == Code.CONSTRAINT
    left = Update(id=device, kind=DEVICE, relations={"interfaces": frozenset()})
    assert (await world.refused(left)).code == Code.MANDATORY
    assert await world.related(device, "interfaces") == {interface}


async def test_child_moves_to_another_parent(world: World) -> None:
    device, other = await world.device("leaf"), await world.device("spine")
    interface = await world.interface(device)
    await world.do(Update(id=interface, kind=INTERFACE, relations={"device": other}))
    assert await world.related(device, "interfaces") == frozenset()
    assert await world.related(other, "interfaces") == {interface}


async def test_mandatory_relationship_is_not_left_empty(world: World) -> None:
    device = await world.device()
    cleared = await world.refused(Update(id=device, kind=DEVICE, relations={"site": None}))
    nowhere = Create(id=new_id(), kind=DEVICE, attributes={"name": world.named("nowhere")})
    missing = await world.refused(nowhere)
    assert (cleared.code, missing.code) == (Code.MANDATORY, Code.MANDATORY)
    assert "site" in missing.message
    team = Create(id=new_id(), kind="SuiteTeam", attributes={"name": world.named("team")})
    assert (await world.refused(team)).code == Code.MANDATORY


async def test_relationship_to_many_is_replaced(world: World) -> None:
    tags = [await world.make("BuiltinTag", name=world.named(f"tag{n}")) for n in range(3)]
    device = await world.device()
    for chosen in ({tags[0], tags[1]}, {tags[1], tags[2]}, set(), {tags[0]}):
        await world.do(Update(id=device, kind=DEVICE, relations={"tags": frozenset(chosen)}))
        assert await world.related(device, "tags") == chosen
    await world.do(Update(id=device, kind=DEVICE, relations={"tags": None}))
    assert await world.related(device, "tags") == frozenset()


async def test_every_peer_is_shown_however_many_there_are(world: World) -> None:
    tags = [new_id() for _ in range(12)]
    await world.do(
        *(Create(id=tag, kind="BuiltinTag", attributes={"name": world.named(tag)}) for tag in tags)
    )
    device = await world.device()
    await world.do(Update(id=device, kind=DEVICE, relations={"tags": frozenset(tags)}))
    assert await world.related(device, "tags") == frozenset(tags)


async def test_peers_are_added_and_removed_and_twice_is_no_error(world: World) -> None:
    tags = [await world.make("BuiltinTag", name=world.named(f"tag{n}")) for n in range(3)]
    device = await world.device()
    for _ in range(2):
        await world.do(Relate(id=device, kind=DEVICE, relationship="tags", add=(tags[0], tags[1])))
        assert await world.related(device, "tags") == {tags[0], tags[1]}
    for _ in range(2):
        await world.do(
            Relate(id=device, kind=DEVICE, relationship="tags", add=(tags[2],), remove=(tags[0],))
        )
        assert await world.related(device, "tags") == {tags[1], tags[2]}


async def test_peer_of_another_kind_is_refused(world: World) -> None:
    device = await world.device()
    wrong = await world.refused(Update(id=device, kind=DEVICE, relations={"site": device}))
    assert wrong.code == Code.WRONG_PEER
    related = Relate(id=device, kind=DEVICE, relationship="tags", add=(device,))
    assert (await world.refused(related)).code == Code.WRONG_PEER


async def test_peer_that_is_not_there_is_refused_and_nothing_is_written(world: World) -> None:
    tag = await world.make("BuiltinTag", name=world.named("tag"))
    device = await world.device(comment="before")
    unknown = Update(
        id=device,
        kind=DEVICE,
        attributes={"comment": "after"},
        relations={"tags": frozenset({tag, new_id()})},
    )
    assert (await world.refused(unknown)).code == Code.UNRESOLVED
    found = await world.read(device, "comment", "tags")
    assert (found.attributes["comment"], found.relations["tags"]) == ("before", frozenset())


async def test_relationship_that_there_is_not_is_refused(world: World) -> None:
    device = await world.device()
    tag = await world.make("BuiltinTag", name=world.named("tag"))
    for mutation in (
        Update(id=device, kind=DEVICE, relations={"friends": frozenset({tag})}),
        Relate(id=device, kind=DEVICE, relationship="friends", add=(tag,)),
    ):
        assert (await world.refused(mutation)).code == Code.UNKNOWN_FIELD


async def test_no_more_peers_than_the_schema_allows(world: World) -> None:
    device = await world.device()
    interfaces = [await world.interface(device, f"eth{n}") for n in range(3)]
    many = Update(id=device, kind=DEVICE, relations={"spares": frozenset(interfaces)})
    assert (await world.refused(many)).code == Code.CONSTRAINT
    few = Update(id=device, kind=DEVICE, relations={"spares": frozenset(interfaces[:2])})
    await world.do(few)
    assert await world.related(device, "spares") == set(interfaces[:2])


async def test_relationship_of_a_kind_with_itself_is_the_same_from_both_sides(
    world: World,
) -> None:
    first, second = await world.device("leaf"), await world.device("spine")
    await world.do(Update(id=first, kind=DEVICE, relations={"neighbours": frozenset({second})}))
    assert await world.related(first, "neighbours") == {second}
    assert await world.related(second, "neighbours") == {first}
    await world.do(Update(id=second, kind=DEVICE, relations={"neighbours": frozenset()}))
    assert await world.related(first, "neighbours") == frozenset()


async def test_hierarchy_knows_above_from_below(world: World) -> None:
    above, below = await world.group("above"), await world.group("below")
    group = "CoreStandardGroup"
    await world.do(Update(id=below, kind=group, relations={"parent": above}))
    assert await world.related(above, "children") == {below}
    assert await world.related(above, "parent") is None
    assert await world.related(below, "children") == frozenset()
    await world.do(Relate(id=above, kind=group, relationship="children", remove=(below,)))
    assert await world.related(below, "parent") is None


async def test_delete_clears_optional_references(world: World) -> None:
    device = await world.device()
    interface = await world.interface(device)
    tag = await world.make("BuiltinTag", name=world.named("tag"))
    references = {"uplink": interface, "tags": frozenset({tag})}
    await world.do(Update(id=device, kind=DEVICE, relations=references))
    await world.do(Delete(id=tag, kind="BuiltinTag"), Delete(id=interface, kind=INTERFACE))
    found = await world.read(device, "uplink", "tags", "interfaces")
    assert found.relations["uplink"] is None
    assert found.relations["tags"] == frozenset()
    assert found.relations["interfaces"] == frozenset()


async def test_delete_of_what_somebody_needs_is_refused(world: World) -> None:
    site = await world.site()
    device = await world.device(site=site)
    refusal = await world.refused(Delete(id=site, kind="SuiteSite"))
    assert refusal.code == Code.REJECTED
    assert refusal.message == (
        f"Cannot delete SuiteSite '{site}'. It is linked to mandatory relationship site "
        f"on node SuiteDevice '{device}'"
    )
    await world.do(Delete(id=device, kind=DEVICE), Delete(id=site, kind="SuiteSite"))
    assert await world.gone(site)


async def test_one_of_several_mandatory_peers_is_needed_as_well(world: World) -> None:
    sites = [await world.site(f"site{n}") for n in range(2)]
    await world.make("SuiteTeam", {"sites": frozenset(sites)}, name=world.named("team"))
    assert (await world.refused(Delete(id=sites[0], kind="SuiteSite"))).code == Code.REJECTED


async def test_delete_takes_components_along_at_any_depth(world: World) -> None:
    group = await world.group("all")
    device = await world.device()
    interface = await world.interface(device)
    part = await world.make(
        "SuitePart", {"interface": interface}, (group,), name=world.named("optic")
    )
    await world.do(Delete(id=device, kind=DEVICE))
    assert await world.gone(interface)
    assert await world.gone(part)
    assert await world.members("all") == frozenset()
    burned = Create(id=part, kind="BuiltinTag", attributes={"name": world.named("tag")})
    assert "already in use" in (await world.refused(burned)).message


async def test_delete_of_what_is_gone_is_done(world: World) -> None:
    site = await world.site()
    await world.do(Delete(id=site, kind="SuiteSite"), Delete(id=site, kind="SuiteSite"))
    await world.do(Delete(id=new_id(), kind="SuiteSite"))


async def test_nothing_stands_in_the_way_of_an_ordinary_delete(world: World) -> None:
    group = await world.group("stateward/i/s/unit")
    site = await world.make("SuiteSite", {}, (group,), name=world.named("ams"))
    assert await world.session.holds([site, new_id()], "stateward/i/s/") == {}


async def test_what_stands_in_the_way_of_a_delete(world: World) -> None:
    site = await world.site()
    device = await world.device(site=site)
    interface = await world.interface(device)
    part = await world.make("SuitePart", {"interface": interface}, name=world.named("optic"))
    repository = await world.make("CoreGeneratorGroup", name=world.named("generator"))
    other = await world.group("stateward/other/s/unit")
    people = await world.group("people")
    internal = await world.group("session", group_type="internal")
    sdk = f"{world.named('loader')}-{'0123456789abcdef' * 2}"
    loaded = await world.make("CoreStandardGroup", name=sdk)
    await world.do(
        Enrol(id=device, kind=DEVICE, join=(repository, other, people, loaded, internal))
    )
    holds = await world.session.holds([site, device, part], "stateward/i/s/")
    assert holds.keys() == {site, device}
    assert {one.id for one in holds[site].needed_by} == {device}
    assert holds[device].claims == tuple(
        sorted(
            [
                world.named("generator"),
                world.named("session"),
                world.named("stateward/other/s/unit"),
                sdk,
            ]
        )
    )
    held = await world.session.holds([device], world.named("session"))
    assert world.named("session") not in held[device].claims
    assert {one.id for one in holds[device].cascade} == {interface, part}
    found = await world.session.claims([site, device, part, new_id()], "stateward/i/s/")
    assert found == {device: holds[device].claims}


async def test_what_leads_to_an_object_that_does_not_show_it(world: World) -> None:
    site = await world.site()
    tag = await world.make("BuiltinTag", name=world.named("edge"))
    other = await world.make("BuiltinTag", name=world.named("other"))
    device = await world.make(
        DEVICE, {"site": site, "tags": frozenset({tag, other})}, name=world.named("leaf")
    )
    interface = await world.interface(device)
    spare = await world.device("spare", site=site)
    await world.do(Relate(id=spare, kind=DEVICE, relationship="spares", add=(interface,)))
    # What is mandatory forbids a delete, and what an interface shows of its device stands with it.
    found = await world.session.pointers([tag, site, device, interface, new_id()])
    assert {node: list(own) for node, own in found.items()} == {
        tag: [Pointer(device, "tags", many=True)],
        interface: [Pointer(spare, "spares", many=True)],
    }


async def test_membership_is_a_relationship_from_both_sides(world: World) -> None:
    first, second = await world.group("first"), await world.group("second")
    site = await world.make("SuiteSite", {}, (first,), name=world.named("ams"))
    kind, group = "SuiteSite", "CoreStandardGroup"
    await world.do(Relate(id=second, kind=group, relationship="members", add=(site,)))
    assert await world.related(site, "member_of_groups") == {first, second}
    await world.do(Relate(id=site, kind=kind, relationship="member_of_groups", remove=(first,)))
    assert await world.members("first") == frozenset()
    assert await world.members("second") == {site}


async def test_memberships_in_the_fields_come_beside_those_of_the_mutation(world: World) -> None:
    ours, theirs = await world.group("ours"), await world.group("theirs")
    groups = {"member_of_groups": frozenset({theirs})}
    site = await world.make("SuiteSite", groups, (ours,), name=world.named("ams"))
    assert await world.related(site, "member_of_groups") == {ours, theirs}


async def test_object_joins_and_leaves_groups(world: World) -> None:
    first, second = await world.group("first"), await world.group("second")
    site = await world.site()
    for _ in range(2):
        await world.do(Enrol(id=site, kind="SuiteSite", join=(first,)))
        assert await world.members("first") == {site}
    for _ in range(2):
        await world.do(Enrol(id=site, kind="SuiteSite", join=(second,), leave=(first,)))
        assert await world.members("first") == frozenset()
        assert await world.members("second") == {site}


async def test_object_is_not_made_outside_its_group(world: World) -> None:
    for group in (new_id(), await world.site()):
        lost = Create(
            id=new_id(),
            kind="SuiteSite",
            attributes={"name": world.named("lost")},
            groups=(group,),
        )
        await world.refused(lost)
        assert await world.gone(lost.id)


async def test_delete_ends_memberships_and_a_group_leaves_its_members_behind(
    world: World,
) -> None:
    group = await world.group("ours")
    first = await world.make("SuiteSite", {}, (group,), name=world.named("first"))
    second = await world.make("SuiteSite", {}, (group,), name=world.named("second"))
    await world.do(Delete(id=first, kind="SuiteSite"))
    assert await world.members("ours") == {second}
    await world.do(Delete(id=group, kind="CoreStandardGroup"))
    assert not await world.gone(second)
    assert await world.related(second, "member_of_groups") == frozenset()


async def test_groups_are_listed_by_prefix_with_their_descriptions(world: World) -> None:
    await world.group("b", description="second")
    await world.group("a")
    await world.make("CoreStandardGroup", name=f"other-{world.named('a')}")
    mark = world.named("")
    found = await world.session.groups("")
    ours = {name: text for name, text in found.items() if name.endswith(mark)}
    assert ours == {
        world.named("a"): "",
        world.named("b"): "second",
        f"other-{world.named('a')}": "",
    }
    assert list(ours) == sorted(ours)
    assert list(await world.session.groups(world.named("b"))) == [world.named("b")]


async def test_groups_observed_show_their_description_and_members(world: World) -> None:
    await world.group("ours", description="applied=abc")
    name, nobody = world.named("ours"), world.named("nobody")
    found = (await world.session.observe(Query(groups=[name, nobody]))).groups
    assert found.keys() == {name}
    assert (found[name].description, found[name].members) == ("applied=abc", frozenset())
    assert await world.find("CoreGroup", name) == (found[name].id,)
    key = ObjectKey("CoreStandardGroup", (name,))
    assert (await world.session.observe(Query(keys=[key]))).objects[found[name].id].key == key


async def test_members_of_several_groups_are_observed_at_once(world: World) -> None:
    first, second = await world.group("first"), await world.group("second")
    both = await world.make("SuiteSite", {}, (first, second), name=world.named("both"))
    one = await world.make("BuiltinTag", {}, (second,), name=world.named("one"))
    names = [world.named("first"), world.named("second")]
    found = await world.session.observe(Query(groups=names))
    assert {name: group.members for name, group in found.groups.items()} == {
        names[0]: {both},
        names[1]: {both, one},
    }
    assert {own.id: own.key.kind for own in found.objects.values()} == {
        both: "SuiteSite",
        one: "BuiltinTag",
    }


async def test_every_member_is_observed_however_many_there_are(world: World) -> None:
    group = await world.group("many")
    sites = {new_id(): world.named(f"site{n}") for n in range(60)}
    made = [
        Create(id=node, kind="SuiteSite", attributes={"name": name}, groups=(group,))
        for node, name in sites.items()
    ]
    for start in range(0, len(made), 20):
        await world.do(*made[start : start + 20])
    found = await world.session.observe(Query(groups=[world.named("many")]))
    assert found.groups[world.named("many")].members == sites.keys()
    assert {node: own.key.hfid for node, own in found.objects.items()} == {
        node: (name,) for node, name in sites.items()
    }


async def test_group_has_no_groups_and_is_found_by_id(world: World) -> None:
    above = await world.group("above", description="first")
    below = await world.make("CoreStandardGroup", {"parent": above}, name=world.named("below"))
    found = await world.session.observe(
        Query(ids=[below], fields={"CoreStandardGroup": frozenset({"parent"})})
    )
    assert found.objects[below].relations["parent"] == above
    assert found.names[above] == ObjectKey("CoreStandardGroup", (world.named("above"),))

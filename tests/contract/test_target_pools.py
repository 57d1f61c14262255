"""What the target gives by itself: the default namespace, and what resource pools hold.

Each test has a namespace of its own, so that the same networks can be used again.
"""

from collections.abc import Sequence

import pytest

from stateward.errors import Code
from stateward.model.mutation import Allocation, Create, Delete, Update
from stateward.model.state import ObservedObject
from stateward.ports import Query
from targets import World, new_id

TENANT = "SuiteTenant"


async def default_namespace(world: World) -> str:
    (found,) = await world.find("BuiltinIPNamespace", "default")
    return found


async def own_namespace(world: World) -> str:
    """Return the test's own namespace; it is made if need be."""
    found = await world.find("BuiltinIPNamespace", world.named("lab"))
    return found[0] if found else await world.make("IpamNamespace", name=world.named("lab"))


async def prefix(world: World, network: str, **attributes: bool | str) -> str:
    place = {"ip_namespace": await own_namespace(world)}
    return await world.make("SuitePrefix", place, prefix=network, **attributes)


async def number_pool(world: World, first: int, last: int) -> str:
    return await world.make(
        "CoreNumberPool",
        name=world.named("numbers"),
        node=TENANT,
        node_attribute="number",
        start_range=first,
        end_range=last,
    )


async def address_pool(world: World, resources: Sequence[str], length: int | None = None) -> str:
    return await world.make(
        "CoreIPAddressPool",
        {"resources": frozenset(resources), "ip_namespace": await own_namespace(world)},
        name=world.named(f"addresses-{new_id()}"),
        default_address_type="SuiteAddress",
        default_prefix_length=length,
    )


async def prefix_pool(world: World, resource: str, length: int) -> str:
    return await world.make(
        "CoreIPPrefixPool",
        {"resources": frozenset({resource}), "ip_namespace": await own_namespace(world)},
        name=world.named("prefixes"),
        default_prefix_type="SuitePrefix",
        default_prefix_length=length,
    )


def tenant(world: World, **fields: Allocation) -> Create:
    node = new_id()
    return Create(
        id=node,
        kind=TENANT,
        attributes={
            "name": world.named(node),
            **{k: v for k, v in fields.items() if k == "number"},
        },
        relations={k: v for k, v in fields.items() if k != "number"},
    )


async def given(world: World, **fields: Allocation) -> ObservedObject:
    """Make a tenant and return it with what the pools gave."""
    made = tenant(world, **fields)
    await world.do(made)
    return await world.read(made.id, *fields)


async def address_of(world: World, owner: ObservedObject) -> str:
    address = owner.relations["address"]
    assert isinstance(address, str)
    return str((await world.read(address, "address")).attributes["address"])


async def test_prefix_and_address_are_in_the_default_namespace(world: World) -> None:
    network = await world.make("SuitePrefix", prefix=str(world.network))
    address = await world.make("SuiteAddress", address=f"{world.network[1]}/64")
    default = await default_namespace(world)
    assert await world.related(network, "ip_namespace") == default
    assert await world.related(address, "ip_namespace") == default
    assert (await world.read(network)).key.hfid == (str(world.network), "default")


async def test_namespace_that_is_declared_counts(world: World) -> None:
    own = await own_namespace(world)
    network = await world.make("SuitePrefix", {"ip_namespace": own}, prefix="10.0.0.0/24")
    assert (await world.read(network)).key.hfid == ("10.0.0.0/24", world.named("lab"))
    await world.do(Update(id=network, kind="SuitePrefix", relations={"ip_namespace": None}))
    assert await world.related(network, "ip_namespace") == own


async def test_default_namespace_is_marked_and_cannot_be_deleted(world: World) -> None:
    default = await default_namespace(world)
    own = await own_namespace(world)
    found = (await world.session.observe(Query(kinds=["IpamNamespace"]))).objects
    assert (found[default].seeded, found[own].seeded) == (True, False)
    assert found[default].attributes["default"] is True
    refusal = await world.refused(Delete(id=default, kind="IpamNamespace"))
    assert refusal.code == Code.REJECTED


async def test_namespace_takes_what_it_holds_along(world: World) -> None:
    own = await own_namespace(world)
    network = await world.make("SuitePrefix", {"ip_namespace": own}, prefix="10.0.0.0/24")
    await world.do(Delete(id=own, kind="IpamNamespace"))
    assert await world.gone(network)


async def test_numbers_come_in_order_and_say_where_from(world: World) -> None:
    pool = await number_pool(world, 10, 12)
    for number in (10, 11, 12):
        found = await given(world, number=Allocation(pool=pool))
        assert found.attributes["number"] == number
        assert found.pools == {"number": pool}
        assert "number" not in found.defaults


async def test_exhausted_pool_is_refused_and_what_is_given_back_is_given_again(
    world: World,
) -> None:
    pool = await number_pool(world, 10, 11)
    first = await given(world, number=Allocation(pool=pool))
    second = await given(world, number=Allocation(pool=pool))
    more = tenant(world, number=Allocation(pool=pool))
    assert (await world.refused(more)).code == Code.REJECTED
    assert await world.gone(more.id)
    await world.do(Delete(id=first.id, kind=TENANT))
    assert (await given(world, number=Allocation(pool=pool))).attributes["number"] == 10
    await world.do(Update(id=second.id, kind=TENANT, attributes={"number": 99}))
    assert (await world.read(second.id, "number")).pools == {}
    assert (await given(world, number=Allocation(pool=pool))).attributes["number"] == 11


async def test_object_that_asks_again_is_answered_the_same(world: World) -> None:
    numbers = await number_pool(world, 10, 20)
    addresses = await address_pool(world, [await prefix(world, "10.0.0.0/24")])
    found = await given(world, number=Allocation(pool=numbers), address=Allocation(pool=addresses))
    await world.do(
        Update(
            id=found.id,
            kind=TENANT,
            attributes={"number": Allocation(pool=numbers)},
            relations={"address": Allocation(pool=addresses)},
        )
    )
    assert await world.read(found.id, "number", "address") == found


async def test_object_keeps_its_number_when_a_smaller_one_is_free(world: World) -> None:
    pool = await number_pool(world, 10, 20)
    first = await given(world, number=Allocation(pool=pool))
    second = await given(world, number=Allocation(pool=pool))
    await world.do(Delete(id=first.id, kind=TENANT))
    again = {"number": Allocation(pool=pool)}
    await world.do(Update(id=second.id, kind=TENANT, attributes=again))
    assert (await world.read(second.id, "number")).attributes["number"] == 11


async def test_pool_for_another_attribute_and_what_is_no_pool_are_refused(world: World) -> None:
    site = await world.site()
    pool = await number_pool(world, 10, 20)
    device = Create(
        id=new_id(),
        kind="SuiteDevice",
        attributes={"name": world.named("leaf"), "ports": Allocation(pool=pool)},
        relations={"site": site},
    )
    assert (await world.refused(device)).code == Code.REJECTED
    for no_pool in (site, new_id()):
        asked = tenant(world, number=Allocation(pool=no_pool))
        assert (await world.refused(asked)).code == Code.UNRESOLVED


async def test_addresses_leave_out_what_is_taken_and_the_ends_of_the_network(
    world: World,
) -> None:
    pool = await address_pool(world, [await prefix(world, "10.0.0.0/29")])
    place = {"ip_namespace": await own_namespace(world)}
    await world.make("SuiteAddress", place, address="10.0.0.2/32")
    seen = []
    for _ in range(5):
        found = await given(world, address=Allocation(pool=pool))
        assert found.pools == {"address": pool}
        address = found.relations["address"]
        assert isinstance(address, str)
        everything = await world.session.observe(Query(kinds=["SuiteAddress"]))
        assert not everything.objects[address].seeded
        seen.append(await address_of(world, found))
    assert seen == [f"10.0.0.{host}/29" for host in (1, 3, 4, 5, 6)]
    refusal = await world.refused(tenant(world, address=Allocation(pool=pool)))
    assert refusal.code == Code.REJECTED
    assert refusal.message == "There are no more addresses available in this pool."


@pytest.mark.parametrize(
    ("network", "is_pool", "length", "expected"),
    [
        pytest.param("10.0.0.0/30", True, None, ["10.0.0.0/30", "10.0.0.1/30"], id="pool-prefix"),
        pytest.param("10.0.0.0/31", False, None, [], id="no-host-between-the-ends"),
        pytest.param("10.0.0.0/24", False, 32, ["10.0.0.1/32", "10.0.0.2/32"], id="own-length"),
        pytest.param("2001:db8::/64", False, 128, ["2001:db8::1/128"], id="version-6"),
    ],
)
async def test_addresses_of_a_network(
    world: World, network: str, length: int | None, expected: list[str], *, is_pool: bool
) -> None:
    pool = await address_pool(world, [await prefix(world, network, is_pool=is_pool)], length)
    for address in expected:
        found = await given(world, address=Allocation(pool=pool))
        assert await address_of(world, found) == address
    if not expected:
        await world.refused(tenant(world, address=Allocation(pool=pool)))


async def test_pool_whose_length_does_not_fit_its_prefix_is_refused(world: World) -> None:
    network = await prefix(world, "10.0.0.0/24")
    for asked in (
        {"address": Allocation(pool=await address_pool(world, [network], 8))},
        {"prefix": Allocation(pool=await prefix_pool(world, network, 8))},
    ):
        assert (await world.refused(tenant(world, **asked))).code == Code.REJECTED


async def test_next_resource_is_used_when_one_is_full(world: World) -> None:
    networks = [await prefix(world, network) for network in ("10.0.0.0/30", "10.0.1.0/30")]
    pool = await address_pool(world, networks)
    seen = {
        await address_of(world, await given(world, address=Allocation(pool=pool))) for _ in range(4)
    }
    assert seen == {"10.0.0.1/30", "10.0.0.2/30", "10.0.1.1/30", "10.0.1.2/30"}


async def test_identifier_is_answered_with_the_same_peer(world: World) -> None:
    pool = await address_pool(world, [await prefix(world, "10.0.0.0/24")])
    shared = Allocation(pool=pool, identifier="shared")
    first, second = await given(world, address=shared), await given(world, address=shared)
    other = await given(world, address=Allocation(pool=pool))
    assert first.relations["address"] == second.relations["address"]
    assert other.relations["address"] != first.relations["address"]


async def test_prefixes_are_cut_from_a_larger_one(world: World) -> None:
    pool = await prefix_pool(world, await prefix(world, "10.0.0.0/24", member_type="prefix"), 26)
    await prefix(world, "10.0.0.64/28")
    seen = []
    for _ in range(3):
        found = await given(world, prefix=Allocation(pool=pool))
        network = found.relations["prefix"]
        assert isinstance(network, str)
        seen.append((await world.read(network, "prefix")).attributes["prefix"])
        assert found.pools == {"prefix": pool}
    assert seen == ["10.0.0.0/26", "10.0.0.128/26", "10.0.0.192/26"]
    refusal = await world.refused(tenant(world, prefix=Allocation(pool=pool)))
    assert refusal.code == Code.REJECTED
    assert refusal.message == "No more resources available"


async def test_what_a_pool_gave_stays_when_the_pool_goes(world: World) -> None:
    pool = await address_pool(world, [await prefix(world, "10.0.0.0/24")])
    found = await given(world, address=Allocation(pool=pool))
    await world.do(Delete(id=pool, kind="CoreIPAddressPool"))
    left = await world.read(found.id, "address")
    assert left.relations == found.relations
    assert left.pools == {}

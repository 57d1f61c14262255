"""Which numbers are still a pool's."""

from stateward.model.identity import ObjectKey
from stateward.model.state import ObservedObject
from stateward.targets.infrahub import pools


def tenant(node: str, **given: str) -> ObservedObject:
    return ObservedObject(
        id=node,
        key=ObjectKey("SuiteTenant", (node,)),
        attributes={"number": 10},
        relations={"address": "a1"},
        pools=given,
    )


def test_only_pools_of_attributes_are_asked() -> None:
    objects = [tenant("t1", number="p2", address="p3"), tenant("t2", number="p1"), tenant("t3")]
    assert pools.asked(objects) == ("p1", "p2")
    text = pools.request(["p1", "p2"]).text
    for alias, pool in (("p0", "p1"), ("p1", "p2")):
        asked = f'{alias}: InfrahubResourcePoolAllocated(pool_id: "{pool}", resource_id: "{pool}"'
        assert asked in text


def test_number_that_was_written_over_is_no_longer_the_pools() -> None:
    own = tenant("t1", number="p1", address="p3")
    assert pools.confirmed(own, {"p1": frozenset({"t1", "t2"})}) is own
    assert pools.confirmed(own, {"p1": frozenset({"t2"})}).pools == {"address": "p3"}

"""Resource pools: the next free number, address or prefix, the same again for the same identifier."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Any

from stateward.errors import Code
from stateward.model.mutation import Allocation
from stateward.model.schema import Attribute
from stateward.schema import values
from stateward.targets.embedded.layout import Layout
from stateward.targets.embedded.records import Node, Place, Records, dump
from stateward.targets.rules import Refused

Network = IPv4Network | IPv6Network
Make = Callable[[str, dict[str, Any], int], Place]
"""Makes an object of a kind, with these attributes, in a namespace."""

_NUMBERS, _ADDRESSES, _PREFIXES = "CoreNumberPool", "CoreIPAddressPool", "CoreIPPrefixPool"
_POINT_TO_POINT = 2
"""The number of addresses that leaves none between the first and the last."""


class Pools:
    """Gives out what pools hold."""

    def __init__(self, records: Records, make: Make) -> None:
        self._records = records
        self._database = records.database
        self._make = make

    def number(self, attribute: Attribute, allocation: Allocation, id_: str, layout: Layout) -> int:
        """Return a number for an attribute of an object."""
        pool = self._pool(allocation, attribute.name, (_NUMBERS,))
        kinds = {layout.kind.kind, *layout.kind.inherits}
        if pool.shown("node") not in kinds or pool.shown("node_attribute") != attribute.name:
            name = pool.shown("name")
            message = f"{attribute.name}: The {name} pool can't be used for '{attribute.name}'."
            raise Refused(Code.REJECTED, message)
        identifier = allocation.identifier or id_
        row = self._database.execute(
            "SELECT number FROM reservation WHERE pool = ? AND identifier = ?",
            (pool.seq, identifier),
        ).fetchone()
        if row is not None:
            return int(row[0])
        number = next(self._free_numbers(pool, attribute, layout), None)
        if number is None:
            message = f"{attribute.name}: The pool {pool.shown('name')} is exhausted."
            raise Refused(Code.REJECTED, message)
        self._reserve(pool, identifier, number=number)
        return number

    def peer(self, name: str, allocation: Allocation, id_: str) -> Place:
        """Return an address or a prefix for a relationship of an object; it is made if need be."""
        pool = self._pool(allocation, name, (_ADDRESSES, _PREFIXES))
        identifier = allocation.identifier or f"{id_} {name}"
        row = self._database.execute(
            "SELECT n.seq, n.kind FROM reservation AS r CROSS JOIN node AS n ON n.seq = r.node "
            "WHERE r.pool = ? AND r.identifier = ?",
            (pool.seq, identifier),
        ).fetchone()
        if row is not None:
            return Place(*row)
        namespace = self._records.peer(pool.seq, pool.layout.ends["ip_namespace"])
        if namespace is None:
            raise Refused(Code.REJECTED, f"{name}: the pool {pool.shown('name')} has no namespace")
        place = (
            self._address(pool, namespace)
            if pool.kind == _ADDRESSES
            else self._prefix(pool, namespace)
        )
        self._reserve(pool, identifier, node=place.seq)
        return place

    def record(self, seq: int, field: str, allocation: Allocation) -> None:
        """Remember which pool filled in a field."""
        pool = self._records.place(allocation.pool)
        if pool is not None:
            entry = (seq, field, pool.seq)
            self._database.execute("INSERT OR REPLACE INTO allocation VALUES (?, ?, ?)", entry)

    def release(self, seq: int, id_: str, field: str, asked: str | None) -> None:
        """Forget that a pool filled in a field, unless the same pool is asked again.

        A number that was given to the object is free then.
        """
        row = self._database.execute(
            "SELECT a.pool, p.id FROM allocation AS a CROSS JOIN node AS p ON p.seq = a.pool "
            "WHERE a.node = ? AND a.field = ?",
            (seq, field),
        ).fetchone()
        if row is None or row[1] == asked:
            return
        self._database.execute("DELETE FROM allocation WHERE node = ? AND field = ?", (seq, field))
        self._database.execute(
            "DELETE FROM reservation WHERE pool = ? AND identifier = ? AND number IS NOT NULL",
            (row[0], id_),
        )

    def _pool(self, allocation: Allocation, field: str, kinds: tuple[str, ...]) -> Node:
        place = self._records.place(allocation.pool)
        if place is None or place.kind not in kinds:
            message = f"{field}: The pool requested {allocation.pool} was not found."
            raise Refused(Code.UNRESOLVED, message)
        return self._records.node(place.seq)

    def _reserve(
        self, pool: Node, identifier: str, *, number: int | None = None, node: int | None = None
    ) -> None:
        entry = (pool.seq, identifier, number, node)
        self._database.execute("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?)", entry)

    def _free_numbers(self, pool: Node, attribute: Attribute, layout: Layout) -> Iterator[int]:
        taken = {
            row[0]
            for row in self._database.execute(
                "SELECT number FROM reservation WHERE pool = ?", (pool.seq,)
            )
        }
        scopes = [rule.scope for rule in layout.uniques if rule.label == attribute.name]
        for number in range(pool.shown("start_range"), pool.shown("end_range") + 1):
            held = number in taken or any(self._is_held(scope, number) for scope in scopes)
            if not held and self._fits(attribute, number):
                yield number

    def _fits(self, attribute: Attribute, number: int) -> bool:
        try:
            values.normalise(attribute, number)
        except values.Invalid:
            return False
        return True

    def _is_held(self, scope: str, number: int) -> bool:
        row = self._database.execute(
            "SELECT 1 FROM unique_value WHERE scope = ? AND value = ?", (scope, dump([number]))
        ).fetchone()
        return row is not None

    def _address(self, pool: Node, namespace: int) -> Place:
        kind = str(pool.shown("default_address_type"))
        used = {ip_interface(text).ip for text in self._held(namespace, "ip_address", "address")}
        for resource in self._resources(pool):
            network = ip_network(resource.shown("prefix"))
            length = pool.shown("default_prefix_length") or network.prefixlen
            if not network.prefixlen <= length <= network.max_prefixlen:
                message = "Invalid prefix length for current selected prefix"
                raise Refused(Code.REJECTED, message)
            free = (
                host
                for host in _hosts(network, whole=resource.shown("is_pool"))
                if host not in used
            )
            host = next(free, None)
            if host is not None:
                return self._make(kind, {"address": f"{host}/{length}"}, namespace)
        raise Refused(Code.REJECTED, "There are no more addresses available in this pool.")

    def _prefix(self, pool: Node, namespace: int) -> Place:
        kind, length = pool.shown("default_prefix_type"), pool.shown("default_prefix_length")
        if not kind or not length:
            message = (
                f"IPPrefixPool: {pool.shown('name')} | a default prefix type and length are needed"
            )
            raise Refused(Code.REJECTED, message)
        used = [ip_network(text) for text in self._held(namespace, "ip_prefix", "prefix")]
        for resource in self._resources(pool):
            network = ip_network(resource.shown("prefix"))
            found = _free_subnet(network, used, length)
            if found is not None:
                attributes = {
                    "prefix": str(found),
                    "member_type": pool.shown("default_member_type"),
                }
                return self._make(str(kind), attributes, namespace)
        raise Refused(Code.REJECTED, "No more resources available")

    def _resources(self, pool: Node) -> list[Node]:
        """Return the prefixes of a pool: by weight, where they have one, and the oldest first."""
        seqs = sorted(self._records.peers(pool.seq, pool.layout.ends["resources"]))
        nodes = [self._records.node(seq) for seq in seqs]
        return sorted(nodes, key=lambda node: -(node.shown("allocation_weight") or 0))

    def _held(self, namespace: int, what: str, attribute: str) -> list[str]:
        """Return the addresses or the prefixes of a namespace."""
        namespaced = self._records.node(namespace).layout
        identifier = f"ip_namespace__{what}"
        end = next(one for one in namespaced.ends.values() if one.identifier == identifier)
        rows = self._database.execute(
            "SELECT json_extract(n.fields, '$.' || ?) FROM json_each(?) AS w "
            "CROSS JOIN node AS n ON n.seq = w.value",
            (attribute, dump(sorted(self._records.peers(namespace, end)))),
        )
        return [row[0] for row in rows if row[0] is not None]


def _hosts(network: Network, *, whole: bool) -> Iterator[Any]:
    """Yield the addresses that may be given out: the first and the last only of a pool prefix."""
    if whole:
        yield from (network[index] for index in range(network.num_addresses))
    elif network.num_addresses > _POINT_TO_POINT:
        first = network.network_address
        yield from (first + index for index in range(1, network.num_addresses - 1))


def _free_subnet(network: Network, used: list[Network], length: int) -> Network | None:
    """Return the first free subnet of a length.

    What is in use is walked in order, so that a large network with little in it costs little.
    """
    if not network.prefixlen <= length <= network.max_prefixlen:
        return None
    size = 1 << (network.max_prefixlen - length)
    start, end = int(network.network_address), int(network.broadcast_address)
    inner = (one for one in used if one.version == network.version and one != network)
    taken = [(int(one.network_address), int(one.broadcast_address)) for one in inner]
    for first, last in sorted(span for span in taken if start <= span[0] and span[1] <= end):
        if start + size <= first:
            break
        start = max(start, -(-(last + 1) // size) * size)
    if start + size - 1 > end:
        return None
    return type(network)((start, length))

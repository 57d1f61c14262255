"""Random small repositories: several directories, everything an object file can say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from rounds import Workshop, objects

UNITS = ("base", "east", "east/deep", "west")
_MEMORY = Path("/dev/shm")  # noqa: S108

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Item:
    """One object of a revision and the units that declare it."""

    kind: str
    name: str
    units: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        return {"name": self.name, **self.fields}


@dataclass(frozen=True)
class Revision:
    """Everything one revision declares."""

    items: tuple[Item, ...]

    def files(self, *, backwards: bool = False) -> dict[str, str]:
        """Return object files, one for each kind and unit."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for item in reversed(self.items) if backwards else self.items:
            for unit in item.units:
                found.setdefault((unit, item.kind), []).append(item.content)
        kinds = sorted({kind for _, kind in found}, reverse=backwards)
        return {
            f"{unit}/{kinds.index(kind)}-{kind}.yml": objects(kind, *items)
            for (unit, kind), items in found.items()
        }

    def of(self, kind: str) -> list[str]:
        return [own.name for own in self.items if own.kind == kind]


def _some(names: str, count: int, least: int = 0) -> st.SearchStrategy[list[str]]:
    pool = [f"{names}{number}" for number in range(count)]
    return st.lists(st.sampled_from(pool), unique=True, min_size=least, max_size=count)


def _unit(name: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Return one unit, mostly the same for a name: objects move now and then."""
    home = UNITS[sum(name.encode()) % len(UNITS)]
    return st.sampled_from([home, home, home, *UNITS]).map(lambda unit: (unit,))


def _shared(name: str) -> st.SearchStrategy[tuple[str, ...]]:
    pairs = st.tuples(_unit(name), _unit(name)).map(lambda own: own[0] + own[1])
    return pairs.map(lambda units: tuple(sorted(set(units))))


def _maybe(fields: dict[str, Any], draw: Draw, **choices: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Add some of the fields."""
    for name, choice in choices.items():
        if draw(st.booleans()):
            fields[name] = draw(choice)
    return fields


_TEXT = st.sampled_from(["one", "two", "", "10.0.0.1", "a: b"])
_NULLABLE = st.none() | _TEXT
_COMMENT = _NULLABLE | st.fixed_dictionaries({"value": _TEXT, "is_protected": st.booleans()})


def _subset(names: list[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    """Return some of the names, in any order."""
    if not names:
        return st.just([])
    return st.lists(st.sampled_from(names), unique=True, min_size=least, max_size=len(names))


@st.composite
def revisions(draw: Draw) -> Revision:
    """Draw a revision. Names come from small pools, so that two of them overlap."""
    items: list[Item] = []
    tags, groups = draw(_some("tag", 3, 1)), draw(_some("group", 2))
    countries = draw(_some("country", 2))
    for name in tags:
        fields = _maybe({}, draw, description=_NULLABLE)
        items.append(Item("BuiltinTag", name, draw(_shared(name)), fields))
    items += [Item("CoreStandardGroup", name, draw(_shared(name))) for name in groups]
    items += [Item("LocationCountry", name, draw(_shared(name))) for name in countries]
    sites = draw(_some("site", 2)) if countries else []
    for name in sites:
        fields = {"parent": draw(st.sampled_from(countries))}
        items.append(
            Item("LocationSite", name, draw(_shared(name)), _maybe(fields, draw, note=_NULLABLE))
        )
    items += _devices(draw, tags, groups, sites)
    if sites:
        for name in draw(_some("team", 1)):
            fields = {"sites": draw(_subset(sites, 1))}
            items.append(Item("NetTeam", name, draw(_unit(name)), fields))
    return Revision(tuple(items))


def _devices(draw: Draw, tags: list[str], groups: list[str], sites: list[str]) -> Iterator[Item]:
    names = draw(_some("device", 4, 1))
    ports = {name: draw(_some("port", 2)) for name in names}
    free = [[name, port] for name in names for port in ports[name]]
    free = draw(st.permutations(free)) if free else []
    for name in names:
        fields = _maybe(
            {},
            draw,
            role=st.sampled_from([None, "leaf", "spine"]),
            comment=_COMMENT,
            rack_unit=st.none() | st.integers(0, 3),
            tags=_subset(tags),
            member_of_groups=_subset(groups),
            buddy=st.none() | st.sampled_from(names),
        )
        if sites:
            _maybe(fields, draw, site=st.none() | st.sampled_from(sites))
        if free:
            _maybe(fields, draw, uplink=st.just(free.pop()))
        inline = [port for port in ports[name] if draw(st.booleans())]
        if inline:
            data = [_port(draw, port) for port in inline]
            fields["interfaces"] = {"kind": "NetInterface", "data": data}
        yield Item("NetDevice", name, draw(_unit(name)), fields)
        for port in sorted(set(ports[name]) - set(inline)):
            own = {"device": name, **_port(draw, port)}
            yield Item("NetInterface", port, draw(_unit(name)), own)
    yield from _attached(draw, names)


@st.composite
def uplinks(draw: Draw) -> Revision:
    """Draw devices that take ports from each other; several units declare one and the same."""
    names = draw(_some("device", 3, 1))
    ports = [(name, port) for name in names for port in draw(_some("port", 2))]
    free = draw(st.permutations([list(own) for own in ports])) if ports else []
    items = [
        Item("NetInterface", port, draw(_shared(port)), {"name": port, "device": name})
        for name, port in ports
    ]
    for name in names:
        fields = {"uplink": free.pop()} if free and draw(st.booleans()) else {}
        items.append(Item("NetDevice", name, draw(_shared(name)), fields))
    return Revision(tuple(items))


def _port(draw: Draw, name: str) -> dict[str, Any]:
    return _maybe({"name": name}, draw, mtu=st.sampled_from([None, 1500, 9000]))


def _attached(draw: Draw, devices: list[str]) -> Iterator[Item]:
    if devices:
        for name in draw(_some("cable", 2)):
            yield Item(
                "NetCable", name, draw(_unit(name)), {"device": draw(st.sampled_from(devices))}
            )
    # One serial number passes from asset to asset; the others stay where they are.
    assets = draw(_some("asset", 3, 1))
    bearer = draw(st.sampled_from([*assets, None]))
    for name in assets:
        serial = "passed-on" if name == bearer else f"of-{name}"
        fields = _maybe({"serial": serial}, draw, comment=_NULLABLE)
        if devices:
            _maybe(fields, draw, device=st.none() | st.sampled_from(devices))
        yield Item("NetAsset", name, draw(_unit(name)), fields)


@contextmanager
def workshop(**defaults: Any) -> Iterator[Workshop]:
    """A workshop of its own for each example; groups, which are protected, may go like others."""
    place = _MEMORY if _MEMORY.is_dir() else None
    limits = {"protectedKinds": (), **defaults.pop("limits", {})}
    with TemporaryDirectory(prefix="stateward-", dir=place) as directory:
        yield Workshop(Path(directory), limits=limits, **defaults)

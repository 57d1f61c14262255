"""The queries, as texts: many lists of nodes in one request, each under an alias of its own."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateward.model.identity import ObjectKey
from stateward.model.schema import MEMBER_OF_GROUPS, PARENT, Kind, Path, Schema
from stateward.schema import paths
from stateward.schema.values import spell

GROUP = "CoreGroup"
NODE = "CoreNode"
EVERYTHING = (NODE, GROUP)
"""Generics that all objects are of: to the server a group is no node."""
_NUMBERS = frozenset({"Number", "Bandwidth", "NumberPool"})
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_ALL = 1_000_000
"""Said where the server would else give the first few only."""
_BEYOND = 2**63
"""No number of the server's is as large."""
_TRUTHS = frozenset({"Boolean", "Checkbox"})
_NOTHING = spell(None)
CHANGED = "node_metadata { updated_at }"
CHANGED_BY = "node_metadata { updated_at updated_by { id display_label } }"
MADE_BY = "node_metadata { updated_at created_by { id } }"
_GROUP = "id name { value } description { value }"
_LISTED = f"{CHANGED} node {{ {_GROUP} }}"
# To ask members for their groups takes three times as long.
_WITHIN = (
    "members { edges { node { id __typename } } }"
    f" children {{ edges {{ {CHANGED} node {{ id __typename }} }} }}"
)


@dataclass(slots=True)
class Request:
    """One request that is being put together."""

    parts: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def add(self, alias: str, kind: str, filters: str, selection: str) -> None:
        """Ask for nodes of a kind. The selection is that of an edge."""
        asked = f"({filters})" if filters else ""
        self.parts.append(f"{alias}: {kind}{asked} {{ edges {{ {selection} }} }}")

    def given(self, values: Sequence[str], type_: str) -> str:
        """Pass a list beside the text, which is then the same however long the list is."""
        name = f"v{len(self.types)}"
        self.types[name] = f"[{type_}]"
        self.variables[name] = list(values)
        return f"${name}"

    @property
    def text(self) -> str:
        passed = ", ".join(f"${name}: {type_}" for name, type_ in self.types.items())
        return f"query{f'({passed})' if passed else ''} {{ {' '.join(self.parts)} }}"


def groups_by_prefix(prefix: str) -> str:
    """Ask for the groups whose names hold a text: those that start with it are among them."""
    wanted = f"name__value: {json.dumps(prefix)}, partial_match: true" if prefix else ""
    request = Request()
    request.add("groups", GROUP, wanted, _LISTED)
    return request.text


def add_groups(request: Request, names: Sequence[str]) -> None:
    request.add("groups", GROUP, _named(request, names), _LISTED)


def add_groups_whole(request: Request, names: Sequence[str]) -> None:
    """Ask for groups and for who is in them."""
    request.add("groups", GROUP, _named(request, names), f"{CHANGED} node {{ {_GROUP} {_WITHIN} }}")


def add_members(request: Request, groups: Sequence[str]) -> None:
    """Ask who is in groups that are known."""
    filters = f"ids: {request.given(groups, 'ID')}"
    request.add("groups", GROUP, filters, f"node {{ id {_WITHIN} }}")


def _named(request: Request, names: Sequence[str]) -> str:
    return f"name__values: {request.given(names, 'String')}"


def add_changes_in(request: Request, groups: Sequence[str], since: str) -> None:
    """Ask how many members groups have, which of them were changed, and for groups below them."""
    ids = request.given(groups, "ID")
    members = f"{MEMBER_OF_GROUPS}__ids: {ids}"
    request.parts.append(f"all: {NODE}({members}) {{ count }}")
    request.add("changed", NODE, f"{members}, {_after(since)}", f"{CHANGED} node {{ id }}")
    node = f"{CHANGED} node {{ id __typename {PARENT} {{ node {{ id }} }} }}"
    request.add("children", GROUP, f"{PARENT}__ids: {ids}", node)


def add_changes_among(request: Request, ids: Sequence[str], since: str) -> None:
    """Ask which of some objects were changed."""
    filters = f"ids: {request.given(ids, 'ID')}, {_after(since)}"
    request.add("outside", NODE, filters, f"{CHANGED} node {{ id }}")


def _after(since: str) -> str:
    return f"node_metadata__updated_at__after: {json.dumps(since)}"


def among(request: Request, kind: Kind, wanted: Mapping[str, Collection[str]]) -> str:
    """Return the filters for objects that have one of some texts, or lead to one of some ids."""
    found = []
    for name, values in wanted.items():
        end, type_ = ("ids", "ID") if name in kind.relationships else ("values", "String")
        found.append(f"{name}__{end}: {request.given(sorted(values), type_)}")
    return ", ".join(found)


def add_kinds_of(request: Request, ids: Sequence[str]) -> None:
    """Ask of which kind each object is."""
    _add_by_id(request, ids, "node { id __typename }")


def add_names_of(request: Request, ids: Sequence[str]) -> None:
    """Ask what objects are called."""
    _add_by_id(request, ids, "node { id __typename hfid display_label }")


def add_changes_of(request: Request, ids: Sequence[str]) -> None:
    """Ask when objects were changed last."""
    _add_by_id(request, ids, f"{CHANGED} node {{ id }}")


def add_writers_of(request: Request, ids: Sequence[str]) -> None:
    """Ask who changed objects last."""
    _add_by_id(request, ids, f"{CHANGED_BY} node {{ id }}")


def _add_by_id(request: Request, ids: Sequence[str], selection: str) -> None:
    passed = request.given(ids, "ID")
    for kind in EVERYTHING:
        request.add(kind, kind, f"ids: {passed}", selection)


def add_allocated(request: Request, alias: str, pool: str) -> None:
    """Ask which objects hold a number of a pool's."""
    name = json.dumps(pool)
    filters = f"pool_id: {name}, resource_id: {name}, limit: {_ALL}"
    request.add(alias, "InfrahubResourcePoolAllocated", filters, "node { id }")


@dataclass(frozen=True, slots=True)
class Lookup:
    """A search for objects by one way of naming them; more may be found than was asked for."""

    kind: str
    way: tuple[Path, ...]
    keys: tuple[ObjectKey, ...]

    def filters(self, schema: Schema) -> str | None:
        """Return what narrows the search; None where nobody can be called so."""
        found = []
        for index, path in enumerate(self.way):
            spelled = sorted({key.hfid[index] for key in self.keys})
            known = _attribute_kind(schema, self.kind, path)
            if known is None or _NOTHING in spelled:
                continue
            wanted = [value for own in spelled if (value := _value(known, own)) is not None]
            if not wanted:
                return None
            name = f"{path.relationship}__{path.attribute}" if path.relationship else path.attribute
            found.append(f"{name}__values: {json.dumps(wanted)}")
        return ", ".join(found)

    def selection(self) -> str:
        """Return what is to be known of each to tell what it is called."""
        own = [f"{path.attribute} {{ value }}" for path in self.way if path.relationship is None]
        peers: dict[str, list[str]] = {}
        for path in self.way:
            if path.relationship is not None:
                part = f"{path.attribute} {{ value }}" if path.attribute else "hfid"
                peers.setdefault(path.relationship, ["id"]).append(part)
        related = [f"{name} {{ node {{ {' '.join(of)} }} }}" for name, of in peers.items()]
        return f"node {{ id __typename {' '.join([*own, *related])} }}"


def lookups(
    kind: Kind, ways: Iterable[tuple[Path, ...]], keys: Iterable[ObjectKey]
) -> list[Lookup]:
    """Return the searches that find keys of one kind, the way to be preferred first."""
    wanted = tuple(keys)
    found = []
    for way in ways:
        fitting = tuple(key for key in wanted if len(key.hfid) == len(way))
        if fitting:
            found.append(Lookup(kind.kind, way, fitting))
    return found


def _attribute_kind(schema: Schema, kind: str, path: Path) -> str | None:
    """Return the attribute kind at the end of a path, where the server can filter by it."""
    own = schema.kinds.get(kind)
    if path.relationship is not None and own is not None:
        end = own.relationships.get(path.relationship)
        own = schema.kinds.get(end.peer) if end else None
    attribute = own.attributes.get(path.attribute or "") if own else None
    return attribute.kind if attribute else None


def _value(kind: str, spelled: str) -> Any:
    """Return a part of a name as the type that the filter takes; None where it cannot be one."""
    if kind in _NUMBERS:
        number = int(spelled) if _NUMBER.fullmatch(spelled) else None
        return number if number is not None and -_BEYOND <= number < _BEYOND else None
    if kind in _TRUTHS:
        return {"True": True, "False": False}.get(spelled)
    return spelled


def meant(schema: Schema, key: ObjectKey) -> list[ObjectKey]:
    """Return what a reference stands for: that to a generic without names, one of its heirs."""
    kind = schema.kinds.get(key.kind)
    if kind is None or not kind.is_generic or paths.references(kind):
        return [key]
    return [ObjectKey(heir, key.hfid) for heir in schema.concrete(key.kind)]


def by_kind(keys: Iterable[ObjectKey]) -> Mapping[str, list[ObjectKey]]:
    found: dict[str, list[ObjectKey]] = {}
    for key in keys:
        found.setdefault(key.kind, []).append(key)
    return found

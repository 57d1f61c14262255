"""The schema in the form of ``GET /api/schema``: read from it, written to it, and digested.

What is written holds only what the model keeps and leaves out defaults; it is read back exactly.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from stateward.model.schema import (
    Attribute,
    Cardinality,
    Direction,
    Kind,
    Path,
    Relationship,
    Schema,
    Section,
)
from stateward.schema import paths
from stateward.schema.values import Invalid, normalise

NODE = "CoreNode"
"""The generic that every object is of, whether its kind says so or not."""

_SECTIONS = {
    "nodes": Section.NODE,
    "generics": Section.GENERIC,
    "profiles": Section.PROFILE,
    "templates": Section.TEMPLATE,
}
_LISTS = {section: name for name, section in _SECTIONS.items()}
_COMPUTED_BY_USER = "User"
_CASCADE = "cascade"
_ABSENT = "absent"
_LENGTHS = ("regex", "min_length", "max_length")
_NUMBERS = ("min_value", "max_value", "excluded_values")
_RELATIONSHIP_KEYS = (
    "kind",
    "cardinality",
    "identifier",
    "direction",
    "optional",
    "read_only",
    "min_count",
    "max_count",
    "common_parent",
)
_PLAIN_ATTRIBUTE = Attribute(name="", kind="")
_PLAIN_RELATIONSHIP = Relationship(name="", peer="")


def from_api(payload: Mapping[str, Any]) -> Schema:
    """Read what a server answers, or what ``to_api`` has written."""
    return assemble(
        _kind(data, section)
        for name, section in _SECTIONS.items()
        for data in payload.get(name) or ()
        if data.get("state") != _ABSENT
    )


def to_api(schema: Schema) -> dict[str, Any]:
    """Write a schema as JSON values, in an order that depends on nothing but its content."""
    lists: dict[str, Any] = {name: [] for name in _SECTIONS}
    for name in sorted(schema.kinds):
        kind = schema.kinds[name]
        lists[_LISTS[kind.section]].append(_kind_data(kind))
    return lists


def assemble(kinds: Iterable[Kind]) -> Schema:
    """Make a schema of kinds, with the digest of its content."""
    schema = Schema(kinds={kind.kind: kind for kind in kinds}, hash="")
    text = json.dumps(to_api(schema), sort_keys=True, separators=(",", ":"))
    return replace(schema, hash=hashlib.sha256(text.encode()).hexdigest())


def attribute(data: Mapping[str, Any]) -> Attribute:
    """Read an attribute; its parameters win over the older keys beside them."""
    computed = data.get("computed_attribute") or {}
    rules = {**data, **{k: v for k, v in (data.get("parameters") or {}).items() if v is not None}}
    found = Attribute(
        name=data["name"],
        kind=str(data["kind"]),
        optional=data.get("optional", False),
        unique=data.get("unique", False),
        read_only=data.get("read_only", False),
        computed=bool(computed) and computed.get("kind") != _COMPUTED_BY_USER,
        choices=_choices(data),
        **{rule: rules.get(rule) for rule in (*_LENGTHS, *_NUMBERS)},
    )
    return with_default(found, data.get("default_value"))


def with_default(found: Attribute, value: Any) -> Attribute:
    """Give an attribute a default in the spelling that objects will show it in."""
    if value is None:
        return found
    # One that is not valid is not ours to refuse here: the server has it, and shows it.
    with suppress(Invalid):
        value = normalise(found, value)
    return replace(found, default=value)


def relationship(data: Mapping[str, Any]) -> Relationship:
    """Read a relationship."""
    kind = str(data.get("kind", "Generic"))
    return Relationship(
        name=data["name"],
        peer=str(data["peer"]),
        kind=kind,
        cardinality=Cardinality(data.get("cardinality", Cardinality.MANY)),
        identifier=str(data.get("identifier") or ""),
        direction=Direction(data.get("direction", Direction.BIDIRECTIONAL)),
        optional=data.get("optional", True),
        read_only=data.get("read_only", False),
        cascade=cascades(kind, data.get("on_delete")),
        min_count=data.get("min_count", 0),
        max_count=data.get("max_count", 0),
        common_parent=data.get("common_parent"),
    )


def cascades(kind: str, on_delete: str | None) -> bool:
    """Tell whether a delete goes on to the peers: for components, unless it is said not to."""
    return on_delete == _CASCADE if on_delete else kind == "Component"


def _choices(data: Mapping[str, Any]) -> tuple[Any, ...]:
    # The order of a dropdown's choices is that of their names, whatever the files say.
    names = sorted({choice["name"] for choice in data.get("choices") or ()})
    return tuple(names) or tuple(data.get("enum") or ())


def _kind(data: Mapping[str, Any], section: Section) -> Kind:
    attributes = (attribute(item) for item in data["attributes"] if item.get("state") != _ABSENT)
    relationships = {
        item["name"]: relationship(item)
        for item in data["relationships"]
        if item.get("state") != _ABSENT
    }

    def parse(texts: Iterable[str] | None) -> tuple[Path, ...]:
        return tuple(paths.parse(text, relationships) for text in texts or ())

    filtered = data.get("default_filter")
    return Kind(
        kind=data["kind"],
        section=section,
        attributes={item.name: item for item in attributes},
        relationships=relationships,
        hfid=parse(data.get("human_friendly_id")),
        uniqueness=tuple(parse(texts) for texts in data.get("uniqueness_constraints") or ()),
        default_filter=paths.parse(filtered, relationships) if filtered else None,
        inherits=frozenset({NODE, *(data.get("inherit_from") or ())}),
    )


def _kind_data(kind: Kind) -> dict[str, Any]:
    data = {
        "kind": kind.kind,
        "inherit_from": sorted(kind.inherits - {NODE}),
        "human_friendly_id": [str(path) for path in kind.hfid],
        "uniqueness_constraints": [[str(path) for path in paths] for paths in kind.uniqueness],
        "default_filter": str(kind.default_filter) if kind.default_filter else None,
    }
    attributes, relationships = kind.attributes, kind.relationships
    return {
        **{key: value for key, value in data.items() if value},
        "attributes": [_attribute_data(attributes[name]) for name in sorted(attributes)],
        "relationships": [
            _relationship_data(relationships[name]) for name in sorted(relationships)
        ],
    }


def _attribute_data(item: Attribute) -> dict[str, Any]:
    data = _unusual(item, _PLAIN_ATTRIBUTE, ("optional", "unique", "read_only"))
    if item.default is not None:
        data["default_value"] = item.default
    if item.computed:
        data["computed_attribute"] = {"kind": "Server"}
    if item.choices and item.kind == "Dropdown":
        data["choices"] = [{"name": name} for name in item.choices]
    elif item.choices:
        data["enum"] = list(item.choices)
    if rules := _unusual(item, _PLAIN_ATTRIBUTE, (*_LENGTHS, *_NUMBERS)):
        data["parameters"] = rules
    return {"name": item.name, "kind": item.kind, **data}


def _relationship_data(item: Relationship) -> dict[str, Any]:
    data = _unusual(item, _PLAIN_RELATIONSHIP, _RELATIONSHIP_KEYS)
    if item.cascade != cascades(item.kind, None):
        data["on_delete"] = _CASCADE if item.cascade else "no-action"
    return {"name": item.name, "peer": item.peer, **data}


def _unusual(item: object, plain: object, names: Iterable[str]) -> dict[str, Any]:
    """Return the properties that are not what they are when nothing is said."""
    found = ((name, getattr(item, name)) for name in names)
    return {name: value for name, value in found if value != getattr(plain, name)}

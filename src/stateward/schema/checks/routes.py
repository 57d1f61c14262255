"""Following a path through the drafts, as far as a setting lets it lead."""

from dataclasses import dataclass
from difflib import get_close_matches

from stateward.errors import Location
from stateward.model.schema import Attribute, Relationship
from stateward.schema.draft import Declaration, Draft
from stateward.schema.paths import SEPARATOR
from stateward.schema.scope import Scope

_VALUE = frozenset({"value"})
_ADDRESS = _VALUE | {"binary_address", "version"}
_MASKS = _ADDRESS | {"hostmask", "netmask", "prefixlen", "with_hostmask", "with_netmask"}
_MAC_NOTATIONS = {"bare", "binary", "dot_notation", "semicolon_notation", "split_notation"}
_PROPERTIES = {
    "Dropdown": _VALUE | {"color", "description", "label"},
    "IPAddress": _ADDRESS,
    "IPHost": _MASKS | {"ip"},
    "IPNetwork": _MASKS | {"broadcast_address", "num_addresses"},
    "MacAddress": _VALUE | _MAC_NOTATIONS | {"ei", "eui48", "eui64", "oui", "version"},
}
"""What a path may end in, by attribute kind; the others have a value only."""


class Dangling(ValueError):
    """A path leads nowhere, or not where its setting allows; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where the paths of a setting may lead."""

    bare_attribute: bool = False
    """Whether the attribute's name alone will do, without ``__value``."""
    relationships: bool = False
    """Whether a path may lead over a relationship of cardinality one."""
    mandatory: bool = False
    """Whether that relationship must be mandatory."""
    alone: bool = False
    """Whether it must be the relationship itself, and not an attribute of the peer."""
    value_only: bool = False
    """Whether it must be the value, and none of the attribute's other properties."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads."""

    relationship: Relationship | None
    owner: Draft
    """The kind whose attribute it is."""
    attribute: Attribute | None
    part: str | None


def follow(text: str, scope: Scope, rule: Rule) -> Route:
    """Follow a path from a kind; raises ``Dangling``."""
    first, *rest = text.split(SEPARATOR)
    draft = scope.draft
    relationship = draft.relationships.get(first)
    if relationship is None:
        if first not in draft.attributes:
            raise Dangling(f"there is no {first}{_meant(first, draft)}")
        return Route(None, draft, *_attribute(draft, [first, *rest], rule))
    _check_relationship(relationship, scope, rule)
    if rule.alone:
        if rest:
            raise Dangling(f"only the relationship itself is possible: {first}")
        return Route(relationship, draft, None, None)
    peer = scope.drafts.get(relationship.peer)
    if peer is None:
        # That is reported for the relationship itself.
        return Route(relationship, draft, None, None)
    if not rest:
        raise Dangling(f"an attribute of {peer.kind} is missing, as in {first}__name__value")
    if rest[0] not in peer.attributes:
        raise Dangling(f"{peer.kind} has no attribute {rest[0]}{_meant(rest[0], peer)}")
    return Route(relationship, peer, *_attribute(peer, rest, rule))


def _attribute(draft: Draft, parts: list[str], rule: Rule) -> tuple[Attribute, str | None]:
    name, *ends = parts
    attribute = draft.attributes[name]
    if not ends and not rule.bare_attribute:
        raise Dangling(f"the property is missing, as in {name}__value")
    known = _PROPERTIES.get(attribute.kind, _VALUE)
    if len(ends) > 1 or not known.issuperset(ends):
        raise Dangling(f"{name} has no {SEPARATOR.join(ends)}: {', '.join(sorted(known))} would do")
    if rule.value_only and ends and ends != ["value"]:
        raise Dangling(f"only values are supported here, as in {name}__value")
    return attribute, ends[0] if ends else None


def _meant(name: str, draft: Draft) -> str:
    close = get_close_matches(name, (field.name for field in draft.fields()), n=1)
    return f": did you mean {close[0]}?" if close else ""


def _check_relationship(relationship: Relationship, scope: Scope, rule: Rule) -> None:
    name = relationship.name
    if not rule.relationships:
        raise Dangling(f"{name} is a relationship: only its own attributes are possible here")
    if relationship.many:
        raise Dangling(f"{name} is of cardinality many: only one is possible here")
    # The server fills in the namespace of addresses and prefixes by itself.
    draft = scope.draft
    given = name == "ip_namespace" and (draft.is_ip_address or draft.is_ip_prefix)
    if rule.mandatory and relationship.optional and not (given and not draft.is_generic):
        raise Dangling(f"{name} is optional: it must be optional: false to be used here")


def check_path(scope: Scope, key: str, text: str, rule: Rule, at: Location) -> Route | None:
    """Follow a path of a setting, and report where it leads nowhere."""
    try:
        return follow(text, scope, rule)
    except Dangling as dangling:
        scope.error(at, f"{key}: {text}: {dangling}")
        return None


def check_paths(scope: Scope, key: str, rule: Rule) -> list[Route]:
    """Follow all paths of a setting that is a list of them."""
    declaration = setting(scope, key)
    if declaration is None:
        return []
    source = declaration.source
    found = [
        check_path(scope, key, text, rule, source.item(key, index))
        for index, text in enumerate(declaration.settings[key])
    ]
    return [route for route in found if route is not None]


def setting(scope: Scope, key: str) -> Declaration | None:
    """Return the declaration whose setting counts, if one has it."""
    declarations = reversed(scope.draft.declarations)
    return next((item for item in declarations if item.settings.get(key)), None)

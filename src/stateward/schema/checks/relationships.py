"""Relationships: their peers, their counts, and how the two ends fit together."""

from collections.abc import Mapping

from stateward.model.schema import Cardinality, Direction, Relationship
from stateward.schema.draft import TEMPLATE_NAMESPACE, Declared, Draft, Drafts
from stateward.schema.scope import Scope

_PARENT = "Parent"
_HIERARCHY = "Hierarchy"
_MUST_AGREE = (
    "peer",
    "kind",
    "identifier",
    "cardinality",
    "min_count",
    "max_count",
    "common_parent",
    "optional",
    "direction",
    "cascade",
    "read_only",
)
"""What two generics must say alike about a relationship that one node has from both."""

_BOTH_WAYS = ["inbound", "outbound"]

Ends = Mapping[str, Mapping[str, list[Relationship]]]
"""The relationships with each identifier, by the kinds that have them."""


def ends(drafts: Drafts) -> Ends:
    found: dict[str, dict[str, list[Relationship]]] = {}
    for draft in drafts.values():
        for item in draft.relationships.values():
            found.setdefault(item.identifier, {}).setdefault(draft.kind, []).append(item)
    return found


def check(scope: Scope, ends: Ends) -> None:
    for name, item in scope.own().items():
        relationship = scope.draft.relationships.get(name)
        if relationship is None:
            continue
        peer = scope.drafts.get(relationship.peer)
        if peer is None:
            hint = f"peer: {relationship.peer} is not a kind that is declared"
            scope.field(item, "peer", hint, reference=True)
            continue
        _check_counts(scope, relationship, item)
        _check_common(scope, relationship, peer, item)
        _check_identifier(scope, relationship, ends[relationship.identifier], item)
        if not relationship.optional and _is_needed_by(scope.draft.kind, peer):
            hint = f"{peer.kind} needs a {scope.draft.kind} as well: make one of the two optional"
            scope.field(item, "optional", hint)
    for name in ("parent", "children"):
        relationship = scope.draft.relationships.get(name)
        if relationship and relationship.kind == _HIERARCHY:
            _check_hierarchy(scope, relationship, ends[relationship.identifier])
    _check_template(scope)
    _check_agreement(scope)


def _check_counts(scope: Scope, relationship: Relationship, item: Declared) -> None:
    low, high = relationship.min_count, relationship.max_count
    if relationship.cardinality is Cardinality.ONE:
        for key, count in (("min_count", low), ("max_count", high)):
            if not relationship.optional and count != 1:
                scope.field(item, key, f"{key}: it is 1 where the cardinality is one")
        return
    if high and low > high:
        scope.field(item, "min_count", f"min_count: {low} is more than max_count, {high}")
    if high == 1:
        scope.field(item, "max_count", "max_count: 1 of many is one: change the cardinality")


def _check_common(scope: Scope, relationship: Relationship, peer: Draft, item: Declared) -> None:
    if name := relationship.common_parent:
        other = peer.relationships.get(name)
        if not any(own.kind == _PARENT for own in scope.draft.relationships.values()):
            scope.field(item, "common_parent", "common_parent: the kind itself has no parent")
        elif other is None or other.kind != _PARENT:
            hint = f"common_parent: {peer.kind} has no relationship {name} of kind Parent"
            scope.field(item, "common_parent", hint)
    for name in item.settings.get("common_relatives", ()):
        if name not in peer.relationships:
            hint = f"common_relatives: {peer.kind} has no relationship {name}"
            scope.field(item, "common_relatives", hint)


def _check_identifier(
    scope: Scope,
    relationship: Relationship,
    kinds: Mapping[str, list[Relationship]],
    item: Declared,
) -> None:
    """Two ends make a relationship if they share an identifier; a third one would be too many."""
    own = kinds[scope.draft.kind]
    directions = sorted(end.direction.value for end in own)
    if len(own) > 1 and directions != _BOTH_WAYS:
        names = ", ".join(end.name for end in own)
        hint = f"identifier: {names} share {relationship.identifier}: give each its own"
        scope.field(item, "identifier", hint)
        return
    if other := _misfit(relationship, own, kinds):
        there = f"{relationship.peer}.{other.name}, which is {other.direction.value}"
        hint = f"direction: {relationship.direction.value} does not fit the other end, {there}"
        scope.field(item, "direction", hint)


def _misfit(
    relationship: Relationship, own: list[Relationship], kinds: Mapping[str, list[Relationship]]
) -> Relationship | None:
    """Return the other end of a relationship, if its direction does not go with this one's."""
    others = kinds.get(relationship.peer, [])
    if len(kinds) == 1 or len(others) != 1:
        return None
    if len(own) == 1:
        fits = others[0].direction is relationship.direction.opposite
    else:
        fits = others[0].direction is not Direction.BIDIRECTIONAL
    return None if fits else others[0]


def _check_hierarchy(
    scope: Scope, relationship: Relationship, kinds: Mapping[str, list[Relationship]]
) -> None:
    if _misfit(relationship, kinds[scope.draft.kind], kinds):
        hint = "and children are the hierarchy's own: rename the field of that name"
        scope.kind(f"{relationship.name} has no other end in {relationship.peer}: parent {hint}")


def _check_template(scope: Scope) -> None:
    template = scope.drafts.get(TEMPLATE_NAMESPACE + scope.draft.kind)
    for relationship in template.relationships.values() if template else ():
        missing = relationship.peer.removeprefix(TEMPLATE_NAMESPACE)
        if relationship.peer not in scope.drafts and missing in scope.drafts:
            hint = f"{missing} has no template, as a Parent must: give it generate_template: true"
            item = scope.own().get(relationship.name)
            if item:
                scope.field(item, "peer", f"peer: {hint}")
            else:
                scope.kind(f"{relationship.name}: {hint}")


def _is_needed_by(kind: str, peer: Draft) -> bool:
    needed = [item for item in peer.relationships.values() if not item.optional]
    # A kind may need another of its own kind, but not in two ways.
    return [item.peer for item in needed].count(kind) > (peer.kind == kind)


def _check_agreement(scope: Scope) -> None:
    seen: dict[str, tuple[str, Relationship]] = {}
    for name in scope.draft.generics:
        for relationship in scope.drafts[name].relationships.values():
            first, other = seen.setdefault(relationship.name, (name, relationship))
            for key in _MUST_AGREE:
                if getattr(other, key) != getattr(relationship, key):
                    hint = f"{relationship.name} has another {key} in {name} than in {first}"
                    scope.generic(name, f"{hint}: make them alike, or rename one")
                    break

"""Parents and children of kinds that stand in a hierarchy."""

from dataclasses import replace

from stateward.model.schema import IP_PREFIX, Cardinality, Direction, Relationship
from stateward.schema.draft import Draft, Drafts
from stateward.schema.report import Report
from stateward.schema.scope import Scope

_KIND = "Hierarchy"
_IDENTIFIER = "parent__child"


def arrange(drafts: Drafts, report: Report) -> None:
    """Settle which kinds may be parents and children of each node in a hierarchy."""
    for draft in drafts.values():
        if draft.is_generic or not (draft.hierarchy or draft.parent or draft.children):
            continue
        for key in ("parent", "children"):
            _check(Scope(draft, drafts, report), key)
        draft.parent = draft.parent or draft.hierarchy
        draft.children = draft.children or draft.hierarchy


def relate(drafts: Drafts) -> None:
    """Add the relationships to parent and children."""
    for draft in drafts.values():
        if draft.hierarchical:
            read_only = draft.kind == IP_PREFIX
            draft.add(_parent(draft.kind, read_only=read_only, optional=True))
            draft.add(_children(draft.kind, read_only=read_only))
        elif draft.parent and draft.children:
            _relate_node(draft, drafts, draft.parent, draft.children)


def _relate_node(draft: Draft, drafts: Drafts, parent: str, children: str) -> None:
    read_only = draft.is_ip_prefix
    # A kind below another one cannot stand alone; a kind below itself, or below any, can.
    optional = parent == draft.kind or (parent in drafts and drafts[parent].is_generic)
    draft.add(_parent(parent, read_only=read_only, optional=optional))
    draft.add(_children(children, read_only=read_only))
    # Those it has from a generic lead to that generic, which may be too wide.
    for name, peer in (("parent", parent), ("children", children)):
        if draft.relationships[name].peer != peer:
            draft.relationships[name] = replace(draft.relationships[name], peer=peer)


def _parent(peer: str, *, read_only: bool, optional: bool) -> Relationship:
    return Relationship(
        name="parent",
        peer=peer,
        kind=_KIND,
        cardinality=Cardinality.ONE,
        identifier=_IDENTIFIER,
        direction=Direction.OUTBOUND,
        optional=optional,
        read_only=read_only,
        min_count=0 if optional else 1,
        max_count=1,
    )


def _children(peer: str, *, read_only: bool) -> Relationship:
    return Relationship(
        name="children",
        peer=peer,
        kind=_KIND,
        identifier=_IDENTIFIER,
        direction=Direction.INBOUND,
        read_only=read_only,
    )


def _check(scope: Scope, key: str) -> None:
    kind = scope.draft.parent if key == "parent" else scope.draft.children
    for declaration in scope.draft.declarations:
        if not kind or declaration.settings.get(key) != kind:
            continue
        at = declaration.source.value(key)
        if not scope.draft.hierarchy:
            scope.error(at, f"{key}: none of the generics it inherits from is hierarchical")
        elif kind not in scope.drafts:
            message = f"{scope.draft.kind}: {key}: {kind} is not a kind that is declared"
            scope.report.reference(at, message)

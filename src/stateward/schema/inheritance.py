"""What nodes have from their generics."""

from stateward.model.schema import IP_ADDRESS, IP_PREFIX
from stateward.schema.draft import Draft, Drafts, Field
from stateward.schema.report import Report
from stateward.schema.scope import Scope

_NOT_INHERITED = frozenset({"profiles", "object_template"})
"""Relationships that a kind has in its own right, or does not have."""


def inherit(drafts: Drafts, report: Report) -> None:
    """Give every node the fields and the identity of its generics, where it has none of its own.

    Where several generics have a field, the last one counts; of identities it is the first.
    """
    for draft in drafts.values():
        if not draft.is_generic:
            _inherit(Scope(draft, drafts, report))


def _inherit(scope: Scope) -> None:
    draft = scope.draft
    generics = []
    for name in draft.generics:
        generic = scope.drafts.get(name)
        if generic is None:
            scope.generic(name, f"{name} is not a kind that is declared", reference=True)
        elif not generic.is_generic:
            scope.generic(name, f"{name} is not a generic: only those have heirs", reference=True)
        else:
            generics.append(generic)
    draft.generics = [generic.kind for generic in generics]
    for generic in generics:
        _check_namespace(scope, generic)
        _take_identity(draft, generic)
        _take_fields(scope, generic)
    _settle_hierarchy(scope, [generic.kind for generic in generics if generic.hierarchical])
    if IP_PREFIX in draft.generics and IP_ADDRESS in draft.generics:
        scope.kind(f"it cannot be both a {IP_PREFIX} and a {IP_ADDRESS}")


def _take_identity(draft: Draft, generic: Draft) -> None:
    draft.hfid = draft.hfid or generic.hfid
    draft.uniqueness = draft.uniqueness or list(generic.uniqueness)
    draft.default_filter = draft.default_filter or generic.default_filter


def _take_fields(scope: Scope, generic: Draft) -> None:
    draft = scope.draft
    own = (draft.attributes.keys() | draft.relationships.keys()) - draft.inherited
    for field in generic.fields():
        if field.name in own:
            _check_override(scope, generic, field)
        elif field.name in draft.inherited:
            _check_twice(scope, generic, field)
    left = own | _NOT_INHERITED
    attributes = generic.attributes.items()
    relationships = generic.relationships.items()
    draft.attributes.update((name, item) for name, item in attributes if name not in left)
    draft.relationships.update((name, item) for name, item in relationships if name not in left)
    draft.inherited.update(field.name for field in generic.fields() if field.name not in left)


def _settle_hierarchy(scope: Scope, hierarchical: list[str]) -> None:
    scope.draft.hierarchy = scope.draft.hierarchy or next(iter(hierarchical), None)
    if len(hierarchical) > 1:
        names = ", ".join(hierarchical)
        scope.kind(f"only one of its generics may be hierarchical, not all of {names}")


def _check_override(scope: Scope, generic: Draft, field: Field) -> None:
    item = scope.own().get(field.name)
    if item is None:
        return
    if field.name in generic.sealed:
        scope.field(item, "name", f"{generic.kind} has it and does not let it be overridden")
        return
    draft, name = scope.draft, field.name
    if name in generic.attributes and name in draft.attributes:
        if draft.attributes[name].kind != field.kind:
            hint = f"it is {field.kind} in {generic.kind}, and must stay so"
            scope.field(item, "kind", f"kind: {hint}")
    elif name in generic.relationships and name in draft.relationships:
        wider = generic.relationships[name].peer
        relationship = draft.relationships[name]
        if relationship.peer != wider and relationship.kind != "Hierarchy":
            scope.field(item, "peer", f"peer: it is {wider} in {generic.kind}, and must stay so")


def _check_twice(scope: Scope, generic: Draft, field: Field) -> None:
    """A field may come from several generics, as long as they mean the same."""
    name = field.name
    before = scope.draft.attributes.get(name) or scope.draft.relationships[name]
    is_attribute = name in generic.attributes
    differs = is_attribute != (name in scope.draft.attributes)
    if differs or (is_attribute and before.kind != field.kind):
        hint = "as something else: rename one of them"
        scope.generic(generic.kind, f"{name} comes from {generic.kind} and from another {hint}")


def _check_namespace(scope: Scope, generic: Draft) -> None:
    if generic.namespaces is not None and scope.draft.namespace not in generic.namespaces:
        allowed = ", ".join(generic.namespaces)
        scope.generic(generic.kind, f"{generic.kind} is only for the namespaces {allowed}")

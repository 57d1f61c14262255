"""What nodes have from their generics."""

from stateward.schema.draft import IP_ADDRESS, IP_PREFIX, Draft, Drafts, Field
from stateward.schema.report import Report

NOT_INHERITED = frozenset({"profiles", "object_template"})
"""Relationships that every kind has of its own, or does not have."""


def inherit(drafts: Drafts, report: Report) -> None:
    """Give every node the fields and the identity of its generics, where it has none of its own.

    Where several generics have a field, the last one counts; of an identity it is the first.
    """
    for draft in drafts.values():
        if not draft.is_generic:
            _inherit(draft, drafts, report)


def _inherit(draft: Draft, drafts: Drafts, report: Report) -> None:
    hierarchical = []
    for name in draft.generics:
        generic = drafts.get(name)
        if generic is None or not generic.is_generic:
            _refuse(draft, name, report, known=generic is not None)
            continue
        if generic.hierarchical:
            hierarchical.append(name)
        _check_namespace(draft, generic, report)
        _take_identity(draft, generic)
        _take_fields(draft, generic, report)
    draft.generics = [name for name in draft.generics if name in drafts and drafts[name].is_generic]
    draft.hierarchy = draft.hierarchy or next(iter(hierarchical), None)
    if len(hierarchical) > 1:
        names = ", ".join(hierarchical)
        _error(draft, f"only one of its generics may be hierarchical, not all of {names}", report)
    if IP_PREFIX in draft.generics and IP_ADDRESS in draft.generics:
        _error(draft, f"it cannot be both a {IP_PREFIX} and a {IP_ADDRESS}", report)


def _take_identity(draft: Draft, generic: Draft) -> None:
    draft.hfid = draft.hfid or generic.hfid
    draft.uniqueness = draft.uniqueness or list(generic.uniqueness)
    draft.default_filter = draft.default_filter or generic.default_filter


def _take_fields(draft: Draft, generic: Draft, report: Report) -> None:
    own = (draft.attributes.keys() | draft.relationships.keys()) - draft.inherited
    for field in generic.fields():
        if field.name in NOT_INHERITED:
            continue
        if field.name in own:
            _check_override(draft, generic, field, report)
            continue
        _check_clash(draft, generic, field, report)
        draft.inherited.add(field.name)
    for name, attribute in generic.attributes.items():
        if name not in own:
            draft.attributes[name] = attribute
    for name, relationship in generic.relationships.items():
        if name not in own and name not in NOT_INHERITED:
            draft.relationships[name] = relationship


def _check_override(draft: Draft, generic: Draft, field: Field, report: Report) -> None:
    name = field.name
    if name in generic.sealed:
        message = f"{draft.kind}.{name}: {generic.kind} has it and does not let it be overridden"
        _at_field(draft, name, "name", message, report)
        return
    attribute = draft.attributes.get(name)
    above = generic.attributes.get(name)
    if attribute and above and attribute.kind != above.kind:
        message = (
            f"{draft.kind}.{name}: kind: it is {above.kind} in {generic.kind}, and must stay so"
        )
        _at_field(draft, name, "kind", message, report)
    relationship = draft.relationships.get(name)
    wider = generic.relationships.get(name)
    if not (relationship and wider) or relationship.kind == "Hierarchy":
        return
    if relationship.peer != wider.peer:
        message = f"{draft.kind}.{name}: peer: it is {wider.peer} in {generic.kind}"
        _at_field(draft, name, "peer", f"{message}, and must stay so", report)


def _check_clash(draft: Draft, generic: Draft, field: Field, report: Report) -> None:
    """Two generics may share a field, but not of two kinds."""
    above = draft.attributes.get(field.name) or draft.relationships.get(field.name)
    if above is None or field.name not in draft.inherited:
        return
    if type(above) is not type(field) or (
        field.name in generic.attributes and above.kind != field.kind
    ):
        message = f"it has {field.name} from {generic.kind} and as something else from another"
        _error(draft, f"{message} generic: rename one of them", report)


def _check_namespace(draft: Draft, generic: Draft, report: Report) -> None:
    if generic.namespaces is None or draft.namespace in generic.namespaces:
        return
    allowed = ", ".join(generic.namespaces)
    message = f"{draft.kind}: inherit_from: {generic.kind} is only for the namespaces {allowed}"
    _at_generic(draft, generic.kind, message, report)


def _refuse(draft: Draft, name: str, report: Report, *, known: bool) -> None:
    reason = "is not a generic" if known else "is not a kind that is declared"
    message = f"{draft.kind}: inherit_from: {name} {reason}"
    _at_generic(draft, name, message, report, reference=True)


def _at_generic(
    draft: Draft, name: str, message: str, report: Report, *, reference: bool = False
) -> None:
    for declaration in draft.declarations:
        names = declaration.settings.get("inherit_from", ())
        if name in names:
            at = declaration.source.item("inherit_from", names.index(name))
            (report.reference if reference else report.error)(at, message)


def _at_field(draft: Draft, name: str, key: str, message: str, report: Report) -> None:
    for declared in draft.declared(name):
        report.error(declared.source.value(key), message)


def _error(draft: Draft, message: str, report: Report) -> None:
    for declaration in draft.declarations[:1]:
        report.error(declaration.source.start(), f"{draft.kind}: {message}")

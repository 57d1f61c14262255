"""Declarations to drafts: what several places say about one kind becomes one."""

from collections.abc import Iterable
from dataclasses import replace

from stateward.model.schema import Attribute, Cardinality, Relationship
from stateward.schema.draft import Declaration, Draft, Drafts
from stateward.schema.report import Report


def merge(drafts: Drafts, declarations: Iterable[Declaration], report: Report) -> None:
    """Add what is declared: all kinds first and then their extensions, wherever they stand."""
    extensions = []
    for declaration in declarations:
        if declaration.section is None:
            extensions.append(declaration)
        else:
            _declare(drafts, declaration, report)
    for declaration in extensions:
        draft = drafts.get(declaration.kind)
        if draft is None:
            at = declaration.source.value("kind")
            report.reference(at, f"extension of {declaration.kind}: there is no such kind")
        else:
            _add_fields(draft, declaration)
    for draft in drafts.values():
        _settle(draft)


def _declare(drafts: Drafts, declaration: Declaration, report: Report) -> None:
    previous = drafts.get(declaration.kind)
    if previous is not None and not _is_again(previous, declaration, report):
        return
    if declaration.absent:
        drafts.pop(declaration.kind, None)
        return
    draft = drafts[declaration.kind] = _draft(declaration, previous)
    _add_fields(draft, declaration)


def _is_again(previous: Draft, declaration: Declaration, report: Report) -> bool:
    kind, at = declaration.kind, declaration.source.value("name")
    places = [f"at {earlier.source.start()}" for earlier in previous.declarations]
    where = places[0] if places else "by Infrahub itself"
    if declaration.section is not previous.section:
        report.error(at, f"{kind}: it is declared as a {previous.section} {where}: rename one")
        return False
    hint = "the two are merged, and where they differ the later one counts"
    report.warning(at, f"{kind}: it is declared before, {where}: {hint}")
    return True


def _draft(declaration: Declaration, previous: Draft | None) -> Draft:
    """Make a draft of a kind's settings.

    As on the server, a setting that has a default is set by each declaration, given or not, and
    one that has none only where it is given.
    """
    given = declaration.settings
    draft = previous or Draft(kind=declaration.kind, namespace=declaration.namespace)
    uniqueness = given.get("uniqueness_constraints", draft.uniqueness)
    return replace(
        draft,
        section=declaration.section or draft.section,
        generics=list(given.get("inherit_from", ())),
        hfid=given.get("human_friendly_id", draft.hfid),
        uniqueness=[tuple(constraint) for constraint in uniqueness if constraint],
        default_filter=given.get("default_filter", draft.default_filter),
        hierarchical=given.get("hierarchical", False),
        parent=given.get("parent", draft.parent),
        children=given.get("children", draft.children),
        generate_profile=given.get("generate_profile", True),
        generate_template=given.get("generate_template", False),
        namespaces=given.get("restricted_namespaces", draft.namespaces),
    )


def _add_fields(draft: Draft, declaration: Declaration) -> None:
    draft.declarations.append(declaration)
    for item in declaration.fields:
        if item.absent:
            draft.attributes.pop(item.name, None)
            draft.relationships.pop(item.name, None)
            continue
        new = item.field
        if isinstance(new, Attribute):
            draft.attributes[item.name] = _attribute(draft.attributes.get(item.name), new)
        else:
            says = "on_delete" in item.settings
            old = draft.relationships.get(item.name)
            draft.relationships[item.name] = _relationship(old, new, says_on_delete=says)
        if item.deprecated:
            draft.deprecated.add(item.name)
        if item.sealed:
            draft.sealed.add(item.name)
        else:
            draft.sealed.discard(item.name)


def _attribute(old: Attribute | None, new: Attribute) -> Attribute:
    if old is None:
        return new
    default = old.default if new.default is None else new.default
    choices = new.choices or old.choices
    if new.kind == old.kind == "Dropdown":
        choices = tuple(sorted({*old.choices, *new.choices}))
    return replace(
        new,
        default=default,
        computed=new.computed or old.computed,
        choices=choices,
        regex=new.regex or old.regex,
        min_length=_given(new.min_length, old.min_length),
        max_length=_given(new.max_length, old.max_length),
        min_value=_given(new.min_value, old.min_value),
        max_value=_given(new.max_value, old.max_value),
        excluded_values=new.excluded_values or old.excluded_values,
    )


def _given(new: int | None, old: int | None) -> int | None:
    return old if new is None else new


def _relationship(
    old: Relationship | None, new: Relationship, *, says_on_delete: bool
) -> Relationship:
    if old is None:
        return new
    keeps = not says_on_delete and new.kind == old.kind
    return replace(
        new,
        identifier=new.identifier or old.identifier,
        common_parent=new.common_parent or old.common_parent,
        cascade=old.cascade if keeps else new.cascade,
    )


def _settle(draft: Draft) -> None:
    """Fill in what follows from a field's own properties."""
    for name, attribute in draft.attributes.items():
        given = attribute.default is not None or name in draft.deprecated
        if given and not attribute.optional:
            draft.attributes[name] = replace(attribute, optional=True)
    for name, relationship in draft.relationships.items():
        gone = name in draft.deprecated and not relationship.optional
        item = replace(relationship, optional=True) if gone else relationship
        draft.relationships[name] = settled(draft.kind, item)


def settled(kind: str, item: Relationship) -> Relationship:
    """Give a relationship of a kind its identifier and its counts, where they are not given."""
    identifier = item.identifier or "__".join(sorted((kind, item.peer))).lower()
    low, high = item.min_count, item.max_count
    if item.cardinality is Cardinality.ONE and item.optional:
        low, high = 0, 1
    elif item.cardinality is Cardinality.ONE:
        low, high = low or 1, high or 1
    if (identifier, low, high) == (item.identifier, item.min_count, item.max_count):
        return item
    return replace(item, identifier=identifier, min_count=low, max_count=high)

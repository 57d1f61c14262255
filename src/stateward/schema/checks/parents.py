"""Parents and components."""

from graphlib import CycleError, TopologicalSorter

from stateward.schema.draft import TEMPLATE_NAMESPACE, Drafts
from stateward.schema.report import Report
from stateward.schema.scope import Scope

_PARENT = "Parent"
_COMPONENT = "Component"


def check(scope: Scope) -> None:
    """A kind has one parent at most, and cannot be without it."""
    draft, own = scope.draft, scope.own()
    parents = [
        relationship.name
        for relationship in draft.relationships.values()
        if relationship.kind == _PARENT and relationship.name not in draft.inherited
    ]
    for generic in draft.generics:
        above = scope.drafts[generic].relationships.values()
        parents.extend(relationship.name for relationship in above if relationship.kind == _PARENT)
    if len(parents) > 1:
        scope.kind(f"it has several parents, {', '.join(parents)}: only one may be of kind Parent")
    for name, item in own.items():
        relationship = draft.relationships.get(name)
        if relationship is None or relationship.kind != _PARENT:
            continue
        if relationship.many:
            scope.field(item, "cardinality", "cardinality: a Parent must be of cardinality: one")
        if relationship.optional:
            scope.field(item, "optional", "optional: a Parent must be optional: false")


def check_cycles(drafts: Drafts, report: Report) -> None:
    """Nothing can be a component of itself, at whatever remove."""
    below: dict[str, dict[str, None]] = {}
    for draft in drafts.values():
        if draft.namespace == TEMPLATE_NAMESPACE:
            continue
        for relationship in draft.relationships.values():
            if relationship.kind == _COMPONENT:
                below.setdefault(draft.kind, {})[relationship.peer] = None
            elif relationship.kind == _PARENT:
                below.setdefault(relationship.peer, {})[draft.kind] = None
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        _report_cycle(drafts, cycle, report)


def _report_cycle(drafts: Drafts, cycle: list[str], report: Report) -> None:
    message = f"parents and components go in a circle: {' -> '.join(cycle)}"
    scopes = [Scope(drafts[kind], drafts, report) for kind in cycle[1:] if kind in drafts]
    links = [
        (scope, item)
        for scope in scopes
        for name, item in scope.own().items()
        if (relationship := scope.draft.relationships.get(name))
        and relationship.kind in {_PARENT, _COMPONENT}
        and relationship.peer in cycle
    ]
    for scope, item in links[:1]:
        scope.field(item, "kind", message)
    # Where all of the circle is inherited, there is no better place than the kinds themselves.
    for scope in scopes if not links else ():
        scope.kind(message)

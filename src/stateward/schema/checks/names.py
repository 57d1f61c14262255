"""Names of fields that Infrahub keeps for itself."""

import keyword

from stateward.schema.paths import SEPARATOR
from stateward.schema.scope import Scope

_RESERVED = frozenset(
    {
        "any",
        "attr",
        "attribute",
        "attributes",
        "attrs",
        "hfid",
        "node_metadata",
        "process_pools",
        "rel",
        "relationship",
        "relationships",
        "rels",
        "save",
    }
)
_RESERVED_IN_GENERICS = frozenset({"type"})
_RESERVED_IN_HIERARCHIES = frozenset({"ancestors", "descendants"})
_RESERVED_SUFFIX = "_from_resource_pool"


def check(scope: Scope) -> None:
    draft = scope.draft
    reserved = _RESERVED
    if draft.is_generic:
        reserved |= _RESERVED_IN_GENERICS
    if draft.hierarchical or draft.hierarchy:
        reserved |= _RESERVED_IN_HIERARCHIES
    for name, item in scope.own().items():
        if name in reserved or keyword.iskeyword(name):
            scope.field(item, "name", "Infrahub keeps this name for itself: choose another")
        if SEPARATOR in name:
            hint = "two underscores in a row separate the parts of a path: use one"
            scope.field(item, "name", hint)
        if name.endswith(_RESERVED_SUFFIX):
            hint = f"Infrahub keeps names that end in {_RESERVED_SUFFIX} for itself: choose another"
            scope.field(item, "name", hint)
        if name in draft.attributes and name in draft.relationships:
            scope.field(item, "name", "it is an attribute and a relationship: rename one of them")

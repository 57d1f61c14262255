"""Attributes: defaults, and values that the server makes."""

from typing import Any

from stateward.model.schema import Attribute
from stateward.schema.draft import Declared
from stateward.schema.scope import Scope
from stateward.schema.spelling import show
from stateward.schema.values import SECRET_KINDS, Invalid, normalise

_COMPUTED_KINDS = frozenset({"Text", "URL"})
_TRANSFORM = "TransformPython"
_NUMBER_POOL = "NumberPool"
_NUMBERS = frozenset({"Number", _NUMBER_POOL, "Bandwidth"})
_NOT_TEXT = frozenset({"Boolean", "Checkbox", "List", "JSON", "Any"})


def check(scope: Scope) -> None:
    for name, item in scope.own().items():
        attribute = scope.draft.attributes.get(name)
        if attribute is None:
            continue
        given = scope.last(name, "default_value")
        if given and (reason := _wrong_default(attribute, given.settings["default_value"])):
            scope.field(given, "default_value", f"default_value: {reason}")
        if attribute.computed:
            _check_computed(scope, attribute, item)
        if attribute.kind == _NUMBER_POOL:
            _check_number_pool(scope, attribute, item)
    if not scope.draft.is_generic:
        _check_made_twice(scope)


def _wrong_default(attribute: Attribute, value: Any) -> str | None:
    """Say what is wrong with a default: the server converts none, not even a number to text."""
    kind = attribute.kind
    if kind in _NUMBERS:
        exact, hint = isinstance(value, int) and not isinstance(value, bool), "remove the quotes"
    else:
        exact, hint = isinstance(value, str) or kind in _NOT_TEXT, "quote it"
    if not exact:
        return f"{'it' if kind in SECRET_KINDS else show(value)} is not of kind {kind}: {hint}"
    try:
        normalise(attribute, value)
    except Invalid as invalid:
        return str(invalid)
    return None


def _check_computed(scope: Scope, attribute: Attribute, item: Declared) -> None:
    if not attribute.read_only:
        scope.field(item, "read_only", "a computed attribute must be read_only: true")
    if attribute.kind not in _COMPUTED_KINDS:
        scope.field(item, "kind", f"kind: only Text and URL can be computed, not {attribute.kind}")
    if item.settings["computed_attribute"].get("kind") == _TRANSFORM and not attribute.optional:
        scope.field(item, "optional", "what a transform computes must be optional: true")


def _check_number_pool(scope: Scope, attribute: Attribute, item: Declared) -> None:
    if attribute.optional:
        scope.field(item, "optional", "a NumberPool cannot be optional")
    if not attribute.read_only:
        scope.field(item, "read_only", "a NumberPool must be read_only: true")
    for generic in scope.draft.generics:
        if attribute.name in scope.drafts[generic].attributes:
            hint = f"{generic} has this NumberPool, which cannot be overridden: remove it"
            scope.field(item, "name", hint)


def _check_made_twice(scope: Scope) -> None:
    """What the server makes must come from one generic only."""
    makers: dict[str, str] = {}
    for generic in scope.draft.generics:
        for attribute in scope.drafts[generic].attributes.values():
            if not (attribute.computed or attribute.kind == _NUMBER_POOL):
                continue
            first = makers.setdefault(attribute.name, generic)
            if first != generic:
                hint = f"{attribute.name} is made by the server in {first} and in {generic}"
                scope.generic(generic, f"{hint}: inherit from one of them")

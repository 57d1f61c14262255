"""The settings that show and order the objects of a kind, and the templates of values."""

import re
from collections.abc import Iterator

from stateward.errors import Location
from stateward.schema.checks.routes import Rule, check_path, check_paths, setting
from stateward.schema.draft import Declaration
from stateward.schema.paths import SEPARATOR
from stateward.schema.report import Source
from stateward.schema.scope import Scope

_LABEL = "display_label"
_LABELS = "display_labels"
_ORDER = "order_by"
_LABEL_RULE = Rule()
_LABELS_RULE = Rule(bare_attribute=True)
_ANY_RULE = Rule(relationships=True)
_DIRECTIONS = frozenset({"asc", "desc"})
_STAMPS = ("node_metadata__created_at", "node_metadata__updated_at")
_TEMPLATE = "jinja2_template"
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_ASSIGNED = re.compile(r"\b(?:set|for)\s+(\w+)")
_VARIABLE = re.compile(r"(?<![\w.])[a-z][a-z0-9_]*?__\w+")


def check(scope: Scope) -> None:
    check_paths(scope, _LABELS, _LABELS_RULE)
    if declaration := setting(scope, _LABEL):
        text, at = declaration.settings[_LABEL], declaration.source.value(_LABEL)
        if "{" in text or "}" in text:
            _check_template(scope, _LABEL, text, at)
        else:
            check_path(scope, _LABEL, text, _LABEL_RULE, at)
    if declaration := setting(scope, _ORDER):
        _check_order(scope, declaration)
    if not scope.draft.is_generic:
        _check_computed(scope)


def _check_order(scope: Scope, declaration: Declaration) -> None:
    seen: dict[str, str] = {}
    for index, text in enumerate(declaration.settings[_ORDER]):
        at = declaration.source.item(_ORDER, index)
        head, _, tail = text.rpartition(SEPARATOR)
        path = head if tail in _DIRECTIONS else text
        if path in seen:
            scope.error(at, f"{_ORDER}: {text}: {seen[path]} stands before it: keep one of them")
        elif path not in _STAMPS:
            check_path(scope, _ORDER, path, _ANY_RULE, at)
        seen[path] = text


def _check_computed(scope: Scope) -> None:
    """Check the templates of a node's values, wherever they come from: they need its fields."""
    for place in (scope.draft, *(scope.drafts[name] for name in scope.draft.generics)):
        for name, item in Scope(place, scope.drafts, scope.report).own().items():
            text = item.settings.get("computed_attribute", {}).get(_TEMPLATE)
            attribute = scope.draft.attributes.get(name)
            if attribute and attribute.computed and text:
                at = Source(item.source.file, item.source.map["computed_attribute"])
                _check_template(scope, name, text, at.value(_TEMPLATE))
                if any(path.split(SEPARATOR)[0] == name for path in _variables(text)):
                    scope.error(at.value(_TEMPLATE), f"{name}: its template asks for itself")


def _check_template(scope: Scope, key: str, text: str, at: Location) -> None:
    for path in _variables(text):
        check_path(scope, key, path, _ANY_RULE, at)


def _variables(template: str) -> Iterator[str]:
    """Yield the paths that a Jinja2 template asks for, as far as they can be told by their form.

    Filters and loops are not looked into: what has two underscores in a row and is not assigned
    in the template itself is a path.
    """
    code = _QUOTED.sub("", " ".join(_CODE.findall(template)))
    assigned = set(_ASSIGNED.findall(code))
    yield from dict.fromkeys(name for name in _VARIABLE.findall(code) if name not in assigned)

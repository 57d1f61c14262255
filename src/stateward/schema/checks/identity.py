"""The settings that tell the objects of a kind apart."""

from stateward.model.schema import Relationship
from stateward.schema.checks.routes import Route, Rule, check_path, check_paths, setting
from stateward.schema.draft import Draft
from stateward.schema.paths import SEPARATOR
from stateward.schema.scope import Scope

_HFID = "human_friendly_id"
_UNIQUENESS = "uniqueness_constraints"
_FILTER = "default_filter"
_HFID_RULE = Rule(relationships=True, mandatory=True, value_only=True)
_UNIQUENESS_RULE = Rule(relationships=True, mandatory=True, alone=True, value_only=True)
_FILTER_RULE = Rule(bare_attribute=True, value_only=True)


def check(scope: Scope) -> None:
    _check_hfid(scope)
    if declaration := setting(scope, _UNIQUENESS):
        for index, constraint in enumerate(declaration.settings[_UNIQUENESS]):
            if not constraint:
                at = declaration.source.item(_UNIQUENESS, index)
                scope.error(at, f"{_UNIQUENESS}: a constraint names nothing: remove it")
            for number, text in enumerate(constraint):
                at = declaration.source.item(_UNIQUENESS, index, number)
                check_path(scope, _UNIQUENESS, text, _UNIQUENESS_RULE, at)
    if declaration := setting(scope, _FILTER):
        at = declaration.source.value(_FILTER)
        check_path(scope, _FILTER, declaration.settings[_FILTER], _FILTER_RULE, at)


def _check_hfid(scope: Scope) -> None:
    routes = check_paths(scope, _HFID, _HFID_RULE)
    declaration = setting(scope, _HFID)
    if declaration is None:
        return
    paths = declaration.settings[_HFID]
    for index, text in enumerate(paths):
        if text in paths[:index]:
            at = declaration.source.item(_HFID, index)
            scope.error(at, f"{_HFID}: {text}: it is named twice: once will do")
    for relationship, route in _peers(routes).values():
        names = [
            other.attribute.name
            for other in routes
            if other.attribute and other.relationship == relationship
        ]
        if not _is_unique(route.owner, names):
            hint = f"several objects of {route.owner.kind} may have the same {', '.join(names)}"
            at = declaration.source.value(_HFID)
            fix = "name what is unique there, or make it unique"
            scope.error(at, f"{_HFID}: {relationship.name}: {hint}: {fix}")


def _peers(routes: list[Route]) -> dict[str, tuple[Relationship, Route]]:
    return {
        route.relationship.identifier: (route.relationship, route)
        for route in routes
        if route.relationship and route.attribute
    }


def _is_unique(peer: Draft, names: list[str]) -> bool:
    """Tell whether attributes of a peer, or some of them, are enough to tell its objects apart."""
    if any(peer.attributes[name].unique for name in names):
        return True
    paths = {f"{name}{SEPARATOR}value" for name in names}
    return any(paths.issuperset(constraint) for constraint in peer.uniqueness)

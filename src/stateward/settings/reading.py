"""From a parsed file to settings; what is wrong with it is told at its line."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from stateward.desired.discover import Rule
from stateward.errors import Code, ConfigError, Location, Problem
from stateward.model.document import Document, Map, Seq
from stateward.model.identity import ObjectKey
from stateward.model.unit import Budget, Drift, Ignore, Limits, Reach, UnitSettings, Window
from stateward.settings.models import (
    Configuration,
    DeleteLimits,
    DriftSettings,
    Environment,
    IgnoredFields,
    RetentionSettings,
    SourceSettings,
    UnitDefaults,
    UnitDrift,
    UnitFile,
    UnitLimits,
    UnitOverrides,
)
from stateward.settings.server import ServerSettings


def read_environment() -> Environment:
    """Read what the environment says; raises ``ConfigError`` that names the variable."""
    try:
        return Environment()
    except ValidationError as error:
        path, message = _first_mistake(error)
        raise ConfigError(f"STATEWARD_{'_'.join(path).upper()}: {message}") from None


def read_retention(said: Mapping[str, Any]) -> RetentionSettings:
    """Read what a script says of how much history is kept; raises ``ConfigError``."""
    try:
        return RetentionSettings.model_validate(dict(said))
    except ValidationError as error:
        path, message = _first_mistake(error)
        raise ConfigError(f"{'.'.join(['retention', *path])}: {message}") from None


def read_configuration(documents: Iterable[Document]) -> Configuration:
    """Check a configuration file; raises ``ConfigError`` that names every mistake and its place."""
    found = list(documents)
    if not found:
        return Configuration()
    first, *others = found
    if others:
        raise ConfigError(f"{others[0].location(others[0].mark)}: one document is expected")
    try:
        own = Configuration.model_validate(plain(first.root), by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = [f"{at}: {message}" for at, message in _mistakes(error, first)]
        raise ConfigError("\n".join(wrong)) from error
    _check_targets(own, first)
    _place(own.defaults.ignore, first, "defaults", "ignore")
    for number, source in enumerate(own.sources):
        for index, rule in enumerate(source.units):
            _place(rule.ignore, first, "sources", number, "units", index, "ignore")
    return own


def server_settings(
    configuration: Configuration, environment: Environment
) -> ServerSettings | None:
    """Return where the daemon answers, None for nowhere; the environment's word counts."""
    own, listen = configuration.server, environment.listen
    if listen is None:
        return own
    try:
        return ServerSettings(**{**(dict(own) if own else {}), "listen": listen})
    except ValidationError as error:
        _, message = _first_mistake(error)
        raise ConfigError(f"STATEWARD_LISTEN: {message}") from None


def read_unit(
    doc: Document | None, rule: UnitOverrides, defaults: UnitDefaults
) -> tuple[UnitSettings, tuple[Problem, ...]]:
    """Read a directory's settings; what is wrong with them is returned beside the defaults."""
    own = UnitFile()
    problems: tuple[Problem, ...] = ()
    try:
        if doc:
            own = UnitFile.model_validate(plain(doc.root), by_alias=True, by_name=False)
            _place(own.ignore, doc, "ignore")
    except ValidationError as error:
        problems = tuple(
            Problem(code=Code.CONFIGURATION, message=message, location=at)
            for at, message in (_mistakes(error, doc) if doc else ())
        )
    settings = UnitSettings(
        prune=_first(own.prune, rule.prune, defaults.prune),
        adopt=_first(own.adopt, rule.adopt, defaults.adopt),
        limits=_limits(own.limits, rule.limits, defaults.limits),
        on_error=_first(own.on_error, rule.on_error, defaults.on_error),
        protect=_first(own.protect, rule.protect, defaults.protect),
        ignore=tuple(
            Ignore(kind=one.kind, fields=frozenset(one.fields), places=one.places)
            for one in _first(own.ignore, rule.ignore, defaults.ignore)
        ),
        drift=_drift(own.drift, rule.drift, defaults.drift),
        windows=tuple(
            Window(
                kind=one.kind,
                schedule=one.schedule,
                duration=one.duration.total_seconds(),
                time_zone=one.time_zone,
            )
            for one in _first(own.windows, rule.windows, defaults.windows)
        ),
        suspend=own.suspend,
        depends_on=own.depends_on,
        moved={_key(one.from_): _key(one.to) for one in own.moved},
    )
    return settings, problems


def _drift(own: UnitDrift, rule: UnitDrift, defaults: DriftSettings) -> Drift:
    interval: timedelta = _first(own.interval, rule.interval, defaults.interval)
    return Drift(mode=_first(own.mode, rule.mode, defaults.mode), interval=interval.total_seconds())


def _limits(own: UnitLimits, rule: UnitLimits, defaults: DeleteLimits) -> Limits:
    return Limits(
        deletes=_first(own.deletes, rule.deletes, defaults.deletes),
        percent=_first(own.percent, rule.percent, defaults.percent),
        protected_kinds=frozenset(
            _first(own.protected_kinds, rule.protected_kinds, defaults.protected_kinds)
        ),
    )


def budgets(source: SourceSettings, configuration: Configuration) -> tuple[Budget, ...]:
    """Return the limits that are set beyond those of single units."""
    given = ((Reach.SOURCE, source.limits), (Reach.ROUND, configuration.run.limits))
    return tuple(
        Budget(reach=reach, deletes=own.deletes or 0, percent=own.percent or 0)
        for reach, own in given
        if own is not None and (own.deletes is not None or own.percent is not None)
    )


def _first(*values: Any) -> Any:
    """Return the first value that is given; the last one always is."""
    return next(value for value in values if value is not None)


def _key(parts: tuple[str, ...]) -> ObjectKey:
    return ObjectKey(parts[0], tuple(parts[1:]))


def rules(source: SourceSettings) -> tuple[Rule, ...]:
    return tuple(
        Rule(path=own.path, exclude=own.exclude, recursive=own.recursive) for own in source.units
    )


def plain(value: Any) -> Any:
    """Return parsed YAML as plain tuples and dicts, which is what strict models take."""
    if isinstance(value, Map):
        return {key: plain(own) for key, own in value.items()}
    if isinstance(value, Seq):
        return tuple(plain(own) for own in value)
    return str(value) if isinstance(value, str) else value


def _check_targets(own: Configuration, doc: Document) -> None:
    known = ", ".join(own.targets) or "none"
    wrong = [
        f"{_locate(doc, ['sources', number, 'target'], key=False)}: sources.{number}.target:"
        f" {source.target}: no such target: targets has {known}"
        for number, source in enumerate(own.sources)
        if source.target is not None and source.target not in own.targets
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _first_mistake(error: ValidationError) -> tuple[list[str], str]:
    """Return where the first mistake is, and what is wrong; never what was given: it may be secret."""
    (first, *_) = error.errors(include_url=False, include_input=False)
    return [str(part) for part in first["loc"]], first["msg"]


def _mistakes(error: ValidationError, doc: Document) -> Iterable[tuple[Location, str]]:
    for own in error.errors(include_url=False, include_input=False):
        path = [part for part in own["loc"] if isinstance(part, str | int)]
        name = ".".join(str(part) for part in path)
        message = own["msg"][:1].lower() + own["msg"][1:]
        if own["type"] == "extra_forbidden":
            message = "no such setting"
        yield _locate(doc, path, key=own["type"] == "extra_forbidden"), f"{name}: {message}"


def _place(ignore: Iterable[IgnoredFields] | None, doc: Document, *path: str | int) -> None:
    """Note where the words stand that only a schema can tell to be wrong."""
    for index, own in enumerate(ignore or ()):
        own.places[own.kind] = _locate(doc, [*path, index, "kind"], key=False)
        for number, name in enumerate(own.fields):
            own.places[name] = _locate(doc, [*path, index, "fields", number], key=False)


def _locate(doc: Document, path: list[str | int], *, key: bool) -> Location:
    """Return the place of the value at a path, or of the deepest part of it that is there."""
    node, at = doc.root, doc.mark
    for index, part in enumerate(path):
        if isinstance(node, Map) and part in node:
            last = index == len(path) - 1
            at = node.key_mark(str(part)) if key and last else node.value_mark(str(part))
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node):
            at = node.marks[part]
        else:
            break
        node = node[part]
    return doc.location(at)

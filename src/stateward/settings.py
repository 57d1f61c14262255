"""What people write: ``stateward.yaml``, ``.stateward.yaml`` and the environment.

Strict: a key that is not known is an error at its line, since a setting that is silently ignored
is one that somebody relies on. Defaults live here and nowhere else.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from stateward.desired.discover import Rule
from stateward.errors import Code, ConfigError, Location, Problem
from stateward.model.document import Document, Map, Seq
from stateward.model.identity import ObjectKey
from stateward.model.unit import Adopt, Ignore, Limits, UnitSettings

DEFAULT_TARGET = "sqlite:///.stateward/target.db"
DEFAULT_STATE = "sqlite:///.stateward/state.db"


def _named(value: str) -> str:
    if not value or "/" in value or not value.isprintable():
        raise ValueError("a name without slashes is expected")
    return value


Name = Annotated[str, AfterValidator(_named)]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class DeleteLimits(_Model):
    """How much of a unit one round may delete."""

    deletes: Annotated[int, Field(ge=0)] = 10
    """Up to so many objects always pass."""
    percent: Annotated[float, Field(ge=0, le=100, strict=False)] = 25
    """Beyond that number, up to so many percent of the unit's members pass."""
    protected_kinds: tuple[str, ...] = ()
    """Objects of these kinds are never deleted, whatever else is allowed."""


class IgnoredFields(_Model):
    """Fields that are written when an object is made and left alone afterwards."""

    kind: str
    fields: tuple[str, ...]


class Rename(_Model):
    """An object that goes on under another identity: ``[kind, part, …]`` before and after."""

    from_: Annotated[tuple[str, ...], Field(alias="from", min_length=2)]
    to: Annotated[tuple[str, ...], Field(min_length=2)]


class UnitDefaults(_Model):
    """Settings of a unit, as defaults for all of them or in a directory's own file."""

    prune: bool = True
    adopt: Annotated[Adopt, Field(strict=False)] = Adopt.IDENTICAL
    limits: DeleteLimits = DeleteLimits()
    protect: tuple[str, ...] = ()
    """Patterns over ``Kind/part/part``: what matches is never pruned."""
    ignore: tuple[IgnoredFields, ...] = ()


class UnitLimits(_Model):
    """Limits of one unit: what is not given follows the defaults."""

    deletes: Annotated[int | None, Field(ge=0)] = None
    percent: Annotated[float | None, Field(ge=0, le=100, strict=False)] = None
    protected_kinds: tuple[str, ...] | None = None


class UnitOverrides(_Model):
    """Settings of some units: what is not given follows the defaults."""

    prune: bool | None = None
    adopt: Annotated[Adopt | None, Field(strict=False)] = None
    limits: UnitLimits = UnitLimits()
    protect: tuple[str, ...] | None = None
    ignore: tuple[IgnoredFields, ...] | None = None


class UnitRule(UnitOverrides):
    """Directories that are units, and settings of theirs."""

    path: str
    exclude: tuple[str, ...] = ()
    recursive: bool = False


class UnitFile(UnitOverrides):
    """``.stateward.yaml`` in a unit's directory."""

    suspend: bool = False
    depends_on: tuple[str, ...] = ()
    moved: tuple[Rename, ...] = ()


class GitSettings(_Model):
    """A repository and the ref that is followed."""

    url: str
    ref: str = "HEAD"


class SourceSettings(_Model):
    """A place that desired state comes from."""

    name: Name = "default"
    git: GitSettings | None = None
    schemas: tuple[str, ...] | None = None
    units: tuple[UnitRule, ...] = ()
    owner: Mapping[str, str] = Field(default_factory=dict)
    """The unit that owns an object which several units declare, by a pattern of its key."""


class TargetSettings(_Model):
    """The system that is written to."""

    url: str = DEFAULT_TARGET


class StateSettings(_Model):
    """Where history is kept. It may be lost at any time."""

    url: str = DEFAULT_STATE


class Configuration(_Model):
    """``stateward.yaml``: one file, all of it optional."""

    instance: Name = "default"
    target: TargetSettings = TargetSettings()
    sources: tuple[SourceSettings, ...] = (SourceSettings(),)
    defaults: UnitDefaults = UnitDefaults()
    state: StateSettings = StateSettings()


class Environment(BaseSettings):
    """Settings that the environment gives; the command line wins over them."""

    model_config = SettingsConfigDict(env_prefix="STATEWARD_", frozen=True)

    config: str | None = None
    instance: str | None = None
    target: str | None = None
    state: str | None = None


def read_configuration(documents: Iterable[Document]) -> Configuration:
    """Check a configuration file; raises ``ConfigError`` that names every mistake and its place."""
    for doc in documents:
        try:
            return Configuration.model_validate(plain(doc.root))
        except ValidationError as error:
            wrong = [f"{at}: {message}" for at, message in _mistakes(error, doc)]
            raise ConfigError("\n".join(wrong)) from error
    return Configuration()


def read_unit(
    doc: Document | None, rule: UnitOverrides, defaults: UnitDefaults
) -> tuple[UnitSettings, tuple[Problem, ...]]:
    """Read a directory's settings; what is wrong with them is returned beside the defaults."""
    own = UnitFile()
    problems: tuple[Problem, ...] = ()
    try:
        own = UnitFile.model_validate(plain(doc.root)) if doc else own
    except ValidationError as error:
        problems = tuple(
            Problem(code=Code.CONFIGURATION, message=message, location=at)
            for at, message in (_mistakes(error, doc) if doc else ())
        )
    ignore = _first(own.ignore, rule.ignore, defaults.ignore)
    settings = UnitSettings(
        prune=_first(own.prune, rule.prune, defaults.prune),
        adopt=_first(own.adopt, rule.adopt, defaults.adopt),
        limits=_limits(own.limits, rule.limits, defaults.limits),
        protect=_first(own.protect, rule.protect, defaults.protect),
        ignore=tuple(Ignore(kind=one.kind, fields=frozenset(one.fields)) for one in ignore),
        suspend=own.suspend,
        depends_on=own.depends_on,
        moved={_key(one.from_): _key(one.to) for one in own.moved},
    )
    return settings, problems


def _limits(own: UnitLimits, rule: UnitLimits, defaults: DeleteLimits) -> Limits:
    return Limits(
        deletes=_first(own.deletes, rule.deletes, defaults.deletes),
        percent=_first(own.percent, rule.percent, defaults.percent),
        protected_kinds=frozenset(
            _first(own.protected_kinds, rule.protected_kinds, defaults.protected_kinds)
        ),
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


def _mistakes(error: ValidationError, doc: Document) -> Iterable[tuple[Location, str]]:
    for own in error.errors(include_url=False, include_input=False):
        path = [part for part in own["loc"] if isinstance(part, str | int)]
        name = ".".join(str(part) for part in path)
        message = own["msg"][:1].lower() + own["msg"][1:]
        if own["type"] == "extra_forbidden":
            message = "no such setting"
        yield _locate(doc, path, key=own["type"] == "extra_forbidden"), f"{name}: {message}"


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

"""What people write: ``stateward.yaml``, ``.stateward.yaml`` and the environment.

Strict: a key that is not known is an error at its line, since a setting that is silently ignored
is one that somebody relies on. Defaults live here and nowhere else.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stateward.daemon import windows
from stateward.errors import Location
from stateward.model.unit import (
    PART,
    PROTECTED_KINDS,
    Adopt,
    DriftMode,
    ManageSchema,
    OnError,
    Strategy,
    WindowKind,
)
from stateward.schema import parts
from stateward.settings.base import Duration, Limit, Model, Name, SecretReference
from stateward.settings.git import GitSettings
from stateward.settings.leader import LeaderSettings
from stateward.settings.server import ServerSettings

DEFAULT_TARGET = "sqlite:///.stateward/target.db"
DEFAULT_STATE = "sqlite:///.stateward/state.db"


Word = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""The name of a target: that of a Lease ends with it, for which Kubernetes takes nothing else."""


class DeleteLimits(Model):
    """How much of a unit one round may delete."""

    deletes: Annotated[int, Field(ge=0)] = 10
    """Up to so many objects always pass."""
    percent: Annotated[float, Field(ge=0, le=100, strict=False)] = 25
    """Beyond that number, up to so many percent of the unit's members pass."""
    protected_kinds: tuple[str, ...] = PROTECTED_KINDS
    """Objects of these kinds, or of kinds that inherit from them, are never deleted, whatever else is allowed."""


class WideLimits(Model):
    """How much may be deleted at once in all units together: either figure may be left out."""

    deletes: Annotated[int | None, Field(ge=0)] = None
    """Up to so many objects always pass."""
    percent: Annotated[float | None, Field(ge=0, le=100, strict=False)] = None
    """Beyond that number, up to so many percent of all members pass."""

    @model_validator(mode="after")
    def _limit_something(self) -> Self:
        if self.deletes is None and self.percent is None:
            raise ValueError("limits of several units need deletes or percent: null is no limit")
        return self


def _field(word: str) -> str:
    name, mark, pointer = word.partition(PART)
    if not name:
        raise ValueError("expected the name of a field")
    if mark:
        parts.read(pointer)
    return word


class IgnoredFields(Model):
    """Fields that are written when an object is made and left alone afterwards."""

    kind: str
    """A kind, a generic for all that inherit from it, or a pattern over the names of kinds."""
    fields: tuple[Annotated[str, AfterValidator(_field)], ...]
    """Names; with ``#`` and a JSON Pointer only that part of a value."""
    _places: dict[str, Location] = PrivateAttr(default_factory=dict)

    @property
    def places(self) -> dict[str, Location]:
        """Where each of these words stands: it is told once it is known what they mean."""
        return self._places


class Rename(Model):
    """An object that goes on under another identity: ``[kind, part, …]`` before and after."""

    from_: Annotated[tuple[str, ...], Field(alias="from", min_length=2)]
    to: Annotated[tuple[str, ...], Field(min_length=2)]


class DriftSettings(Model):
    """How the target is watched for what others change in it."""

    mode: Annotated[DriftMode, Field(strict=False)] = DriftMode.ENFORCE
    interval: Limit = timedelta(minutes=10)
    """How often a unit is looked at although Git did not change."""
    full_interval: Duration = timedelta(hours=1)
    """How long rounds may rely on what the target shows to have changed, before all is read."""


class WindowSettings(Model):
    """When the daemon may change units, or may not."""

    kind: Annotated[WindowKind, Field(strict=False)] = WindowKind.ALLOW
    schedule: Annotated[str, AfterValidator(windows.check_schedule)]
    """When it begins: cron's five fields."""
    duration: Limit
    time_zone: Annotated[str, AfterValidator(windows.check_zone)] = "UTC"


class UnitDefaults(Model):
    """Settings of a unit, as defaults for all of them or in a directory's own file."""

    prune: bool = True
    adopt: Annotated[Adopt, Field(strict=False)] = Adopt.IDENTICAL
    on_error: Annotated[OnError, Field(strict=False)] = OnError.CONTINUE
    """What becomes of a unit's other changes where the target refuses one of them."""
    limits: DeleteLimits = DeleteLimits()
    protect: tuple[str, ...] = ()
    """Patterns over ``Kind/part/part``: what matches is never pruned."""
    ignore: tuple[IgnoredFields, ...] = ()
    drift: DriftSettings = DriftSettings()
    windows: tuple[WindowSettings, ...] = ()
    """When the daemon may change a unit: always, unless something is said."""


class UnitLimits(Model):
    """Limits of one unit: what is not given follows the defaults."""

    deletes: Annotated[int | None, Field(ge=0)] = None
    percent: Annotated[float | None, Field(ge=0, le=100, strict=False)] = None
    protected_kinds: tuple[str, ...] | None = None


class UnitDrift(Model):
    """How some units are watched: what is not given follows the defaults."""

    mode: Annotated[DriftMode | None, Field(strict=False)] = None
    interval: Limit | None = None


class UnitOverrides(Model):
    """Settings of some units: what is not given follows the defaults."""

    prune: bool | None = None
    adopt: Annotated[Adopt | None, Field(strict=False)] = None
    on_error: Annotated[OnError | None, Field(strict=False)] = None
    limits: UnitLimits = UnitLimits()
    protect: tuple[str, ...] | None = None
    ignore: tuple[IgnoredFields, ...] | None = None
    drift: UnitDrift = UnitDrift()
    windows: tuple[WindowSettings, ...] | None = None


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


class SourceSettings(Model):
    """A place that desired state comes from."""

    name: Name = "default"
    target: Word | None = None
    """Which of ``targets`` it is brought about in; that of the configuration unless it says so."""
    git: GitSettings | None = None
    schemas: tuple[str, ...] | None = None
    manage_schema: Annotated[ManageSchema, Field(strict=False)] = ManageSchema.APPLY
    units: tuple[UnitRule, ...] = ()
    allow_rewind: bool = False
    """Whether the daemon goes along where the branch is set back, or rewritten."""
    trailers: bool = True
    """Whether a commit may let deletes through by a trailer of its message."""
    limits: WideLimits | None = WideLimits(deletes=100, percent=25)
    """How much of all of its units one round may delete; none where it is null."""
    owner: Mapping[str, str] = Field(default_factory=dict)
    """The unit that owns an object which several units declare, by a pattern of its key."""


class LineageSettings(Model):
    """Metadata that are written along with values: whose they are, and who may edit them."""

    source: bool = False
    owner: bool = False
    protect: bool = False

    @model_validator(mode="after")
    def _protect_for_somebody(self) -> Self:
        if self.protect and not self.owner:
            raise ValueError("protect needs owner: true: what is protected is its owner's to edit")
        return self


class TargetSettings(Model):
    """The system that is written to. All but the URL is about servers."""

    url: str | None = None
    branch: str | None = None
    token: SecretReference | None = None
    username: str | None = None
    password: SecretReference | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    timeout: Annotated[float, Field(gt=0, strict=False)] = 30
    """Seconds for a request that reads."""
    write_timeout: Annotated[float, Field(gt=0, strict=False)] = 120
    """Seconds for a request that writes: a batch of objects."""
    batch: Annotated[int, Field(ge=1, le=200)] = 50
    """Mutations in one request."""
    in_flight: Annotated[int, Field(ge=1, le=10)] = 3
    """Requests under way at once."""
    strategy: Annotated[Strategy, Field(strict=False)] = Strategy.DIRECT
    lineage: LineageSettings = LineageSettings()


class RetentionSettings(Model):
    """How much history is kept: all of it, unless something is said."""

    age: Duration | None = None
    """Runs that were last heard of longer ago are dropped."""
    count: Annotated[int | None, Field(ge=1)] = None
    """Ended runs beyond the newest so many are dropped."""


class StateSettings(Model):
    """Where history is kept. It may be lost at any time."""

    url: str = DEFAULT_STATE
    password: SecretReference | None = None
    """Of a server; else what its own tools go by."""
    directory: str | None = None
    """Of what is kept on this machine: mirrors, memory, locks. Else beside the file, or ``.stateward``."""
    retention: RetentionSettings = RetentionSettings()


class RunSettings(Model):
    """How the daemon goes about it."""

    backoff: Limit = timedelta(seconds=5)
    """How long a unit waits after a round that failed for a reason that passes; then it doubles."""
    backoff_cap: Limit = timedelta(minutes=10)
    """How long it waits at most, however often it failed."""
    grace: Limit = timedelta(seconds=25)
    """How long a round that is writing may go on after the daemon is told to end."""
    fight_after: Annotated[int, Field(ge=2)] = 3
    """How often a field is set back, look after look, until it is called a fight."""
    approval: Limit = timedelta(hours=24)
    """How long an approval of a prune counts."""
    limits: WideLimits | None = None
    """How much one round may delete of the units that it is about."""


class Configuration(Model):
    """``stateward.yaml``: one file, all of it optional."""

    instance: Name = "default"
    target: TargetSettings = TargetSettings()
    targets: Mapping[Word, TargetSettings] = Field(default_factory=dict)
    """Others, by the names that sources have for them."""
    sources: tuple[SourceSettings, ...] = (SourceSettings(),)
    defaults: UnitDefaults = UnitDefaults()
    state: StateSettings = StateSettings()
    run: RunSettings = RunSettings()
    leader: LeaderSettings = LeaderSettings()
    server: ServerSettings | None = None


class Environment(BaseSettings):
    """Settings that the environment gives; the command line wins over them."""

    model_config = SettingsConfigDict(env_prefix="STATEWARD_", frozen=True)

    config: str | None = None
    instance: Name | None = None
    target: str | None = None
    state: str | None = None
    state_directory: str | None = None
    """Of what is kept on this machine, as ``state.directory``."""
    listen: str | None = None
    """Where the daemon answers, as ``server.listen``."""
    actor: str | None = None
    """The name under which runs are recorded; default: the login user's."""


class SdkEnvironment(BaseSettings):
    """What scripts of Infrahub's own SDK are told of the server, under the same names."""

    model_config = SettingsConfigDict(env_prefix="INFRAHUB_", frozen=True, extra="ignore")

    address: str | None = None
    api_token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    default_branch: str | None = None
    proxy: SecretStr | None = None
    tls_ca_file: str | None = None

"""The configuration: what people write, and how it is read."""

from stateward.settings.base import SecretReference, duration
from stateward.settings.git import GithubAppSettings, GitSettings
from stateward.settings.leader import LeaderSettings, LeaseKind
from stateward.settings.models import (
    DEFAULT_STATE,
    DEFAULT_TARGET,
    Configuration,
    Environment,
    RetentionSettings,
    SdkEnvironment,
    SourceSettings,
    TargetSettings,
    UnitDefaults,
    UnitFile,
    UnitOverrides,
    UnitRule,
)
from stateward.settings.reading import (
    budgets,
    read_configuration,
    read_environment,
    read_retention,
    read_unit,
    rules,
    server_settings,
)
from stateward.settings.server import HookSettings, ServerSettings

__all__ = [
    "DEFAULT_STATE",
    "DEFAULT_TARGET",
    "Configuration",
    "Environment",
    "GitSettings",
    "GithubAppSettings",
    "HookSettings",
    "LeaderSettings",
    "LeaseKind",
    "RetentionSettings",
    "SdkEnvironment",
    "SecretReference",
    "ServerSettings",
    "SourceSettings",
    "TargetSettings",
    "UnitDefaults",
    "UnitFile",
    "UnitOverrides",
    "UnitRule",
    "budgets",
    "duration",
    "read_configuration",
    "read_environment",
    "read_retention",
    "read_unit",
    "rules",
    "server_settings",
]

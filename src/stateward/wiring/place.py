"""Which directory and which configuration a command goes by."""

from dataclasses import dataclass
from pathlib import Path

from stateward import settings
from stateward.desired import documents
from stateward.desired.discover import CONFIGURATION_FILE
from stateward.errors import ConfigError
from stateward.settings import Configuration, Environment
from stateward.wiring.state import State, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the environment and the configuration say, and where relative paths lead."""

    environment: Environment
    base: Path
    """The directory that relative defaults belong to: the repository, if it is one here."""
    configuration: Configuration
    file: Path | None

    @property
    def instance(self) -> str:
        """Whose groups are meant, unless somebody asks for another one's."""
        return self.environment.instance or self.configuration.instance

    @property
    def home(self) -> Path:
        """The directory that relative paths of the configuration belong to."""
        return self.file.parent if self.file else self.base

    @property
    def state(self) -> State:
        said = self.configuration.state
        directory = self.environment.state_directory or said.directory
        return state_of(self.environment.state or said.url, said.password, directory, self.home)

    @property
    def kept(self) -> Path:
        """The directory of what is kept on this machine: as a rule it can be written where the state can."""
        return self.state.kept


def find(repo: str | None, config: str | None) -> Place:
    """Read the configuration that counts in a place; raises ``ConfigError``."""
    environment = settings.read_environment()
    base = directory(repo)
    file = _configuration_file(config or environment.config, base)
    configuration = _read_configuration(file) if file else Configuration()
    return Place(environment=environment, base=base, configuration=configuration, file=file)


def unconfigured(repo: str | None) -> Place:
    """Go by the defaults, where the configuration cannot be used."""
    return Place(
        environment=settings.read_environment(),
        base=directory(repo),
        configuration=Configuration(),
        file=None,
    )


def directory(repo: str | None) -> Path:
    """Return the repository's directory, where it is one on this machine; else where we are."""
    path = Path(repo or ".")
    return path.absolute() if path.is_dir() else Path.cwd()


def _configuration_file(named: str | None, base: Path) -> Path | None:
    if named is not None:
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"{named}: no such file")
        return path.absolute()
    default = base / CONFIGURATION_FILE
    return default if default.is_file() else None


def _read_configuration(file: Path) -> Configuration:
    found, problems = documents.parse(file.name, file.read_bytes())
    if problems:
        raise ConfigError("\n".join(str(own) for own in problems), code=problems[0].code)
    return settings.read_configuration(found)

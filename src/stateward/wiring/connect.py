"""The library's composition root: from an address to a client."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from stateward import settings
from stateward.desired import documents
from stateward.errors import Code, ConfigError, Problem, Severity
from stateward.model.document import Document
from stateward.model.schema import Schema
from stateward.model.unit import Limits
from stateward.ports import Target
from stateward.schema import files as schema_files
from stateward.settings import (
    DEFAULT_STATE,
    TargetSettings,
    UnitDefaults,
    UnitOverrides,
)
from stateward.tracking.client import Client
from stateward.wiring.history import login_user
from stateward.wiring.state import state_of
from stateward.wiring.targets import Said, open_target

_SUFFIXES = frozenset({".yml", ".yaml"})


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    branch: str | None = None,
    schema: str | Path | Iterable[str | Path] | None = None,
    state: str | None = None,
    limits: Limits | None = None,
    retention: Mapping[str, Any] | None = None,
) -> Client:
    """Return a client of ``https://host``, or of ``sqlite:///file.db``; use it by ``async with``.

    What is not said is taken from the environment, as scripts of Infrahub's SDK take it:
    ``INFRAHUB_ADDRESS``, ``INFRAHUB_API_TOKEN`` and so on. ``schema`` names schema files, or
    directories of them, which the target is brought up to first. ``state`` is where the journal is
    kept, here or on a PostgreSQL server: by default ``STATEWARD_STATE``, else
    ``sqlite:///.stateward/state.db``. ``retention`` is how much of it, as in the configuration:
    ``{"age": "365d", "count": 1000}``; all, where nothing is said. Raises ``ConfigError``.
    """
    said = Said(token=token, branch=branch)
    return connect_as(url, said, schema=schema, state=state, limits=limits, retention=retention)


def connect_as(
    url: str | None,
    said: Said,
    *,
    schema: str | Path | Iterable[str | Path] | None = None,
    state: str | None = None,
    limits: Limits | None = None,
    retention: Mapping[str, Any] | None = None,
) -> Client:
    """Return a client as ``connect`` does, for a program that says all that it knows of the target."""
    home = Path.cwd()
    environment = settings.read_environment()
    kept = state_of(
        state or environment.state or DEFAULT_STATE, None, environment.state_directory, home
    )
    kept.keep_out_of_git()
    journal = kept.journal(settings.read_retention(retention or {}))

    def target(other: str | None) -> Target:
        own = replace(said, branch=other) if other else said
        return open_target(url, TargetSettings(), home, kept.kept, own)

    return Client(
        open_target=target,
        journal=journal,
        trail=journal,
        schema=_schema(schema) if schema is not None else None,
        limits=limits or settings.read_unit(None, UnitOverrides(), UnitDefaults())[0].limits,
        actor=environment.actor or login_user(),
        new_id=lambda: str(uuid4()),
        close=journal.close,
    )


def _schema(named: str | Path | Iterable[str | Path]) -> Schema:
    paths = [named] if isinstance(named, str | Path) else list(named)
    parsed: list[Document] = []
    problems: list[Problem] = []
    for file in sorted(own for path in paths for own in _files(Path(path))):
        found, wrong = documents.parse(str(file), _content(file))
        parsed += found
        problems += wrong
    if not any(own.severity is Severity.ERROR for own in problems):
        schema, wrong = schema_files.load(parsed)
        problems += wrong
        if schema is not None:
            return schema
    errors = [str(own) for own in problems if own.severity is Severity.ERROR]
    raise ConfigError("\n".join(errors) or "schema: no schema in these files", code=Code.SCHEMA)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [own for own in path.rglob("*") if own.suffix in _SUFFIXES and own.is_file()]
    return [path]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"schema: {file}: {error.strerror}", code=Code.SCHEMA) from error

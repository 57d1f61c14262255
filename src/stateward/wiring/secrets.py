"""Secrets, fetched where the configuration says that they are."""

import os
from pathlib import Path

from stateward.errors import ConfigError
from stateward.settings import SecretReference

LEAST_SECRET = 16
"""Characters of a secret that keeps others out."""


def secret(name: str, reference: SecretReference | None, home: Path) -> str | None:
    """Fetch what a setting refers to, if it is given; a file's last line break is not part of it."""
    return None if reference is None else fetched(name, reference, home)


def kept_well(name: str, reference: SecretReference, home: Path) -> str:
    """Fetch a secret that others are let in by; raises ``ConfigError`` where it could be guessed."""
    found = fetched(name, reference, home)
    if len(found) < LEAST_SECRET:
        raise ConfigError(f"{name}: is shorter than {LEAST_SECRET} characters: it could be guessed")
    return found


def fetched(name: str, reference: SecretReference, home: Path) -> str:
    if reference.env is not None:
        found = os.environ.get(reference.env)
        if not found:
            raise ConfigError(f"{name}: the environment has no {reference.env}")
        return found
    path = home / (reference.file or "")
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise ConfigError(f"{name}: {path}: {reason}") from None

"""The files that a daemon's configuration comes from: read anew when one of them changes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from stateward.daemon.reloading import Configured
from stateward.desired.discover import CONFIGURATION_FILE
from stateward.settings import SecretReference
from stateward.wiring.place import Place

_FILES = frozenset({"ca_file", "client_cert", "client_key"})


def configured(place: Place) -> Configured:
    """Return the configuration's file, and those that the target and the port go by.

    What lets into a Git repository is read for every fetch in any case.
    """
    said = place.configuration
    parts = (said.target, *said.targets.values(), said.server)
    named = [own for part in parts if part for own in _named(part)]
    own = place.file or place.base / CONFIGURATION_FILE
    files = tuple(dict.fromkeys([own, *(place.home / name for name in named)]))
    return Configured(files, _digest(files), lambda: _digest(files))


def _named(model: BaseModel) -> Iterator[str]:
    """Yield the files that settings name."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretReference) and value.file is not None:
            yield value.file
        elif name in _FILES and isinstance(value, str):
            yield value
        elif isinstance(value, BaseModel):
            yield from _named(value)
        elif isinstance(value, tuple):
            for own in value:
                if isinstance(own, BaseModel):
                    yield from _named(own)


def _digest(files: tuple[Path, ...]) -> str:
    found = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = f"not there: {error.errno}".encode()
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()

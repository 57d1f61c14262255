"""Where our own files lie."""

from pathlib import Path

from stateward.errors import Code, ConfigError

STATE_DIRECTORY = ".stateward"
"""In a repository, and kept out of Git by itself."""


def sqlite_path(url: str, home: Path) -> Path:
    """Read ``sqlite:///relative`` and ``sqlite:////absolute``."""
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        raise ConfigError(f"{url}: expected sqlite:///path", code=Code.TARGET_UNKNOWN)
    return home / url.removeprefix("sqlite:///")

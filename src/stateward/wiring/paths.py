"""Where our own files lie."""

from pathlib import Path

from stateward.errors import Code, ConfigError, StateUnavailable

STATE_DIRECTORY = ".stateward"
"""In a repository, and kept out of Git by itself."""


def sqlite_path(url: str, home: Path) -> Path:
    """Read ``sqlite:///relative`` and ``sqlite:////absolute``."""
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        raise ConfigError(f"{url}: expected sqlite:///path", code=Code.TARGET_UNKNOWN)
    return home / url.removeprefix("sqlite:///")


def keep_out_of_git(directory: Path) -> None:
    """Keep our own directory out of Git, from the moment that something is put into it."""
    marker = directory / ".gitignore"
    if directory.name != STATE_DIRECTORY or marker.exists():
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker.write_text("*\n")
    except OSError as error:
        raise StateUnavailable(f"{marker}: {error.strerror}: name another place") from error

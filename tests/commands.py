"""The command line, called as scripts call it, on the example."""

import json
from pathlib import Path
from typing import Any

import pytest

from repositories import Repository
from stateward.cli import run

EXAMPLE = Path(__file__).parents[1] / "examples" / "site"


class Cli:
    """Runs commands; returns the exit code and what was answered, and keeps what else was said."""

    def __init__(self, captured: pytest.CaptureFixture[bytes]) -> None:
        self._captured = captured
        self.errors = ""

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = run(arguments)
        captured = self._captured.readouterr()
        self.errors = captured.err.decode()
        return code, captured.out.decode()


def asked(cli: Cli, *arguments: str, code: int = 0) -> Any:
    """Return an answer as programs read it."""
    found, answer = cli(*arguments, "--format", "json")
    assert found == code, (answer, cli.errors)
    return json.loads(answer)


def edit(repo: Repository, file: str, old: str, new: str) -> None:
    path = repo.path / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

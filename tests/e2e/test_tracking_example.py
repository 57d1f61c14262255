"""The scripts of docs/tracking.md, run as it says: on a database, and on a branch of a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest

from branches import fresh
from live import Lab

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tracking.md").read_text()
SCRIPTS = ROOT / "examples" / "tracking"
DATABASE = "sqlite:///demo.db"
_BLOCKS = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WRITES = re.compile(r" \(\d+ writes\)")
"""How many there are is for the target: a server makes more of them."""
AFTERWARDS = """
import asyncio
import stateward

async def main():
    async with stateward.connect({url!r}) as client:
{body}
        print(report.runs[0].outcome, len(resumed.members), len(history) > 1)

asyncio.run(main())
"""


def answer(url: str, directory: Path, *arguments: str, **environment: str) -> str:
    """Run Python in a directory; the page's database stands for the target."""
    done = subprocess.run(
        [sys.executable, *(own.replace(DATABASE, url) for own in arguments)],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def steps() -> list[tuple[list[str], str]]:
    """Return what the page has people type, and what it says is answered."""
    found = [
        step.partition("\n")
        for block in _BLOCKS.findall(PAGE)
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        if step.startswith("python ")
    ]
    return [(command.split()[1:], said) for command, _, said in found]


def block(beginning: str) -> str:
    """Return the one block of Python that begins so."""
    (found,) = (own for own in _PYTHON.findall(PAGE) if own.startswith(beginning))
    return str(found)


def run_all(url: str, directory: Path, environment: Mapping[str, str], *, exactly: bool) -> None:
    """Type everything that the page shows, in its order."""
    typed = steps()
    assert len(typed) == 4
    for (script, *arguments), said in typed:
        found = answer(url, directory, str(SCRIPTS / script), *arguments, **environment)
        if exactly:
            assert found == said
        else:
            assert _WRITES.sub("", found) == _WRITES.sub("", said)
    synchronous = block("from stateward import sync")
    assert "1 " in answer(url, directory, "-c", synchronous, **environment)
    after = block("resumed = ") + block("history = ")
    text = AFTERWARDS.format(url=url, body=indent(after, " " * 8))
    assert answer(url, directory, "-c", text, **environment).startswith("applied ")


def test_page_shows_the_scripts() -> None:
    for script in SCRIPTS.glob("*.py"):
        text = script.read_text()
        shown = text[text.index("async def main") : text.index("\n\nif __name__")]
        assert shown.rstrip() in PAGE


def test_scripts_answer_what_is_written(tmp_path: Path) -> None:
    run_all(DATABASE, tmp_path, {}, exactly=True)


@pytest.mark.live
@pytest.mark.long
@pytest.mark.timeout(600)
def test_scripts_answer_the_same_on_a_server(lab: Lab, tmp_path: Path) -> None:
    with fresh(lab, "example") as branch:
        environment = {"INFRAHUB_API_TOKEN": lab.token}
        run_all(branch.url, tmp_path, environment, exactly=False)

"""The scripts of docs/tracking.md, run as it says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tracking.md").read_text()
SCRIPTS = ROOT / "examples" / "tracking"
_BLOCKS = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_page_shows_the_scripts() -> None:
    for script in SCRIPTS.glob("*.py"):
        text = script.read_text()
        shown = text[text.index("async def main") : text.index("\n\nif __name__")]
        assert shown.rstrip() in PAGE


def test_scripts_answer_what_is_written(tmp_path: Path) -> None:
    steps = [
        step.partition("\n")
        for block in _BLOCKS.findall(PAGE)
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        if step.startswith("python ")
    ]
    assert len(steps) == 4
    for command, _, answer in steps:
        _, script, *arguments = command.split()
        done = subprocess.run(
            [sys.executable, str(SCRIPTS / script), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == answer

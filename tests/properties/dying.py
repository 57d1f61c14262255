"""Processes that are killed in the middle of what they do."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def killed(script: str, directory: Path, writes: int) -> None:
    """Have another process run a script on a directory, and kill it after some writes.

    The script prints a line for each write.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    for _ in range(writes):
        if not child.stdout.readline():
            break
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait()

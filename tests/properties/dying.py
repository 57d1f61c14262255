"""Processes that are killed in the middle of what they do."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def killed(script: str, directory: Path, writes: int, *arguments: str) -> None:
    """Have another process run a script on a directory, and kill it after some writes.

    The script prints a line for each write. More of its arguments come from its standard input, a
    line each: some of them are nobody else's to see.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("".join(f"{own}\n" for own in arguments).encode())
    child.stdin.close()
    for _ in range(writes):
        if not child.stdout.readline():
            break
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait()

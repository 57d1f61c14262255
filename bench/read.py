"""Reading a revision: from the object store, against `git checkout` and reading the files."""

import asyncio
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.corpus import files
from stateward.sources.repository import RepositorySource

ROUNDS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        repo = Path(name) / "repo"
        for path, text in files(1_000, 20_000):
            file = repo / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        _git(repo, "init", "--quiet")
        _git(repo, "add", "--all")
        _git(repo, "commit", "--quiet", "--message", "corpus")
        _git(repo, "gc", "--quiet")
        pairs = [(_ours(repo), _checkout(repo, Path(name) / "tree")) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"read: 1,001 files  ours {ours:.2f} s  checkout + read {theirs:.2f} s  ratio {ratio:.2f}"
    )


def _ours(repo: Path) -> float:
    async def read() -> None:
        source = RepositorySource(repo, revision="HEAD", timeout=60)
        checkout = await source.checkout()
        await source.read([own.blob for own in checkout.entries])

    start = time.perf_counter()
    asyncio.run(read())
    return time.perf_counter() - start


def _checkout(repo: Path, tree: Path) -> float:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    start = time.perf_counter()
    _git(repo, "--work-tree", str(tree), "checkout", "--quiet", "--force", "HEAD", "--", ".")
    for file in tree.rglob("*.yml"):
        file.read_bytes()
    return time.perf_counter() - start


def _git(repo: Path, *arguments: str) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    subprocess.run(["git", *who, *arguments], cwd=repo, check=True)

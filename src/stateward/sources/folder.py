"""A folder as it lies on the disk: what is not committed is seen, and so is what never will be."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.model.commit import Commit
from stateward.ports import Checkout, TreeEntry
from stateward.sources import listing, walk
from stateward.sources.git import Git, Result
from stateward.sources.text import shown

_Answer = TypeVar("_Answer")

_READABLE = frozenset({"100644", "100755", listing.SYMLINK})

_SKIPPED = "S"
"""What ``ls-files -t`` puts before a file that is tracked and deliberately not on the disk."""


class FolderSource:
    """The files of a folder, as they are now.

    In a Git work tree: what is tracked or could be, on the disk and not ignored. Elsewhere, and
    in a folder that is itself ignored: everything. ``.git`` and ``.stateward`` are left out.
    A folder has no history: its one revision is named after what it holds, and can be read
    until that changes. ``timeout`` is in seconds, for each run of git.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        self._path = path.absolute()
        self._git = Git(timeout=timeout)
        self._places: dict[str, list[str]] = {}

    @property
    def name(self) -> str:
        return shown(str(self._path))

    async def checkout(self, revision: str | None = None) -> Checkout:
        """List the folder; a revision, if one is named, must be what it still is."""
        walk.check_directory(self._path)
        only = await self._wanted()
        entries = await _threaded(lambda stop: walk.listed(self._path, only, stop))
        found = _revision(entries)
        if revision is not None and revision != found:
            raise SourceRefused(
                f"{self.name}: no revision {shown(revision)}: a folder is only as it is now,"
                f" at {found}",
                code=Code.NO_REVISION,
            )
        self._places = _places(entries)
        return Checkout(revision=found, entries=entries)

    async def vouch(self, revision: str) -> None:
        """Take the files of whoever names the folder for what they are: they are no commit."""

    async def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        places = self._places
        wanted = list(dict.fromkeys(blobs))
        unknown = [blob for blob in wanted if blob not in places]
        if unknown:
            raise SourceUnavailable(
                f"{self.name}: no file has the contents {shown(unknown[0])}, if one ever had:"
                " the folder was listed again and has changed"
            )
        return await _threaded(
            lambda stop: {blob: self._contents(blob, places[blob], stop) for blob in wanted}
        )

    async def said(self, revision: str) -> Commit | None:
        """Return nothing: who wrote the files is written down nowhere."""
        del revision
        return None

    def _contents(self, blob: str, paths: list[str], stop: threading.Event) -> bytes:
        for path in paths:
            if stop.is_set():
                raise walk.Stopped
            contents = walk.contents(self._path, path)
            if listing.blob_id(contents) == blob:
                return contents
        raise SourceUnavailable(f"{shown(paths[0])}: changed since it was listed")

    async def _wanted(self) -> walk.Wanted | None:
        """Ask git what belongs to the work tree; None where there is none."""
        if not _in_repository(self._path.resolve()):
            return None
        inside = await self._ask("rev-parse", "--is-inside-work-tree")
        if not inside.ok:
            raise self._failed(inside)
        if inside.text != "true":
            raise SourceRefused(
                f"{self.name}: part of a Git repository, and no work tree",
                code=Code.NO_REPOSITORY,
            )
        tracked = await self._ask("ls-files", "-z", "-t", "-s")
        others = await self._ask("ls-files", "-z", "--others", "--exclude-standard")
        for result in (tracked, others):
            if not result.ok:
                raise self._failed(result)
        if not tracked.output and await self._ignored():
            return None
        return _belonging(tracked.output, others.output)

    async def _ignored(self) -> bool:
        answer = await self._ask("check-ignore", "-q", "--", ".")
        if answer.status not in {0, 1}:
            raise self._failed(answer)
        return answer.ok

    async def _ask(self, *arguments: str) -> Result:
        return await self._git.run("-C", str(self._path), *arguments)

    def _failed(self, result: Result) -> SourceRefused:
        return SourceRefused(
            f"{self.name}: git cannot tell what belongs to it: {result.reason}",
            code=Code.CORRUPT_REPOSITORY,
        )


def _in_repository(path: Path) -> bool:
    """Whether there is a reason to ask git: a plain folder can be read where there is none."""
    return any(os.path.lexists(parent / ".git") for parent in (path, *path.parents))


def _belonging(tracked: bytes, others: bytes) -> walk.Wanted:
    # A repository in the work tree that is not (yet) a submodule ends in a slash.
    files = {listing.decoded(path).rstrip("/"): "" for path in listing.records(others)}
    sparse: set[str] = set()
    for record in listing.records(tracked):
        facts, _, name = record.partition(b"\t")
        tag, mode, blob, _ = facts.decode("ascii").split()
        path = listing.decoded(name)
        files[path] = blob if mode == listing.SUBMODULE else ""
        if tag == _SKIPPED:
            sparse.add(path)
    return walk.wanted(files, sparse)


def _places(entries: Sequence[TreeEntry]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for entry in entries:
        if entry.mode in _READABLE:
            places.setdefault(entry.blob, []).append(entry.path)
    return places


def _revision(entries: Sequence[TreeEntry]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(b"%s %s " % (entry.mode.encode(), entry.blob.encode()))
        digest.update(listing.encoded(entry.path) + b"\0")
    return f"worktree:{digest.hexdigest()[:40]}"


async def _threaded(work: Callable[[threading.Event], _Answer]) -> _Answer:
    """Do blocking work in a thread, and have it stop when nobody waits for it any more."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()

"""Walk a directory without following anything out of it.

Every step is made from the open directory above it, and by name alone, so that a link put in its
place meanwhile leads nowhere. Only regular files are opened. All of it blocks: run it in a thread.
"""

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.ports import TreeEntry
from stateward.sources import listing
from stateward.sources.text import shown

LEFT_OUT = frozenset({".git", ".stateward"})

DEEPEST = 100
"""Directories within each other. Every one of them is open while what is below it is read."""

_PIECE = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Without blocking: something that waits for a writer may have taken the file's place."""


class Stopped(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to list: paths, with the commit of each that is a submodule, and their directories.

    ``sparse`` are those that are tracked and deliberately not on the disk.
    """

    files: Mapping[str, str]
    directories: frozenset[str]
    sparse: frozenset[str]


def wanted(files: Mapping[str, str], sparse: Collection[str]) -> Wanted:
    directories: set[str] = set()
    for path in files:
        while (path := path.rpartition("/")[0]) and path not in directories:
            directories.add(path)
    return Wanted(files=files, directories=frozenset(directories), sparse=frozenset(sparse))


def check_directory(path: Path) -> None:
    """Raise ``SourceRefused`` where a path is no directory that can be looked at."""
    try:
        what = None if stat.S_ISDIR(path.stat().st_mode) else "not a directory"
    except (FileNotFoundError, NotADirectoryError):
        what = "no such directory"
    except OSError as error:
        raise SourceRefused(
            f"{shown(str(path))}: cannot be read: {error.strerror}", code=Code.UNREADABLE
        ) from error
    if what:
        raise SourceRefused(f"{shown(str(path))}: {what}", code=Code.NO_REPOSITORY)


def listed(root: Path, only: Wanted | None, stop: threading.Event) -> tuple[TreeEntry, ...]:
    """List a directory as Git would list a tree; all of it, or what is ``only`` wanted.

    What is neither a file, a link nor a directory is listed under its own type and never
    opened. Raises ``SourceRefused`` for what cannot be read, ``SourceUnavailable`` for what
    changes meanwhile.
    """
    with _told(str(root)):
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        entries = list(_Walk(only, stop).below(top, "", 0))
    finally:
        os.close(top)
    absent = sorted(only.sparse - {entry.path for entry in entries}) if only else []
    if absent:
        # To list the rest would say that these were deleted.
        raise SourceRefused(
            f"{shown(absent[0])}: tracked, and left out of the work tree by a sparse checkout"
            f" ({len(absent)} in all): check it out, or read what is committed",
            code=Code.REPOSITORY_REFUSED,
        )
    return tuple(sorted(entries, key=lambda entry: listing.encoded(entry.path)))


def contents(root: Path, path: str) -> bytes:
    """Return what a listed file or link holds now."""
    *parents, name = path.split("/")
    with _told(path):
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for parent in parents:
                below = os.open(os.fsencode(parent), _DIRECTORY, dir_fd=here)
                os.close(here)
                here = below
            if stat.S_ISLNK(os.lstat(name, dir_fd=here).st_mode):
                return os.fsencode(os.readlink(name, dir_fd=here))
            return b"".join(_pieces(here, name, path))
        finally:
            os.close(here)


class _Walk:
    def __init__(self, only: Wanted | None, stop: threading.Event) -> None:
        self._only = only
        self._stop = stop

    def below(self, directory: int, prefix: str, depth: int) -> Iterator[TreeEntry]:
        if depth > DEEPEST:
            raise SourceRefused(
                f"{shown(prefix[:80])}…: more than {DEEPEST} directories within each other",
                code=Code.REPOSITORY_REFUSED,
            )
        with _told(prefix or "."), os.scandir(directory) as found:
            names = [entry.name for entry in found]
        for name in names:
            if self._stop.is_set():
                raise Stopped
            path = prefix + listing.decoded(os.fsencode(name))
            if name not in LEFT_OUT and self._wants(path):
                with _told(path):
                    yield from self._entry(directory, name, path, depth)

    def _wants(self, path: str) -> bool:
        only = self._only
        return only is None or path in only.files or path in only.directories

    def _entry(self, directory: int, name: str, path: str, depth: int) -> Iterator[TreeEntry]:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFDIR:
            yield from self._directory(directory, name, path, depth)
        elif kind == stat.S_IFLNK:
            target = os.fsencode(os.readlink(name, dir_fd=directory))
            yield _entry(path, listing.SYMLINK, listing.blob_id(target), len(target))
        elif kind == stat.S_IFREG:
            mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
            yield _entry(path, mode, *_hashed(directory, name, path, status.st_size))
        else:
            yield _entry(path, f"{kind:06o}", listing.NO_OBJECT, 0)

    def _directory(self, directory: int, name: str, path: str, depth: int) -> Iterator[TreeEntry]:
        if self._only and path in self._only.files and path not in self._only.directories:
            yield _entry(path, listing.SUBMODULE, self._only.files[path] or listing.NO_OBJECT, 0)
            return
        here = os.open(name, _DIRECTORY, dir_fd=directory)
        try:
            if self._only is None and _exists(".git", here):
                yield _entry(path, listing.SUBMODULE, listing.NO_OBJECT, 0)
            else:
                yield from self.below(here, f"{path}/", depth + 1)
        finally:
            os.close(here)


def _entry(path: str, mode: str, blob: str, size: int) -> TreeEntry:
    return TreeEntry(path=path, mode=mode, blob=blob, size=size)


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _hashed(directory: int, name: str, path: str, size: int) -> tuple[str, int]:
    """Return a file's id and size, provided that it has the size that it was said to have."""
    digest = hashlib.new("sha1", b"blob %d\0" % size, usedforsecurity=False)
    read = 0
    for piece in _pieces(directory, name, path):
        digest.update(piece)
        read += len(piece)
        if read > size:
            break  # somebody may be writing faster than we read
    if read != size:
        raise _changed(path)
    return digest.hexdigest(), size


def _pieces(directory: int, name: str, path: str) -> Iterator[bytes]:
    """Read a regular file; raises when it was written to meanwhile."""
    descriptor = os.open(name, _FILE, dir_fd=directory)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _changed(path)
        while piece := os.read(descriptor, _PIECE):
            yield piece
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise _changed(path)
    finally:
        os.close(descriptor)


def _changed(path: str) -> SourceUnavailable:
    return SourceUnavailable(f"{shown(path)}: changed while it was read")


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the system says of a path into our own errors."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _changed(path) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _changed(path) from error  # a link has taken its place
        raise SourceRefused(
            f"{shown(path)}: cannot be read: {error.strerror}", code=Code.UNREADABLE
        ) from error

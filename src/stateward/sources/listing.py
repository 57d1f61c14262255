"""What git's listings mean: trees, indexes, contents. Pure: bytes in, values out."""

import hashlib
import re
from collections.abc import Iterator

from stateward.ports import TreeEntry

SYMLINK = "120000"
SUBMODULE = "160000"
NO_OBJECT = "0" * 40
"""The id of nothing: of what is there and has no contents that anybody may read."""

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ASTRAY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")


class Malformed(ValueError):
    """A listing is not what git writes, or holds what git refuses to make."""


def is_id(text: str) -> bool:
    """Whether a text is a whole object id."""
    return _ID.fullmatch(text) is not None


def decoded(path: bytes) -> str:
    """Return a path as a string, whatever bytes it is made of; ``encoded`` gives them back."""
    return path.decode("utf-8", "surrogateescape")


def encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def blob_id(contents: bytes, like: str = NO_OBJECT) -> str:
    """Return the id git gives to contents; ``like`` is an id of the same repository."""
    algorithm = "sha1" if len(like) == len(NO_OBJECT) else "sha256"
    digest = hashlib.new(algorithm, b"blob %d\0" % len(contents), usedforsecurity=False)
    digest.update(contents)
    return digest.hexdigest()


def records(output: bytes) -> list[bytes]:
    """Split what was written with ``-z``."""
    return output.split(b"\0")[:-1]


def tree(output: bytes, root: str) -> tuple[TreeEntry, ...]:
    """Read ``ls-tree -r -z -l``, below ``root`` (empty, or ending in a slash).

    Raises ``Malformed`` for an object that is not there, and for a tree that no git would make:
    the same path twice, or one that leads out of it.
    """
    entries = tuple(_entries(output, root))
    if len({entry.path for entry in entries}) != len(entries):
        raise Malformed("a tree holds the same path twice")
    return entries


def _entries(output: bytes, root: str) -> Iterator[TreeEntry]:
    prefix = encoded(root)
    for record in records(output):
        facts, _, name = record.partition(b"\t")
        if not name.startswith(prefix):
            continue  # a submodule or a file that stands where the directory is expected
        path = decoded(name[len(prefix) :])
        if _ASTRAY.search(path):
            raise Malformed(f"a tree holds the path {path!r}")
        mode, _, blob, size = facts.decode("ascii").split()
        if not size.isdigit() and mode != SUBMODULE:
            raise Malformed(f"object {blob} of {path!r} is missing or damaged")
        yield TreeEntry(path=path, mode=mode, blob=blob, size=int(size) if size.isdigit() else 0)


class Contents:
    """What ``cat-file --batch`` writes, taken in as it comes.

    Called with each piece; never raises. ``found`` holds the blobs, ``missing`` the ids that the
    repository does not have. ``wrong`` tells of an answer that is no blob, or not the one that
    its id promises.
    """

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self.missing: list[str] = []
        self.wrong: str | None = None
        self._buffer = bytearray()
        self._header: tuple[str, int] | None = None

    def __call__(self, piece: bytes) -> None:
        self._buffer += piece
        while self.wrong is None and (self._take_body() if self._header else self._take_header()):
            pass
        if self.wrong is not None:
            self._buffer.clear()

    def _take_header(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            return False
        line = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 1]
        match line.split(" "):
            case [blob, "blob", size] if size.isdigit():
                self._header = (blob, int(size))
            case [blob, "missing"]:
                self.missing.append(blob)
            case words:
                self.wrong = f"object {words[0]} is not a file"
        return True

    def _take_body(self) -> bool:
        assert self._header is not None  # noqa: S101 - what the caller has just looked at
        blob, size = self._header
        if len(self._buffer) <= size:
            return False
        contents = bytes(self._buffer[:size])
        # A damaged file can still unpack: only the id says what belongs there.
        if self._buffer[size] != ord("\n") or blob_id(contents, blob) != blob:
            self.wrong = f"object {blob} is damaged"
        del self._buffer[: size + 1]
        self.found[blob] = contents
        self._header = None
        return True

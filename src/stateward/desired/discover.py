"""Which files of a revision matter, and which unit each belongs to.

An object file is known by what is in it, wherever it stands. A file that cannot be parsed is
known by its text, so that a slip in an object file is not taken for its absence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from itertools import islice
from posixpath import basename, dirname

from stateward.desired.envelope import OBJECT_KINDS
from stateward.desired.listing import upwards
from stateward.desired.notes import problem
from stateward.errors import Code, Location, Problem
from stateward.model.document import Document, Map

SUFFIXES = (".yml", ".yaml", ".json")
REPOSITORY_FILES = (".infrahub.yml", ".infrahub.yaml")
UNIT_FILE = ".stateward.yaml"
CONFIGURATION_FILE = "stateward.yaml"
FILE_MODES = frozenset({"100644", "100755"})
_SYMLINK, _SUBMODULE = "120000", "160000"
_API = "infrahub.app/"
_MOST_STRAYS = 100

_NOTHING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|#[^\r\n]*+|---(?=\s|\Z)|\.\.\.(?=\s|\Z))*+\Z")


def _key(name: str, value: str = "") -> re.Pattern[bytes]:
    """Return a pattern of a key. It begins with the name itself, which is fast to look for."""
    return re.compile(rf"""{name}(?<![\w-]{name})["']?\s*+:{value}""".encode())


_OBJECTS = (
    _key("kind", r"""\s*+["']?(?:Object|Menu)\b"""),
    _key("apiVersion", r"""\s*+["']?infrahub\.app/"""),
)
_SCHEMA = (_key("nodes"), _key("generics"), _key("extensions"))
_VERSION = _key("version")


class Look(Enum):
    """What a file seems to be, by its text."""

    OBJECTS = "objects"
    SCHEMA = "schema"
    OTHER = "other"
    NOTHING = "nothing"
    """Comments at most."""


def look(data: bytes) -> Look:
    if b"\0" in data[:4]:  # UTF-16 or 32: not what is asked for, yet not nothing either
        data = data.replace(b"\0", b"")
    if _NOTHING.match(data):
        return Look.NOTHING
    if any(pattern.search(data) for pattern in _OBJECTS):
        return Look.OBJECTS
    if _VERSION.search(data) and any(pattern.search(data) for pattern in _SCHEMA):
        return Look.SCHEMA
    return Look.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One YAML or JSON file of a revision, as far as it could be read."""

    path: str
    look: Look
    documents: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()
    text: str = field(default="", repr=False)
    """What it says, where it is not known what that means; empty where nothing is known of it."""

    @property
    def objects(self) -> tuple[Document, ...]:
        return tuple(own for own in self.documents if is_object(own))

    @property
    def is_schema(self) -> bool:
        return any(_is_schema(own) for own in self.documents)

    @property
    def of_objects(self) -> bool:
        """Whether it holds objects, or was meant to."""
        if self.look is not Look.OBJECTS:
            return False
        return bool(self.problems) or any(
            is_object(own) or _is_claimed(own) for own in self.documents
        )


def strays(file: File) -> Iterator[Problem]:
    """Yield the documents of an object file that are no objects, though they seem to be meant so."""
    yield from islice(_strays(file), _MOST_STRAYS)


def _strays(file: File) -> Iterator[Problem]:
    among_objects = bool(file.objects)
    for doc in file.documents:
        if is_object(doc):
            continue
        if not isinstance(doc.root, Map):
            at, what = doc.location(), "expected a mapping with kind and spec"
            meant = among_objects
        else:
            kind = doc.root.get("kind")
            mark = doc.root.value_mark("kind") if "kind" in doc.root else doc.root.first_mark()
            at = doc.location(mark)
            what = f"kind {kind!r}" if isinstance(kind, str) else "no kind"
            what = f"{what}: expected Object or Menu"
            nameless = "kind" not in doc.root and bool(doc.root) and not _is_schema(doc)
            meant = _is_claimed(doc) or (
                among_objects and (nameless or ("spec" in doc.root and _may_be_ours(doc.root)))
            )
        if meant:
            yield problem(Code.ENVELOPE, f"not an object document: {what}", at)


def is_object(doc: Document) -> bool:
    root = doc.root
    if not isinstance(root, Map) or not isinstance(root.get("kind"), str):
        return False
    return root["kind"] in OBJECT_KINDS and _may_be_ours(root)


def _is_claimed(doc: Document) -> bool:
    """Tell whether a document says itself that it is Infrahub's."""
    return isinstance(doc.root, Map) and str(doc.root.get("apiVersion")).startswith(_API)


def _may_be_ours(root: Map) -> bool:
    version = root.get("apiVersion")
    return version is None or str(version).startswith(_API)


def _is_schema(doc: Document) -> bool:
    root = doc.root
    keys = ("nodes", "generics", "extensions")
    return isinstance(root, Map) and "version" in root and any(key in root for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Directories that are units, where the configuration says which are."""

    path: str
    exclude: tuple[str, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Tells the unit of a file. Without rules every directory is one."""

    rules: tuple[Rule, ...] = ()

    def unit(self, path: str) -> str | None:
        directory = dirname(path) or "."
        if not self.rules:
            return directory
        above = list(upwards(directory))
        for rule in self.rules:
            if any(_matches(pattern, own) for pattern in rule.exclude for own in above):
                continue
            if rule.recursive and rule.path == ".":
                return "."
            for own in reversed(above) if rule.recursive else (directory,):
                if _matches(rule.path, own):
                    return own
        return None


def _matches(pattern: str, path: str) -> bool:
    return _translated(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def _translated(pattern: str) -> re.Pattern[str]:
    """Turn a glob into a regular expression; ``**`` stands for any number of directories."""
    parts = []
    for piece in re.split(r"(/\*\*(?=/|$)|^\*\*/|\*\*|\*|\?)", pattern.strip("/")):
        match piece:
            case "/**":
                parts.append(r"(?:/.*)?")
            case "**/":
                parts.append(r"(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _:
                parts.append(re.escape(piece))
    return re.compile("".join(parts), re.DOTALL)


def unreadable(entries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Problem]]:
    """Yield paths that stand where object files could be, and are no files at all.

    ``entries`` are paths with Git's modes. A unit at or below such a path cannot be read.
    """
    for path, mode in entries:
        if mode == _SYMLINK:
            message = "a symbolic link: it is not followed: put the file itself here"
        elif mode == _SUBMODULE:
            message = "a submodule: it is not entered: make it a source of its own"
        elif mode in FILE_MODES:
            continue
        else:
            message = "not a regular file: put one here"
        yield path, problem(Code.NOT_A_FILE, message, Location(path))


def is_yaml(path: str) -> bool:
    return path.endswith(SUFFIXES) and basename(path) not in {UNIT_FILE, *REPOSITORY_FILES}


def by_unit(files: Iterable[File], layout: Layout) -> Mapping[str, list[File]]:
    """Return the object files of each unit, in the order of their names."""
    units: dict[str, list[File]] = {}
    for file in sorted(files, key=lambda own: own.path):
        if file.of_objects:
            unit = layout.unit(file.path)
            if unit is not None:
                units.setdefault(unit, []).append(file)
    return units

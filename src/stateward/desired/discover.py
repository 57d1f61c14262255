"""Which files of a revision matter, and which unit each belongs to.

An object file is known by what is in it, wherever it stands. A file that cannot be parsed is
known by its text, so that a slip in an object file is not taken for its absence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from posixpath import basename, dirname, normpath

from stateward.desired.envelope import OBJECT_KINDS
from stateward.errors import Code, Location, Problem
from stateward.model import document
from stateward.model.document import Document, Map, Seq

SUFFIXES = (".yml", ".yaml", ".json")
REPOSITORY_FILES = (".infrahub.yml", ".infrahub.yaml")
UNIT_FILE = ".stateward.yaml"
CONFIGURATION_FILE = "stateward.yaml"
FILE_MODES = frozenset({"100644", "100755"})
_SYMLINK, _SUBMODULE = "120000", "160000"
_API = "infrahub.app/"

_OBJECTS = re.compile(rb"""(?:^|[\s{,"'])kind["']?\s*:\s*["']?(?:Object|Menu)\b""")
_SCHEMA = re.compile(rb"""(?:^|[\s{,])["']?(?:nodes|generics|extensions)["']?\s*:""")
_VERSION = re.compile(rb"""(?:^|[\s{,])["']?version["']?\s*:""")


class Look(Enum):
    """What a file seems to be, by its text."""

    OBJECTS = "objects"
    SCHEMA = "schema"
    OTHER = "other"


def look(data: bytes) -> Look:
    if _OBJECTS.search(data):
        return Look.OBJECTS
    if _SCHEMA.search(data) and _VERSION.search(data):
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
    """Kept where there are problems."""

    @property
    def objects(self) -> tuple[Document, ...]:
        return tuple(own for own in self.documents if is_object(own))

    @property
    def is_schema(self) -> bool:
        return any(_is_schema(own) for own in self.documents)


def strays(file: File) -> Iterator[Problem]:
    """Yield the documents of an object file that are no objects, though they seem to be meant so."""
    for doc in file.documents if file.objects else ():
        if isinstance(doc.root, Map) and (is_object(doc) or "spec" not in doc.root):
            continue
        if not isinstance(doc.root, Map):
            at, what = doc.location(), "expected a mapping with kind and spec"
        elif not _ours(doc.root):
            continue
        else:
            kind = "kind" in doc.root
            at = doc.location(doc.root.value_mark("kind") if kind else doc.root.first_mark())
            what = f"kind {doc.root.get('kind')!r}: expected Object or Menu"
        yield Problem(code=Code.ENVELOPE, message=f"not an object document: {what}", location=at)


def is_object(doc: Document) -> bool:
    root = doc.root
    return isinstance(root, Map) and root.get("kind") in OBJECT_KINDS and _ours(root)


def _ours(root: Map) -> bool:
    return str(root.get("apiVersion", _API)).startswith(_API)


def _is_schema(doc: Document) -> bool:
    root = doc.root
    keys = ("nodes", "generics", "extensions")
    return isinstance(root, Map) and "version" in root and any(key in root for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What ``.infrahub.yml`` lists. None means that it does not say."""

    file: str = ""
    schemas: tuple[tuple[str, int], ...] | None = None
    objects: tuple[tuple[str, int], ...] = ()


def listing(documents: Iterable[Document]) -> tuple[Listing, tuple[Problem, ...]]:
    """Read the lists of ``.infrahub.yml`` that concern us; the rest is Infrahub's own."""
    for doc in documents:
        if isinstance(doc.root, Map):
            problems: list[Problem] = []
            schemas = _paths(doc, "schemas", problems)
            objects = (
                *(_paths(doc, "objects", problems) or ()),
                *(_paths(doc, "menus", problems) or ()),
            )
            return Listing(file=doc.file, schemas=schemas, objects=objects), tuple(problems)
    return Listing(), ()


def _paths(doc: Document, key: str, problems: list[Problem]) -> tuple[tuple[str, int], ...] | None:
    value = doc.root.get(key)
    if value is None:
        return None
    if not isinstance(value, Seq) or not all(isinstance(item, str) for item in value):
        message = f"{key}: expected a list of paths"
        at = doc.location(doc.root.value_mark(key))
        problems.append(Problem(code=Code.LISTED_FILE, message=message, location=at))
        return None
    return tuple((normpath(item), mark) for item, mark in value.with_marks())


def listed(files: Iterable[str], paths: Sequence[str]) -> set[str]:
    """Return the files that a list of files and directories names."""
    wanted = set(paths)
    return {path for path in files if "." in wanted or any(own in wanted for own in _upwards(path))}


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = dirname(path)


def missing(
    own: Listing, paths: tuple[tuple[str, int], ...], present: Iterable[str]
) -> Iterator[tuple[str, Problem]]:
    """Yield the listed paths that are not there: what is missing is an error, never empty."""
    known = {upper for path in present for upper in _upwards(path)}
    for path, mark in paths:
        if path not in known and path != ".":
            message = f"{path}: listed, but not in this revision: remove the line, or restore it"
            at = document.location(own.file, mark)
            yield path, Problem(code=Code.LISTED_FILE, message=message, location=at)


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
        for rule in self.rules:
            if not any(
                _matches(pattern, own) for pattern in rule.exclude for own in _upwards(directory)
            ):
                for own in reversed(list(_upwards(directory))) if rule.recursive else (directory,):
                    if _matches(rule.path, own):
                        return own
        return None


def _matches(pattern: str, path: str) -> bool:
    return _translated(pattern.strip("/")).fullmatch(path) is not None


def _translated(pattern: str) -> re.Pattern[str]:
    """Turn a glob into a regular expression; ``**`` stands for any number of directories."""
    parts = []
    for piece in re.split(r"(/\*\*(?=/|$)|^\*\*/|\*\*|\*|\?)", pattern):
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
    return re.compile("".join(parts))


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
        yield path, Problem(code=Code.NOT_A_FILE, message=message, location=Location(path))


def is_yaml(path: str) -> bool:
    return path.endswith(SUFFIXES) and basename(path) not in {UNIT_FILE, *REPOSITORY_FILES}


def by_unit(files: Iterable[File], layout: Layout) -> Mapping[str, list[File]]:
    """Return the object files of each unit, in the order of their names."""
    units: dict[str, list[File]] = {}
    for file in sorted(files, key=lambda own: own.path):
        if file.objects or (file.look is Look.OBJECTS and file.problems):
            unit = layout.unit(file.path)
            if unit is not None:
                units.setdefault(unit, []).append(file)
    return units

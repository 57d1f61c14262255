"""What ``.infrahub.yml`` lists: which files hold the schema, and which hold objects."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import dirname, normpath

from stateward.desired.notes import problem
from stateward.errors import Code, Problem
from stateward.model import document
from stateward.model.document import Document, Map, Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The lists that concern us, as paths with their marks. None means that it does not say."""

    file: str = ""
    schemas: tuple[tuple[str, int], ...] | None = None
    objects: tuple[tuple[str, int], ...] = ()


def read(documents: Sequence[Document]) -> tuple[Listing, tuple[Problem, ...]]:
    """Read the lists of ``.infrahub.yml``; the rest of it is Infrahub's own."""
    if not documents:
        return Listing(), ()
    doc = documents[0]
    if not isinstance(doc.root, Map):
        return Listing(), (problem(Code.LISTED_FILE, "expected a mapping", doc.location()),)
    problems: list[Problem] = []
    schemas = _paths(doc, "schemas", problems)
    objects = (
        *(_paths(doc, "objects", problems) or ()),
        *(_paths(doc, "menus", problems) or ()),
    )
    return Listing(file=doc.file, schemas=schemas, objects=objects), tuple(problems)


def _paths(doc: Document, key: str, problems: list[Problem]) -> tuple[tuple[str, int], ...] | None:
    value = doc.root.get(key)
    if value is None:
        return None
    if not isinstance(value, Seq) or not all(isinstance(item, str) for item in value):
        at = doc.location(doc.root.value_mark(key))
        problems.append(problem(Code.LISTED_FILE, f"{key}: expected a list of paths", at))
        return None
    return tuple((normpath(item), mark) for item, mark in value.with_marks())


def named(files: Iterable[str], paths: Iterable[str]) -> set[str]:
    """Return the files that a list of files and directories names."""
    wanted = {normpath(path) for path in paths}
    return {path for path in files if "." in wanted or any(own in wanted for own in upwards(path))}


def upwards(path: str) -> Iterator[str]:
    """Yield a path and every directory above it, but for the one that holds everything."""
    while path:
        yield path
        path = dirname(path)


def missing(
    own: Listing, paths: Iterable[tuple[str, int]], present: Collection[str]
) -> Iterator[tuple[str, Problem]]:
    """Yield the listed paths that are not there: what is missing is an error, never empty."""
    known = {upper for path in present for upper in upwards(path)}
    for path, mark in paths:
        if path not in known and path != ".":
            message = f"{path}: listed, but not in this revision: remove the line, or restore it"
            at = document.location(own.file, mark)
            yield path, problem(Code.LISTED_FILE, message, at)


def without_objects(own: Listing, barren: Collection[str]) -> Iterator[tuple[str, Problem]]:
    """Yield the files that are listed for their objects and hold none."""
    for path, mark in own.objects:
        if path in barren:
            message = f"{path}: listed for its objects, but holds none: remove the line, or mend it"
            at = document.location(own.file, mark)
            yield path, problem(Code.LISTED_FILE, message, at)

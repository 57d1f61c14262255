"""One revision of a source to parsed files, units and a schema."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import basename, dirname

from stateward.desired import discover, documents, listing
from stateward.desired.discover import File, Layout, Look
from stateward.desired.listing import Listing
from stateward.desired.load import UnitFiles
from stateward.desired.notes import problem
from stateward.errors import Code, Location, Problem, Severity
from stateward.model.document import Document
from stateward.model.schema import Schema
from stateward.model.unit import UnitSettings
from stateward.ports import Checkout, Source, TreeEntry
from stateward.schema import files as schema_files

ReadSettings = Callable[[str, Document | None], tuple[UnitSettings, tuple[Problem, ...]]]
"""Turns a unit's ``.stateward.yaml``, or none, into its settings."""

_MAX_LOOKED_AT = 64 * 1024 * 1024
"""Bytes; a larger file is not even looked into, and taken for an object file that is too large."""
_MAX_AT_ONCE = 64 * 1024 * 1024
"""About how many bytes are read from the source at once."""
_MIN_KEPT, _KEPT_REVISIONS = 500, 2
"""How many parsed files are kept at least, and for how many revisions of their number.

A daemon has them for months, and a small file takes 30 KiB: this is what bounds them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What one revision holds, before it is read against a schema."""

    revision: str
    paths: frozenset[str]
    files: Mapping[str, File]
    units: Mapping[str, UnitFiles]
    digests: Mapping[str, str]
    settings: Mapping[str, UnitSettings]
    listing: Listing
    doubts: tuple[tuple[str, Problem], ...] = ()
    """Paths that could not be read at all: units at or below them are not known."""
    problems: tuple[Problem, ...] = ()

    def doubt(self, unit: str) -> Problem | None:
        """Return why a unit cannot be said to be gone, if there is a reason."""
        for path, own in self.doubts:
            if unit == path or unit.startswith(f"{path}/"):
                return replace(own, unit=unit)
        return None


@dataclass(slots=True)
class Loader:
    """Reads revisions of one source, each file once: contents are told apart by blob."""

    source: Source
    layout: Layout
    schemas: tuple[str, ...] | None
    """The files and directories that hold the schema, where the configuration says so."""
    read_settings: ReadSettings
    _settings: dict[str, "_UnitFile"] = field(default_factory=dict)
    """By unit: what was read last. Most units have no file, and keep what they have for months."""
    _parsed: dict[tuple[str, str, bool], File] = field(default_factory=dict)
    """By path, blob and whether it had to be parsed whatever it looks like; the last used last."""

    async def load(self, revision: str | None = None) -> Loaded:
        """Load what is to be brought about; raises ``SourceRefused`` where nobody vouches for it."""
        checkout = await self.source.checkout(revision)
        await self.source.vouch(checkout.revision)
        return await self._loaded(checkout)

    async def look_back(self, revision: str | None) -> Loaded:
        """Load what was brought about: it is what it was, whoever is to vouch for revisions now."""
        return await self._loaded(await self.source.checkout(revision))

    async def _loaded(self, checkout: Checkout) -> Loaded:
        plain = {own.path: own for own in checkout.entries if own.mode in discover.FILE_MODES}
        odd = tuple(discover.unreadable((own.path, own.mode) for own in checkout.entries))
        listed, problems = _listing(await self._read(_repository_file(plain), plain), odd)
        files = await self._files(plain, self._schema_paths(listed))
        units, digests = self._units(files, plain)
        missing = tuple(listing.missing(listed, listed.objects, plain))
        barren = {own.path for own in files.values() if not own.of_objects}
        empty = tuple(listing.without_objects(listed, barren))
        self._add_problems(units, (*odd, *missing, *empty))
        settings = await self._add_settings(units, plain)
        return Loaded(
            revision=checkout.revision,
            paths=frozenset(plain),
            files=files,
            units=units,
            digests=digests,
            settings=settings,
            listing=listed,
            doubts=(*odd, *self._homes(odd), *missing),
            problems=tuple(problems),
        )

    def _schema_paths(self, listed: Listing) -> tuple[str, ...]:
        if self.schemas is not None:
            return self.schemas
        return tuple(path for path, _ in listed.schemas or ())

    async def _files(
        self, plain: Mapping[str, TreeEntry], schemas: Collection[str]
    ) -> dict[str, File]:
        """Parse what matters: what seems to, and whatever is listed as a part of the schema."""
        entries = [own for own in plain.values() if discover.is_yaml(own.path)]
        named = listing.named((own.path for own in entries), schemas)
        found: dict[str, File] = {}
        wanted: list[TreeEntry] = []
        for own in entries:
            known = self._parsed.pop((own.path, own.blob, own.path in named), None)
            if own.size > _MAX_LOOKED_AT:
                found[own.path] = _unread(own)
            elif known is not None:
                found[own.path] = known
            else:
                wanted.append(own)
        for some in _batches(wanted):
            contents = await self.source.read([own.blob for own in some])
            for own in some:
                whole = own.path in named
                found[own.path] = read_file(own.path, contents[own.blob], whole=whole)
        for own in entries:
            self._parsed[own.path, own.blob, own.path in named] = found[own.path]
        for key in list(self._parsed)[: -max(_MIN_KEPT, _KEPT_REVISIONS * len(entries))]:
            del self._parsed[key]
        return found

    async def _read(
        self, names: Collection[str], plain: Mapping[str, TreeEntry]
    ) -> dict[str, File]:
        """Parse files that declare no objects."""
        found = {path: _unread(plain[path]) for path in names}
        read = [plain[path] for path in names if plain[path].size <= documents.MAX_BYTES]
        for some in _batches(read):
            contents = await self.source.read([own.blob for own in some])
            found |= {own.path: _parse(own.path, Look.OTHER, contents[own.blob]) for own in some}
        return found

    def _units(
        self, files: Mapping[str, File], plain: Mapping[str, TreeEntry]
    ) -> tuple[dict[str, UnitFiles], dict[str, str]]:
        units, digests = {}, {}
        for unit, own in discover.by_unit(files.values(), self.layout).items():
            problems = [p for file in own for p in (*file.problems, *discover.strays(file))]
            units[unit] = UnitFiles(
                documents=[doc for file in own for doc in file.objects],
                problems=[replace(one, unit=unit) for one in problems],
                texts={file.path: file.text for file in own},
                paths=tuple(file.path for file in own),
            )
            content = "\n".join(f"{file.path}\0{plain[file.path].blob}" for file in own)
            digest = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()
            digests[unit] = digest[:16]
        return units, digests

    async def _add_settings(
        self, units: dict[str, UnitFiles], plain: Mapping[str, TreeEntry]
    ) -> dict[str, UnitSettings]:
        """Read the settings of all units, and of directories that were units once."""
        own_files = {
            dirname(path) or ".": own
            for path, own in plain.items()
            if basename(path) == discover.UNIT_FILE
        }
        blobs = dict.fromkeys(units, "") | {unit: own.blob for unit, own in own_files.items()}
        found = {
            unit: own
            for unit, blob in blobs.items()
            if (own := self._settings.get(unit)) is not None and own.blob == blob
        }
        fresh = blobs.keys() - found.keys()
        files = await self._read([own_files[u].path for u in fresh & own_files.keys()], plain)
        for unit in fresh:
            file = files[own_files[unit].path] if unit in own_files else None
            doc = next(iter(file.documents), None) if file else None
            settings, wrong = self.read_settings(unit, doc)
            problems = (*(file.problems if file else ()), *wrong)
            found[unit] = _UnitFile(blobs[unit], settings, problems)
        for unit in units:
            if found[unit].problems:
                _add(units, unit, found[unit].problems)
        self._settings = found
        return {unit: own.settings for unit, own in found.items()}

    def _homes(self, odd: Iterable[tuple[str, Problem]]) -> Iterator[tuple[str, Problem]]:
        """Yield the units whose object file may be what is no file now, the only one perhaps."""
        for path, own in odd:
            unit = self.layout.unit(path) if discover.is_yaml(path) else None
            if unit is not None:
                yield unit, own

    def _add_problems(
        self, units: dict[str, UnitFiles], found: Iterable[tuple[str, Problem]]
    ) -> None:
        """Stall the units that lack a file, or whose file is no file.

        A symbolic link concerns a unit that is there, anything listed makes one of its own: else
        nobody would be told that it is missing.
        """
        for path, own in found:
            if basename(path) == discover.UNIT_FILE:
                unit: str | None = dirname(path) or "."
            else:
                unit = self.layout.unit(path if discover.is_yaml(path) else f"{path}/")
            if unit in units or (unit is not None and own.code is Code.LISTED_FILE):
                _add(units, unit, (own,))


@dataclass(frozen=True, slots=True)
class _UnitFile:
    """What one blob of a unit's own file says, or none at all."""

    blob: str
    settings: UnitSettings
    problems: tuple[Problem, ...]


def _repository_file(plain: Collection[str]) -> list[str]:
    return [path for path in discover.REPOSITORY_FILES if path in plain][:1]


def _add(units: dict[str, UnitFiles], unit: str, problems: Iterable[Problem]) -> None:
    known = units.get(unit, UnitFiles())
    own = (replace(one, unit=unit) for one in problems)
    units[unit] = replace(known, problems=(*known.problems, *own))


def _listing(
    special: Mapping[str, File], odd: Iterable[tuple[str, Problem]]
) -> tuple[Listing, list[Problem]]:
    problems = [own for path, own in odd if path in discover.REPOSITORY_FILES]
    for file in special.values():  # there is one at most
        found, wrong = listing.read(file.documents)
        return found, [*problems, *file.problems, *wrong]
    return Listing(), problems


def _batches(entries: Iterable[TreeEntry]) -> Iterator[list[TreeEntry]]:
    """Yield entries in lots of a bounded size."""
    batch: list[TreeEntry] = []
    size = 0
    for own in entries:
        if batch and size + own.size > _MAX_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(own)
        size += own.size
    if batch:
        yield batch


def _unread(entry: TreeEntry) -> File:
    problems = (documents.too_large(entry.path, entry.size),)
    return File(path=entry.path, look=Look.OBJECTS, problems=problems)


def read_file(path: str, data: bytes, *, whole: bool = False) -> File:
    """Look at a file, and parse it if it may be one of ours, or has to be one."""
    seems = discover.look(data)
    if seems in {Look.OTHER, Look.NOTHING} and not whole:
        text = data.decode(errors="replace") if len(data) <= documents.MAX_BYTES else ""
        return File(path=path, look=seems, text=text)
    return _parse(path, seems, data)


def _parse(path: str, seems: Look, data: bytes) -> File:
    parsed, problems = documents.parse(path, data)
    text = data.decode(errors="replace")
    return File(path=path, look=seems, documents=parsed, problems=problems, text=text)


DeclaredSchema = tuple[Schema | None, tuple[Problem, ...]]
"""A schema, or None, and what is wrong with its files."""


def read_schema(chosen: Sequence[File]) -> DeclaredSchema:
    """Read what the files of a schema declare; None where that is nothing, or wrong."""
    problems = tuple(own for file in chosen for own in file.problems)
    parsed = [doc for file in chosen for doc in file.documents]
    if not parsed or any(own.severity is Severity.ERROR for own in problems):
        return None, problems
    schema, wrong = schema_files.load(parsed)
    return schema, (*problems, *wrong)


def declared_schema(
    loaded: Loaded,
    configured: tuple[str, ...] | None,
    read: Callable[[Sequence[File]], DeclaredSchema] = read_schema,
) -> DeclaredSchema:
    """Return the schema that a revision brings; None where it brings none."""
    chosen, missing = schema_files_of(loaded, configured)
    if any(own.severity is Severity.ERROR for own in missing):
        return None, (*missing, *(own for file in chosen for own in file.problems))
    schema, problems = read(chosen)
    return schema, (*missing, *problems)


def schema_files_of(
    loaded: Loaded, configured: tuple[str, ...] | None
) -> tuple[list[File], list[Problem]]:
    """Return the files that make up a revision's schema, in order, and what is said of others."""
    paths: tuple[str, ...] | None = configured
    problems: list[Problem] = []
    if configured is not None:
        problems += _not_there(configured, loaded.paths)
    elif (listed := loaded.listing.schemas) is not None:
        paths = tuple(path for path, _ in listed)
        missing = listing.missing(loaded.listing, listed, loaded.paths)
        problems += [own for _, own in missing]
    if paths is None:
        chosen = [file for file in loaded.files.values() if _seems_schema(file)]
    else:
        chosen = [loaded.files[name] for name in listing.named(loaded.files, paths)]
    return sorted(chosen, key=lambda own: own.path), problems


def _not_there(configured: Iterable[str], present: Collection[str]) -> Iterator[Problem]:
    for path in configured:
        if not listing.named(present, [path]):
            message = f"schemas: {path}: configured, but not in this revision: mend the name"
            yield problem(Code.LISTED_FILE, message, None)


def _seems_schema(file: File) -> bool:
    return file.is_schema or (file.look is Look.SCHEMA and bool(file.problems))


def no_longer_objects(before: Iterable[str], loaded: Loaded, unit: str) -> tuple[Problem, ...]:
    """Return what is wrong with files that held objects and are there, but hold none now."""
    problems: list[Problem] = []
    for path in before:
        file = loaded.files.get(path)
        if path not in loaded.paths or file is None or file.objects:
            continue
        wrong = file.problems
        if not wrong and file.look is not Look.NOTHING:
            message = "held objects before, and is no object file now: mend it, or delete it"
            wrong = (problem(Code.UNREADABLE, message, Location(path)),)
        problems += [replace(own, unit=unit) for own in wrong]
    return tuple(problems)

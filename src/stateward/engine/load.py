"""One revision of a source to parsed files, units and a schema."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from posixpath import dirname

from stateward.desired import discover, documents
from stateward.desired.discover import File, Layout, Listing, Look
from stateward.desired.load import UnitFiles
from stateward.errors import Code, Location, Problem, Severity
from stateward.model.document import Document, Map
from stateward.model.schema import Schema
from stateward.model.unit import UnitSettings
from stateward.ports import Source, TreeEntry
from stateward.schema import files as schema_files

ReadSettings = Callable[[str, Document | None], tuple[UnitSettings, tuple[Problem, ...]]]
"""Turns a unit's ``.stateward.yaml``, or none, into its settings."""

_MAX_LOOKED_AT = 256 * 1024 * 1024
"""Bytes; a larger file is not even looked into, and taken for an object file that is too large."""


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
        for path, problem in self.doubts:
            if unit == path or unit.startswith(f"{path}/"):
                return replace(problem, unit=unit)
        return None


@dataclass(slots=True)
class Loader:
    """Reads revisions of one source, each file once: contents are told apart by blob."""

    source: Source
    layout: Layout
    schemas: tuple[str, ...] | None
    """The files and directories that hold the schema, where the configuration says so."""
    read_settings: ReadSettings
    _parsed: dict[tuple[str, str], File] = field(default_factory=dict)

    async def load(self, revision: str | None = None) -> Loaded:
        checkout = await self.source.checkout(revision)
        plain = {own.path: own for own in checkout.entries if own.mode in discover.FILE_MODES}
        files = await self._files(own for own in plain.values() if discover.is_yaml(own.path))
        special = await self._special(plain)
        listing, problems = self._listing(special)
        units, digests = self._units(files, plain)
        doubts = tuple(discover.unreadable((own.path, own.mode) for own in checkout.entries))
        settings = {}
        for unit in {*units, *(dirname(path) or "." for path in special)}:
            own = special.get(f"{unit}/{discover.UNIT_FILE}" if unit != "." else discover.UNIT_FILE)
            settings[unit], wrong = self._settings(unit, own)
            if unit in units and wrong:
                units[unit] = replace(units[unit], problems=(*units[unit].problems, *wrong))
        self._add_doubts(units, doubts)
        self._add_missing(units, discover.missing(listing, listing.objects, plain))
        return Loaded(
            revision=checkout.revision,
            paths=frozenset(plain),
            files=files,
            units=units,
            digests=digests,
            settings=settings,
            listing=listing,
            doubts=doubts,
            problems=tuple(problems),
        )

    async def _files(self, entries: Iterable[TreeEntry]) -> dict[str, File]:
        found: dict[str, File] = {}
        wanted: list[TreeEntry] = []
        for own in entries:
            if own.size > _MAX_LOOKED_AT:
                problem = documents.too_large(own.path, own.size)
                found[own.path] = File(path=own.path, look=Look.OBJECTS, problems=(problem,))
            elif (own.path, own.blob) in self._parsed:
                found[own.path] = self._parsed[own.path, own.blob]
            else:
                wanted.append(own)
        contents = await self.source.read([own.blob for own in wanted]) if wanted else {}
        for own in wanted:
            file = read_file(own.path, contents[own.blob])
            self._parsed[own.path, own.blob] = file
            found[own.path] = file
        return found

    async def _special(self, plain: Mapping[str, TreeEntry]) -> dict[str, File]:
        names = [path for path in plain if path.rpartition("/")[2] == discover.UNIT_FILE]
        names += [path for path in discover.REPOSITORY_FILES if path in plain][:1]
        contents = await self.source.read([plain[path].blob for path in names]) if names else {}
        return {path: _parse(path, Look.OTHER, contents[plain[path].blob]) for path in names}

    def _listing(self, special: Mapping[str, File]) -> tuple[Listing, list[Problem]]:
        for path in discover.REPOSITORY_FILES:
            if path in special:
                listing, problems = discover.listing(special[path].documents)
                return listing, [*special[path].problems, *problems]
        return Listing(), []

    def _units(
        self, files: Mapping[str, File], plain: Mapping[str, TreeEntry]
    ) -> tuple[dict[str, UnitFiles], dict[str, str]]:
        units, digests = {}, {}
        for unit, own in discover.by_unit(files.values(), self.layout).items():
            problems = [p for file in own for p in (*file.problems, *discover.strays(file))]
            units[unit] = UnitFiles(
                documents=[doc for file in own for doc in file.objects],
                problems=[replace(problem, unit=unit) for problem in problems],
                texts={file.path: file.text for file in own},
                paths=tuple(file.path for file in own),
            )
            content = "\n".join(f"{file.path}\0{plain[file.path].blob}" for file in own)
            digests[unit] = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()[
                :16
            ]
        return units, digests

    def _settings(self, unit: str, file: File | None) -> tuple[UnitSettings, tuple[Problem, ...]]:
        doc = next(iter(file.documents), None) if file else None
        settings, problems = self.read_settings(unit, doc)
        return settings, (*(file.problems if file else ()), *problems)

    def _add_doubts(
        self, units: dict[str, UnitFiles], doubts: Iterable[tuple[str, Problem]]
    ) -> None:
        """Stall the units in whose directory an object file is no file."""
        for path, problem in doubts:
            unit = self.layout.unit(path) if discover.is_yaml(path) else None
            if unit is not None and unit in units:
                wrong = replace(problem, unit=unit)
                units[unit] = replace(units[unit], problems=(*units[unit].problems, wrong))

    def _add_missing(
        self, units: dict[str, UnitFiles], missing: Iterable[tuple[str, Problem]]
    ) -> None:
        """Stall the units that lack a file which ``.infrahub.yml`` says they have."""
        for path, problem in missing:
            for unit in units.keys() & {self.layout.unit(path), path}:
                wrong = replace(problem, unit=unit)
                units[unit] = replace(units[unit], problems=(*units[unit].problems, wrong))


def read_file(path: str, data: bytes) -> File:
    """Look at a file, and parse it if it may be one of ours."""
    seems = discover.look(data)
    return File(path=path, look=seems) if seems is Look.OTHER else _parse(path, seems, data)


def _parse(path: str, seems: Look, data: bytes) -> File:
    parsed, problems = documents.parse(path, data)
    text = data.decode(errors="replace")
    return File(path=path, look=seems, documents=parsed, problems=problems, text=text)


def declared_schema(
    loaded: Loaded, configured: tuple[str, ...] | None
) -> tuple[Schema | None, tuple[Problem, ...]]:
    """Read the schema files of a revision; None where it brings none."""
    listed: tuple[tuple[str, int], ...] | None = loaded.listing.schemas
    problems: list[Problem] = []
    if configured is not None:
        paths: tuple[str, ...] | None = configured
    else:
        paths = tuple(path for path, _ in listed) if listed is not None else None
        missing = discover.missing(loaded.listing, listed or (), loaded.paths)
        problems += [problem for _, problem in missing]
    if paths is None:
        chosen = [file for file in loaded.files.values() if _seems_schema(file)]
    else:
        names = discover.listed(loaded.files, paths)
        chosen = [loaded.files[name] for name in sorted(names)]
    problems += [own for file in chosen for own in file.problems]
    parsed = [doc for file in sorted(chosen, key=lambda own: own.path) for doc in file.documents]
    if any(own.severity is Severity.ERROR for own in problems):
        return None, tuple(problems)
    if not parsed:
        return None, tuple(problems)
    schema, wrong = schema_files.load(parsed)
    return schema, (*problems, *wrong)


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
        if not wrong and any(isinstance(doc.root, Map) for doc in file.documents):
            message = "held objects before, and is no object file now: mend it, or delete it"
            wrong = (Problem(code=Code.UNREADABLE, message=message, location=Location(path)),)
        problems += [replace(own, unit=unit) for own in wrong]
    return tuple(problems)

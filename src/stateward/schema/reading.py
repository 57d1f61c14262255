"""Documents of schema files to the declarations in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stateward.errors import Location
from stateward.model.document import Document, Map
from stateward.model.schema import Section
from stateward.schema import fields, forms
from stateward.schema.draft import RESTRICTED, Declaration, Declared
from stateward.schema.entries import Entry
from stateward.schema.report import Report, Source


def declarations(documents: Iterable[Document], report: Report) -> list[Declaration]:
    """Read all declarations, in the order of their files and places.

    That order, not the order of the documents, settles what two of them declare differently.
    """
    found: list[Declaration] = []
    for document in documents:
        if isinstance(document.root, Map):
            entry = Entry(Source(document.file, document.root), "schema file", report)
            found.extend(_document(entry))
        else:
            message = "schema file: it must be a mapping with version, nodes, generics, extensions"
            report.error(document.location(), message)
    return sorted(found, key=_place)


def _place(declaration: Declaration) -> Location:
    return declaration.source.start()


def _document(entry: Entry) -> Iterator[Declaration]:
    data = entry.read(forms.ROOT)
    for key, section in (("generics", Section.GENERIC), ("nodes", Section.NODE)):
        for item in entry.items(key, data.get(key, ()), section.value):
            yield from _kind(item, section)
    if "extensions" in data:
        inner = entry.inner(data["extensions"], "extensions")
        nodes = inner.read(forms.EXTENSIONS).get("nodes", ())
        for item in inner.items("nodes", nodes, "extension"):
            yield from _extension(item)


def _kind(entry: Entry, section: Section) -> Iterator[Declaration]:
    given = entry.source.map
    kind = "".join(str(given.get(key) or "") for key in ("namespace", "name"))
    entry = entry.inner(given, kind or entry.what)
    settings = entry.read(forms.GENERIC if section is Section.GENERIC else forms.NODE)
    if "namespace" not in settings or "name" not in settings:
        return
    namespace = settings["namespace"]
    if namespace in RESTRICTED:
        place = entry.source.value("namespace")
        entry.error(place, f"namespace: {namespace} is Infrahub's own: choose another")
        return
    yield Declaration(
        kind=kind,
        namespace=namespace,
        section=section,
        source=entry.source,
        settings=settings,
        fields=_fields(entry, kind, settings),
    )


def _extension(entry: Entry) -> Iterator[Declaration]:
    settings = entry.read(forms.EXTENSION)
    if "kind" in settings:
        kind = settings["kind"]
        yield Declaration(
            kind=kind,
            namespace="",
            section=None,
            source=entry.source,
            fields=_fields(entry, kind, settings),
        )


def _fields(entry: Entry, owner: str, settings: Mapping[str, Any]) -> tuple[Declared, ...]:
    found: list[Declared | None] = []
    for key, reader in (("attributes", fields.attribute), ("relationships", fields.relationship)):
        for item in entry.items(key, settings.get(key, ()), owner):
            name = item.source.map.get("name", f"one of the {key}")
            found.append(reader(item.inner(item.source.map, f"{owner}.{name}")))
    return tuple(_unique([item for item in found if item is not None], entry))


def _unique(found: Sequence[Declared], entry: Entry) -> Iterator[Declared]:
    seen: dict[str, Declared] = {}
    for item in found:
        first = seen.setdefault(item.name, item)
        if first is item:
            yield item
        else:
            message = f"{item.name}: the name is given twice, first at {first.source.start()}"
            entry.error(item.source.value("name"), message)

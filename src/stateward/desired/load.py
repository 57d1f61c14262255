"""Documents of all units to what they declare: the one function that the engine calls."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.desired import checks, ends
from stateward.desired.drafts import Draft, Notes
from stateward.desired.envelope import Reader
from stateward.desired.identity import Identifier, Unknown, told
from stateward.desired.items import ItemReader
from stateward.desired.resolve import Resolver
from stateward.errors import Code, Problem, Severity
from stateward.model.document import Document
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject, DesiredUnit, External
from stateward.schema import paths


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFiles:
    """The object documents of one unit, and what is wrong with its files already."""

    documents: Sequence[Document] = ()
    problems: Sequence[Problem] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of each file by name."""
    paths: Sequence[str] = ()


Known = Mapping[tuple[ObjectKey | NodeId, str], str]
"""Attributes of objects of the target, as identities spell them."""


def load(files: Mapping[str, UnitFiles], schema: Schema, known: Known | None = None) -> Desired:
    """Read what all units declare; problems stall their unit, or the object they name."""
    identifier = Identifier(schema, known or {})
    notes = {unit: Notes(list(given.problems)) for unit, given in files.items()}
    drafts = {unit: _drafts(unit, files[unit], schema, notes[unit]) for unit in files}
    needs, unidentified = _identities(drafts, identifier, notes)
    objects: dict[str, dict[ObjectKey, DesiredObject]] = {}
    externals: dict[str, list[External]] = {}
    for unit in files:
        resolver = Resolver(identifier, notes[unit], unit)
        objects[unit] = resolver.objects(drafts[unit])
        externals[unit] = resolver.externals
    _complete(objects, schema)
    for problem in _together(objects, schema):
        notes[problem.unit or ""].problems.append(problem)
    units = {
        unit: DesiredUnit(
            name=unit,
            objects=objects[unit],
            externals=tuple(externals[unit]),
            problems=tuple(notes[unit].problems),
            unread=_unread(files[unit], notes[unit].problems, unidentified),
        )
        for unit in files
    }
    return Desired(units=units, needs=tuple(needs))


def _drafts(unit: str, given: UnitFiles, schema: Schema, notes: Notes) -> list[Draft]:
    drafts: list[Draft] = []
    for doc in given.documents:
        reader = Reader(unit, doc.file, notes)
        block = reader.document(doc)
        if block is not None:
            menu = doc.root["kind"] == "Menu"
            ItemReader(schema, reader, notes, drafts, menu).block(block)
    return drafts


def _identities(
    drafts: Mapping[str, list[Draft]], identifier: Identifier, notes: Mapping[str, Notes]
) -> tuple[list[External], set[str]]:
    """Tell all keys, and note the drafts that have none.

    Returns what the target must be asked to tell more of them, and the files they stand in.
    """
    needs: list[External] = []
    files: set[str] = set()
    everything = [draft for unit in drafts.values() for draft in unit]
    for draft, error in told(everything, identifier).items():
        if error.reference is not None:
            parts = error.reference.parts
            needs.append(
                External(
                    reference=(
                        parts if isinstance(parts, NodeId) else identifier.spelled(error.reference)
                    ),
                    at=draft.origin,
                    subject=ObjectKey(draft.kind.kind, ()),
                    field=error.attribute,
                )
            )
        if paths.identity(draft.kind):
            files.add(draft.file)
        _note_unidentified(draft, error, notes[draft.unit])
    return needs, files


def _note_unidentified(draft: Draft, error: Unknown, notes: Notes) -> None:
    kind = draft.kind.kind
    if not paths.identity(draft.kind):
        # Not an error: nothing is unclear about what else the unit declares, and every repository
        # that Infrahub loads is to be planned. Infrahub makes such an object anew at each load.
        message = f"{kind}: has nothing to be identified by, and is left out: give its kind a"
        message += " human_friendly_id, or the object an id"
        notes.add(Code.IDENTITY, message, draft.origin, unit=draft.unit, warning=True)
    elif _is_mandatory(draft, str(error)):
        notes.add(
            Code.MANDATORY, f"{kind}: {error}: mandatory: declare it", draft.origin, unit=draft.unit
        )
    else:
        message = f"{kind}: cannot be identified without {error}: declare it"
        notes.add(Code.IDENTITY, message, draft.origin, unit=draft.unit)


def _is_mandatory(draft: Draft, name: str) -> bool:
    field = draft.kind.attributes.get(name) or draft.kind.relationships.get(name)
    return field is not None and field.mandatory


def _complete(objects: Mapping[str, dict[ObjectKey, DesiredObject]], schema: Schema) -> None:
    merged = {key: obj for unit in objects.values() for key, obj in unit.items()}
    for key, obj in ends.completed(merged, schema).items():
        for unit in objects.values():
            if key in unit:
                unit[key] = replace(unit[key], relations=obj.relations)


def _together(
    objects: Mapping[str, dict[ObjectKey, DesiredObject]], schema: Schema
) -> Iterable[Problem]:
    claims: dict[ObjectKey, list[DesiredObject]] = {}
    for unit in objects.values():
        for key, obj in unit.items():
            claims.setdefault(key, []).append(obj)
    everything = [obj for unit in objects.values() for obj in unit.values()]
    yield from checks.mandatory(everything, schema)
    yield from checks.owned_twice(claims)
    yield from checks.unique(everything, schema)
    yield from ends.contradictions({key: own[0] for key, own in claims.items()}, schema)


_HIDING = frozenset(
    {
        *(code for code in Code if code.startswith("SW10")),
        Code.ENVELOPE,
        Code.SPEC,
        Code.RANGE,
        Code.RELATIONSHIP_FORM,
        Code.UNKNOWN_KIND,
        Code.GENERIC_KIND,
        Code.WRONG_PEER,
    }
)
"""Errors behind which whole objects may hide."""


def _unread(
    given: UnitFiles, problems: Iterable[Problem], unidentified: Collection[str]
) -> tuple[str, ...]:
    """Return the texts of the files that may declare more than could be read."""
    wrong = {
        problem.location.file
        for problem in problems
        if problem.severity is Severity.ERROR and problem.location and problem.code in _HIDING
    }
    wrong |= set(unidentified)
    return tuple(text for file, text in given.texts.items() if file in wrong)


__all__ = ["Known", "UnitFiles", "Unknown", "load"]

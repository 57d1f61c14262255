"""Documents of all units to what they declare: the one function that the engine calls."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain

from stateward.desired import checks, ends
from stateward.desired.drafts import Draft
from stateward.desired.envelope import Reader
from stateward.desired.identity import Identifier, Unknown
from stateward.desired.items import ItemReader
from stateward.desired.notes import Enough, Notes, Page
from stateward.desired.ranges import Allowance
from stateward.desired.resolve import Resolver
from stateward.desired.telling import tell
from stateward.desired.uniqueness import unique
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
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The text of each file by name."""
    paths: Sequence[str] = ()


Known = Mapping[tuple[ObjectKey | NodeId, str], str]
"""Attributes of objects of the target, as identities spell them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all units declare, and what it takes to read some of them anew."""

    files: Mapping[str, UnitFiles]
    identifier: Identifier
    notes: Mapping[str, Notes]
    """What is wrong with each unit by itself."""
    objects: Mapping[str, Mapping[ObjectKey, DesiredObject]]
    """What each unit says by itself."""
    externals: Mapping[str, tuple[External, ...]]
    unidentified: Mapping[str, Mapping[Draft, Unknown]]
    """What has no key, by unit, and why."""
    desired: Desired = field(default_factory=Desired)

    @property
    def awaits(self) -> bool:
        """Whether there is something that could be told if somebody else declared more."""
        reasons = (own for unit in self.unidentified.values() for own in unit.values())
        return any(own.awaits is not None or own.reference is not None for own in reasons)


def load(files: Mapping[str, UnitFiles], schema: Schema, known: Known | None = None) -> Desired:
    """Read what all units declare; problems stall their unit, or the object they name."""
    return read(files, schema, known).desired


def read(files: Mapping[str, UnitFiles], schema: Schema, known: Known | None = None) -> Reading:
    """Read what all units declare, as ``load`` does, to be gone on from."""
    return _together(_alone(dict(sorted(files.items())), Identifier(schema, known or {})))


def read_again(before: Reading, files: Mapping[str, UnitFiles]) -> Reading | None:
    """Read the units that are others now, and take over the rest; ``before`` is used up.

    None where the rest may come to something else by it: where names come or go, or what names
    are made of is another value.
    """
    identifier = before.identifier
    if files.keys() != before.files.keys() or identifier.known or before.awaits:
        return None
    changed = {unit: own for unit, own in sorted(files.items()) if before.files[unit] != own}
    lent = identifier.lent(changed)
    if lent is None:
        return None
    identifier.forget(changed)
    new = _alone(changed, identifier)
    if new.awaits or identifier.lent(changed) != lent:
        return None
    return _together(
        Reading(
            files=dict(sorted(files.items())),
            identifier=identifier,
            notes={**before.notes, **new.notes},
            objects={**before.objects, **new.objects},
            externals={**before.externals, **new.externals},
            unidentified={**before.unidentified, **new.unidentified},
        )
    )


def _alone(files: Mapping[str, UnitFiles], identifier: Identifier) -> Reading:
    """Read units as far as each can be read without the others' objects, but for their names."""
    notes = {unit: Notes(unit, list(given.problems)) for unit, given in files.items()}
    drafts = {unit: _drafts(files[unit], identifier.schema, notes[unit]) for unit in files}
    unidentified: dict[str, dict[Draft, Unknown]] = {unit: {} for unit in files}
    told = tell([draft for unit in drafts.values() for draft in unit], identifier)
    for draft, reason in told.items():
        _note_unidentified(draft, reason, notes[draft.unit])
        unidentified[draft.unit][draft] = reason
    resolvers = {unit: Resolver(identifier, notes[unit]) for unit in files}
    return Reading(
        files=files,
        identifier=identifier,
        notes=notes,
        objects={unit: own.objects(drafts[unit]) for unit, own in resolvers.items()},
        externals={unit: tuple(own.externals) for unit, own in resolvers.items()},
        unidentified=unidentified,
    )


def _together(read: Reading) -> Reading:
    """See all units together: what they imply of each other, and where they do not agree."""
    schema = read.identifier.schema
    objects = ends.completed(read.objects, schema)
    notes = dict(read.notes)
    for problem in _disagreements(objects, schema):
        unit = problem.unit or ""
        if notes[unit] is read.notes[unit]:
            notes[unit] = notes[unit].copy()
        notes[unit].take(problem)
    units = {
        unit: DesiredUnit(
            name=unit,
            objects=objects[unit],
            externals=read.externals[unit],
            problems=tuple(notes[unit].problems),
            unread=_unread(given, notes[unit].problems, read.unidentified[unit]),
        )
        for unit, given in read.files.items()
    }
    needs = (_needs(own, read.identifier) for own in read.unidentified.values())
    return replace(read, desired=Desired(units=units, needs=tuple(chain.from_iterable(needs))))


def _drafts(given: UnitFiles, schema: Schema, notes: Notes) -> list[Draft]:
    drafts: list[Draft] = []
    allowance = Allowance()
    pages: dict[str, Page] = {}
    for doc in given.documents:
        page = pages.setdefault(doc.file, Page(doc.file, notes))
        if not page.closed:
            reader = Reader(page, allowance)
            with suppress(Enough):
                block = reader.document(doc)
                if block is not None:
                    menu = doc.root["kind"] == "Menu"
                    ItemReader(schema, reader, drafts, menu).block(block)
    return drafts


def _note_unidentified(draft: Draft, reason: Unknown, notes: Notes) -> None:
    kind = draft.kind.kind
    if not paths.identity(draft.kind):
        # Not an error: nothing is unclear about what else the unit declares, and every repository
        # that Infrahub loads is to be planned. Infrahub makes such an object anew at each load.
        message = f"{kind}: has nothing to be identified by, and is left out: give its kind a"
        notes.warn(Code.IDENTITY, f"{message} human_friendly_id, or the object an id", draft.origin)
    elif reason.pooled:
        message = f"{kind}: {reason} comes from a pool, and cannot be part of its identity"
        notes.add(Code.IDENTITY, f"{message}: declare its value", draft.origin)
    elif draft.is_misread(str(reason)):
        return
    elif _is_mandatory(draft, str(reason)):
        notes.add(Code.MANDATORY, f"{kind}: {reason}: mandatory: declare it", draft.origin)
    else:
        message = f"{kind}: cannot be identified without {reason}: declare it"
        notes.add(Code.IDENTITY, message, draft.origin)


def _is_mandatory(draft: Draft, name: str) -> bool:
    field = draft.kind.attributes.get(name) or draft.kind.relationships.get(name)
    return field is not None and field.mandatory


def _needs(unidentified: Mapping[Draft, Unknown], identifier: Identifier) -> Iterable[External]:
    """Yield what the target must be asked to tell more identities."""
    for draft, reason in unidentified.items():
        if reason.reference is not None:
            yield External(
                reference=identifier.meant(reason.reference),
                at=draft.origin,
                subject=ObjectKey(draft.kind.kind, ()),
                field=reason.attribute or "",
            )


def _disagreements(
    objects: Mapping[str, Mapping[ObjectKey, DesiredObject]], schema: Schema
) -> Iterable[Problem]:
    claims: dict[ObjectKey, list[DesiredObject]] = {}
    for unit in objects.values():
        for key, obj in unit.items():
            claims.setdefault(key, []).append(obj)
    everything = [obj for unit in objects.values() for obj in unit.values()]
    yield from checks.mandatory(everything, schema)
    yield from checks.owned_twice(claims)
    yield from checks.ids(everything)
    yield from unique(everything, schema)
    yield from ends.contradictions(objects, schema)


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
    given: UnitFiles, problems: Iterable[Problem], unidentified: Iterable[Draft]
) -> tuple[str, ...]:
    """Return the texts of the files that may declare more than could be read."""
    wrong = {
        problem.location.file
        for problem in problems
        if problem.severity is Severity.ERROR and problem.location and problem.code in _HIDING
    }
    wrong |= {draft.file for draft in unidentified if paths.identity(draft.kind)}
    return tuple(text for file, text in given.texts.items() if file in wrong)

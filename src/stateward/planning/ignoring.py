"""What units leave alone of objects that exist, whatever Git says: their settings, read by the schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase

from stateward.errors import Code, Problem
from stateward.model.schema import LINEAGE, PROTECTED, Kind, Schema
from stateward.model.unit import PART, Ignore, UnitSettings
from stateward.planning.question import Question, UnitFacts
from stateward.schema import parts
from stateward.schema.parts import Part

_PATTERN = frozenset("*?[")
_METADATA = (PROTECTED, *LINEAGE)
_Mistake = tuple[str, str]
"""The word that is wrong, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is left alone of objects of one kind."""

    fields: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    """Of attributes that are JSON: what is left alone within their values."""


NOTHING = Ignored()


class Ignoring:
    """What is left alone, by unit and kind."""

    def __init__(self, schema: Schema, units: Mapping[str, UnitFacts]) -> None:
        self._schema = schema
        self._units = units
        self._known: dict[tuple[str, str], Ignored] = {}

    def of(self, unit: str, kind: str) -> Ignored:
        """Return what a unit leaves alone of a kind."""
        settings = self._units[unit].settings
        if not settings.ignore:
            return NOTHING
        if (unit, kind) not in self._known:
            self._known[unit, kind] = self._of(settings, kind)
        return self._known[unit, kind]

    def _of(self, settings: UnitSettings, kind: str) -> Ignored:
        words = (own.fields for own in settings.ignore if concerns(own, kind, self._schema))
        fields: set[str] = set()
        found: dict[str, tuple[Part, ...]] = {}
        for word in sorted(frozenset().union(*words)):
            name, _, pointer = word.partition(PART)
            if pointer:
                found[name] = (*found.get(name, ()), parts.read(pointer))
            else:
                fields.add(name)
        return Ignored(frozenset(fields), found)


def concerns(ignore: Ignore, kind: str, schema: Schema) -> bool:
    """Tell whether objects of a kind are meant: by its name, a generic's, or a pattern."""
    return schema.is_a(kind, ignore.kind) or fnmatchcase(kind, ignore.kind)


def wrong(question: Question) -> Iterator[Problem]:
    """Yield what cannot be meant: what is to be left alone must not be written for a slip of the pen."""
    known: dict[Ignore, tuple[_Mistake, ...]] = {}
    for unit, facts in question.units.items():
        for own in () if facts.vanished else facts.settings.ignore:
            if own not in known:
                known[own] = tuple(_mistakes(own, question.schema))
            for word, message in known[own]:
                text, at = f"ignore: {message}", own.places.get(word)
                yield Problem(code=Code.IGNORE, message=text, location=at, unit=unit)


def _mistakes(own: Ignore, schema: Schema) -> Iterator[_Mistake]:
    kinds = [known for known in schema.kinds.values() if concerns(own, known.kind, schema)]
    if not kinds:
        what = "no kind matches" if _PATTERN & {*own.kind} else "no such kind"
        yield own.kind, f"{own.kind}: {what}{_meant(own.kind, schema.kinds)}: mend the name"
        return
    for word in sorted(own.fields):
        name, _, pointer = word.partition(PART)
        if pointer and not any(_is_json(kind, name) for kind in kinds):
            what = f"{name!r} is no attribute of kind JSON, and has no parts"
            yield word, f"{own.kind}: {what}: name all of it, or mend the name"
        elif not any(_has(kind, name) for kind in kinds):
            names = {one for kind in kinds for one in (*kind.attributes, *kind.relationships)}
            yield word, f"{own.kind}: no such field {name!r}{_meant(name, names)}: mend the name"


def _is_json(kind: Kind, name: str) -> bool:
    return name in kind.attributes and kind.attributes[name].kind == "JSON"


def _has(kind: Kind, name: str) -> bool:
    base = next((name.removesuffix(own) for own in _METADATA if name.endswith(own)), name)
    return base in kind.attributes or base in kind.relationships


def _meant(name: str, names: "Mapping[str, object] | set[str]") -> str:
    close = get_close_matches(name, sorted(names), n=1)
    return f": did you mean {close[0]!r}?" if close else ""

"""What files that cannot be read may declare.

An object that Git seems to have dropped may stand in such a file, under its own name or another.
It is taken to be there unless the text rules that out: one slip must not look like a removal, nor
stop all pruning.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from stateward.model.identity import ObjectKey
from stateward.model.schema import Kind, Path
from stateward.model.state import ObservedObject
from stateward.planning.question import Question
from stateward.schema import paths, values

_VERBATIM = frozenset({"Text", "TextArea", "Dropdown", "Email", "Color", "ID", "URL", "Password"})
"""Attribute kinds whose values stand in a file as the target spells them."""
_VEILS = ("expand_range", "\\", "\0", "\ufffd")
"""Where one of these is in a text, values need not stand in it as they are."""


@dataclass(slots=True)
class Unread:
    """The texts that could not be read, by unit."""

    question: Question
    _texts: list[tuple[str, str | None]] = field(init=False)
    """None for a text that may say anything."""

    def __post_init__(self) -> None:
        self._texts = [
            (unit.name, _searchable(text))
            for unit in self.question.desired.units.values()
            for text in unit.unread
        ]

    @property
    def any(self) -> bool:
        """Whether there is a file that could not be read at all."""
        return bool(self._texts)

    def may_declare(self, key: ObjectKey) -> str | None:
        """Return a unit whose unreadable files may declare an object under a name."""
        return self._find([self._identity(key)]) if self._texts else None

    def may_keep(self, own: ObservedObject) -> str | None:
        """Return a unit whose unreadable files may go on declaring an object of the target.

        Under its name, by its id, or renamed: known by a unique value.
        """
        if not self._texts:
            return None
        return self._find([self._identity(own.key), [own.id], *self._unique(own)])

    def _find(self, ways: Iterable[list[str]]) -> str | None:
        """Return the unit of a text in which all parts of one of the ways stand."""
        folded = [[_folded(part) for part in way] for way in ways]
        for unit, text in self._texts:
            if text is None or any(all(part in text for part in way) for way in folded):
                return unit
        return None

    def _identity(self, key: ObjectKey) -> list[str]:
        """Return the parts of an identity that a file has to spell out."""
        kind = self.question.schema.get(key.kind)
        for way in paths.identity(kind) if kind else ():
            if kind is not None and len(way) == len(key.hfid):
                parts = zip(way, key.hfid, strict=True)
                return [part for path, part in parts if _is_spelled_out(kind, path, part)]
        return []

    def _unique(self, own: ObservedObject) -> Iterable[list[str]]:
        """Yield the unique values that a file has to spell out, where it has to."""
        kind = self.question.schema.kinds[own.key.kind]
        for _, constraint in self.question.schema.unique_scopes(kind.kind):
            parts = [(path, own.attributes.get(path.attribute or "")) for path in constraint]
            spelled = [
                values.spell(value)
                for path, value in parts
                if value is not None and _is_spelled_out(kind, path, values.spell(value))
            ]
            if spelled:
                yield spelled


def _is_spelled_out(kind: Kind, path: Path, part: str) -> bool:
    """Tell whether a file that declares an object has to contain a part of its name as it is."""
    attribute = kind.attributes.get(path.attribute or "")
    if path.relationship is not None or attribute is None or attribute.kind not in _VERBATIM:
        return False
    default = None if attribute.default is None else values.spell(attribute.default)
    return part != default and "'" not in part  # which YAML doubles


def _searchable(text: str) -> str | None:
    """Return a text to be searched; an empty one is a file of which nothing is known."""
    if not text or any(veil in text for veil in _VEILS):
        return None
    return _folded(text)


def _folded(text: str) -> str:
    """Undo what the folding of lines does to spaces."""
    return " ".join(text.split())

"""The envelope of an object file: what kind it is about, and which items it holds.

The format is Infrahub's (infrahub-sdk 1.23, ``spec/object.py``). Infrahub drops what it does not
know in silence; here it is reported, as a warning, because the file still loads there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stateward.desired import ranges
from stateward.desired.notes import Page
from stateward.desired.ranges import Allowance
from stateward.errors import Code
from stateward.model.document import Document, Map, Seq, Word

OBJECT_KINDS = frozenset({"Object", "Menu"})
API_VERSION = "infrahub.app/v1"
_MENU_ITEM = "CoreMenuItem"
_SPEC_KEYS = frozenset({"kind", "parameters", "data"})
_PARAMETERS = frozenset({"expand_range"})
_STALE = "strategy"
_WORDS = {"yes": True, "on": True, "no": False, "off": False}
_BARE_OBJECT = 200
"""What an object weighs of itself, in characters."""


def boolean(value: Any) -> bool | None:
    """Read true or false as Infrahub does, whose YAML knows ``yes`` and ``no``; None for neither."""
    if isinstance(value, Word):
        return _WORDS[value.lower()]
    return value if isinstance(value, bool) else None


def entries(mapping: Map) -> Iterator[tuple[str, Any, int, int]]:
    """Yield each key of a mapping, its value, and the marks of both."""
    marks = iter(mapping.marks)
    for name, value in mapping.items():
        yield name, value, next(marks), next(marks)


@dataclass(frozen=True, slots=True)
class Block:
    """A list of items under one kind: a file's ``spec``, or an inline relationship."""

    kind: str
    kind_mark: int
    items: tuple[Map, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the blocks of a file and notes what is wrong with them."""

    page: Page
    allowance: Allowance = field(default_factory=Allowance)

    def document(self, doc: Document) -> Block | None:
        """Read an object or menu document; the caller knows by its kind that it is one."""
        version = doc.root.get("apiVersion", API_VERSION)
        if version != API_VERSION:
            where = doc.root.value_mark("apiVersion")
            self.page.note(Code.ENVELOPE, f"apiVersion: expected {API_VERSION}", where)
            return None
        spec = doc.root.get("spec")
        if not isinstance(spec, Map):
            where = doc.root.value_mark("spec") if "spec" in doc.root else doc.root.first_mark()
            self.page.note(Code.SPEC, "spec: expected a mapping with kind and data", where)
            return None
        menu = doc.root["kind"] == "Menu"
        kind = spec.get("kind", _MENU_ITEM if menu else None)
        if not isinstance(kind, str):
            where = spec.value_mark("kind") if "kind" in spec else spec.first_mark()
            self.page.note(Code.SPEC, "spec.kind: expected the name of a kind", where)
            return None
        self._known_keys(spec, _SPEC_KEYS, Code.SPEC, "spec")
        where = spec.value_mark("kind") if "kind" in spec else spec.mark
        return Block(kind, where, tuple(self.items(spec)))

    def items(self, block: Map) -> Iterator[Map]:
        """Yield the items under ``data``, with ranges expanded where the block asks for it."""
        data = block.get("data")
        expanded = self._expands(block)
        if data is None:
            return
        if not isinstance(data, Seq):
            mark = block.value_mark("data")
            self.page.note(Code.SPEC, "data: expected a list of objects", mark)
            return
        for item, mark in data.with_marks():
            if not isinstance(item, Map):
                self.page.note(Code.SPEC, "data: expected an object, a mapping of fields", mark)
            elif expanded:
                yield from self._expand(item)
            else:
                yield item

    def inline_keys(self, block: Map) -> None:
        """Report keys beside an inline block's ``data``: they belong to nothing."""
        self._known_keys(block, _SPEC_KEYS, Code.STRAY_KEY, "beside data")

    def _known_keys(self, block: Map, known: frozenset[str], code: Code, where: str) -> None:
        for key, _, mark, _ in entries(block):
            if key == _STALE and known is _SPEC_KEYS:
                message = (
                    f"{where}: {key}: no longer read: write parameters: {{expand_range: true}}"
                )
                self.page.warn(Code.STALE_STRATEGY, message, mark)
            elif key not in known:
                message = f"{where}: {key}: means nothing here and is ignored: move or remove it"
                self.page.warn(code, message, mark)

    def _expands(self, block: Map) -> bool:
        parameters = block.get("parameters")
        if parameters is None:
            return False
        if not isinstance(parameters, Map):
            mark = block.value_mark("parameters")
            self.page.note(Code.SPEC, "parameters: expected a mapping", mark)
            return False
        self._known_keys(parameters, _PARAMETERS, Code.SPEC, "parameters")
        value = boolean(parameters.get("expand_range", False))
        if value is None:
            mark = parameters.value_mark("expand_range")
            self.page.note(Code.SPEC, "parameters.expand_range: expected true or false", mark)
        return bool(value)

    def _expand(self, item: Map) -> Iterator[Map]:
        ranged = {
            name: (value, mark)
            for name, value, _, mark in entries(item)
            if isinstance(value, str) and ranges.is_ranged(value)
        }
        if not ranged:
            yield item
            return
        first = next(mark for _, mark in ranged.values())
        try:
            count = max(ranges.count(text) for text, _ in ranged.values())
            self.allowance.take(count * (_BARE_OBJECT + _weight(item)))
        except OverflowError:
            message = f"more objects than one item ({ranges.MAX_EXPANSION}) or one unit may become"
            self.page.note(Code.RANGE, f"{message}: split it", first)
            return
        for name, (text, mark) in ranged.items():
            for code, oddity in ranges.oddities(text):
                self.page.warn(code, f"{name}: {oddity}", mark)
        lists = {name: ranges.expand(text) for name, (text, _) in ranged.items()}
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} to {length}" for name, length in lengths.items())
            message = f"ranges of one object must expand equally: {counts}"
            self.page.note(Code.RANGE, message, first)
            return
        for chosen in zip(*lists.values(), strict=True):
            yield _with(item, dict(zip(lists, chosen, strict=True)))


def _weight(value: Any) -> int:
    """Return about how many characters a value takes when it is written out."""
    if isinstance(value, Map):
        return sum(len(key) + _weight(item) for key, item in value.items())
    if isinstance(value, Seq):
        return 1 + sum(_weight(item) for item in value)
    return len(value) if isinstance(value, str) else 1


def _with(item: Map, values: dict[str, str]) -> Map:
    """Return a copy of a mapping with some values replaced; nested values are shared."""
    copy = Map()
    copy.update(item)
    copy.update(values)
    copy.mark = item.mark
    copy.marks = item.marks
    return copy

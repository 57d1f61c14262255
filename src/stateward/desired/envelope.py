"""The envelope of an object file: what kind it is about, and which items it holds.

The format is Infrahub's (infrahub-sdk 1.23, ``spec/object.py``). Infrahub drops what it does not
know in silence; here it is reported, as a warning, because the file still loads there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stateward.desired import ranges
from stateward.desired.drafts import Notes
from stateward.errors import Code
from stateward.model import document
from stateward.model.document import Document, Map, Seq, Word

OBJECT_KINDS = frozenset({"Object", "Menu"})
_MENU_ITEM = "CoreMenuItem"
_SPEC_KEYS = frozenset({"kind", "parameters", "data"})
_STALE = "strategy"


@dataclass(frozen=True, slots=True)
class Block:
    """A list of items under one kind: a file's ``spec``, or an inline relationship."""

    kind: str
    kind_mark: int
    items: tuple[Map, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads blocks of one unit's file and notes what is wrong with them."""

    unit: str
    file: str
    notes: Notes

    def document(self, doc: Document) -> Block | None:
        """Read an object or menu document; the caller knows by its kind that it is one."""
        spec = doc.root.get("spec")
        if not isinstance(spec, Map):
            where = doc.root.value_mark("spec") if "spec" in doc.root else doc.root.first_mark()
            self._note(Code.SPEC, "spec: expected a mapping with kind and data", where)
            return None
        menu = doc.root["kind"] == "Menu"
        kind = spec.get("kind", _MENU_ITEM if menu else None)
        if not isinstance(kind, str):
            where = spec.value_mark("kind") if "kind" in spec else spec.first_mark()
            self._note(Code.SPEC, "spec.kind: expected the name of a kind", where)
            return None
        self._known_keys(spec, _SPEC_KEYS, Code.SPEC, "spec")
        where = spec.value_mark("kind") if "kind" in spec else spec.mark
        return Block(kind, where, tuple(self.items(spec)))

    def items(self, block: Map) -> Iterator[Map]:
        """Yield the items under ``data``, with ranges expanded where the block asks for it."""
        data = block.get("data")
        if data is None:
            return
        if not isinstance(data, Seq):
            self._note(Code.SPEC, "data: expected a list of objects", block.value_mark("data"))
            return
        expanded = self._expands(block)
        for item, mark in data.with_marks():
            if not isinstance(item, Map):
                self._note(Code.SPEC, "data: expected an object, a mapping of fields", mark)
            elif expanded:
                yield from self._expand(item)
            else:
                yield item

    def inline_keys(self, block: Map) -> None:
        """Report keys beside an inline block's ``data``: they belong to nothing."""
        self._known_keys(block, _SPEC_KEYS, Code.STRAY_KEY, "beside data")

    def _known_keys(self, block: Map, known: frozenset[str], code: Code, where: str) -> None:
        for key in block:
            if key == _STALE and key not in known:
                message = (
                    f"{where}: {key}: no longer read: write parameters: {{expand_range: true}}"
                )
                self._note(Code.STALE_STRATEGY, message, block.key_mark(key), warning=True)
            elif key not in known:
                message = f"{where}: {key}: means nothing here and is ignored: move or remove it"
                self._note(code, message, block.key_mark(key), warning=True)

    def _expands(self, block: Map) -> bool:
        parameters = block.get("parameters")
        if parameters is None:
            return False
        if not isinstance(parameters, Map):
            at = block.value_mark("parameters")
            self._note(Code.SPEC, "parameters: expected a mapping", at)
            return False
        value = parameters.get("expand_range", False)
        if isinstance(value, Word):
            value = value.lower() in {"yes", "on"}
        if not isinstance(value, bool):
            at = parameters.value_mark("expand_range")
            self._note(Code.SPEC, "parameters.expand_range: expected true or false", at)
            return False
        return value

    def _expand(self, item: Map) -> Iterator[Map]:
        texts = {
            name: value
            for name, value in item.items()
            if isinstance(value, str) and ranges.is_ranged(value)
        }
        if not texts:
            yield item
            return
        try:
            lists = {name: ranges.expand(text) for name, text in texts.items()}
        except OverflowError:
            message = f"more than {ranges.MAX_EXPANSION} objects from one item"
            self._note(Code.RANGE, message, item.value_mark(next(iter(texts))))
            return
        for name, text in texts.items():
            for oddity in ranges.oddities(text):
                code = Code.RANGE_PADDING if "padding" in oddity else Code.RANGE
                self._note(code, f"{name}: {oddity}", item.value_mark(name), warning=True)
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} to {length}" for name, length in lengths.items())
            message = f"ranges of one object must expand equally: {counts}"
            self._note(Code.RANGE, message, item.value_mark(next(iter(texts))))
            return
        for chosen in zip(*lists.values(), strict=True):
            yield _with(item, dict(zip(lists, chosen, strict=True)))

    def _note(self, code: Code, message: str, mark: int, *, warning: bool = False) -> None:
        at = document.location(self.file, mark)
        self.notes.add(code, message, at, unit=self.unit, warning=warning)


def _with(item: Map, values: dict[str, str]) -> Map:
    """Return a copy of a mapping with some values replaced; nested values are shared."""
    copy = Map()
    copy.update(item)
    copy.update(values)
    copy.mark = item.mark
    copy.marks = item.marks
    return copy

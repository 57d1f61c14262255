"""YAML and JSON text to documents that know their positions.

This is the YAML 1.2 core schema, read from libyaml's events: PyYAML's own constructors speak
YAML 1.1 (a MAC address becomes a number), keep the last of two equal keys in silence, and their
C version dies on deep nesting. Nothing here runs code, and a hostile file costs bounded memory.
"""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from stateward.errors import Code, Location, Problem
from stateward.model import document as marks
from stateward.model.document import Document, Map, Seq, SpelledFloat, SpelledInt, Word

MAX_BYTES = 8 * 1024 * 1024
"""Larger files are refused unread: about 250,000 lines, many times the largest real one seen."""
_MAX_DEPTH = 64
_MAX_EXPANDED = 1_000_000
"""How many nodes a file may come to with its aliases written out: about the most that fit."""

_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str")}
_TEXT_TAGS = {"tag:yaml.org,2002:str", "!"}
_CONFLICT = re.compile(rb"^<{7} .*$", re.MULTILINE)
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WORDS = {
    form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper())
}
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_MAY_BE_NUMBER = frozenset("0123456789+-.")
_MAX_DIGITS = 400


_Event = Any
"""One of PyYAML's events: C objects, told apart by their class."""


class _FileError(Exception):
    """Parsing cannot go on: what was read of this document is of no use."""

    def __init__(self, code: Code, message: str, at: int) -> None:
        super().__init__(message)
        self.code = code
        self.at = at


def parse(file: str, data: bytes) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Read the documents of one file; empty ones are left out.

    Where the file cannot be read to its end, the documents before that place are returned
    beside the problem.
    """
    if len(data) > MAX_BYTES:
        return (), (too_large(file, len(data)),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        return (), (
            Problem(code=Code.ENCODING, message=message, location=Location(file, line, column)),
        )
    reader = _Reader(file)
    try:
        reader.run(CParser(text))
    except yaml.YAMLError as error:
        reader.problems.append(_syntax_problem(file, data, error))
    except _FileError as error:
        at = marks.location(file, error.at)
        reader.problems.append(Problem(code=error.code, message=str(error), location=at))
    return tuple(reader.documents), tuple(reader.problems)


def too_large(file: str, size: int) -> Problem:
    limit = MAX_BYTES // (1024 * 1024)
    message = f"{size} bytes, the limit is {limit} MiB: split it into several files"
    return Problem(code=Code.TOO_LARGE, message=message, location=Location(file))


def _syntax_problem(file: str, data: bytes, error: yaml.YAMLError) -> Problem:
    conflict = _CONFLICT.search(data)
    if conflict:
        line = data.count(b"\n", 0, conflict.start()) + 1
        message = "merge conflict marker: resolve the conflict and commit again"
        return Problem(code=Code.YAML, message=message, location=Location(file, line, 1))
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    message = f"{context}: {what}" if context else str(what)
    if mark is None:
        position = getattr(error, "position", 0)
        line = data.count(b"\n", 0, position) + 1
        return Problem(code=Code.YAML, message=message, location=Location(file, line, 1))
    at = Location(file, mark.line + 1, mark.column + 1)
    return Problem(code=Code.YAML, message=message, location=at)


@dataclass
class _Reader:
    """Builds documents from parser events, with budgets for depth and for aliases."""

    file: str
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)
    """What each anchor names and how many nodes that is; None while it is being read."""
    _size: int = 0

    def run(self, parser: CParser) -> None:
        self._next = parser.get_event
        while True:
            event = self._next()
            kind = type(event)
            if kind is StreamEndEvent:
                return
            if kind is DocumentStartEvent:
                self._anchors.clear()
                self._size = 0
                first = self._next()
                at = _mark(first)
                root = self._node(first, 0)
                self._next()
                if root is not None:
                    self.documents.append(Document(file=self.file, root=root, mark=at))

    def _node(self, event: _Event, depth: int) -> Any:
        self._size += 1
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            return value
        if kind is AliasEvent:
            return self._alias(event)
        if depth >= _MAX_DEPTH:
            self._fail(Code.DEPTH, f"nested deeper than {_MAX_DEPTH} levels", event)
        if event.tag and event.tag not in _CORE_TAGS:
            self._refuse_tag(event)
        before = self._size
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._map(event, depth) if kind is MappingStartEvent else self._seq(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._size - before + 1)
        return node

    def _seq(self, event: _Event, depth: int) -> Seq:
        node = Seq()
        node.mark = _mark(event)
        at = array("Q")
        following = self._next
        while type(item := following()) is not SequenceEndEvent:
            at.append(_mark(item))
            node.append(self._node(item, depth + 1))
        node.marks = at
        return node

    def _map(self, event: _Event, depth: int) -> Map:
        node = Map()
        node.mark = _mark(event)
        at = array("Q")
        merged: list[tuple[Any, int]] = []
        following = self._next
        while type(key_event := following()) is not MappingEndEvent:
            if type(key_event) is not ScalarEvent:
                self._fail(Code.YAML, "a key must be a plain name", key_event)
            key: str = key_event.value
            key_mark = _mark(key_event)
            value_event = following()
            value_mark = _mark(value_event)
            value = self._node(value_event, depth + 1)
            if key == "<<" and key_event.style in (None, ""):
                merged.append((value, value_mark))
            elif key in node:
                self._duplicate(key, key_mark, at[2 * list(node).index(key)])
            else:
                node[key] = value
                at.append(key_mark)
                at.append(value_mark)
        node.marks = at
        for value, value_mark in merged:
            self._merge(node, value, value_mark)
        return node

    def _duplicate(self, key: str, at: int, first: int) -> None:
        place = marks.location(self.file, first)
        self.problems.append(
            Problem(
                code=Code.DUPLICATE_KEY,
                message=f"{key}: given twice in one mapping, first at {place.line}:{place.column}: keep one",
                location=marks.location(self.file, at),
            )
        )

    def _merge(self, node: Map, value: Any, at: int) -> None:
        """Apply a ``<<`` merge key: the mapping's own keys win, then the earlier merged ones."""
        for part in value if isinstance(value, Seq) else [value]:
            if not isinstance(part, Map):
                raise _FileError(Code.YAML, "<<: expected a mapping to merge", at)
            for index, (key, merged) in enumerate(part.items()):
                if key not in node:
                    node[key] = merged
                    node.marks.extend(part.marks[2 * index : 2 * index + 2])

    def _alias(self, event: _Event) -> Any:
        if event.anchor not in self._anchors:
            self._fail(Code.ALIAS, f"*{event.anchor}: no such anchor in this document", event)
        known = self._anchors[event.anchor]
        if known is None:
            self._fail(Code.ALIAS, f"*{event.anchor}: contains itself", event)
        value, size = known
        self._size += size
        if self._size > _MAX_EXPANDED:
            message = f"*{event.anchor}: the aliases come to more than {_MAX_EXPANDED} values"
            self._fail(Code.ALIAS, f"{message}: write them out, or split the file", event)
        return value

    def _scalar(self, event: _Event) -> Any:
        text: str = event.value
        if event.tag:
            if event.tag in _TEXT_TAGS:
                return text
            self._refuse_tag(event)
        if not event.implicit[0]:
            return text
        first = text[:1]
        if first in _MAY_BE_NUMBER and first:
            return self._number(text, event)
        if text in _NULLS:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if text in _WORDS:
            return Word(text)
        return text

    def _number(self, text: str, event: _Event) -> Any:
        if _INT.match(text):
            if len(text) > _MAX_DIGITS:
                self._fail(Code.YAML, f"a number of {len(text)} digits: quote it", event)
            value = int(text, 0 if text[:2] in ("0o", "0x") else 10)
            if str(value) == text:
                return value
            spelled = SpelledInt(value)
            spelled.text = text
            return spelled
        if _FLOAT.match(text) or _SPECIAL_FLOAT.match(text):
            number = float(text.replace(".", "", 1) if text[-1:] in "fFnN" else text)
            if repr(number) == text:
                return number
            spelled_float = SpelledFloat(number)
            spelled_float.text = text
            return spelled_float
        return text

    def _refuse_tag(self, event: _Event) -> NoReturn:
        self._fail(Code.TAG, f"{event.tag}: tags are not used in object files: remove it", event)

    def _fail(self, code: Code, message: str, event: _Event) -> NoReturn:
        raise _FileError(code, message, _mark(event))


def _mark(event: _Event) -> int:
    start = event.start_mark
    return marks.mark(start.line + 1, start.column + 1)


class _Dumper(yaml.CSafeDumper):
    """Writes what ``parse`` reads back as it was: YAML 1.2 sees more numbers than PyYAML does."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's interface
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _INT, list("+-0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("+-.0123456789"))


def dump(documents: Iterable[Any]) -> str:
    """Write documents of plain values as YAML."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, explicit_start=True
    )

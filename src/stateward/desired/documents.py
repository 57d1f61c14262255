"""YAML and JSON text to documents that know their positions.

This is the YAML 1.2 core schema, read from libyaml's events: PyYAML's own constructors speak
YAML 1.1 (a MAC address becomes a number), keep the last of two equal keys in silence, and their
C version dies on deep nesting. Nothing here runs code, a hostile file costs bounded memory, and
no message quotes a value: it may be a secret.
"""

import re
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
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

from stateward.desired import scalars
from stateward.desired.notes import problem
from stateward.errors import Code, Location, Problem
from stateward.model import document as marks
from stateward.model.document import Document, Map, Seq

MAX_BYTES = 8 * 1024 * 1024
"""Larger files are refused unread: about 250,000 lines, many times the largest real one seen."""
_MAX_DEPTH = 64
_MAX_NODES = 500_000
"""How many values a file may come to with its aliases written out: about the most that fit."""
_MAX_DUPLICATES = 100
"""How many duplicate keys of a file are named one by one."""

_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str")}
_TEXT_TAGS = {"tag:yaml.org,2002:str", "!"}
_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
_HINTS = {"\t": "indent with spaces, not with a tab", **dict.fromkeys("@`%", "quote the text")}
"""What to do about a character that the parser stumbles over."""

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
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        at = _end(file, data[: error.start].decode())
        return (), (problem(Code.ENCODING, message, at),)
    reader = _Reader(file)
    try:
        reader.run(CParser(text))
    except yaml.YAMLError as error:
        reader.problems.append(_syntax_problem(file, text, error))
    except _FileError as error:
        at = marks.location(file, error.at)
        reader.problems.append(problem(error.code, str(error), at))
    return tuple(reader.documents), tuple(reader.problems)


def too_large(file: str, size: int) -> Problem:
    limit = MAX_BYTES // (1024 * 1024)
    message = f"{size} bytes, the limit is {limit} MiB: split it into several files"
    return problem(Code.TOO_LARGE, message, Location(file))


def _syntax_problem(file: str, text: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a character that no YAML may hold; the position is one in UTF-8
        before = text.encode()[: getattr(error, "position", 0)].decode(errors="ignore")
        message = "a control character: remove it, or write it as an escape in double quotes"
        return problem(Code.YAML, message, _end(file, before))
    lines = text.splitlines(keepends=True)
    for conflict in reversed(list(_CONFLICT.finditer("".join(lines[: mark.line + 1])))):
        message = "merge conflict marker: resolve the conflict and commit again"
        return problem(Code.YAML, message, _end(file, text[: conflict.start()]))
    what, context = getattr(error, "problem", None), getattr(error, "context", None)
    message = f"{context}: {what}" if context else str(what)
    here = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    if here in _HINTS:
        message = f"{message}: {_HINTS[here]}"
    # The parser has a limit of its own, which it meets first where it has to look ahead.
    code = Code.DEPTH if "nesting depth" in message else Code.YAML
    return problem(code, message, Location(file, mark.line + 1, mark.column + 1))


def _end(file: str, text: str) -> Location:
    """Return the place that follows a text."""
    return Location(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


@dataclass
class _Reader:
    """Builds documents from parser events, with budgets for depth and for size."""

    file: str
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)
    """What each anchor names and how many nodes that is; None while it is being read."""
    _size: int = 0
    _duplicates: int = 0

    def run(self, parser: CParser) -> None:
        self._next: Callable[[], _Event] = parser.get_event
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                self._anchors.clear()
                first = self._next()
                at = _mark(first)
                root = self._node(first, 0)
                self._next()
                if root is not None:
                    self.documents.append(Document(file=self.file, root=root, mark=at))

    def _node(self, event: _Event, depth: int) -> Any:
        self._size += 1
        if self._size > _MAX_NODES:
            message = f"the file holds more than {_MAX_NODES} values: split it into several files"
            self._fail(Code.TOO_LARGE, message, event)
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
            key = self._key(key_event)
            key_mark = _mark(key_event)
            value_event = following()
            value_mark = _mark(value_event)
            value = self._node(value_event, depth + 1)
            if key == "<<" and key_event.style in {None, ""}:
                merged.append((value, value_mark))
            elif key in node:
                self._duplicate(node, key, key_mark, at)
            else:
                node[key] = value
                at.append(key_mark)
                at.append(value_mark)
        node.marks = at
        for value, value_mark in merged:
            self._merge(node, value, value_mark)
        return node

    def _key(self, event: _Event) -> str:
        if type(event) is not ScalarEvent:
            self._fail(Code.YAML, "a key must be a plain name", event)
        if event.tag and event.tag not in _TEXT_TAGS:
            self._refuse_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = (event.value, 1)
        name: str = event.value
        return name

    def _duplicate(self, node: Map, key: str, at: int, marked: "array[int]") -> None:
        self._duplicates += 1
        place = marks.location(self.file, at)
        if self._duplicates < _MAX_DUPLICATES:
            first = marks.location(self.file, marked[2 * list(node).index(key)])
            where = f"first at {first.line}:{first.column}"
            message = f"{key}: given twice in one mapping, {where}: keep one"
            self.problems.append(problem(Code.DUPLICATE_KEY, message, place))
        elif self._duplicates == _MAX_DUPLICATES:
            message = "given twice, as are further keys from here on: mend those above first"
            self.problems.append(problem(Code.DUPLICATE_KEY, f"{key}: {message}", place))

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
            message = "no such anchor in this document: quote the text if it is meant to be one"
            self._fail(Code.ALIAS, message, event)
        known = self._anchors[event.anchor]
        if known is None:
            self._fail(Code.ALIAS, "the anchor's value contains itself", event)
        value, size = known
        self._size += size
        if self._size > _MAX_NODES:
            message = f"with its aliases the file comes to more than {_MAX_NODES} values"
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
        try:
            return scalars.read(text)
        except ValueError as error:
            self._fail(Code.YAML, str(error), event)

    def _refuse_tag(self, event: _Event) -> NoReturn:
        message = "tags are not used in object files: remove it, or quote the text"
        self._fail(Code.TAG, message, event)

    def _fail(self, code: Code, message: str, event: _Event) -> NoReturn:
        raise _FileError(code, message, _mark(event))


def _mark(event: _Event) -> int:
    start = event.start_mark
    return marks.mark(start.line + 1, start.column + 1)


class _Dumper(yaml.CSafeDumper):
    """Writes what ``parse`` reads back as it was: YAML 1.2 sees more numbers than PyYAML does."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's interface
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", scalars.INT, list("+-0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", scalars.FLOAT, list("+-.0123456789"))


def dump(documents: Iterable[Any]) -> str:
    """Write documents of plain values as YAML."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, explicit_start=True
    )

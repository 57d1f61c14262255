"""Mappings of schema files, read by the form they should have."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from stateward.errors import Location
from stateward.model.document import Map, location
from stateward.schema.report import Report, Source
from stateward.schema.shapes import Form, Wrong
from stateward.schema.spelling import show


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping, what messages call it, and where they go."""

    source: Source
    what: str
    report: Report

    def read(self, form: Form) -> dict[str, Any]:
        """Read by a form; keys that are absent, empty or of no use are not in the answer."""
        found = {}
        for key, value in self.source.map.items():
            convert = form.keys.get(key)
            if convert is None:
                self._stray(key, form)
                continue
            try:
                meaning = convert(value)
            except Wrong as wrong:
                self.error(self._place(key, wrong), f"{key}: {wrong}")
                meaning = wrong.kept
            if meaning is not None:
                found[key] = meaning
        for key in form.required:
            if key not in self.source.map:
                self.error(self.source.start(), f"{key} is missing")
        return found

    def inner(self, value: Map, what: str) -> "Entry":
        """Return a mapping within this one."""
        return Entry(Source(self.source.file, value), what, self.report)

    def items(self, key: str, items: Sequence[Any], what: str) -> "list[Entry]":
        """Return those items of a list that are mappings, and report the others."""
        for index, item in enumerate(items):
            if not isinstance(item, Map):
                self.error(self.source.item(key, index), f"{key}: {show(item)} is not a mapping")
        return [self.inner(item, what) for item in items if isinstance(item, Map)]

    def error(self, at: Location, message: str) -> None:
        self.report.error(at, f"{self.what}: {message}")

    def _place(self, key: str, wrong: Wrong) -> Location:
        file = self.source.file
        return location(file, wrong.mark) if wrong.mark else self.source.value(key)

    def _stray(self, key: str, form: Form) -> None:
        at = self.source.key(key)
        if key in form.ignored:
            message = f"{self.what}: {key}: Infrahub sets this itself: remove it"
            self.report.warning(at, message)
            return
        close = get_close_matches(key, form.keys, n=1)
        hint = f"did you mean {close[0]}?" if close else "remove it"
        self.error(at, f"{key}: no such key: {hint}")

"""A draft among the others, and the places to put what is wrong with it."""

from dataclasses import dataclass

from stateward.errors import Location
from stateward.schema.draft import Declared, Draft, Drafts
from stateward.schema.report import Report


@dataclass(frozen=True, slots=True)
class Scope:
    """One kind under examination. What no file declares has no place, and is not reported."""

    draft: Draft
    drafts: Drafts
    report: Report

    def own(self) -> dict[str, Declared]:
        """Return the fields that files declare for the kind, each at the place that counts."""
        return {
            item.name: item
            for declaration in self.draft.declarations
            for item in declaration.fields
            if not item.absent
        }

    def last(self, name: str, key: str) -> Declared | None:
        """Return the last place that gives a field a value for a key."""
        found = [
            item
            for declaration in self.draft.declarations
            for item in declaration.fields
            if item.name == name and key in item.settings
        ]
        return found[-1] if found else None

    def error(self, at: Location, message: str) -> None:
        self.report.error(at, f"{self.draft.kind}: {message}")

    def field(self, item: Declared, key: str, message: str, *, reference: bool = False) -> None:
        """Report a field, at one of its keys or where it starts."""
        add = self.report.reference if reference else self.report.error
        add(item.source.value(key), f"{self.draft.kind}.{item.name}: {message}")

    def kind(self, message: str) -> None:
        """Report the kind as a whole."""
        for declaration in self.draft.declarations[:1]:
            self.error(declaration.source.start(), message)

    def generic(self, name: str, message: str, *, reference: bool = False) -> None:
        """Report a generic that the kind inherits from."""
        add = self.report.reference if reference else self.report.error
        for declaration in self.draft.declarations:
            names = declaration.settings.get("inherit_from", ())
            if name in names:
                at = declaration.source.item("inherit_from", names.index(name))
                add(at, f"{self.draft.kind}: inherit_from: {message}")

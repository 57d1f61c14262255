"""What was declared before: read from Git, at the revisions that the target's stamps name."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stateward.engine.load import Loaded
from stateward.errors import Code, Problem, Severity, SourceRefused
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject
from stateward.model.unit import Stamp, UnitSettings


@dataclass(slots=True)
class Former:
    """What a unit was at a revision."""

    paths: tuple[str, ...]
    """Its files."""
    settings: UnitSettings | None
    schema: str = ""
    """The hash of the schema under which its objects are known; empty where none counts."""
    objects: Mapping[ObjectKey, DesiredObject] = field(default_factory=dict)
    """What it declared."""


Formers = dict[tuple[str, str], Former]
"""By unit and revision: it never becomes another, and one that is held back is asked for each round."""


Declared = Callable[[Loaded], Awaitable[tuple[Desired, bool]]]
"""Tells what a revision declares, and whether what the target holds has a say in it."""


@dataclass(slots=True)
class History:
    """The revisions that one round looks back to, each read once at most."""

    load: Callable[[str], Awaitable[Loaded]]
    formers: Formers = field(default_factory=dict)
    """What former rounds found."""
    _loaded: dict[str, Loaded | None] = field(default_factory=dict)
    _asked: set[tuple[str, str]] = field(default_factory=set)

    async def at(self, revision: str) -> Loaded | None:
        """Load a revision; None where it cannot be read any more."""
        if revision not in self._loaded:
            try:
                self._loaded[revision] = await self.load(revision)
            except SourceRefused:
                self._loaded[revision] = None
        return self._loaded[revision]

    async def unit(self, unit: str, revision: str | None) -> Former | None:
        """Return what a unit was; None where its revision cannot be read any more."""
        if revision is None:
            return None
        self._asked.add((unit, revision))
        if (unit, revision) not in self.formers:
            before = await self.at(revision)
            if before is None:
                return None
            files = before.units.get(unit)
            self.formers[unit, revision] = Former(
                paths=tuple(files.paths) if files else (), settings=before.settings.get(unit)
            )
        return self.formers[unit, revision]

    def forget(self) -> None:
        """Let go of what this round did not ask for."""
        for name in self.formers.keys() - self._asked:
            del self.formers[name]

    async def files(self, unit: str, stamp: Stamp) -> tuple[str, ...]:
        """Return the files that a unit had when it was last applied."""
        before = await self.unit(unit, stamp.applied)
        return before.paths if before else ()

    async def settings(self, unit: str, stamp: Stamp) -> UnitSettings | None:
        """Return what a unit's own settings said of its prune when it was last applied.

        A directory that is removed takes its settings along: what they protected stays protected.
        """
        before = await self.unit(unit, stamp.applied)
        found = before.settings if before else None
        return replace(found, suspend=False, depends_on=(), moved={}) if found else None

    async def formerly(
        self, known: Mapping[str, Stamp], loaded: Loaded, schema: Schema, declared: Declared
    ) -> tuple[dict[ObjectKey, DesiredObject], tuple[Problem, ...]]:
        """Return what was declared, for the units whose files are others now; with what is not known."""
        revisions = [
            (unit, revision)
            for unit, stamp in known.items()
            if stamp.files != loaded.digests.get(unit) or stamp.attempted
            for revision in stamp.revisions
        ]
        found: Formers = {}
        unread: dict[str, list[str]] = {}
        for unit, revision in revisions:
            former = await self.unit(unit, revision)
            if former is not None:
                found[unit, revision] = former
                if former.schema != schema.hash:
                    unread.setdefault(revision, []).append(unit)
        for revision, units in unread.items():
            before = await self.at(revision)
            if before is None:  # known under another schema only
                for unit in units:
                    del found[unit, revision]
                continue
            desired, may_change = await declared(before)
            for unit in units:
                former, own = found[unit, revision], desired.units.get(unit)
                former.objects = own.objects if own else {}
                # What the target has a say in may be another thing the next time.
                former.schema = "" if may_change else schema.hash
        return merged(revisions, found)


_UNKNOWN: Final = NodeId("")
"""Stands for a value of which is not known whether it was written: none is equal to it."""


def merged(
    revisions: Iterable[tuple[str, str]], declared: Mapping[tuple[str, str], Former]
) -> tuple[dict[ObjectKey, DesiredObject], tuple[Problem, ...]]:
    """Put together what units declared at revisions that were applied or begun, earliest first."""
    formerly: dict[ObjectKey, DesiredObject] = {}
    problems: list[Problem] = []
    for unit, revision in revisions:
        former = declared.get((unit, revision))
        if former is None:
            problems.append(_unknown(unit, revision))
        for key, obj in former.objects.items() if former else ():
            formerly[key] = _both(formerly[key], obj) if key in formerly else obj
    return formerly, tuple(problems)


def _unknown(unit: str, revision: str) -> Problem:
    return Problem(
        code=Code.LAST_APPLIED_UNKNOWN,
        message=f"revision {revision} was applied and cannot be read any more:"
        " fields that it declared and that are declared no more stay as they are",
        unit=unit,
        severity=Severity.WARNING,
    )


def _both(one: DesiredObject, other: DesiredObject) -> DesiredObject:
    """Return what either revision declared, any of which may stand in the target."""
    return replace(
        one,
        attributes=_either(one.attributes, other.attributes),
        relations=_either(one.relations, other.relations),
    )


def _either(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Put fields together: where only one declares a field, nobody knows whether it was written."""
    found: dict[str, Any] = {}
    for name in {**other, **one}:
        values = [own[name] for own in (one, other) if name in own]
        if all(isinstance(own, frozenset) for own in values):
            found[name] = frozenset().union(*values)
        else:
            same = len(values) > 1 and values[0] == values[1]
            found[name] = values[0] if same else _UNKNOWN
    return found

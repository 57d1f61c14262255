"""What was declared before: read from Git, at the revisions that the target's stamps name."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stateward.engine.load import Loaded
from stateward.errors import Code, Problem, Severity, SourceRefused
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.state import Desired, DesiredObject
from stateward.model.unit import Stamp, UnitSettings


@dataclass(slots=True)
class History:
    """The revisions that one round looks back to, each read once."""

    load: Callable[[str], Awaitable[Loaded]]
    _loaded: dict[str, Loaded | None] = field(default_factory=dict)

    async def at(self, revision: str | None) -> Loaded | None:
        """Load a revision; None where it cannot be read any more."""
        if revision is None:
            return None
        if revision not in self._loaded:
            try:
                self._loaded[revision] = await self.load(revision)
            except SourceRefused:
                self._loaded[revision] = None
        return self._loaded[revision]

    async def files(self, unit: str, stamp: Stamp) -> tuple[str, ...]:
        """Return the files that a unit had when it was last applied."""
        before = await self.at(stamp.applied)
        return tuple(before.units[unit].paths) if before and unit in before.units else ()

    async def settings(self, unit: str, stamp: Stamp) -> UnitSettings | None:
        """Return what a unit's own settings said of its prune when it was last applied.

        A directory that is removed takes its settings along: what they protected stays protected.
        """
        before = await self.at(stamp.applied)
        found = before.settings.get(unit) if before else None
        return replace(found, suspend=False, depends_on=(), moved={}) if found else None


_UNKNOWN: Final = NodeId("")
"""Stands for a value of which is not known whether it was written: none is equal to it."""


def merged(
    revisions: Iterable[tuple[str, str]], declared: Mapping[str, Desired | None]
) -> tuple[dict[ObjectKey, DesiredObject], tuple[Problem, ...]]:
    """Put together what units declared at revisions that were applied or begun, earliest first."""
    formerly: dict[ObjectKey, DesiredObject] = {}
    problems: list[Problem] = []
    for unit, revision in revisions:
        desired = declared[revision]
        if desired is None:
            problems.append(_unknown(unit, revision))
        elif unit in desired.units:
            for key, obj in desired.units[unit].objects.items():
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

"""Changes that wait for each other for good: what is said of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.planning.cycles import circles

Name = TypeVar("Name", bound=tuple[str, ObjectKey, bool])
"""A change's unit and key, and whether it is a delete; or a unit and the key for all of it."""


def deadlocked(
    waits: Mapping[Name, set[Name]], changes: Mapping[Name, Change]
) -> Iterator[Problem]:
    """Yield a problem for each change on a cycle, and none for what only waits behind one.

    ``waits`` says for each change what it waits for; units that others depend on stand in it too.
    """
    for component, circle in circles(waits):
        path = " → ".join(_spoken(name) for name in [*circle, circle[0]])
        cure = _cure([changes.get(name) for name in circle])
        for name in component:
            change = changes.get(name)
            if change is not None and change.action is not Action.DELETE:
                yield Problem(
                    code=Code.CYCLE,
                    message=f"{path}: {cure}",
                    location=change.origin,
                    unit=change.unit,
                    subject=str(change.key),
                )


def _cure(circle: Sequence[Change | None]) -> str:
    if None in circle:
        return "objects of units that depend on each other both ways: take one dependsOn out"
    if any(own is not None and own.action is not Action.CREATE for own in circle):
        return "each takes what only one can have from the next: do it in two commits"
    return "each needs the next to exist first: make one of the references optional"


def _spoken(name: tuple[str, ObjectKey, bool]) -> str:
    unit, key, _ = name
    return str(key) if key.kind else f"unit {unit}"

"""Changes that wait for each other for good: what is said of them."""

from collections.abc import Iterator, Mapping

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.planning.cycles import circles

Name = tuple[str, ObjectKey]


def deadlocked(
    waits: Mapping[Name, set[Name]], changes: Mapping[Name, Change]
) -> Iterator[Problem]:
    """Yield a problem for each change on a cycle, and none for what only waits behind one.

    ``waits`` says for each change what it waits for; units that others depend on stand in it too.
    """
    for component, circle in circles(waits):
        path = " → ".join(_spoken(name) for name in [*circle, circle[0]])
        cure = _cure(circle, changes)
        for name in component:
            if name in changes:
                yield Problem(
                    code=Code.CYCLE,
                    message=f"{path}: {cure}",
                    location=changes[name].origin,
                    unit=name[0],
                    subject=str(name[1]),
                )


def _cure(circle: list[Name], changes: Mapping[Name, Change]) -> str:
    if any(name not in changes for name in circle):
        return "objects of units that depend on each other both ways: take one dependsOn out"
    if any(changes[name].action is not Action.CREATE for name in circle):
        return "each takes what only one can have from the next: do it in two commits"
    return "each needs the next to exist first: make one of the references optional"


def _spoken(name: Name) -> str:
    unit, key = name
    return str(key) if key.kind else f"unit {unit}"

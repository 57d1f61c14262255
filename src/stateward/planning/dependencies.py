"""Units that are to come after other units, as their settings say."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.planning.question import Question


def whole(unit: str) -> ObjectKey:
    """Return the key that stands for all changes of a unit, in what a change needs."""
    return ObjectKey("", (unit,))


def wrong(question: Question) -> Iterator[Problem]:
    """Yield dependencies that cannot be kept: on units that are not there, or in a circle."""
    for unit, facts in question.units.items():
        for other in facts.settings.depends_on:
            if other not in question.units:
                yield _problem(unit, f"dependsOn: {other}: no such unit: mend the name")
    try:
        TopologicalSorter(_graph(question)).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        path = " → ".join(reversed(circle))
        for unit in sorted(set(circle)):
            yield _problem(unit, f"dependsOn: {path}: a circle: take one of them out")


def waiting(
    question: Question, unready: Collection[str], idle: Collection[str]
) -> Iterator[Problem]:
    """Yield the units that wait because a unit they depend on is not ready, or waits itself."""
    dependents: dict[str, list[str]] = {}
    for unit, facts in sorted(question.units.items()):
        for other in facts.settings.depends_on:
            dependents.setdefault(other, []).append(unit)
    seen = set(unready)
    pending = deque(sorted(unready))
    while pending:
        other = pending.popleft()
        for unit in dependents.get(other, ()):
            if unit in seen or unit in idle:
                continue
            seen.add(unit)
            pending.append(unit)
            message = f"waits for unit {other}, which it depends on and which is not ready"
            yield Problem(code=Code.WAITING, message=message, unit=unit, severity=Severity.WARNING)


def _graph(question: Question) -> Mapping[str, tuple[str, ...]]:
    return {unit: facts.settings.depends_on for unit, facts in question.units.items()}


def _problem(unit: str, message: str) -> Problem:
    return Problem(code=Code.CONFIGURATION, message=message, unit=unit)

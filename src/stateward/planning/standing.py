"""What may be planned at all: stalled units, objects that wait, references that lead nowhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.model.state import DesiredObject, DesiredUnit, External, FromPool
from stateward.planning import dependencies
from stateward.planning.question import Identities, Question

SERVER_MADE = frozenset(
    {
        "CoreArtifact",
        "CoreArtifactDefinition",
        "CoreCheckDefinition",
        "CoreGeneratorDefinition",
        "CoreGeneratorInstance",
        "CoreGraphQLQuery",
        "CoreTransformJinja2",
        "CoreTransformPython",
        "CoreTransformation",
    }
)
"""Kinds that come to be when Infrahub imports the repository: references to them may wait."""


@dataclass(slots=True)
class Standing:
    """Which units and which objects of them are left out of this round, and why."""

    stalled: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)
    """Units that are suspended or were not asked for."""
    waiting: set[str] = field(default_factory=set)
    """Units that depend on a unit that is not ready."""
    withheld: set[tuple[str, ObjectKey]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def withhold(self, problem: Problem, question: Question) -> None:
        """Leave out of this round the object that a problem names."""
        unit = question.desired.units[problem.unit or ""]
        key = next(key for key in unit.objects if str(key) == problem.subject)
        self.withheld.add((unit.name, key))

    def plannable(self, unit: str) -> bool:
        return not any(unit in left_out for left_out in (self.stalled, self.idle, self.waiting))


def stand(question: Question, identities: Identities, going: Mapping[str, ObjectKey]) -> Standing:
    """Decide what may be planned. ``going`` are the ids that Git no longer declares."""
    standing = Standing(problems=list(question.problems))
    for name, facts in question.units.items():
        if not facts.selected or facts.settings.suspend:
            standing.idle.add(name)
    for unit in question.desired.units.values():
        _take_problems(unit, _settled(unit.problems, unit, question), standing)
        found = _references(unit, question, identities, going)
        _take_problems(unit, found, standing)
    for problem in question.problems:
        if problem.severity is Severity.ERROR and problem.unit is not None:
            standing.stalled.add(problem.unit)
    _depend(question, standing)
    follow(question, identities, standing)
    return standing


def _depend(question: Question, standing: Standing) -> None:
    circular = list(dependencies.wrong(question))
    standing.problems.extend(circular)
    standing.stalled |= {own.unit for own in circular if own.unit is not None}
    if not circular:
        unready = set(standing.stalled)
        standing.problems.extend(dependencies.waiting(question, unready))
        standing.waiting = unready - standing.stalled


def _take_problems(unit: DesiredUnit, problems: Iterable[Problem], standing: Standing) -> None:
    subjects: dict[str, ObjectKey] | None = None
    for problem in problems:
        standing.problems.append(problem)
        if problem.subject is not None:
            subjects = subjects or {str(key): key for key in unit.objects}
            standing.withheld.add((unit.name, subjects[problem.subject]))
        elif problem.severity is Severity.ERROR:
            standing.stalled.add(unit.name)


def _settled(
    problems: Iterable[Problem], unit: DesiredUnit, question: Question
) -> Iterator[Problem]:
    """Leave out the conflicts that the configuration settles by naming an owner."""
    keys: dict[str, ObjectKey] | None = None
    for problem in problems:
        if problem.code is Code.OWNED_TWICE and problem.subject is not None:
            keys = keys or {str(key): key for key in unit.objects}
            if question.owners(keys[problem.subject]) is not None:
                continue
        yield problem


def _references(
    unit: DesiredUnit, question: Question, identities: Identities, going: Mapping[str, ObjectKey]
) -> Iterator[Problem]:
    for external in unit.externals:
        reference = external.reference
        if isinstance(reference, ObjectKey):
            found = question.observed.references.get(reference, ())
        else:
            found = (reference.id,) if reference.id in question.observed.objects else ()
        if len(found) == 1 and found[0] not in going:
            continue
        yield _unresolved(external, unit.name, found, identities, going)


def _unresolved(
    external: External,
    unit: str,
    found: tuple[str, ...],
    identities: Identities,
    going: Mapping[str, ObjectKey],
) -> Problem:
    what = f"{external.subject}: {external.field}: {external.reference}"
    problem = Problem(code=Code.UNRESOLVED, message="", location=external.at, unit=unit)
    if len(found) > 1:
        names = ", ".join(sorted(str(identities.name(node)) for node in found))
        return replace(problem, code=Code.AMBIGUOUS, message=f"{what} may be any of {names}")
    if found:
        message = (
            f"{what}: no unit declares {going[found[0]]} any more: declare it, or point elsewhere"
        )
        return replace(problem, message=message)
    if isinstance(external.reference, ObjectKey) and external.reference.kind in SERVER_MADE:
        message = f"{what}: waits until the server has made it, when it imports the repository"
        return replace(
            problem,
            code=Code.WAITING,
            message=message,
            subject=str(external.subject),
            severity=Severity.WARNING,
        )
    message = (
        f"{what}: no unit declares it and the target does not hold it: declare it, or mend the name"
    )
    return replace(problem, message=message)


def follow(question: Question, identities: Identities, standing: Standing) -> None:
    """Withhold what refers to an object that is not there and will not be made this round."""
    causes = _absent(question, identities, standing)
    takers = _takers(question, identities) if causes else {}
    waiting: dict[tuple[str, ObjectKey], list[DesiredObject]] = {}
    pending = list(causes)
    while pending:
        key = pending.pop()
        for obj in takers.get(key, ()):
            if (obj.unit, obj.key) in standing.withheld or not standing.plannable(obj.unit):
                continue
            standing.withheld.add((obj.unit, obj.key))
            waiting.setdefault((obj.unit, causes[key]), []).append(obj)
            if obj.key not in identities.ids and obj.key not in causes:
                causes[obj.key] = causes[key]
                pending.append(obj.key)
    for (unit, cause), objects in waiting.items():
        first, *others = sorted(objects, key=lambda own: own.origin)
        more = f" and {len(others)} more" if others else ""
        standing.problems.append(
            Problem(
                code=Code.WAITING,
                message=f"{first.key}{more}: wait for {cause}, which is not made this round",
                location=first.origin,
                unit=unit,
                severity=Severity.WARNING,
            )
        )


def _absent(
    question: Question, identities: Identities, standing: Standing
) -> dict[ObjectKey, ObjectKey]:
    """Return the declared objects that are not there and not to be made, each its own cause."""
    absent: dict[ObjectKey, ObjectKey] = {}
    for unit in question.desired.units.values():
        whole = not standing.plannable(unit.name)
        if whole or any(name == unit.name for name, _ in standing.withheld):
            absent |= {
                key: key
                for key in unit.objects
                if key not in identities.ids and (whole or (unit.name, key) in standing.withheld)
            }
    return {key: key for key in absent if not _made_elsewhere(key, question, standing)}


def _takers(question: Question, identities: Identities) -> dict[ObjectKey, list[DesiredObject]]:
    """Return what refers to each declared object that is not there yet."""
    takers: dict[ObjectKey, list[DesiredObject]] = {}
    for unit in question.desired.units.values():
        for obj in unit.objects.values():
            for peer in _declared_peers(obj):
                if peer not in identities.ids:
                    takers.setdefault(peer, []).append(obj)
    return takers


def _made_elsewhere(key: ObjectKey, question: Question, standing: Standing) -> bool:
    """Tell whether another unit that declares the key will make it."""
    return any(
        key in unit.objects and standing.plannable(name) and (name, key) not in standing.withheld
        for name, unit in question.desired.units.items()
    )


def _declared_peers(obj: DesiredObject) -> Iterator[ObjectKey]:
    for related in obj.relations.values():
        if isinstance(related, ObjectKey):
            yield related
        elif isinstance(related, frozenset):
            yield from (peer for peer in related if isinstance(peer, ObjectKey))
        elif isinstance(related, FromPool) and isinstance(related.pool, ObjectKey):
            yield related.pool
    for value in obj.attributes.values():
        if isinstance(value, FromPool) and isinstance(value.pool, ObjectKey):
            yield value.pool

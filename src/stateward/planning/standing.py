"""What may be planned at all: stalled units, objects that wait, references that lead nowhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.model.state import DesiredObject, External, FromPool
from stateward.planning import dependencies, ignoring
from stateward.planning.digest import digest_of
from stateward.planning.holding import Holds
from stateward.planning.matches import Matches
from stateward.planning.question import Declared, Holdings, Identities, Question
from stateward.planning.unread import Unread

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

    question: Question
    declared: Declared
    stalled: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)
    """Units that are suspended, held or were not asked for."""
    held: set[str] = field(default_factory=set)
    """Those of them that declare what was rolled back."""
    along: set[str] = field(default_factory=set)
    """Those that were taken back along with others of which something failed."""
    waiting: set[str] = field(default_factory=set)
    """Units that depend on a unit that is not ready."""
    withheld: dict[str, set[ObjectKey]] = field(default_factory=dict)
    """Objects that are left out, by unit."""
    problems: list[Problem] = field(default_factory=list)
    _subjects: dict[str, dict[str, list[ObjectKey]]] = field(default_factory=dict)

    def plannable(self, unit: str) -> bool:
        return unit not in self.stalled and unit not in self.idle and unit not in self.waiting

    def plans(self, unit: str, key: ObjectKey) -> bool:
        """Tell whether a unit's declaration of an object is acted upon in this round."""
        return self.plannable(unit) and key not in self.withheld.get(unit, ())

    def reach(self, unit: str) -> str:
        """Return a digest of what a unit declares and of what is left out of it."""
        left_out = sorted(self.withheld.get(unit, ()))
        return digest_of([self.question.units[unit].files, left_out])[:16]

    def take(self, problems: Iterable[Problem]) -> None:
        """Leave out what problems name: an object, or for an error without one its unit."""
        for problem in problems:
            self.problems.append(problem)
            unit = problem.unit
            if unit is None:
                continue
            if problem.subject is not None:
                self.withheld.setdefault(unit, set()).update(self._named(unit, problem.subject))
            elif problem.severity is Severity.ERROR:
                self.stalled.add(unit)

    def _named(self, unit: str, subject: str) -> list[ObjectKey]:
        """Return the objects that are spelled like a problem's subject."""
        if unit not in self._subjects:
            found: dict[str, list[ObjectKey]] = {}
            for key in self.question.desired.units[unit].objects:
                found.setdefault(str(key), []).append(key)
            self._subjects[unit] = found
        return self._subjects[unit].get(subject, [])

    def settle(self, identities: Identities) -> None:
        """Leave out what refers to objects that are not there, and units that depend on others.

        Each may lead to more of the other.
        """
        waits = -1
        while waits != len(self.waiting):
            waits = len(self.waiting)
            follow(self, identities)
            unready = {*self.stalled, *self.waiting}
            unready |= {unit for unit, keys in self.withheld.items() if keys}
            dependents = list(dependencies.waiting(self.question, unready, self.idle))
            self.problems.extend(dependents)
            self.waiting |= {own.unit for own in dependents if own.unit is not None}


def first_look(question: Question, declared: Declared, holdings: Holdings) -> Standing:
    """Find out what is stalled by its own files and settings, whatever the target holds."""
    standing = Standing(question, declared)
    holds = Holds(question, holdings)
    standing.held = holds.held
    standing.along = holds.along
    for name, facts in question.units.items():
        held = name in holds.held or name in holds.along
        if not facts.selected or facts.settings.suspend or held:
            standing.idle.add(name)
    standing.problems.extend(holds.problems())
    standing.take(question.problems)
    for unit in question.desired.units.values():
        standing.take(own for own in unit.problems if not _is_settled(own, declared))
    standing.take(dependencies.wrong(question))
    standing.take(ignoring.wrong(question))
    return standing


def _is_settled(problem: Problem, declared: Declared) -> bool:
    """Tell whether a problem is a conflict for which the configuration names the owner."""
    return problem.code is Code.OWNED_TWICE and problem.subject in declared.settled


def stand(
    standing: Standing, identities: Identities, matches: Matches, going: Mapping[str, ObjectKey]
) -> None:
    """Decide what may be planned. ``going`` are the ids that Git no longer declares."""
    standing.take(matches.problems)
    references = _References(standing.question, identities, matches, going)
    for unit in standing.question.desired.units:
        standing.take(references.wrong(unit))
    standing.settle(identities)


@dataclass(slots=True)
class _References:
    """Looks at the references to what no unit declares."""

    question: Question
    identities: Identities
    matches: Matches
    going: Mapping[str, ObjectKey]
    unread: Unread = field(init=False)

    def __post_init__(self) -> None:
        self.unread = Unread(self.question)

    def wrong(self, unit: str) -> Iterator[Problem]:
        observed = self.question.observed
        for external in self.question.desired.units[unit].externals:
            reference = external.reference
            if isinstance(reference, ObjectKey):
                found = observed.references.get(reference, ())
            else:
                known = reference.id in observed.objects or reference.id in observed.names
                found = (reference.id,) if known else ()
            if problem := self._wrong(external, found):
                yield replace(problem, unit=unit, location=external.at)

    def _wrong(self, external: External, found: tuple[str, ...]) -> Problem | None:
        what = f"{external.subject}: {external.field}: {external.reference}"
        if len(found) > 1:
            names = ", ".join(sorted(str(self.identities.name(node)) for node in found))
            return Problem(code=Code.AMBIGUOUS, message=f"{what} may be any of {names}")
        if not found:
            return self._unfound(external, what)
        (node,) = found
        if node in self.going:
            gone = self.going[node]
            message = f"{what}: no unit declares {gone} any more: declare it, or point elsewhere"
            return Problem(code=Code.UNRESOLVED, message=message)
        renamed = self.matches.nodes.get(node)
        if renamed is None or not isinstance(external.reference, ObjectKey):
            return None
        if self.question.observed.objects[node].key == renamed:
            return None
        message = f"{what}: is renamed to {renamed}: point there"
        return Problem(code=Code.UNRESOLVED, message=message)

    def _unfound(self, external: External, what: str) -> Problem:
        reference = external.reference
        if isinstance(reference, ObjectKey):
            waits = Problem(
                code=Code.WAITING,
                message=f"{what}: waits until the server has made it, when it imports the repository",
                subject=str(external.subject),
                severity=Severity.WARNING,
            )
            if reference.kind in SERVER_MADE:
                return waits
            if unit := self.unread.may_declare(reference):
                message = f"{what}: waits for unit {unit}, which cannot be read and may declare it"
                return replace(waits, message=message)
        return Problem(
            code=Code.UNRESOLVED,
            message=f"{what}: no unit declares it and the target does not hold it: declare it,"
            " or mend the name",
            # While files of another unit cannot be read this need not be the unit's own mistake.
            subject=str(external.subject) if self.unread.any else None,
        )


def follow(standing: Standing, identities: Identities) -> None:
    """Withhold what refers to an object that is not there and will not be made this round."""
    causes = {
        key: key
        for key, units in standing.declared.by_key.items()
        if key not in identities.ids and not any(standing.plans(unit, key) for unit in units)
    }
    takers = _takers(standing.question, identities) if causes else {}
    waiting: dict[tuple[str, ObjectKey], list[DesiredObject]] = {}
    pending = list(causes)
    while pending:
        key = pending.pop()
        for obj in takers.get(key, ()):
            if not standing.plans(obj.unit, obj.key):
                continue
            standing.withheld.setdefault(obj.unit, set()).add(obj.key)
            waiting.setdefault((obj.unit, causes[key]), []).append(obj)
            made = any(standing.plans(unit, obj.key) for unit in standing.declared.units(obj.key))
            if not made and obj.key not in identities.ids:
                causes.setdefault(obj.key, causes[key])
                pending.append(obj.key)
    for (unit, cause), objects in waiting.items():
        first, *others = sorted(objects, key=lambda own: own.origin)
        wait = f" and {len(others)} more: wait" if others else ": waits"
        standing.problems.append(
            Problem(
                code=Code.WAITING,
                message=f"{first.key}{wait} for {cause}, which is not made this round",
                location=first.origin,
                unit=unit,
                severity=Severity.WARNING,
            )
        )


def _takers(question: Question, identities: Identities) -> dict[ObjectKey, list[DesiredObject]]:
    """Return what refers to each object that is not there yet."""
    takers: dict[ObjectKey, list[DesiredObject]] = {}
    for unit in question.desired.units.values():
        for obj in unit.objects.values():
            for peer in _declared_peers(obj):
                if peer not in identities.ids:
                    takers.setdefault(peer, []).append(obj)
    return takers


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

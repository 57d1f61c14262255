"""The planner: one question, one plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Blocked, Change, Plan, Survivor, UnitPlan, UnitState
from stateward.model.unit import Stamp
from stateward.planning.claims import Claims
from stateward.planning.compare import Comparison
from stateward.planning.digest import digest_of
from stateward.planning.guard import block
from stateward.planning.handover import HandOvers
from stateward.planning.matches import match
from stateward.planning.order import Order
from stateward.planning.prune import Prune, going
from stateward.planning.question import Holdings, Identities, Question
from stateward.planning.standing import Standing, follow, stand


def plan(question: Question) -> Plan:
    """Plan one round.

    What turns out to have no place in the order (a cycle, a unique value that nobody gives up)
    is withheld with all that refers to it, and the rest is planned again.
    """
    identities = Identities(question.observed)
    holdings = Holdings(question)
    matches = match(question, identities, holdings)
    declared = frozenset(matches.ids.values())
    gone = going(question, holdings, declared)
    standing = stand(question, identities, gone)
    standing.problems.extend(matches.problems)
    while True:
        round_ = _Round(question, identities, holdings, standing, matches.ids)
        ordered = round_.changes()
        if not round_.doomed:
            return round_.plan(ordered)
        standing.problems.extend(round_.doomed)
        for problem in round_.doomed:
            standing.withhold(problem, question)
        follow(question, identities, standing)


class _Round:
    """One attempt at the plan, under what is known to be left out."""

    def __init__(
        self,
        question: Question,
        identities: Identities,
        holdings: Holdings,
        standing: Standing,
        matches: dict[ObjectKey, str],
    ) -> None:
        self.question = question
        self.identities = identities
        self.holdings = holdings
        self.standing = standing
        self.claims = Claims(
            question=question,
            holdings=holdings,
            comparison=Comparison(question.schema, identities),
            standing=standing,
            matches=matches,
        )
        self.declared = frozenset(matches.values())
        self.blocked: tuple[Blocked, ...] = ()
        self.kept: Mapping[str, int] = {}
        self.survivors: Mapping[str, list[Survivor]] = {}
        self.notes: list[Problem] = []
        self.doomed: list[Problem] = []

    def changes(self) -> list[Change]:
        writes = list(self.claims.changes())
        prune = Prune(
            question=self.question,
            holdings=self.holdings,
            identities=self.identities,
            standing=self.standing,
            declared=self.declared,
            taken=self.claims.taken,
            repointed=self._repointed(writes),
        )
        dropped = list(prune.changes())
        self.blocked = tuple(block(dropped, self.question, self.holdings))
        held = {own.unit for own in self.blocked}
        dropped = [
            own for own in dropped if own.action is not Action.DELETE or own.unit not in held
        ]
        order = Order(self.question, HandOvers(self.question, self.identities))
        ordered = order.sort([*writes, *dropped])
        self.kept = prune.kept
        self.survivors = prune.survivors
        self.notes = [*self.claims.problems, *prune.problems]
        self.doomed = order.problems
        return ordered

    def _repointed(self, writes: Iterable[Change]) -> dict[str, frozenset[str]]:
        left: dict[str, frozenset[str]] = {}
        for change in writes:
            if change.node is not None and change.fields:
                own = self.question.observed.objects[change.node]
                before = (own.relations.get(field.name) for field in change.fields)
                left[change.node] = frozenset(node for node in before if isinstance(node, str))
        return left

    def plan(self, ordered: list[Change]) -> Plan:
        question = self.question
        problems = _sorted([*self.standing.problems, *self.notes])
        by_unit: dict[str | None, list[Problem]] = {}
        for problem in problems:
            by_unit.setdefault(problem.unit, []).append(problem)
        changed = {own.unit for own in ordered} | {own.giver for own in ordered if own.giver}
        units = {
            unit: self._unit(unit, by_unit.get(unit, ()), changed=unit in changed)
            for unit in sorted(question.units)
        }
        plan = Plan(
            target=question.target,
            schema=question.schema.hash,
            revisions=question.revisions,
            changes=tuple(ordered),
            blocked=self.blocked,
            problems=problems,
            units=units,
            loads_schema=question.loads_schema,
            allow_deletes=question.allow_deletes,
            ids=self.identities.ids,
            groups={name: own.id for name, own in question.observed.groups.items()},
        )
        return replace(plan, digest=_digest(plan))

    def _unit(self, unit: str, problems: Sequence[Problem], *, changed: bool) -> UnitPlan:
        facts = self.question.units[unit]
        blocked = any(own.unit == unit for own in self.blocked)
        state = self._state(unit, problems, blocked=blocked)
        settled = state in {UnitState.READY, UnitState.BLOCKED, UnitState.WAITING}
        before = self.holdings.stamps[unit]
        moved_on = changed or before.files != facts.files or bool(before.attempted)
        stamp = Stamp(applied=facts.revision, files=facts.files)
        return UnitPlan(
            unit=unit,
            group=facts.group,
            state=state,
            unchanged=self.claims.unchanged.get(unit, 0),
            kept=self.kept.get(unit, 0),
            keeps=blocked or unit in self.kept or unit in self.survivors,
            survivors=tuple(self.survivors.get(unit, ())),
            before=before,
            stamp=stamp if settled and not facts.vanished and moved_on else None,
            vanished=facts.vanished and settled,
        )

    def _state(self, unit: str, problems: Sequence[Problem], *, blocked: bool) -> UnitState:
        if unit in self.standing.idle:
            return UnitState.SUSPENDED
        errors = [own for own in problems if own.severity is Severity.ERROR]
        if unit in self.standing.stalled or any(own.code is not Code.STRANGER for own in errors):
            return UnitState.STALLED
        waits = unit in self.standing.waiting or any(own.code is Code.WAITING for own in problems)
        if errors or waits:
            return UnitState.BLOCKED if blocked else UnitState.WAITING
        return UnitState.BLOCKED if blocked else UnitState.READY


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(
        sorted(
            unique, key=lambda own: (own.location is None, str(own.location), own.code, own.message)
        )
    )


def _digest(plan: Plan) -> str:
    """Return a digest over the target, its schema, the revisions and the changes."""
    changes = [
        [own.action, own.unit, own.key, own.node, own.giver, own.fields, sorted(own.deferred)]
        for own in plan.changes
    ]
    stamps = [[own.unit, str(own.stamp), own.vanished] for own in plan.units.values()]
    blocked = [own.digest for own in plan.blocked]
    return digest_of(
        [
            plan.target,
            plan.schema,
            dict(plan.revisions),
            changes,
            stamps,
            blocked,
            plan.loads_schema,
        ]
    )

"""The planner: one question, one plan."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Location, Problem, Severity
from stateward.model.command import Command
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Blocked, Change, Plan, UnitPlan, UnitState
from stateward.model.unit import OnError, Stamp
from stateward.planning.claims import Claims, may_adopt
from stateward.planning.compare import Comparison, references
from stateward.planning.digest import digest_of
from stateward.planning.ends import Ends
from stateward.planning.guard import Guard
from stateward.planning.handover import HandOvers
from stateward.planning.leave import too_little
from stateward.planning.matches import Matches, match
from stateward.planning.order import Order
from stateward.planning.prune import Prune, going, keeps
from stateward.planning.question import Declared, Holdings, Identities, Question
from stateward.planning.standing import Standing, first_look, stand


def plan(question: Question) -> Plan:
    """Plan one round.

    What turns out to have no place in the order (a cycle, a unique value that nobody gives up)
    is withheld with all that refers to it, and the rest is planned again.
    """
    return plan_of(Known.of(question))


def plan_of(known: "Known") -> Plan:
    """Plan one round that was looked at already; what was looked at is used up."""
    stand(known.standing, known.identities, known.matches, known.going)
    while True:
        attempt = _Attempt(known)
        if not attempt.doomed:
            return attempt.plan()
        known.standing.take(attempt.doomed)
        known.standing.settle(known.identities)


@dataclass(slots=True)
class Known:
    """What holds for every attempt at a plan of one question."""

    question: Question
    declared: Declared
    identities: Identities
    holdings: Holdings
    standing: Standing
    matches: Matches
    going: Mapping[str, ObjectKey]
    """The ids that Git no longer declares: a plan must know what holds them."""

    @property
    def strangers(self) -> frozenset[str]:
        """The ids of what is nobody's here and may be adopted: a plan must know whose else it is."""
        return frozenset(
            node
            for key, node in self.matches.ids.items()
            if node not in self.holdings.holders and may_adopt(self.question, self._acting(key))
        )

    def _acting(self, key: ObjectKey) -> list[str]:
        """Return the units whose declarations of an object this round may act upon."""
        return [own for own in self.declared.units(key) if self.standing.plans(own, key)]

    def claims(self) -> Claims:
        """Return what tells of each declared object what it needs."""
        question = self.question
        return Claims(
            question=question,
            declared=self.declared,
            holdings=self.holdings,
            comparison=Comparison(
                question.schema,
                self.declared,
                self.identities,
                frozenset(own.id for own in question.observed.groups.values()),
            ),
            standing=self.standing,
            matches=self.matches.ids,
        )

    @classmethod
    def of(cls, question: Question) -> "Known":
        declared = Declared(question)
        identities = Identities(question.observed)
        holdings = Holdings(question)
        standing = first_look(question, declared, holdings)
        matches = match(question, declared, identities, holdings, standing.stalled)
        gone = going(question, holdings, matches.declared, standing.stalled)
        return cls(question, declared, identities, holdings, standing, matches, gone)

    def leaves_later(self, node: str, fields: Collection[str]) -> bool:
        """Tell whether Git wants an object to give up some fields, but not in this round."""
        key = self.matches.nodes.get(node)
        if key is not None:
            units = self.declared.units(key)
            obj = self.declared.object(units[0], key)
            planned = any(self.standing.plans(unit, key) for unit in units)
            return not planned and any(
                name in obj.attributes or name in obj.relations for name in fields
            )
        holders = self.holdings.holders.get(node, ())
        own = self.question.observed.objects[node].key
        kept = any(keeps(self.question, unit, own) for unit in holders)
        return bool(holders) and not kept and not self.holdings.was_adopted(node)


@dataclass(slots=True)
class _Attempt:
    """One attempt at the plan, under what is known to be left out."""

    known: Known
    claims: Claims = field(init=False)
    prune: Prune = field(init=False)
    blocked: tuple[Blocked, ...] = ()
    approvals: tuple[Command, ...] = ()
    """What lets a prune through that a guard would hold back."""
    by_commit: frozenset[str] = frozenset()
    """The units of which the revision itself does."""
    deletes: int = 0
    lacking: int = 0
    """How many deletes the revision would have to let through, where it lets through less."""
    ordered: list[Change] = field(default_factory=list)
    doomed: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        known, question = self.known, self.known.question
        self.claims = known.claims()
        writes = list(self.claims.changes())
        self.prune = Prune(
            question=question,
            declared=known.declared,
            holdings=known.holdings,
            identities=known.identities,
            standing=known.standing,
            claims=self.claims,
            matches=known.matches.nodes,
            doubtful=known.matches.candidates,
            repointed=self._repointed(writes),
        )
        dropped = self._guarded(list(self.prune.changes()))
        deleted = {own.node for own in dropped if own.action is Action.DELETE and own.node}
        writes = list(Ends(question, known.identities).spared(writes, deleted))
        order = Order(question, HandOvers(question, known.identities, known.leaves_later))
        self.ordered = order.sort([*writes, *dropped])
        self.doomed = order.problems

    def _guarded(self, dropped: Sequence[Change]) -> list[Change]:
        """Leave out the deletes that a guard holds back, and those that would take these along."""
        releases = [own for own in dropped if own.action is Action.RELEASE]
        deletes = self.prune.possible(own for own in dropped if own.action is Action.DELETE)
        guard = Guard(self.known.question, self.known.holdings, self.known.going)
        guard.look(deletes)
        self.deletes = guard.total
        self.blocked, self.approvals = tuple(guard.blocked), tuple(guard.approvals)
        self.by_commit = frozenset(guard.by_commit)
        self.lacking = guard.lacking
        held = {own.unit for own in self.blocked}
        if held:
            deletes = self.prune.possible(own for own in deletes if own.unit not in held)
        left = {own.node for own in dropped} - {own.node for own in (*releases, *deletes)}
        for node in left:  # one unit was to delete it for all of them: none has lost it yet
            self.prune.staying.update(self.known.holdings.holders.get(node or "", ()))
        return [*releases, *deletes]

    def _repointed(self, writes: Iterable[Change]) -> dict[str, tuple[ObjectKey, frozenset[str]]]:
        """Return which ids the relationships of existing objects leave."""
        id_of = self.known.identities.id
        left: dict[str, tuple[ObjectKey, frozenset[str]]] = {}
        for change in writes:
            own = self.known.question.observed.objects.get(change.node or "")
            gone: set[str] = set()
            for changed in change.fields if own else ():
                before = own.relations.get(changed.name) if own else None
                old = before if isinstance(before, frozenset) else frozenset((before or "",))
                gone |= old - {id_of(peer) for peer in references(changed.new)} - {""}
            if own is not None and gone:
                left[own.id] = change.key, frozenset(gone)
        return left

    def plan(self) -> Plan:
        question = self.known.question
        found = [*self.known.standing.problems, *self.claims.problems, *self.prune.problems]
        if self.lacking and question.commit is not None and question.leave is not None:
            found.append(too_little(question.commit, question.leave, self.lacking))
        problems = _sorted(found)
        by_unit: dict[str | None, list[Problem]] = {}
        for problem in problems:
            by_unit.setdefault(problem.unit, []).append(problem)
        changed = {own.unit for own in self.ordered}
        changed |= {own.giver for own in self.ordered if own.giver is not None}
        units = {
            unit: self._unit(unit, by_unit.get(unit, ()), changed=unit in changed)
            for unit in sorted(question.units)
        }
        plan = Plan(
            target=question.target,
            schema=question.schema.hash,
            revisions=question.revisions,
            changes=tuple(self.ordered),
            blocked=self.blocked,
            problems=problems,
            units=units,
            loads_schema=question.loads_schema,
            schema_changes=question.schema_changes,
            commit=question.commit,
            deletes=self.deletes,
            allow_deletes=question.allow_deletes,
            approvals=self.approvals,
            leave=question.leave,
            by_commit=self.by_commit,
            ids=self.known.identities.ids,
            groups={name: own.id for name, own in question.observed.groups.items()},
        )
        return replace(plan, digest=_digest(plan))

    def _unit(self, unit: str, problems: Sequence[Problem], *, changed: bool) -> UnitPlan:
        facts = self.known.question.units[unit]
        blocked = any(own.unit == unit for own in self.blocked)
        state = self._state(unit, problems, blocked=blocked)
        withheld = len(self.known.standing.withheld.get(unit, ()))
        acted = state in {UnitState.READY, UnitState.BLOCKED, UnitState.WAITING}
        settled = acted and self.known.standing.plannable(unit)
        before = self.known.holdings.stamps[unit]
        stays = blocked or unit in self.prune.staying or unit in self.prune.survivors
        return UnitPlan(
            unit=unit,
            group=facts.group,
            state=state,
            unchanged=self.claims.unchanged.get(unit, 0),
            kept=self.prune.kept.get(unit, 0),
            withheld=withheld,
            keeps=stays,
            survivors=tuple(self.prune.survivors.get(unit, ())),
            files=facts.files,
            before=before,
            stamp=self._stamp(
                unit, changed=changed, through=acted and not blocked and not withheld
            ),
            vanished=facts.vanished and settled,
            on_error=facts.settings.on_error,
        )

    def _stamp(self, unit: str, *, changed: bool, through: bool) -> Stamp | None:
        """Say how far a unit is once its changes are through, where something else stands there.

        What is left out, or held for others, is still as an earlier revision declared it.
        """
        facts, standing = self.known.question.units[unit], self.known.standing
        if facts.vanished or not standing.plannable(unit):
            return None
        before = self.known.holdings.stamps[unit]
        if not through or unit in self.prune.awaited:
            return before.attempt(facts.revision, standing.reach(unit)) if changed else None
        moved_on = changed or before.files != facts.files or bool(before.attempted)
        reached = Stamp(applied=facts.revision, files=facts.files, term=before.term)
        return reached if moved_on else None

    def _state(self, unit: str, problems: Sequence[Problem], *, blocked: bool) -> UnitState:
        standing = self.known.standing
        if unit in standing.held:
            return UnitState.HELD
        if unit in standing.along:
            return UnitState.WAITING
        if unit in standing.idle:
            return UnitState.SUSPENDED
        errors = [own for own in problems if own.severity is Severity.ERROR]
        if unit in standing.stalled or any(own.code is not Code.STRANGER for own in errors):
            return UnitState.STALLED
        if blocked:
            return UnitState.BLOCKED
        waits = unit in standing.waiting or bool(standing.withheld.get(unit))
        return UnitState.WAITING if errors or waits else UnitState.READY


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    def place(own: Problem) -> tuple[bool, Location, str, str]:
        return own.location is None, own.location or Location(""), own.code, own.message

    return tuple(sorted(dict.fromkeys(problems), key=place))


def _digest(plan: Plan) -> str:
    """Return a digest over the target, its schema, the revisions and the changes."""
    changes = [
        [
            own.action,
            own.unit,
            own.key,
            own.node,
            own.giver,
            own.adopted,
            own.fields,
            sorted(own.deferred),
            own.parked,
        ]
        for own in plan.changes
    ]
    upkeep = [
        [
            own.unit,
            own.group,
            str(own.stamp),
            own.leaves,
            *(() if own.on_error is OnError.CONTINUE else (own.on_error,)),
        ]
        for own in plan.units.values()
    ]
    blocked = [own.digest for own in plan.blocked]
    return digest_of(
        [
            plan.target,
            plan.schema,
            dict(plan.revisions),
            changes,
            upkeep,
            blocked,
            plan.loads_schema,
        ]
    )

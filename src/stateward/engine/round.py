"""One round: everything that is known, put to the planner as one question."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from stateward.desired.load import UnitFiles
from stateward.desired.load import load as load_desired
from stateward.engine.approvals import Approvals, NoApprovals
from stateward.engine.history import History
from stateward.engine.load import Loaded, Loader, declared_schema, no_longer_objects
from stateward.engine.memo import Memo
from stateward.engine.stamps import stamps
from stateward.errors import (
    Code,
    ConfigError,
    Problem,
    Severity,
    SourceRefused,
    SourceUnavailable,
)
from stateward.heap import undisturbed
from stateward.model.commit import Commit
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan, UnitPlan, UnitState
from stateward.model.schema import Schema
from stateward.model.state import Desired
from stateward.model.unit import (
    Budget,
    ManageSchema,
    Stamp,
    UnitSettings,
    Window,
    group_name,
    prefix,
)
from stateward.planning import plan as planner
from stateward.planning.digest import digest_of
from stateward.planning.leave import leave_of
from stateward.planning.question import Question, UnitFacts
from stateward.ports import Recall, Session, Target
from stateward.tracking.observe import known_of, observe, with_claims, with_holds

Look = Callable[[Session, Plan], Awaitable[None]]
"""Is shown a plan and the target that it was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a round is about: which source and units, and what the person who asks allows."""

    instance: str
    source: str
    schemas: tuple[str, ...] | None = None
    manage_schema: ManageSchema = ManageSchema.APPLY
    owners: Callable[[ObjectKey], str | None] = lambda _key: None
    unit: str | None = None
    """A pattern over the units' names: only those that match are changed."""
    named: tuple[str, ...] = ()
    """Patterns as well, of which each has to match some unit: only what one of them matches is changed."""
    units: frozenset[str] | None = None
    """Only these units are changed; what is gone from Git is always looked after, too."""
    kept_from: Callable[[str, tuple[Window, ...]], bool] = lambda _unit, _windows: False
    """Whether a unit, with its windows, is to be left as it is now, even if it is gone from Git."""
    retries: Callable[[str], bool] = lambda _unit: False
    """Whether somebody wants a unit tried again that failed and was taken back."""
    allow_deletes: int | None = None
    trailers: bool = False
    """Whether a commit may let deletes through by its message."""
    budgets: tuple[Budget, ...] = ()
    """How much may be deleted beyond what single units allow."""
    rely: float | None = None
    """How many seconds a full look at the target may be back for what has not changed since to be
    relied on; 0 is never, None also keeps nothing for the next time."""

    def selects(self, unit: str, *, vanished: bool = False) -> bool:
        if self.unit is not None and not fnmatchcase(unit, self.unit):
            return False
        if self.named and not any(fnmatchcase(unit, own) for own in self.named):
            return False
        return self.units is None or vanished or unit in self.units


@dataclass(slots=True)
class Round:
    """Plans a source against a target. It keeps what was parsed for the next time it is asked."""

    loader: Loader
    target: Target
    scope: Scope
    approvals: Approvals = field(default_factory=NoApprovals)
    memo: Memo = field(default_factory=Memo)

    async def files(self, revision: str | None) -> Loaded:
        """Load a revision."""
        return await self.memo.loaded(revision, self.loader.load)

    async def applied(self, revision: str) -> Loaded:
        """Load a revision that was brought about by somebody, to go on with it."""
        return await self.memo.loaded(revision, self.loader.look_back)

    async def _earlier(self, revision: str) -> Loaded:
        return await self.memo.earlier(revision, self.loader.look_back)

    async def load(self, revision: str | None) -> tuple[Loaded, Schema | None, tuple[Problem, ...]]:
        """Load a revision and the schema that it brings, if that is to be looked at."""
        loaded = await self.files(revision)
        if self.scope.manage_schema is ManageSchema.OFF:
            return loaded, None, loaded.problems
        schema, problems = declared_schema(loaded, self.scope.schemas, self.memo.schema)
        return loaded, schema, (*loaded.problems, *problems)

    async def plan(self, revision: str | None = None, look: Look | None = None) -> Plan:
        """Plan without writing anything."""
        loaded, declared, problems = await self.load(revision)
        if any(own.severity is Severity.ERROR for own in problems):
            return self.refused(loaded, problems)
        async with self.target.session(declared, write=False) as session:
            plan = await self.plan_in(session, loaded, problems)
            if look is not None:
                await look(session, plan)
            return plan

    def refused(self, loaded: Loaded, problems: tuple[Problem, ...]) -> Plan:
        """Return the plan of a revision whose schema cannot be used: nothing is done."""
        units = {
            unit: UnitPlan(unit=unit, group=self._group(unit), state=UnitState.STALLED)
            for unit in sorted(loaded.units)
        }
        revisions = {self.scope.source: loaded.revision}
        return Plan(
            target=self.target.name,
            schema="",
            revisions=revisions,
            problems=(*problems, *(own for unit in loaded.units.values() for own in unit.problems)),
            units=units,
            digest=digest_of([self.target.name, revisions, [str(own) for own in problems]]),
        )

    async def plan_in(
        self, session: Session, loaded: Loaded, problems: tuple[Problem, ...]
    ) -> Plan:
        """Plan what a session sees."""
        if session.schema_differs and self.scope.manage_schema is ManageSchema.CHECK:
            return self.refused(loaded, (*problems, _other_schema(session)))
        question = await self._question(session, loaded, problems)
        return await self.answer(session, question, loaded.revision)

    async def answer(self, session: Session, question: Question, revision: str) -> Plan:
        """Answer a question: what stands in the way of deletes is asked where there are any.

        So it is whose else strangers are; where they are nobody's, what was looked at is enough.
        """
        with undisturbed():
            looked = planner.Known.of(question)
            strangers = looked.strangers
        ours = prefix(self.scope.instance, self.scope.source)
        observed = question.observed
        if looked.going:
            observed = await with_holds(session, observed, looked.going, ours)
            question = await self.with_commit(question, revision)
        observed = await with_claims(session, observed, strangers, ours)
        if observed is question.observed:
            with undisturbed():
                return planner.plan_of(looked)
        with undisturbed():
            return planner.plan(replace(question, observed=observed))

    async def with_commit(self, question: Question, revision: str) -> Question:
        """Add what a revision says of itself, and what it lets through, if that is to count."""
        commit = await self.said(revision)
        leave, wrong = leave_of(commit) if self.scope.trailers else (None, ())
        problems = (*question.problems, *wrong)
        return replace(question, commit=commit, leave=leave, problems=problems)

    async def said(self, revision: str) -> Commit | None:
        """Return what a revision says of itself; a plan is none the worse where nothing can be had."""
        try:
            return await self.loader.source.said(revision)
        except (SourceRefused, SourceUnavailable):
            return None

    async def _question(
        self, session: Session, loaded: Loaded, problems: tuple[Problem, ...]
    ) -> Question:
        scope = self.scope
        ours = prefix(scope.instance, scope.source)
        known = await stamps(session, scope.instance, scope.source)
        history = History(self._earlier, self.memo.formers)
        loaded, gone = await self._with_doubts(loaded, known, history)
        desired, _ = await self._declared(session, loaded)
        formerly, unknown = await history.formerly(
            known, loaded, session.schema, lambda before: self._declared(session, before)
        )
        history.forget()
        units = self.facts(loaded, gone)
        self._check_selection(units)
        hints = [key for facts in units.values() for key in facts.settings.moved]
        groups = [facts.group for facts in units.values()]
        recall = None if scope.rely is None else Recall(name=ours, max_age=scope.rely)
        observed = await observe(session, desired, formerly, groups, hints, recall)
        return Question(
            target=self.target.name,
            schema=session.schema,
            loads_schema=session.schema_differs,
            schema_changes=tuple(session.schema_changes),
            revisions={scope.source: loaded.revision},
            desired=desired,
            observed=observed,
            units=units,
            formerly=formerly,
            owners=scope.owners,
            allow_deletes=scope.allow_deletes,
            budgets=scope.budgets,
            approvals=await self.approvals.standing(scope.source),
            problems=(*problems, *unknown),
        )

    def _check_selection(self, units: Mapping[str, UnitFacts]) -> None:
        """Refuse a pattern that a person gave and that matches nothing."""
        scope = self.scope
        asked = scope.unit if scope.units is None else None
        if asked is not None and not any(own.selected for own in units.values()):
            raise _no_such_unit(f"--unit {asked}", units)
        for own in scope.named:
            if not any(fnmatchcase(unit, own) for unit in units):
                raise _no_such_unit(own, units)

    def _group(self, unit: str) -> str:
        return group_name(self.scope.instance, self.scope.source, unit)

    def facts(self, loaded: Loaded, gone: Mapping[str, UnitSettings]) -> dict[str, UnitFacts]:
        """Return what is known of each unit; those that are ``gone`` come with their settings."""
        facts: dict[str, UnitFacts] = {}
        for unit in (*loaded.units, *gone):
            vanished = unit in gone
            found = gone[unit] if vanished else loaded.settings.get(unit)
            settings = found or self.settings(unit)
            selected = self.scope.selects(unit, vanished=vanished)
            facts[unit] = UnitFacts(
                settings=settings,
                group=self._group(unit),
                revision=loaded.revision,
                files=loaded.digests.get(unit, ""),
                retried=selected and self.scope.retries(unit),
                selected=selected and not self.scope.kept_from(unit, settings.windows),
                vanished=vanished,
            )
        return facts

    def facts_of(self, plan: Plan, loaded: Loaded) -> dict[str, UnitFacts]:
        """Return what is known of each unit, those that a plan found to be gone included."""
        gone = sorted(plan.units.keys() - loaded.units.keys())
        settings = {unit: loaded.settings.get(unit) or self.settings(unit) for unit in gone}
        return self.facts(loaded, settings)

    def free(self, plan: Plan, loaded: Loaded) -> list[str]:
        """Return the units of a plan that it is about and that are not suspended."""
        facts = self.facts_of(plan, loaded)
        return [
            unit
            for unit, own in facts.items()
            if unit in plan.units and own.selected and not own.settings.suspend
        ]

    def settings(self, unit: str) -> UnitSettings:
        """Return the settings of a unit that has none of its own."""
        return self.loader.read_settings(unit, None)[0]

    async def _with_doubts(
        self, loaded: Loaded, known: Mapping[str, Stamp], history: History
    ) -> tuple[Loaded, dict[str, UnitSettings]]:
        """Tell units that are gone from units that only cannot be read; return the gone ones."""
        units = dict(loaded.units)
        gone: dict[str, UnitSettings] = {}
        doubted = False
        for unit, stamp in known.items():
            if loaded.digests.get(unit) == stamp.files:
                continue
            before = await history.files(unit, stamp)
            wrong = list(no_longer_objects(before, loaded, unit))
            doubt = loaded.doubt(unit)
            if doubt is not None and unit not in units:
                wrong.append(doubt)
            if wrong:
                doubted = True
                own = units.get(unit, UnitFiles())
                texts = {path: loaded.files[path].text for path in before if path in loaded.files}
                units[unit] = replace(
                    own,
                    problems=(*own.problems, *wrong),
                    texts={**texts, **own.texts},
                )
            elif unit not in units:
                found = loaded.settings.get(unit) or await history.settings(unit, stamp)
                gone[unit] = found or self.settings(unit)
        return replace(loaded, units=units) if doubted else loaded, gone

    async def _declared(self, session: Session, loaded: Loaded) -> tuple[Desired, bool]:
        """Return what a revision declares, and whether what the target holds has a say in it."""
        desired = self.memo.desired(loaded, session.schema)
        if not desired.needs:
            return desired, False
        known = await known_of(session, desired.needs)
        with undisturbed():
            return load_desired(loaded.units, session.schema, known), True


def _no_such_unit(asked: str, units: Iterable[str]) -> ConfigError:
    message = f"{asked}: no unit matches: there are {', '.join(units)}"
    return ConfigError(message, code=Code.NO_SUCH_UNIT)


def _other_schema(session: Session) -> Problem:
    changes = session.schema_changes
    more = f" and {len(changes) - _MOST_SHOWN} more" if len(changes) > _MOST_SHOWN else ""
    return Problem(
        code=Code.SCHEMA_DIFFERS,
        message=f"the target's schema is not the one the files declare: {'; '.join(changes[:_MOST_SHOWN])}"
        f"{more}: load it, or set manageSchema: apply",
    )


_MOST_SHOWN = 5

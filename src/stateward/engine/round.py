"""One round: everything that is known, put to the planner as one question."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from stateward.desired.load import UnitFiles
from stateward.desired.load import load as load_desired
from stateward.engine.load import Loaded, Loader, declared_schema, no_longer_objects
from stateward.engine.observe import known_of, observe, with_holds
from stateward.errors import Code, ConfigError, Problem, Severity, SourceRefused
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan, UnitPlan, UnitState
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject
from stateward.model.unit import Stamp, UnitSettings, group_name, prefix, unit_name
from stateward.planning import plan as planner
from stateward.planning import prune
from stateward.planning.digest import digest_of
from stateward.planning.matches import match
from stateward.planning.question import Holdings, Identities, Question, UnitFacts
from stateward.ports import Session, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a round is about: which source and units, and what the person who asks allows."""

    instance: str
    source: str
    schemas: tuple[str, ...] | None = None
    owners: Callable[[ObjectKey], str | None] = lambda _key: None
    unit: str | None = None
    """A pattern over the units' names: only those that match are changed."""
    allow_deletes: int | None = None

    def selects(self, unit: str) -> bool:
        return self.unit is None or fnmatchcase(unit, self.unit)


@dataclass(frozen=True, slots=True)
class _History:
    """What the revisions declared that the target's stamps speak of."""

    formerly: Mapping[ObjectKey, DesiredObject]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Round:
    """Plans a source against a target. It keeps what was parsed for the next time it is asked."""

    loader: Loader
    target: Target
    scope: Scope

    async def load(self, revision: str | None) -> tuple[Loaded, Schema | None, tuple[Problem, ...]]:
        """Load a revision and the schema that it brings."""
        loaded = await self.loader.load(revision)
        schema, problems = declared_schema(loaded, self.scope.schemas)
        return loaded, schema, (*loaded.problems, *problems)

    async def plan(self, revision: str | None = None) -> Plan:
        """Plan without writing anything."""
        loaded, declared, problems = await self.load(revision)
        if any(own.severity is Severity.ERROR for own in problems):
            return self.refused(loaded, problems)
        async with self.target.session(declared, write=False) as session:
            return await self.plan_in(session, loaded, problems)

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
        return planner.plan(await self._question(session, loaded, problems))

    async def _question(
        self, session: Session, loaded: Loaded, problems: tuple[Problem, ...]
    ) -> Question:
        scope = self.scope
        ours = prefix(scope.instance, scope.source)
        stamps = {
            unit: Stamp.parse(description)
            for name, description in (await session.groups(ours)).items()
            if (unit := unit_name(scope.instance, scope.source, name)) is not None
        }
        loaded, gone = await self._with_doubts(loaded, stamps)
        desired = await self._desired(session, loaded)
        history = await self._history(session, loaded, stamps)
        units = self.facts(loaded, gone)
        if self.scope.unit is not None and not any(own.selected for own in units.values()):
            message = f"--unit {self.scope.unit}: no unit matches: there are {', '.join(units)}"
            raise ConfigError(message, code=Code.NO_SUCH_UNIT)
        hints = [key for facts in units.values() for key in facts.settings.moved]
        groups = [facts.group for facts in units.values()]
        observed = await observe(session, desired, history.formerly, groups, hints)
        question = Question(
            target=self.target.name,
            schema=session.schema,
            loads_schema=session.schema_differs,
            revisions={scope.source: loaded.revision},
            desired=desired,
            observed=observed,
            units=units,
            formerly=history.formerly,
            owners=scope.owners,
            allow_deletes=scope.allow_deletes,
            problems=(*problems, *history.problems),
        )
        holdings = Holdings(question)
        matches = match(question, Identities(observed), holdings)
        going = prune.going(question, holdings, frozenset(matches.ids.values()))
        return replace(question, observed=await with_holds(session, observed, going, ours))

    def _group(self, unit: str) -> str:
        return group_name(self.scope.instance, self.scope.source, unit)

    def _settings(self, loaded: Loaded, unit: str) -> UnitSettings:
        return loaded.settings.get(unit) or self.loader.read_settings(unit, None)[0]

    def facts(self, loaded: Loaded, gone: Iterable[str]) -> dict[str, UnitFacts]:
        """Return what is known of each unit, those that are gone included."""
        facts = {
            unit: UnitFacts(
                settings=self._settings(loaded, unit),
                group=self._group(unit),
                revision=loaded.revision,
                files=loaded.digests.get(unit, ""),
                selected=self.scope.selects(unit),
            )
            for unit in loaded.units
        }
        for unit in gone:
            facts[unit] = UnitFacts(
                settings=self.loader.read_settings(unit, None)[0],
                group=self._group(unit),
                revision=loaded.revision,
                selected=self.scope.selects(unit),
                vanished=True,
            )
        return facts

    async def _with_doubts(
        self, loaded: Loaded, stamps: Mapping[str, Stamp]
    ) -> tuple[Loaded, list[str]]:
        """Tell units that are gone from units that only cannot be read; return the gone ones."""
        units = dict(loaded.units)
        gone = []
        for unit, stamp in stamps.items():
            wrong: list[Problem] = []
            before = await self._files_before(unit, stamp, loaded)
            wrong += no_longer_objects(before, loaded, unit)
            doubt = loaded.doubt(unit)
            if doubt is not None and unit not in units:
                wrong.append(doubt)
            if wrong:
                known = units.get(unit, UnitFiles())
                texts = {path: loaded.files[path].text for path in before if path in loaded.files}
                units[unit] = replace(
                    known,
                    problems=(*known.problems, *wrong),
                    texts={**texts, **known.texts},
                )
            elif unit not in units:
                gone.append(unit)
        return replace(loaded, units=units), gone

    async def _files_before(self, unit: str, stamp: Stamp, loaded: Loaded) -> tuple[str, ...]:
        if stamp.applied is None or loaded.digests.get(unit) == stamp.files:
            return ()
        try:
            before = await self.loader.load(stamp.applied)
        except SourceRefused:
            return ()
        return tuple(before.units[unit].paths) if unit in before.units else ()

    async def _desired(self, session: Session, loaded: Loaded) -> Desired:
        desired = load_desired(loaded.units, session.schema)
        if desired.needs:
            known = await known_of(session, desired.needs)
            desired = load_desired(loaded.units, session.schema, known)
        return desired

    async def _history(
        self, session: Session, loaded: Loaded, stamps: Mapping[str, Stamp]
    ) -> _History:
        """Derive from Git what was declared, for the units whose files are others now."""
        formerly: dict[ObjectKey, DesiredObject] = {}
        problems: list[Problem] = []
        declared: dict[str, Desired | None] = {}
        for unit, stamp in stamps.items():
            if stamp.files == loaded.digests.get(unit) and not stamp.attempted:
                continue
            for revision in stamp.revisions:
                if revision not in declared:
                    declared[revision] = await self._declared_at(session, revision)
                desired = declared[revision]
                if desired is None:
                    problems.append(_unknown(unit, revision))
                elif unit in desired.units:
                    _merge(formerly, desired.units[unit].objects)
        return _History(formerly, tuple(problems))

    async def _declared_at(self, session: Session, revision: str) -> Desired | None:
        try:
            loaded = await self.loader.load(revision)
        except SourceRefused:
            return None
        return load_desired(loaded.units, session.schema)


def _unknown(unit: str, revision: str) -> Problem:
    return Problem(
        code=Code.LAST_APPLIED_UNKNOWN,
        message=f"revision {revision} was applied and cannot be read any more:"
        " fields that it declared and that are declared no more stay as they are",
        unit=unit,
        severity=Severity.WARNING,
    )


def _merge(
    into: dict[ObjectKey, DesiredObject], objects: Mapping[ObjectKey, DesiredObject]
) -> None:
    """Add what a later revision declared. Where both declare a field, the earlier one was applied."""
    for key, obj in objects.items():
        known = into.get(key)
        if known is None:
            into[key] = obj
            continue
        relations = {**obj.relations, **known.relations}
        for name, related in known.relations.items():
            other = obj.relations.get(name)
            if isinstance(related, frozenset) and isinstance(other, frozenset):
                relations[name] = related | other
        into[key] = replace(
            known, attributes={**obj.attributes, **known.attributes}, relations=relations
        )

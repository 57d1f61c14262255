"""Change by change, what takes back what runs did, and why something is left as it is."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.model.plan import CLAIMS, Action, Change, FieldChange
from stateward.model.record import Record
from stateward.model.schema import MEMBER_OF_GROUPS, MEMBERS, Schema
from stateward.model.state import Hold, Observed, ObservedObject, Pointer
from stateward.model.unit import TRACKING, UnitSettings
from stateward.planning.belonging import Belonging, group_named
from stateward.planning.effects import Effect
from stateward.planning.question import Identities
from stateward.planning.restoring import Lost, Restoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How units are held that are taken back because changes of some of them failed."""

    token: str
    schema: str
    """The hash of the schema under which they failed."""
    failed: frozenset[str]
    """The units of which a change failed."""
    files: Mapping[str, str]
    """Digests of the units' files, where these are known."""
    earlier: frozenset[str] = frozenset()
    """Runs of rounds before the one that failed: of what these made, others may have made use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What would have to change to take runs back."""

    records: Sequence[Record]
    """The runs, oldest first: one, or all that a round or a commit did, for each of its units."""
    target: str
    schema: Schema
    observed: Observed
    settings: Mapping[str, UnitSettings]
    """What the units of the runs allow."""
    groups: Mapping[str, str]
    """The names of the tracking groups of the runs' units, and of those that gave objects to them."""
    force: bool = False
    """Whether to take back what somebody changed since, too."""
    allow_deletes: int | None = None
    holding: Holding | None = None
    """How they are held afterwards, whatever there is to take back; None where a person does it."""
    pointers: Mapping[str, Sequence[Pointer]] = field(default_factory=dict)
    """What leads to things that were made, and that these do not show."""


def first_of_units(records: Iterable[Record]) -> dict[str, Record]:
    """Return the first run of each unit, of runs that come in their order."""
    found: dict[str, Record] = {}
    for own in records:
        found.setdefault(own.opening.subject, own)
    return found


@dataclass(slots=True)
class Inverse:
    """Finds the changes that take effects back, but for those that are left out."""

    undoing: Undoing
    effects: Mapping[str, Effect]
    left_out: Mapping[str, str]
    """Reasons, by the ids of objects that are left as they are."""
    impossible: dict[str, str] = field(default_factory=dict)
    """What turned out to be left out as well."""
    conflicts: list[Problem] = field(default_factory=list)
    lost: list[Problem] = field(default_factory=list)
    _names_there: frozenset[ObjectKey] = frozenset()
    _claimed: set[ObjectKey] = field(default_factory=set)
    """What was made, and stays because others claim it."""
    belonging: Belonging = field(init=False)
    identities: Identities = field(init=False)
    restoring: Restoring = field(init=False)

    def __post_init__(self) -> None:
        observed = self.undoing.observed
        self.identities = Identities(observed)
        self._names_there = frozenset(own.key for own in observed.objects.values())
        self.belonging = Belonging(self.undoing.schema, observed, self.undoing.groups)
        self.effects = {
            node: own.unless_deleted or own if node in observed.objects else own
            for node, own in self.effects.items()
        }
        self.effects = self.belonging.learn(self.effects)
        again: dict[str, ObjectKey] = {}
        touched = frozenset(self.effects)
        passed = frozenset(own.key for own in self.effects.values() if own.passing)
        self.effects = {node: own for node, own in self.effects.items() if not own.passing}
        for own in self.effects.values():
            if own.node in observed.objects:
                self.identities.learn(own.key, own.node)
            elif (own.gone or own.again) and own.node not in self.left_out and not self._taken(own):
                again[own.node] = own.key
                self.identities.forget(own.key)
        back = frozenset(
            own.key for own in self.effects.values() if own.again and own.node in observed.objects
        )
        self.restoring = Restoring(
            self.undoing.schema,
            observed,
            self.identities,
            again,
            touched,
            back,
            passed,
        )

    def changes(self) -> list[Change]:
        """Return the changes in no order; a relationship is written at one end only."""
        changes = [
            change
            for own in self.effects.values()
            if own.node not in self.left_out
            for change in self._inverse(own)
        ]
        changes = [spared for own in changes if (spared := self._sparing(own)) is not None]
        others = {own.key: own for own in changes if own.fields}
        return [
            self.restoring.told_once(own, others) if self.restoring.is_fresh(own) else own
            for own in changes
        ]

    def _sparing(self, change: Change) -> Change | None:
        """Leave what stays because somebody's group claims it in that group."""
        if not self._claimed or not any(own.name == MEMBERS for own in change.fields):
            return change
        fields = [
            own._replace(new=own.new | (own.old & self._claimed))
            if own.name == MEMBERS and isinstance(own.old, frozenset)
            else own
            for own in change.fields
        ]
        fields = [own for own in fields if own.new != own.old]
        bare = change.action is Action.UPDATE and not fields
        return None if bare else replace(change, fields=tuple(fields))

    def give_up(self, node: str, reason: str) -> None:
        """Take note that an object has to be left as it is."""
        self.impossible.setdefault(node, reason)

    def _inverse(self, own: Effect) -> Iterator[Change]:
        now = self.undoing.observed.objects.get(own.node)
        if own.key.kind not in self.undoing.schema.kinds:
            self.conflict(own, "the target has no such kind any more")
        elif now is None and (own.gone or own.again):
            yield from self._make_again(own)
        elif own.gone:
            return
        elif now is None:
            lost = own.fields or own.joined
            if not own.made and lost:
                self.conflict(own, "is gone, and cannot get back what it had")
        elif own.made:
            yield from self._unmake(own, now)
        else:
            yield from self._put_back(own, now)

    def _make_again(self, own: Effect) -> Iterator[Change]:
        if self._taken(own):
            self.conflict(own, "somebody made it again since: it stays as it is")
            return
        holders = self.belonging.holders(own)
        try:
            fields, losses = self.restoring.all_of(self.belonging.bare(own))
        except Lost as error:
            self.give_up(own.node, f"cannot be made again: {error}")
            return
        self._lose(own, losses)
        made = self._change(Action.CREATE, own, fields=fields)
        if not holders:
            yield replace(made, foreign=True)
            return
        unit, *others = holders
        yield replace(made, unit=unit, adopted=self.belonging.was_adopted(own, unit))
        for other in others:  # it is made once: the others claim it
            adopted = self.belonging.was_adopted(own, other)
            yield Change(
                action=Action.ADOPT, unit=other, key=own.key, needs=(own.key,), adopted=adopted
            )

    def _taken(self, own: Effect) -> bool:
        """Tell whether another object has the name of one that is gone: others refer to that then."""
        observed = self.undoing.observed
        return bool(observed.references.get(own.key)) or own.key in self._names_there

    def _unmake(self, own: Effect, now: ObservedObject) -> Iterator[Change]:
        if not (own.joined or own.foreign):
            return  # it was let go already: it is somebody else's
        differing = list(self.restoring.differing(own, now))
        if differing and not self.undoing.force:
            self.conflict(own, f"was changed since: {'; '.join(differing)}")
            return
        ours = [unit for unit in own.joined if own.node in self.belonging.members(unit)] or [
            own.unit
        ]
        claims = {*self.hold(own.node).claims, *self._tracking_groups(now)}
        claims -= {name for unit in ours for name in self.belonging.names(unit)}
        if claims:
            told = ", ".join(sorted(claims))
            self._lose(own, [f"is released and not deleted: {told} claims it"])
            self._claimed.add(now.key)
            for unit in ours if not own.foreign else ():
                yield replace(self._change(Action.RELEASE, own, key=now.key), unit=unit)
        else:
            delete = self._change(Action.DELETE, own, key=now.key)
            yield replace(delete, unit=ours[0], foreign=own.foreign)

    def _put_back(self, own: Effect, now: ObservedObject) -> Iterator[Change]:
        had = self.belonging.holders(own) if own.again else []
        own = self.belonging.adopted_again(self.belonging.bare(own), had) if own.again else own
        fields, differing, losses = self.restoring.changed(own, now, force=self.undoing.force)
        if differing:
            self.conflict(own, f"was changed since: {'; '.join(differing)}")
        tied, more = self.restoring.tied_again(own, now)
        self._lose(own, [*losses, *more])
        fields += tied
        regrouped = list(self._regroup(own, had))
        if not regrouped or regrouped[0].action is Action.RELEASE:
            regrouped = [*([self._change(Action.UPDATE, own)] if fields else []), *regrouped]
        for change in regrouped[:1]:
            yield replace(change, fields=tuple(fields))
        yield from regrouped[1:]
        yield from self._claimed_again(own, had, regrouped)

    def _claimed_again(
        self, own: Effect, had: Collection[str], regrouped: Sequence[Change]
    ) -> Iterator[Change]:
        """Yield the claims of units that had what was made again, and that it was not given to yet."""
        claiming = {change.unit for change in regrouped if change.action in CLAIMS}
        for unit in sorted(set(had) - claiming):
            if own.node in self.belonging.members(unit):
                continue
            known = own.holders.get(unit)
            if known is not None and known.after is not None and not self.undoing.force:
                self.conflict(own, f"has left {unit} since: it is not given back")
            else:
                change = self._change(Action.ADOPT, own)
                yield replace(change, unit=unit, adopted=self.belonging.was_adopted(own, unit))

    def _regroup(self, own: Effect, had: Collection[str]) -> Iterator[Change]:
        """Yield what gives an object back to those who had it; releases come last."""
        has = {unit for unit in own.holders if own.node in self.belonging.members(unit)}
        giving = [unit for unit in own.joined if unit in has and unit not in had]
        missing = [unit for unit in own.left if unit not in has]
        elsewhere = own.joined and not giving and not has.intersection(own.left)
        if missing and elsewhere and not self.undoing.force:
            moved = f"has left {', '.join(own.joined)} since: it is not given back"
            self.conflict(own, f"{moved} to {', '.join(missing)}")
            return
        for unit in missing:
            adopted = bool(own.holders[unit].before)
            if giving:
                change = replace(self._change(Action.MOVE, own), giver=giving.pop(0))
            else:
                change = self._change(Action.ADOPT, own)
            yield replace(change, unit=unit, adopted=adopted)
        for unit, held in own.holders.items():
            changed = None not in held and held.before is not held.after
            if changed and unit in has and unit not in had:
                change = replace(self._change(Action.ADOPT, own), unit=unit, marks=True)
                yield replace(change, adopted=bool(held.before))
        for unit in giving:
            yield replace(self._change(Action.RELEASE, own), unit=unit)

    def _change(
        self,
        action: Action,
        own: Effect,
        *,
        key: ObjectKey | None = None,
        fields: Sequence[FieldChange] = (),
    ) -> Change:
        return Change(
            action=action,
            unit=own.unit,
            key=key or own.key,
            node=None if action is Action.CREATE else own.node,
            fields=tuple(fields),
            undoes=tuple(own.changes),
            merged=self.restoring.merged(own),
        )

    def names(self, nodes: Iterable[str]) -> str:
        return ", ".join(sorted(str(self.identities.name(own)) for own in nodes))

    def hold(self, node: str) -> Hold:
        return self.undoing.observed.holds.get(node) or Hold()

    def _tracking_groups(self, now: ObservedObject) -> Iterator[str]:
        """Yield the tracking groups that an object is in."""
        peers = now.relations.get(MEMBER_OF_GROUPS)
        for peer in peers if isinstance(peers, frozenset) else ():
            name = group_named(self.identities.name(peer))
            if name.startswith(TRACKING):
                yield name

    def conflict(self, own: Effect, reason: str) -> None:
        self.conflicts.append(self._problem(own, Code.CHANGED_SINCE, reason, Severity.ERROR))

    def _lose(self, own: Effect, losses: Iterable[str]) -> None:
        for loss in losses:
            self.lost.append(self._problem(own, Code.NOT_RESTORED, loss, Severity.WARNING))

    def _problem(self, own: Effect, code: Code, reason: str, severity: Severity) -> Problem:
        return Problem(
            code=code,
            message=f"{own.key}: {reason}",
            unit=own.unit,
            subject=str(own.key),
            severity=severity,
        )

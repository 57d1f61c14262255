"""Change by change, what takes back what a run did, and why something is left as it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change, FieldChange
from stateward.model.record import Record
from stateward.model.schema import MEMBER_OF_GROUPS, Schema
from stateward.model.state import Hold, Observed, ObservedObject
from stateward.model.unit import ADOPTED, TRACKING, UnitSettings
from stateward.planning.effects import Effect
from stateward.planning.question import Identities
from stateward.planning.restoring import Lost, Restoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What would have to change to take a run back."""

    record: Record
    target: str
    schema: Schema
    observed: Observed
    settings: UnitSettings
    groups: Mapping[str, str]
    """The names of the tracking groups of the run's unit, and of those that gave objects to it."""
    force: bool = False
    """Whether to take back what somebody changed since, too."""
    allow_deletes: int | None = None

    @property
    def unit(self) -> str:
        return self.record.opening.subject

    @property
    def group(self) -> str:
        return self.groups[self.unit]


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
    identities: Identities = field(init=False)
    restoring: Restoring = field(init=False)

    def __post_init__(self) -> None:
        observed = self.undoing.observed
        self.identities = Identities(observed)
        again: dict[str, ObjectKey] = {}
        for own in self.effects.values():
            if own.node in observed.objects:
                self.identities.learn(own.key, own.node)
            elif own.gone and own.node not in self.left_out:
                again[own.node] = own.key
                self.identities.forget(own.key)
        self.restoring = Restoring(
            self.undoing.schema, observed, self.identities, again, frozenset(self.effects)
        )

    def changes(self) -> list[Change]:
        """Return the changes in no order; a relationship is written at one end only."""
        changes = [
            change
            for own in self.effects.values()
            if own.node not in self.left_out
            for change in self._inverse(own)
        ]
        others = {own.key: own for own in changes if own.fields}
        return [
            replace(own, fields=tuple(self.restoring.told_once(own, others)))
            if own.action is Action.CREATE
            else own
            for own in changes
        ]

    def members(self, unit: str) -> frozenset[str]:
        group = self.undoing.observed.groups.get(self.undoing.groups[unit])
        return group.members if group else frozenset()

    def give_up(self, node: str, reason: str) -> None:
        """Take note that an object has to be left as it is."""
        self.impossible.setdefault(node, reason)

    def _inverse(self, own: Effect) -> Iterator[Change]:
        now = self.undoing.observed.objects.get(own.node)
        if own.key.kind not in self.undoing.schema.kinds:
            self.conflict(own, "the target has no such kind any more")
        elif own.gone:
            if now is None:
                yield from self._make_again(own)
        elif now is None:
            lost = own.fields or (own.claim is not Action.RELEASE and not own.loosened)
            if not own.made and lost:
                self.conflict(own, "is gone, and cannot get back what it had")
        elif own.made:
            yield from self._unmake(own, now)
        else:
            yield from self._put_back(own, now)

    def _make_again(self, own: Effect) -> Iterator[Change]:
        taken = self.undoing.observed.references.get(own.key, ())
        taken = taken or tuple(
            other.id for other in self.undoing.observed.objects.values() if other.key == own.key
        )
        if taken:
            self.conflict(own, "somebody made it again since: it stays as it is")
            return
        try:
            fields, losses = self.restoring.all_of(own)
        except Lost as error:
            self.give_up(own.node, f"cannot be made again: {error}")
            return
        self._lose(own, losses)
        yield self._change(Action.CREATE, own, fields=fields)

    def _unmake(self, own: Effect, now: ObservedObject) -> Iterator[Change]:
        differing = list(self.restoring.differing(own, now))
        if differing and not self.undoing.force:
            self.conflict(own, f"was changed since: {'; '.join(differing)}")
            return
        hold = self.hold(own.node)
        if hold.claims or self._other_units(now):
            claims = ", ".join((*hold.claims, *self._other_units(now)))
            self._lose(own, [f"is released and not deleted: {claims} claims it"])
            yield self._change(Action.RELEASE, own, key=now.key)
        else:
            yield self._change(Action.DELETE, own, key=now.key)

    def _put_back(self, own: Effect, now: ObservedObject) -> Iterator[Change]:
        fields, differing, losses = self.restoring.changed(own, now, force=self.undoing.force)
        if differing:
            self.conflict(own, f"was changed since: {'; '.join(differing)}")
        tied, more = self.restoring.tied_again(own, now)
        self._lose(own, [*losses, *more])
        fields += tied
        unit = own.unit or self.undoing.unit
        member = own.node in self.members(unit)
        if own.claim is Action.MOVE and own.giver is not None and member:
            yield replace(
                self._change(Action.MOVE, own, fields=fields),
                unit=own.giver,
                giver=unit,
                adopted=own.adopted,
            )
            return
        if own.claim is Action.RELEASE and not member:
            change = self._change(Action.ADOPT, own, fields=fields)
            yield replace(change, adopted=own.adopted)
            return
        if fields:
            yield self._change(Action.UPDATE, own, fields=fields)
        if own.claim is Action.ADOPT and member:
            yield self._change(Action.RELEASE, own)

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
            unit=self.undoing.unit,
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

    def _other_units(self, now: ObservedObject) -> tuple[str, ...]:
        """Return the tracking groups of others that an object is in."""
        peers = now.relations.get(MEMBER_OF_GROUPS)
        own = {self.undoing.group, self.undoing.group + ADOPTED}
        names = (
            name.hfid[0]
            for peer in (peers if isinstance(peers, frozenset) else ())
            if isinstance(name := self.identities.name(peer), ObjectKey)
        )
        return tuple(
            sorted(name for name in names if name.startswith(TRACKING) and name not in own)
        )

    def conflict(self, own: Effect, reason: str) -> None:
        self.conflicts.append(self._problem(own, Code.CHANGED_SINCE, reason, Severity.ERROR))

    def _lose(self, own: Effect, losses: Iterable[str]) -> None:
        for loss in losses:
            self.lost.append(self._problem(own, Code.NOT_RESTORED, loss, Severity.WARNING))

    def _problem(self, own: Effect, code: Code, reason: str, severity: Severity) -> Problem:
        return Problem(
            code=code,
            message=f"{own.key}: {reason}",
            unit=self.undoing.unit,
            subject=str(own.key),
            severity=severity,
        )

"""The inverse of runs: what is recorded of them and what the target holds now, one plan.

What was made is deleted, what was changed gets its old values, what was deleted is made again
under a new id, what was claimed is released and what was released is claimed. What somebody
changed since is a conflict: it is left alone and told, unless the question says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Blocked, Change, Plan, UnitPlan, UnitState
from stateward.model.record import Record
from stateward.model.schema import MEMBERS
from stateward.model.state import Desired, DesiredUnit
from stateward.model.unit import NO_FILES, Stamp, Tie
from stateward.planning.digest import digest_of
from stateward.planning.effects import effects
from stateward.planning.guard import exceeded
from stateward.planning.handover import HandOvers
from stateward.planning.holding import SCHEMA_DIGITS
from stateward.planning.inverse import Inverse, Undoing, first_of_units
from stateward.planning.keeping import keeping
from stateward.planning.order import Order
from stateward.planning.question import Question, UnitFacts


def undo(undoing: Undoing) -> Plan:
    """Plan the rollback of one run, or of several as one: what refers to each other comes in order.

    What turns out to be impossible takes with it what relies on it, and the rest is planned again.
    """
    found = effects(undoing.records, undoing.schema)
    left_out: dict[str, str] = {}
    while True:
        inverse = Inverse(undoing, found, left_out)
        attempt = _Attempt(undoing, inverse)
        changes = attempt.ordered()
        if not inverse.impossible:
            return attempt.plan(changes)
        left_out.update(inverse.impossible)


_ENDS = frozenset({Action.MOVE, Action.RELEASE, Action.DELETE})
"""What ends a membership: of a move that of the giver."""


@dataclass(slots=True)
class _Attempt:
    """One attempt at the plan, without what is known to be impossible."""

    undoing: Undoing
    inverse: Inverse

    def ordered(self) -> list[Change]:
        changes = self.inverse.changes()
        writes = [own for own in changes if own.action is not Action.DELETE]
        going = {own.node or "": own.key for own in changes if own.action is Action.DELETE}
        deletes = [
            self._relying(own, going, writes) for own in changes if own.action is Action.DELETE
        ]
        if self.inverse.impossible:
            return []
        question = self._question()
        hand_overs = HandOvers(question, self.inverse.identities, lambda *_: False)
        order = Order(question, hand_overs)
        ordered = order.sort([*writes, *deletes])
        nodes = {str(own.key): self._node_of(own) for own in (*deletes, *writes)}
        for problem in order.problems:
            self.inverse.give_up(nodes[problem.subject or ""], problem.message)
        return ordered

    def _node_of(self, change: Change) -> str:
        """Return the id that an object has, or had before it was deleted."""
        again = self.inverse.restoring.again
        return change.node or next(node for node, key in again.items() if key == change.key)

    def _relying(
        self, change: Change, going: Mapping[str, ObjectKey], writes: Sequence[Change]
    ) -> Change:
        """Let a delete come after what it would hurt; what is in its way for good forbids it."""
        node = change.node or ""
        hold = self.inverse.hold(node)
        others = {own.id for own in (*hold.cascade, *hold.needed_by)}
        leaving = {
            own.node or "": own.key
            for own in (writes if others else ())
            if own.node in others and self._leaves(own, node)
        }
        needing = [own.id for own in hold.needed_by if own.id not in {**going, **leaving}]
        along = [own.id for own in hold.cascade if own.id not in going]
        if needing:
            self.inverse.give_up(node, f"stays: {self.inverse.names(needing)} cannot be without it")
        elif along and not self.undoing.force:
            names = self.inverse.names(along)
            self.inverse.give_up(node, f"stays: deleting it would delete {names}, which came since")
        elif pointing := self._pointing(node, going, writes):
            names = self.inverse.names(pointing)
            self.inverse.give_up(node, f"stays: {names} came to refer to it since")
        elif reason := keeping(self.undoing, change):
            self.inverse.give_up(node, f"stays: {reason}")
        keys = {key for own, key in {**going, **leaving}.items() if own in others}
        return replace(change, needs=tuple(sorted(keys)))

    def _pointing(
        self, node: str, going: Mapping[str, ObjectKey], writes: Sequence[Change]
    ) -> frozenset[str]:
        """Return what leads to an object and goes on to, once all else is taken back."""
        pointers = self.undoing.pointers.get(node, ())
        # Whose a group is that is a member of others is told as for all else: by claims.
        staying = {own.node for own in pointers if own.name != MEMBERS} - going.keys()
        if not staying:
            return frozenset()
        leaving = {own.node for own in writes if own.node in staying and self._leaves(own, node)}
        return frozenset(staying - leaving)

    def _leaves(self, change: Change, node: str) -> bool:
        """Tell whether an object that exists is pointed elsewhere by a change."""
        now = self.undoing.observed.objects.get(change.node or "")
        if now is None:
            return False
        for own in change.fields:
            before = now.relations.get(own.name)
            peers = before if isinstance(before, frozenset) else {before}
            if node in peers and node not in self.inverse.restoring.ids(own.new):
                return True
        return False

    def _question(self) -> Question:
        undoing = self.undoing
        # What units depend on is about the way there: the way back goes by what refers to what.
        settings = {unit: replace(own, depends_on=()) for unit, own in undoing.settings.items()}
        facts = {
            unit: UnitFacts(settings=settings[unit], group=group, revision="")
            for unit, group in undoing.groups.items()
        }
        return Question(
            target=undoing.target,
            schema=undoing.schema,
            loads_schema=False,
            revisions={},
            desired=Desired(units={unit: DesiredUnit(name=unit) for unit in facts}),
            observed=undoing.observed,
            units=facts,
        )

    def plan(self, changes: Sequence[Change]) -> Plan:
        undoing = self.undoing
        for node, reason in self.inverse.left_out.items():
            self.inverse.conflict(self.inverse.effects[node], reason)
        deletes, blocked = self._held_back(changes)
        problems = tuple(dict.fromkeys((*self.inverse.conflicts, *self.inverse.lost)))
        if blocked:
            changes = ()
        held = {own.unit for own in blocked}
        first = first_of_units(undoing.records)
        units = {
            unit: self._unit(unit, first.get(unit), changes, blocked=unit in held)
            for unit in undoing.groups
        }
        plan = Plan(
            target=undoing.target,
            schema=undoing.schema.hash,
            revisions={"rollback": undoing.records[-1].opening.revision},
            changes=tuple(changes),
            blocked=blocked,
            problems=problems,
            units=units,
            deletes=deletes,
            allow_deletes=undoing.allow_deletes,
            ids=self.inverse.identities.ids,
            groups={name: group.id for name, group in undoing.observed.groups.items()},
        )
        return replace(plan, digest=_digest(plan))

    def _unit(
        self, unit: str, record: Record | None, changes: Sequence[Change], *, blocked: bool
    ) -> UnitPlan:
        """Return a unit's part: where anything is taken back, all units of the runs are held."""
        undoing = self.undoing
        group = undoing.groups[unit]
        found = undoing.observed.groups.get(group)
        before = Stamp.parse(found.description if found else "")
        left = {own.subject for own in self.inverse.conflicts if own.unit == unit}
        state = UnitState.STALLED if left else UnitState.READY
        acts = record is not None and record.opening.revision and (changes or undoing.holding)
        stamp = back_to(record, before, gone=found is None) if record and acts else None
        stamp = self._tied(unit, stamp) if stamp else None
        vanishes = stamp == Stamp() and found is not None
        if vanishes:  # a directory that was gone: so is its group again, once it is empty
            leaving = {
                own.node
                for own in changes
                if unit == (own.giver or own.unit) and own.action in _ENDS
            }
            vanishes = self.inverse.belonging.members(unit) <= leaving
        return UnitPlan(
            unit=unit,
            group=group,
            state=UnitState.BLOCKED if blocked else state,
            before=before,
            stamp=None if vanishes else stamp,
            vanished=vanishes,
            withheld=len(left),
        )

    def _tied(self, unit: str, stamp: Stamp) -> Stamp:
        """Say of a unit with which others it is held, where that is because some of them failed."""
        holding = self.undoing.holding
        if holding is None or stamp.tie is not None:  # what was cut short is held already
            return stamp
        tie = Tie(
            token=holding.token,
            units=len(first_of_units(self.undoing.records)),
            schema=holding.schema[:SCHEMA_DIGITS],
            failed=unit in holding.failed,
        )
        files = holding.files.get(unit)
        return replace(stamp, held_files=NO_FILES if files == "" else files, tie=tie)

    def _held_back(self, changes: Sequence[Change]) -> tuple[int, tuple[Blocked, ...]]:
        """Return how many deletes there are, and the units whose limits they exceed."""
        undoing = self.undoing
        by_unit: dict[str, list[Change]] = {}
        for own in changes:
            if own.action is Action.DELETE:
                by_unit.setdefault(own.unit, []).append(own)
        along = self._along(by_unit)
        total = sum(map(len, by_unit.values())) + sum(map(len, along.values()))
        if undoing.holding is not None:  # what was made a moment ago may go, however much it is
            return total, ()
        found = []
        for unit, deletes in sorted(by_unit.items()):
            blocked = exceeded(
                unit,
                deletes,
                undoing.settings[unit],
                undoing.schema,
                undoing.observed,
                members=len(self.inverse.belonging.members(unit)),
                allowed=undoing.allow_deletes is not None and total <= undoing.allow_deletes,
                along=[self._key(node) for node in along.get(unit, ())],
            )
            if blocked is not None:
                nodes = sorted((str(own.key), own.node) for own in deletes)
                found.append(replace(blocked, digest=digest_of([undoing.target, unit, nodes])))
        return total, tuple(found)

    def _along(self, deletes: Mapping[str, Sequence[Change]]) -> dict[str, list[str]]:
        """Return what goes along with the deletes of each unit by cascade: each object once."""
        seen = {own.node for unit in deletes.values() for own in unit}
        found: dict[str, list[str]] = {}
        for unit, own in sorted(deletes.items()):
            carried = (
                one.id for change in own for one in self.inverse.hold(change.node or "").cascade
            )
            for node in carried:
                if node not in seen:
                    seen.add(node)
                    found.setdefault(unit, []).append(node)
        return found

    def _key(self, node: str) -> ObjectKey:
        name = self.inverse.identities.name(node)
        return name if isinstance(name, ObjectKey) else ObjectKey("", (node,))


def back_to(record: Record, now: Stamp, *, gone: bool = False) -> Stamp:
    """Return what the group says once a unit's runs are taken back, the first of which is given.

    As before it, and held. What the runs had begun may still stand in part, so their revision
    counts as attempted. The rollback of a rollback goes back to what stood, whether that was held or
    not. ``gone`` says that there is no group: its directory was gone, and is held as that.
    """
    revision = record.opening.revision
    before = replace(Stamp.parse(record.opening.before), term=now.term)
    if record.opening.undoes:
        return before
    if now.held is not None and now.held in (revision, *now.attempted):
        return now  # it was taken back in part, and is held since
    latest = now.revisions[-1] if now.revisions else revision
    for own in (*now.revisions, revision):
        if own and own != before.applied:
            before = before.attempt(own)
    same = now.applied == latest and not now.attempted
    files = NO_FILES if gone else now.files if same else None
    return replace(before, held=latest, held_files=files)


def _digest(plan: Plan) -> str:
    changes = [
        [own.action, own.unit, own.key, own.node, own.giver, own.adopted, own.foreign, own.fields]
        for own in plan.changes
    ]
    stamps = [[own.unit, own.group, str(own.stamp)] for own in plan.units.values()]
    return digest_of([plan.target, plan.schema, changes, stamps])

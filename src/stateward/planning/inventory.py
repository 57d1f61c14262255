"""Tracking groups, journal and Git, compared object by object; every difference is explained."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from stateward.errors import Location
from stateward.model.identity import ObjectKey
from stateward.model.inventory import Book, Booked, Disagreement, Discrepancy
from stateward.model.plan import Action, Change, Plan, UnitState
from stateward.model.state import ObservedObject
from stateward.planning import staying
from stateward.planning.plan import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All that is compared."""

    known: Known
    plan: Plan
    """What a round would do: it says why a member that nothing declares is still there."""
    book: Book
    there: Mapping[str, ObservedObject]
    """What exists of that which the journal has and no group of ours, by id."""
    unreadable: Collection[str] = ()
    """The revisions of stamps that cannot be read."""


def inspect(own: Inspection) -> list[Discrepancy]:
    """Return every difference, by unit."""
    index = _Index()
    for change in own.plan.changes:
        index.changes.setdefault(change.node or "", []).append(change)
        if change.action is Action.CREATE:
            index.created.add(change.key)
    for (unit, node), past in own.book.belongs.items():
        index.booked.setdefault(unit, {})[node] = past
    return [one for unit in own.plan.units for one in _Unit(own, index, unit).found()]


@dataclass(slots=True)
class _Index:
    """A plan and a book, turned around once for all units."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    """By id."""
    created: set[ObjectKey] = field(default_factory=set)
    booked: dict[str, dict[str, Booked]] = field(default_factory=dict)
    """What the journal has of each unit, by id."""


@dataclass(slots=True)
class _Unit:
    """One unit, looked at from all sides."""

    own: Inspection
    index: _Index
    unit: str
    booked: Mapping[str, Booked] = field(init=False)
    members: frozenset[str] = field(init=False)
    adopted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.members = self.own.known.holdings.members[self.unit]
        self.adopted = self.own.known.holdings.adopted[self.unit]
        self.booked = self.index.booked.get(self.unit, {})

    def found(self) -> Iterator[Discrepancy]:
        facts = self.own.known.question.units[self.unit]
        if not facts.selected:
            return
        yield from self._group()
        yield from self._stamp()
        for key in self._keys():
            if self.unit in self.own.known.declared.units(key):
                yield from self._declared(key)
        yield from self._undeclared()
        yield from self._lost()
        yield from self._marks()

    def _keys(self) -> Iterator[ObjectKey]:
        unit = self.own.known.question.desired.units.get(self.unit)
        yield from unit.objects if unit is not None else ()

    def _group(self) -> Iterator[Discrepancy]:
        facts, groups = self.own.known.question.units[self.unit], self.own.plan.groups
        if facts.vanished and facts.group in groups:
            yield self._say(
                Disagreement.NO_DIRECTORY,
                f"the directory is gone, and its group {facts.group} has {len(self.members)} members",
                "a round deletes or releases them, and then the group, under the guard",
                "see `stateward plan`; where they are to stay, declare them in another directory",
            )
        elif facts.group not in groups and any(self._keys()):
            yield self._say(
                Disagreement.NO_GROUP,
                f"declares objects, and has no group {facts.group}",
                "nothing of it is ours: it was never applied, or somebody deleted the group",
                "`stateward apply`, or `stateward adopt` for what is there already",
            )

    def _stamp(self) -> Iterator[Discrepancy]:
        stamp = self.own.known.holdings.stamps[self.unit]
        for revision in stamp.revisions:
            if revision in self.own.unreadable:
                yield self._say(
                    Disagreement.UNREADABLE,
                    f"the group names revision {revision[:12]}, which cannot be read",
                    "fields that were declared there and are declared no more stay as they are",
                    "fetch the commit again if it is somewhere; else look after such fields by hand",
                )
        run, revision = self.own.book.applied.get(self.unit, ("", ""))
        if run and stamp.applied != revision:
            yield self._say(
                Disagreement.STAMP,
                f"the group says that {(stamp.applied or 'nothing')[:12]} was applied last, the"
                f" journal {revision[:12]}",
                "somebody changed the group, or another state store was used since",
                "`stateward plan` shows what differs; the next round writes it anew",
                run=run,
            )

    def _declared(self, key: ObjectKey) -> Iterator[Discrepancy]:
        known = self.own.known
        node, origin = known.matches.ids.get(key), known.declared.object(self.unit, key).origin
        if node is None:
            planned = self.own.plan.units[self.unit]
            left_alone = planned.state in {UnitState.HELD, UnitState.SUSPENDED}
            if planned.as_applied and (left_alone or key in self.index.created):
                yield self._say(
                    Disagreement.GONE,
                    "is declared and was applied, and is there no more: somebody deleted it",
                    "the target is not as Git says",
                    "the next round makes it again; where it is to stay away, drop it from the files",
                    key=key,
                    origin=origin,
                )
        elif node in self.members or node in self.booked:
            return
        elif node in self.adopted:
            yield self._stray(node, key, origin)
        elif node not in known.holdings.holders:
            yield self._say(
                Disagreement.STRANGER,
                "is declared and there, and no member of any unit, nor known to the journal as one",
                "it is not kept equal to Git",
                "`stateward adopt` makes it a member; a round does so where it is as declared",
                key=key,
                node=node,
                origin=origin,
            )

    def _stray(self, node: str, key: ObjectKey, origin: Location) -> Discrepancy:
        """Tell what is in the list of adopted ones, and no member."""
        return self._say(
            Disagreement.ORPHAN,
            "is among what the unit has adopted, and no member: somebody took it out of the group",
            "it is not kept equal to Git",
            "`stateward inventory repair` makes it a member again",
            key=key,
            node=node,
            origin=origin,
            mend=self._claim(key, node, origin, adopted=True),
        )

    def _undeclared(self) -> Iterator[Discrepancy]:
        known = self.own.known
        for node in sorted(self.members):
            key = known.matches.nodes.get(node)
            if key is not None and self.unit in known.declared.units(key):
                continue
            have = known.question.observed.objects[node]
            changes = self.index.changes.get(node, ())
            why, todo = staying.why(known.question, self.own.plan, self.unit, have, changes)
            others = [own for own in known.holdings.holders[node] if own != self.unit]
            also = f", as it is of {', '.join(others)}" if others else ""
            yield self._say(
                Disagreement.UNDECLARED,
                f"is a member{also}, and the unit does not declare it{self._came(node)}; {why}",
                "what is in the group is ours: a round prunes it, unless something keeps it",
                todo,
                key=have.key,
                node=node,
            )

    def _came(self, node: str) -> str:
        """Say how a member came here, where the journal has nothing of that."""
        book = self.own.book
        if node in self.booked:
            return ""
        known = self.unit in book.whole and self._is_current()
        if known and (self.unit, node) not in book.doubtful:
            return ", and the journal does not know it: somebody put it in by hand"
        return ", and the journal does not say how it came here"

    def _lost(self) -> Iterator[Discrepancy]:
        """Tell what the journal says the unit has, and its group has not."""
        known = self.own.known
        for node, past in self.booked.items():
            holders = known.holdings.holders.get(node, [])
            if self.unit in holders or (holders and not self._is_shared(node, holders)):
                continue  # what only those have who do not declare it, a round moves
            observed = known.question.observed.objects
            have = observed[node] if holders else self.own.there.get(node)
            if have is not None:  # what is gone is told by its name, where it is declared
                yield self._orphan(node, past, have, holders)

    def _is_shared(self, node: str, holders: Collection[str]) -> bool:
        """Tell whether the unit declares what others have, and these declare it, too."""
        key = self.own.known.matches.nodes.get(node)
        units = self.own.known.declared.units(key) if key is not None else ()
        return self.unit in units and set(holders) <= set(units)

    def _orphan(
        self, node: str, past: Booked, have: ObservedObject, holders: Collection[str]
    ) -> Discrepancy:
        known = self.own.known
        key = known.matches.nodes.get(node)
        declared = key is not None and self.unit in known.declared.units(key)
        came = "was adopted" if past.adopted else "was made, or moved here,"
        origin = known.declared.object(self.unit, key).origin if key and declared else None
        todo = "`stateward inventory repair` makes it a member again"
        matters = "it is not kept equal to Git, and would never be deleted"
        if not declared:
            matters = "it is left over: nothing declares it, and no prune ever sees it"
            todo = "delete it by hand, or declare it and run `stateward inventory repair`"
        where = "is in none of our groups"
        if holders:
            where = f"is a member of {', '.join(holders)} alone"
            matters = "the next round shares it again, as it may adopt it"
        return self._say(
            Disagreement.ORPHAN,
            f"{came} by run {past.run[:8]}, and {where}: somebody took it out",
            matters,
            todo,
            key=have.key,
            node=node,
            origin=origin,
            run=past.run,
            mend=self._claim(key, node, origin, adopted=past.adopted or not self._is_current())
            if key and declared
            else None,
        )

    def _marks(self) -> Iterator[Discrepancy]:
        for node in sorted(self.members):
            past = self.booked.get(node)
            if past is None or past.adopted == (node in self.adopted):
                continue
            key = self.own.known.question.observed.objects[node].key
            if past.adopted:
                yield self._say(
                    Disagreement.MARK,
                    f"was adopted by run {past.run[:8]}, and is not in the list of adopted ones",
                    "it would be deleted, and not released, when Git drops it",
                    "`stateward inventory repair` puts it there again",
                    key=key,
                    node=node,
                    run=past.run,
                    mend=self._claim(key, node, None, adopted=True, marks=True),
                )
            else:
                yield self._say(
                    Disagreement.MARK,
                    f"was made by run {past.run[:8]}, and is in the list of adopted ones",
                    "it is released, and not deleted, when Git drops it",
                    "take it out of that list by hand if it is to be deleted then",
                    key=key,
                    node=node,
                    run=past.run,
                )

    def _claim(
        self,
        key: ObjectKey,
        node: str,
        origin: Location | None,
        *,
        adopted: bool,
        marks: bool = False,
    ) -> Change | None:
        """Return what makes an object a member, unless the unit is to be left as it is."""
        stalled = self.own.plan.units[self.unit].state is UnitState.STALLED
        if stalled or self.unit in self.own.known.standing.idle:
            return None
        return Change(
            action=Action.ADOPT,
            unit=self.unit,
            key=key,
            node=node,
            adopted=adopted,
            marks=marks,
            origin=origin,
        )

    def _is_current(self) -> bool:
        """Tell whether the journal knows the last that was done: else what it proves may be over."""
        stamp, known = self.own.known.holdings.stamps[self.unit], self.own.plan.groups
        last = (stamp.applied, stamp.held, *stamp.attempted)
        missing = self.own.known.question.units[self.unit].group not in known
        return missing or self.own.book.latest.get(self.unit) in last

    def _say(
        self,
        what: Disagreement,
        said: str,
        matters: str,
        todo: str,
        *,
        key: ObjectKey | None = None,
        node: str | None = None,
        origin: Location | None = None,
        run: str = "",
        mend: Change | None = None,
    ) -> Discrepancy:
        return Discrepancy(
            what=what,
            unit=self.unit,
            said=said,
            matters=matters,
            todo=todo,
            key=key,
            node=node,
            origin=origin,
            run=run,
            mend=mend,
        )

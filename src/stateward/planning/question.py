"""What the planner is asked: everything it may know, in one value, and the indexes over it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from stateward.errors import Problem
from stateward.model.command import Command
from stateward.model.commit import Commit, Leave
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject, Observed
from stateward.model.unit import ADOPTED, Budget, Stamp, UnitSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """What is known of one unit beside what it declares."""

    settings: UnitSettings
    group: str
    revision: str
    files: str = ""
    """A digest of the unit's files; empty where the directory is gone."""
    selected: bool = True
    """Whether this round may change anything of the unit."""
    retried: bool = False
    """Whether somebody wants it tried again, though it failed and was taken back."""
    vanished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What would have to change in one round."""

    target: str
    schema: Schema
    loads_schema: bool
    revisions: Mapping[str, str]
    desired: Desired
    observed: Observed
    units: Mapping[str, UnitFacts]
    """All units of the source, and those of the target whose directory is gone."""
    formerly: Mapping[ObjectKey, DesiredObject] = field(default_factory=dict)
    """What the revisions last applied or attempted declared, fields merged."""
    owners: Callable[[ObjectKey], str | None] = lambda _key: None
    """The unit that the configuration names as the owner of an object, if it names one."""
    commit: Commit | None = None
    """What the revision says of itself, where that may matter."""
    allow_deletes: int | None = None
    leave: Leave | None = None
    """What the revision itself lets through, of units that it has yet to reach."""
    budgets: tuple[Budget, ...] = ()
    """How much may be deleted beyond what single units allow."""
    approvals: tuple[Command, ...] = ()
    """Prunes that people let through, whatever a guard says."""
    schema_changes: tuple[str, ...] = ()
    """What loading the schema would change, for people."""
    problems: tuple[Problem, ...] = ()


class Declared:
    """Who declares what: the units' declarations, turned around.

    Where the configuration names an owner, and the owner declares the object, nobody else's
    declaration of it counts.
    """

    def __init__(self, question: Question) -> None:
        self._units = question.desired.units
        found: dict[ObjectKey, list[str]] = {}
        for name in sorted(self._units):
            for key in self._units[name].objects:
                found.setdefault(key, []).append(name)
        self.by_key: dict[ObjectKey, tuple[str, ...]] = {}
        self.settled: set[str] = set()
        """What several units declare and one of them is named the owner of, as it is spelled."""
        for key, units in found.items():
            owner = question.owners(key) if len(units) > 1 else None
            self.by_key[key] = tuple(units)
            if owner is not None and owner in units:
                self.settled.add(str(key))
                self.by_key[key] = (owner,)

    def units(self, key: ObjectKey) -> tuple[str, ...]:
        """Return the units whose declaration of an object counts, sorted."""
        return self.by_key.get(key, ())

    def object(self, unit: str, key: ObjectKey) -> DesiredObject:
        return self._units[unit].objects[key]

    def objects(self) -> Iterator[DesiredObject]:
        """Yield each declared object once, as the first of its units declares it."""
        for key, units in self.by_key.items():
            yield self.object(units[0], key)


class Holdings:
    """Who holds what: the tracking groups, turned around."""

    def __init__(self, question: Question) -> None:
        groups = question.observed.groups
        self.members: dict[str, frozenset[str]] = {}
        self.adopted: dict[str, frozenset[str]] = {}
        self.holders: dict[str, list[str]] = {}
        """The units that each member belongs to, sorted."""
        self.stamps: dict[str, Stamp] = {}
        for unit, facts in sorted(question.units.items()):
            group = groups.get(facts.group)
            adopted = groups.get(facts.group + ADOPTED)
            self.members[unit] = group.members if group else frozenset()
            self.adopted[unit] = adopted.members if adopted else frozenset()
            self.stamps[unit] = Stamp.parse(group.description if group else "")
            for node in self.members[unit]:
                self.holders.setdefault(node, []).append(unit)

    def has_yet_to_reach(self, unit: str, facts: UnitFacts) -> bool:
        """Tell whether a unit is to be brought to other files than it was brought to last."""
        return facts.vanished or self.stamps[unit].files != facts.files

    def was_adopted(self, node: str) -> bool:
        """Tell whether a member existed before any of its holders claimed it."""
        return any(node in self.adopted[unit] for unit in self.holders.get(node, ()))


class Identities:
    """Keys to ids and back: as far as the target has told, and as declared objects are matched."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._matched: dict[str, ObjectKey] = {}
        self.ids: dict[Reference, str] = {own.key: own.id for own in observed.objects.values()}
        for reference, ids in observed.references.items():
            if len(ids) == 1:
                self.ids.setdefault(reference, ids[0])
        for node, key in observed.names.items():
            self.ids.setdefault(key, node)

    def learn(self, key: ObjectKey, node: str) -> None:
        """Take note that an object of the target is the one declared under a key."""
        self.ids[key] = node
        self._matched[node] = key

    def forget(self, key: ObjectKey) -> None:
        """Take note that it cannot be told which object bears a key."""
        self.ids.pop(key, None)

    def id(self, reference: Reference) -> str | None:
        return reference.id if isinstance(reference, NodeId) else self.ids.get(reference)

    def shown(self, reference: Reference) -> Reference:
        """Return the name that is used for what a reference means."""
        node = self.id(reference)
        return reference if node is None else self.name(node)

    def name(self, node: str) -> Reference:
        """Call an id by the key it is declared under, else by its key in the target.

        One name for one object, whatever it is called before and after: sets of names are
        compared, and an old name may be given to another object in the same plan.
        """
        if node in self._matched:
            return self._matched[node]
        own = self._observed.objects.get(node)
        return own.key if own else self._observed.names.get(node, NodeId(node))

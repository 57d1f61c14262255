"""What the planner is asked: everything it may know, in one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stateward.errors import Problem
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import Schema
from stateward.model.state import Desired, DesiredObject, Observed
from stateward.model.unit import ADOPTED, Stamp, UnitSettings


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
    allow_deletes: int | None = None
    problems: tuple[Problem, ...] = ()


class Holdings:
    """Who holds what: the tracking groups, turned around."""

    def __init__(self, question: Question) -> None:
        groups = question.observed.groups
        self.members: dict[str, frozenset[str]] = {}
        self.adopted: dict[str, frozenset[str]] = {}
        self.holders: dict[str, list[str]] = {}
        self.stamps: dict[str, Stamp] = {}
        for unit, facts in question.units.items():
            group = groups.get(facts.group)
            adopted = groups.get(facts.group + ADOPTED)
            self.members[unit] = group.members if group else frozenset()
            self.adopted[unit] = adopted.members if adopted else frozenset()
            self.stamps[unit] = Stamp.parse(group.description if group else "")
            for node in self.members[unit]:
                self.holders.setdefault(node, []).append(unit)


class Identities:
    """Keys to ids and back, as far as the target has told."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self.ids: dict[Reference, str] = {own.key: own.id for own in observed.objects.values()}
        for reference, ids in observed.references.items():
            if len(ids) == 1:
                self.ids.setdefault(reference, ids[0])
        for node, key in observed.names.items():
            self.ids.setdefault(key, node)

    def id(self, reference: Reference) -> str | None:
        return reference.id if isinstance(reference, NodeId) else self.ids.get(reference)

    def shown(self, reference: Reference) -> Reference:
        """Return the name that the target uses for what a reference means."""
        node = self.id(reference)
        return reference if node is None else self.name(node)

    def name(self, node: str) -> Reference:
        """Call an id by its key, where that is known."""
        own = self._observed.objects.get(node)
        return own.key if own else self._observed.names.get(node, NodeId(node))

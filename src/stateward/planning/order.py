"""The order of changes: what is needed comes first, what is given up goes last.

Levels, top to bottom; the changes of one level do not need each other:

    creates, updates, adopts and moves, each above what refers to it; and among them the deletes
    that free what only one can have, and another change takes
    releases
    deletes, each below what refers to it

A cycle of references is cut where a reference is optional: the object is made without that
field, and the field is written when its peer exists. A cycle of mandatory references has no
order, and is a problem that shows the path.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from stateward.errors import Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.model.schema import IP_ADDRESS, IP_PREFIX, OBJECT_TEMPLATE, Kind, Section
from stateward.planning.compare import references
from stateward.planning.cycles import cuts, depths
from stateward.planning.deadlocks import deadlocked
from stateward.planning.dependencies import whole
from stateward.planning.handover import HandOver, HandOvers
from stateward.planning.question import Question


class Name(NamedTuple):
    """A change within a plan: an object may change in two units, or give its name to another."""

    unit: str
    key: ObjectKey
    deletes: bool = False


T = TypeVar("T")
_PREFIXES = Name("", ObjectKey("", (IP_PREFIX,)))
"""Stands for all changes of prefixes."""


@dataclass(slots=True)
class _Node:
    """A change, and what it must come after, each with the fields that could also be deferred."""

    change: Change
    needs: dict[Name, frozenset[str]] = field(default_factory=dict)
    parked: dict[str, Any] = field(default_factory=dict)
    """What attributes hold in between, should they be deferred."""

    def need(self, name: Name, deferrable: str | None) -> None:
        """Add a need; one field that cannot be deferred makes the whole need firm."""
        known = self.needs.get(name)
        firm = deferrable is None or known == frozenset()
        self.needs[name] = frozenset() if firm else (known or frozenset()) | {deferrable or ""}


@dataclass(slots=True)
class Order:
    """Puts the changes of one plan in order; what has no order is left to ``problems``."""

    question: Question
    hand_overs: HandOvers
    problems: list[Problem] = field(default_factory=list)

    def sort(self, changes: Iterable[Change]) -> list[Change]:
        writes, releases, deletes = _split(changes)
        nodes = {_name(own): _Node(own) for own in writes}
        before = self._referrers(deletes)
        self._find_needs(nodes)
        self._await_templates(nodes)
        early = self._take_over(nodes, deletes, before)
        self._follow_units(nodes)
        leveled = list(self._level(nodes))
        leveled += [replace(own, level=_end(leveled)) for own in releases]
        late = [own for own in deletes if own.node not in early]
        leveled += _leveled(late, before, _end(leveled))
        return sorted(leveled, key=lambda own: (own.level, own.unit, own.key, own.action))

    def _find_needs(self, nodes: Mapping[Name, _Node]) -> None:
        makers = {own.key: own for own in nodes if nodes[own].change.action is Action.CREATE}
        for node in nodes.values():
            change = node.change
            for key in change.needs:
                node.need(makers[key], None)
            kind = self.question.schema.kinds[change.key.kind]
            for own in change.fields:
                for reference in references(own.new):
                    if not isinstance(reference, ObjectKey) or reference not in makers:
                        continue
                    if reference == change.key:
                        node.change = replace(
                            node.change, deferred=node.change.deferred | {own.name}
                        )
                    else:
                        deferrable = change.action is Action.CREATE and _optional(kind, own.name)
                        node.need(makers[reference], own.name if deferrable else None)

    def _await_templates(self, nodes: Mapping[Name, _Node]) -> None:
        """Let what is made from a template wait for all of it: it is copied once, as it is then."""
        made = {
            name: own.new
            for name, node in nodes.items()
            if node.change.action is Action.CREATE
            for own in node.change.fields
            if own.name == OBJECT_TEMPLATE and isinstance(own.new, ObjectKey)
        }
        if not made:
            return
        parts: dict[ObjectKey, set[Name]] = {}
        for name in nodes:
            if self.question.schema.kinds[name.key.kind].section is Section.TEMPLATE:
                for above in self._with_owners(name):
                    parts.setdefault(above, set()).add(name)
        for name, template in made.items():
            for part in parts.get(template, ()):
                nodes[name].need(part, "")

    def _with_owners(self, name: Name) -> set[ObjectKey]:
        """Return an object and all that it is a part of, by what is declared."""
        objects = self.question.desired.units[name.unit].objects
        found: set[ObjectKey] = set()
        pending = [name.key]
        while pending:
            key = pending.pop()
            own = objects.get(key)
            if key in found:
                continue
            found.add(key)
            known = self.question.schema.kinds[key.kind].relationships
            for end, related in (own.relations if own else {}).items():
                if end in known and known[end].kind == "Parent" and isinstance(related, ObjectKey):
                    pending.append(related)
        return found

    def _take_over(
        self, nodes: dict[Name, _Node], deletes: list[Change], before: Mapping[str, set[str]]
    ) -> set[str]:
        """Let changes that take what one only can have wait for those that give it up.

        Deletes among these, with all that has to go before them, join the other changes.
        """
        writers = {own.key: name for name in nodes for own in (nodes[name].change,) if own.fields}
        early: set[str] = set()
        for over in self.hand_overs.find([own.change for own in nodes.values()], deletes):
            taker = nodes[_name(over.taker)]
            taker.need(_name(over.giver), self._deferrable(over))
            if over.value is not None and over.field is not None:
                taker.parked[over.field] = over.value
            if over.giver.action is Action.DELETE and over.giver.node is not None:
                early |= _closure([over.giver.node], before)
        self.problems.extend(self.hand_overs.problems)
        by_node = {own.node: own for own in deletes if own.node in early}
        for change in by_node.values():
            node = nodes[_name(change)] = _Node(change)
            for key in change.needs:
                if key in writers:
                    node.need(writers[key], None)
            for other in before[change.node or ""]:
                node.need(_name(by_node[other]), "")  # where they need each other, any goes first
        return early

    def _deferrable(self, over: HandOver) -> str | None:
        """Return the field that may also be written later, where a hand-over has one."""
        kind = self.question.schema.kinds[over.taker.key.kind]
        if over.field is None or over.field in kind.attributes:
            return over.field
        return over.field if _optional(kind, over.field) else None

    def _follow_units(self, nodes: Mapping[Name, _Node]) -> None:
        """Let the changes of a unit wait for all changes of the units that it depends on."""
        for name, node in nodes.items():
            for other in self.question.units[name.unit].settings.depends_on:
                node.need(Name(other, whole(other)), None)

    def _level(self, nodes: dict[Name, _Node]) -> Iterator[Change]:
        for name in self._cut(nodes):
            del nodes[name]
        graph = {name: set(own) for name, own in _needs(nodes).items()}
        self._follow_prefixes(nodes, graph)
        found = depths(graph)
        for name, node in nodes.items():
            keys = {*node.change.needs, *(need.key for need in node.needs)}
            yield replace(node.change, needs=tuple(sorted(keys)), level=found[name])

    def _follow_prefixes(self, nodes: Mapping[Name, _Node], graph: dict[Name, set[Name]]) -> None:
        """Let addresses come after all prefixes, but for those that a prefix waits for.

        A server finds out where an address belongs when either is written, under a lock for each:
        of two that are written at once, neither sees the other.
        """
        kinds = self.question.schema.kinds
        prefixes, addresses = (
            {name for name in nodes if generic in kinds[name.key.kind].inherits}
            for generic in (IP_PREFIX, IP_ADDRESS)
        )
        if prefixes:
            needed: set[Name] = _closure(prefixes, graph)
            for name in addresses - needed:
                graph[name].add(_PREFIXES)
            graph[_PREFIXES] = prefixes

    def _cut(self, nodes: Mapping[Name, _Node]) -> set[Name]:
        """Defer what cycles can do without; return the changes that have no order at all."""
        needs = _needs(nodes)
        given_up, lost = cuts(needs)
        for name, need in given_up:
            node = nodes[name]
            deferred = node.needs.pop(need) - {""}
            parked = tuple(own for own in sorted(node.parked.items()) if own[0] in deferred)
            node.change = replace(
                node.change,
                deferred=node.change.deferred | deferred,
                parked=(*node.change.parked, *parked),
            )
        left = {name: {need for need in needs[name] if need in lost} for name in lost}
        self.problems.extend(deadlocked(left, {own: nodes[own].change for own in nodes}))
        return {name for name in lost if name in nodes}

    def _referrers(self, deletes: list[Change]) -> dict[str, set[str]]:
        """Return for each object that goes the other ones that have to go before it."""
        nodes = {own.key: own.node or "" for own in deletes}
        before: dict[str, set[str]] = {own.node or "": set() for own in deletes}
        for change in deletes:
            node = change.node or ""
            before[node] |= {nodes[key] for key in change.needs if key in nodes} - {node}
            kind = self.question.schema.kinds[change.key.kind]
            for name, related in self.question.observed.objects[node].relations.items():
                end = kind.relationships.get(name)
                below = end is not None and end.many and end.kind == "Hierarchy"
                if end is not None and not below and not _optional(kind, name):
                    peers = related if isinstance(related, frozenset) else {related}
                    for peer in before.keys() & peers - {node}:
                        before[peer].add(node)
        return before


def _name(change: Change) -> Name:
    return Name(change.unit, change.key, change.action is Action.DELETE)


def _split(changes: Iterable[Change]) -> tuple[list[Change], list[Change], list[Change]]:
    writes, releases, deletes = [], [], []
    for change in sorted(changes, key=lambda own: (own.unit, own.key)):
        if change.action is Action.DELETE:
            deletes.append(change)
        elif change.action is Action.RELEASE:
            releases.append(change)
        else:
            writes.append(change)
    return writes, releases, deletes


def _optional(kind: Kind, name: str) -> bool:
    """Tell whether an object can be made, and be found again, without a relationship."""
    relationship = kind.relationships.get(name)
    if relationship is None or relationship.mandatory:
        return False
    identifying = any(path.relationship == name for path in kind.hfid)
    return not identifying and relationship.kind not in {"Parent", "Hierarchy"}


def _needs(nodes: Mapping[Name, _Node]) -> dict[Name, dict[Name, bool]]:
    """Return what each change needs among the others, and whether the need is firm.

    Units that others depend on stand between: they need all of their own changes.
    """
    units = {need for node in nodes.values() for need in node.needs if not need.key.kind}
    needs: dict[Name, dict[Name, bool]] = {name: {} for name in sorted(units)}
    for name, node in nodes.items():
        needs[name] = {
            need: not fields
            for need, fields in node.needs.items()
            if need in nodes or need in units
        }
        own = Name(name.unit, whole(name.unit))
        if own in units:
            needs[own][name] = True
    return needs


def _closure(starts: Iterable[T], before: Mapping[T, set[T]]) -> set[T]:
    """Return these and all that have to go before them."""
    found: set[T] = set()
    pending = list(starts)
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending.extend(before[one])
    return found


def _leveled(deletes: list[Change], before: Mapping[str, set[str]], first: int) -> Iterator[Change]:
    """Give deletes their levels. Where they need each other, the target takes them or refuses."""
    nodes = {own.node: own for own in deletes if own.node is not None}
    needs = {node: {own: False for own in sorted(before[node]) if own in nodes} for node in nodes}
    given_up, _ = cuts(needs)
    found = depths(
        {node: {own for own in needs[node] if (node, own) not in given_up} for node in nodes}
    )
    for node, change in nodes.items():
        yield replace(change, level=first + found[node])


def _end(changes: Iterable[Change]) -> int:
    return 1 + max((own.level for own in changes), default=-1)

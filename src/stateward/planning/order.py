"""The order of changes: what is needed comes first, what is given up goes last.

Levels, top to bottom; the changes of one level do not need each other:

    deletes that free what only one can have, and another change takes
    creates, updates, adopts and moves, each above what refers to it
    releases
    deletes, each below what refers to it

A cycle of references is cut where a reference is optional: the object is made without that
field, and the field is written when its peer exists. A cycle of mandatory references has no
order, and is a problem that shows the path.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stateward.errors import Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.model.schema import Kind
from stateward.planning.compare import references
from stateward.planning.cycles import cuts, depths
from stateward.planning.deadlocks import deadlocked
from stateward.planning.dependencies import whole
from stateward.planning.handover import HandOver, HandOvers
from stateward.planning.question import Question

Name = tuple[str, ObjectKey]
"""A change within a plan: an object may change in two units at once."""


@dataclass(slots=True)
class _Node:
    """A change, and for each key it must come after the fields that could also be deferred."""

    change: Change
    needs: dict[ObjectKey, frozenset[str]] = field(default_factory=dict)

    def need(self, key: ObjectKey, deferrable: str | None) -> None:
        """Add a need; one field that cannot be deferred makes the whole need firm."""
        known = self.needs.get(key)
        firm = deferrable is None or known == frozenset()
        self.needs[key] = frozenset() if firm else (known or frozenset()) | {deferrable or ""}


@dataclass(slots=True)
class Order:
    """Puts the changes of one plan in order; what has no order is left to ``problems``."""

    question: Question
    hand_overs: HandOvers
    problems: list[Problem] = field(default_factory=list)

    def sort(self, changes: Iterable[Change]) -> list[Change]:
        writes, releases, deletes = _split(changes)
        nodes = {(own.unit, own.key): _Node(own) for own in writes}
        self._find_needs(nodes)
        self._follow_units(nodes)
        before = self._referrers(deletes)
        early = self._take_over(nodes, deletes, before)
        leveled = list(_leveled([own for own in deletes if own.node in early], before, 0))
        leveled += self._level(nodes, _end(leveled))
        leveled += [replace(own, level=_end(leveled)) for own in releases]
        late = [own for own in deletes if own.node not in early]
        leveled += _leveled(late, before, _end(leveled))
        return sorted(leveled, key=lambda own: (own.level, own.unit, own.key, own.action))

    def _find_needs(self, nodes: Mapping[Name, _Node]) -> None:
        made = {key for (_, key), node in nodes.items() if node.change.action is Action.CREATE}
        for node in nodes.values():
            change = node.change
            for key in change.needs:
                node.need(key, None)
            kind = self.question.schema.kinds[change.key.kind]
            for own in change.fields:
                for reference in references(own.new):
                    if reference not in made or not isinstance(reference, ObjectKey):
                        continue
                    if reference == change.key:
                        node.change = replace(
                            node.change, deferred=node.change.deferred | {own.name}
                        )
                    else:
                        deferrable = change.action is Action.CREATE and _optional(kind, own.name)
                        node.need(reference, own.name if deferrable else None)

    def _follow_units(self, nodes: Mapping[Name, _Node]) -> None:
        """Let the changes of a unit wait for all changes of the units that it depends on."""
        for (unit, _), node in nodes.items():
            for other in self.question.units[unit].settings.depends_on:
                node.need(whole(other), None)

    def _take_over(
        self,
        nodes: Mapping[Name, _Node],
        deletes: list[Change],
        before: Mapping[str, set[str]],
    ) -> set[str]:
        """Let changes that take what one only can have wait for those that give it up.

        Returns the deletes that are to come first for that. One that relies on a write cannot.
        """
        late = {key for _, key in nodes}
        reliant = {own.node for own in deletes if late.intersection(own.needs)}
        early: set[str] = set()
        for over in self.hand_overs.find([own.change for own in nodes.values()], deletes):
            if over.giver.action is Action.DELETE and over.giver.node is not None:
                first = _closure(over.giver.node, before)
                if first & reliant:
                    if over.value is not None:
                        self.hand_overs.refuse(over.taker, over.value)
                    continue
                early |= first
            self._wait(nodes[over.taker.unit, over.taker.key], over)
        self.problems.extend(self.hand_overs.problems)
        return early

    def _wait(self, node: _Node, over: HandOver) -> None:
        kind = self.question.schema.kinds[over.taker.key.kind]
        deferrable = over.field is not None and _optional(kind, over.field)
        node.need(over.giver.key, over.field if deferrable else None)

    def _level(self, nodes: dict[Name, _Node], start: int) -> Iterator[Change]:
        for name in self._cut(nodes):
            del nodes[name]
        found = depths({name: set(own) for name, own in _needs(nodes).items()})
        for name, node in nodes.items():
            needs = tuple(sorted(node.needs))
            yield replace(node.change, needs=needs, level=start + found[name])

    def _cut(self, nodes: Mapping[Name, _Node]) -> set[Name]:
        """Defer what cycles can do without; return the changes that have no order at all."""
        needs = _needs(nodes)
        given_up, lost = cuts(needs)
        for name, (_, key) in given_up:
            node = nodes[name]
            deferred = node.needs.pop(key, frozenset())
            node.change = replace(node.change, deferred=node.change.deferred | deferred)
        left = {name: {need for need in needs[name] if need in lost} for name in lost}
        self.problems.extend(deadlocked(left, {name: nodes[name].change for name in nodes}))
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
                if name in kind.relationships and not _optional(kind, name):
                    peers = related if isinstance(related, frozenset) else {related}
                    for peer in before.keys() & peers - {node}:
                        before[peer].add(node)
        return before


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
    """Return what each change needs among the others, and whether the need is firm."""
    provider: dict[ObjectKey, Name] = {}
    for name, node in nodes.items():
        if name[1] not in provider or node.change.fields:
            provider[name[1]] = name
    wanted = {key for node in nodes.values() for key in node.needs if not key.kind}
    provider |= {key: (key.hfid[0], key) for key in wanted}
    needs: dict[Name, dict[Name, bool]] = {provider[key]: {} for key in sorted(wanted)}
    for name, node in nodes.items():
        needs[name] = {
            provider[key]: not fields
            for key, fields in node.needs.items()
            if key in provider and provider[key] != name
        }
        if whole(name[0]) in wanted:
            needs[provider[whole(name[0])]][name] = True
    return needs


def _closure(node: str, before: Mapping[str, set[str]]) -> set[str]:
    """Return an object that goes and all that have to go before it."""
    found: set[str] = set()
    pending = [node]
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

"""The order of changes: what is needed comes first, what is given up goes last.

Levels, top to bottom; the changes of one level do not need each other:

    deletes that free a unique value which another change takes
    creates, updates, adopts and moves, each above what refers to it
    releases
    deletes, each below what refers to it

A cycle of references is cut where a reference is optional: the object is made without that
field, and the field is written when its peer exists. A cycle of mandatory references has no
order, and is a problem that shows the path.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Change
from stateward.model.schema import Kind
from stateward.planning.compare import references
from stateward.planning.cycles import cuts
from stateward.planning.dependencies import whole
from stateward.planning.handover import HandOvers
from stateward.planning.question import Question

T = TypeVar("T")
Name = tuple[ObjectKey, str]
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
        nodes = {(own.key, own.unit): _Node(own) for own in writes}
        self._find_needs(nodes)
        self._follow_units(nodes)
        freed = self._take_over(nodes, deletes)
        before = self._referrers(deletes)
        early = _closure(freed, before)
        leveled = list(_leveled([own for own in deletes if own.node in early], before, 0))
        start = _end(leveled)
        leveled += self._level(nodes, start)
        leveled += [replace(own, level=_end(leveled)) for own in releases]
        late = [own for own in deletes if own.node not in early]
        leveled += _leveled(late, before, _end(leveled))
        return sorted(leveled, key=lambda own: (own.level, own.unit, own.key, own.action))

    def _find_needs(self, nodes: Mapping[Name, _Node]) -> None:
        made = {key for (key, _), node in nodes.items() if node.change.action is Action.CREATE}
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
        for (_, unit), node in nodes.items():
            for other in self.question.units[unit].settings.depends_on:
                node.need(whole(other), None)

    def _take_over(self, nodes: Mapping[Name, _Node], deletes: list[Change]) -> set[str]:
        """Let changes that take a unique value wait for those that give it up."""
        freed: set[str] = set()
        givers = [*deletes, *(node.change for node in nodes.values())]
        takers = [node.change for node in nodes.values()]
        for taker, giver in self.hand_overs.find(takers, givers):
            if giver is None:
                continue
            nodes[taker.key, taker.unit].need(giver.key, None)
            if giver.action is Action.DELETE and giver.node is not None:
                freed.add(giver.node)
        self.problems.extend(self.hand_overs.problems)
        return freed

    def _level(self, nodes: dict[Name, _Node], start: int) -> Iterator[Change]:
        for name in self._cut(nodes):
            del nodes[name]
        depths = _depths({name: set(own) for name, own in _needs(nodes).items()})
        for name, node in nodes.items():
            needs = tuple(sorted(node.needs))
            yield replace(node.change, needs=needs, level=start + depths[name])

    def _cut(self, nodes: Mapping[Name, _Node]) -> set[Name]:
        """Defer what cycles can do without; return the changes that have no order at all."""
        given_up, lost = cuts(_needs(nodes))
        for name, (key, _) in given_up:
            node = nodes[name]
            deferred = node.needs.pop(key, frozenset())
            node.change = replace(node.change, deferred=node.change.deferred | deferred)
        changes = {name for name in lost if name in nodes}
        if changes:
            self._no_order({name: nodes[name] for name in changes})
        return changes

    def _no_order(self, nodes: Mapping[Name, _Node]) -> None:
        firm = {
            name: {need for need, is_firm in own.items() if is_firm}
            for name, own in _needs(nodes).items()
        }
        try:
            _depths(firm)
        except CycleError as error:
            path = " → ".join(str(key) for key, _ in reversed(error.args[1]))
        message = f"{path}: each needs the next to exist first: make one of the references optional"
        for name in sorted(nodes):
            change = nodes[name].change
            self.problems.append(
                Problem(
                    code=Code.CYCLE,
                    message=message,
                    location=change.origin,
                    unit=change.unit,
                    subject=str(change.key),
                )
            )

    def _referrers(self, deletes: list[Change]) -> dict[str, set[str]]:
        """Return for each object that goes the other ones that have to go before it."""
        before: dict[str, set[str]] = {own.node: set() for own in deletes if own.node}
        for node in before:
            own = self.question.observed.objects[node]
            kind = self.question.schema.kinds[own.key.kind]
            for name, peer in own.relations.items():
                relationship = kind.relationships.get(name)
                if relationship is None or not isinstance(peer, str) or peer == node:
                    continue
                if peer in before and not _optional(kind, name):
                    before[peer].add(node)
        return before


def _split(changes: Iterable[Change]) -> tuple[list[Change], list[Change], list[Change]]:
    writes, releases, deletes = [], [], []
    for change in changes:
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
        if name[0] not in provider or node.change.action is Action.CREATE:
            provider[name[0]] = name
    wanted = {key for node in nodes.values() for key in node.needs if not key.kind}
    provider |= {key: (key, key.hfid[0]) for key in wanted}
    needs: dict[Name, dict[Name, bool]] = {provider[key]: {} for key in wanted}
    for name, node in nodes.items():
        needs[name] = {
            provider[key]: not fields
            for key, fields in node.needs.items()
            if key in provider and provider[key] != name
        }
        if whole(name[1]) in wanted:
            needs[provider[whole(name[1])]][name] = True
    return needs


def _depths(graph: Mapping[T, set[T]]) -> dict[T, int]:
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    depths: dict[T, int] = {}
    depth = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        depths.update(dict.fromkeys(ready, depth))
        sorter.done(*ready)
        depth += 1
    return depths


def _closure(nodes: set[str], before: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending.extend(before.get(node, ()))
    return found


def _leveled(deletes: list[Change], before: Mapping[str, set[str]], first: int) -> Iterator[Change]:
    nodes = {own.node for own in deletes}
    graph = {node: {own for own in before[node] if own in nodes} for node in nodes if node}
    try:
        depths = _depths(graph)
    except CycleError:  # they need each other: the target takes them together, or refuses
        depths = dict.fromkeys(graph, 0)
    for own in deletes:
        yield replace(own, level=first + depths[own.node or ""])


def _end(changes: Iterable[Change]) -> int:
    return 1 + max((own.level for own in changes), default=-1)

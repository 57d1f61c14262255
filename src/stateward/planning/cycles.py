"""Graphs of what needs what: levels, cycles, and where cycles can be cut."""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
Needs = Mapping[T, Mapping[T, bool]]
"""For each node the nodes it needs first, and whether that need is firm."""


def cuts(needs: Needs[T]) -> tuple[set[tuple[T, T]], set[T]]:
    """Return the needs to give up so that no cycle is left, and the nodes no cut can help.

    Needs are taken away as nodes come to have none left. Where that stops, everything left is on
    a cycle or behind one: then the node on a cycle that gives up fewest needs is let go first.
    The work is proportional to the number of needs.
    """
    open_needs = {node: set(own) for node, own in needs.items()}
    takers: dict[T, list[T]] = {node: [] for node in needs}
    for node, own in needs.items():
        for need in own:
            takers[need].append(node)
    given_up: set[tuple[T, T]] = set()
    ready = deque(node for node, own in open_needs.items() if not own)
    _take_away(ready, open_needs, takers)
    if not open_needs:
        return given_up, set()
    core = _on_cycles(open_needs)
    candidates: list[tuple[int, int, T]] = []
    order = {node: index for index, node in enumerate(needs)}
    _offer(core, needs, open_needs, order, candidates)
    while candidates:
        count, _, node = heappop(candidates)
        if node not in open_needs:
            continue
        if count != len(open_needs[node]):
            _offer([node], needs, open_needs, order, candidates)
            continue
        given_up.update((node, need) for need in open_needs[node])
        open_needs[node] = set()
        touched = _take_away(deque([node]), open_needs, takers)
        _offer(touched & core, needs, open_needs, order, candidates)
    return given_up, set(open_needs)


def _take_away(ready: deque[T], open_needs: dict[T, set[T]], takers: Mapping[T, list[T]]) -> set[T]:
    """Take nodes without needs away, and those that follow; return what they were needed by."""
    touched: set[T] = set()
    while ready:
        node = ready.popleft()
        del open_needs[node]
        for taker in takers[node]:
            own = open_needs.get(taker)
            if own is None or node not in own:
                continue
            own.discard(node)
            touched.add(taker)
            if not own:
                ready.append(taker)
    return touched & open_needs.keys()


def _on_cycles(open_needs: Mapping[T, set[T]]) -> set[T]:
    """Return the nodes that something left over needs: what nothing needs is on no cycle."""
    wanted = dict.fromkeys(open_needs, 0)
    for own in open_needs.values():
        for need in own:
            wanted[need] += 1
    outer = deque(node for node, count in wanted.items() if not count)
    core = set(open_needs)
    while outer:
        node = outer.popleft()
        core.discard(node)
        for need in open_needs[node]:
            wanted[need] -= 1
            if not wanted[need]:
                outer.append(need)
    return core


def _offer(
    nodes: Iterable[T],
    needs: Needs[T],
    open_needs: Mapping[T, set[T]],
    order: Mapping[T, int],
    candidates: list[tuple[int, int, T]],
) -> None:
    """Make nodes whose open needs are all soft candidates for a cut, fewest needs first."""
    for node in nodes:
        own = open_needs.get(node)
        if own and not any(needs[node][need] for need in own):
            heappush(candidates, (len(own), order[node], node))


def depths(graph: Mapping[T, set[T]]) -> dict[T, int]:
    """Return the level of each node: one more than the highest that it needs. There is no cycle."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found: dict[T, int] = {}
    depth = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        found.update(dict.fromkeys(ready, depth))
        sorter.done(*ready)
        depth += 1
    return found


def circles(graph: Mapping[T, set[T]]) -> Iterator[tuple[list[T], list[T]]]:
    """Yield the nodes that are on cycles with each other, and one cycle through some of them."""
    for component in _components(graph):
        inside = set(component)
        if len(component) > 1 or component[0] in graph[component[0]]:
            yield component, _circle(min(component, key=repr), graph, inside)


def _circle(start: T, graph: Mapping[T, set[T]], inside: set[T]) -> list[T]:
    path: dict[T, None] = {}
    node = start
    while node not in path:
        path[node] = None
        node = next(own for own in sorted(graph[node], key=repr) if own in inside)
    walked = list(path)
    return walked[walked.index(node) :]


def _components(graph: Mapping[T, set[T]]) -> Iterator[list[T]]:
    """Yield the strongly connected components (Tarjan's algorithm, without recursion)."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    stack: dict[T, None] = {}
    for root in graph:
        work = [(root, iter(graph[root]))] if root not in index else []
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack[node] = None
            for other in rest:
                if other not in index:
                    work.append((other, iter(graph[other])))
                    break
                if other in stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    yield _unstack(stack, node)


def _unstack(stack: dict[T, None], node: T) -> list[T]:
    found: list[T] = []
    while not found or found[-1] != node:
        found.append(stack.popitem()[0])
    return found[::-1]

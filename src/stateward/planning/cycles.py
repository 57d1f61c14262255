"""Cutting cycles of references where they can be cut."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
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

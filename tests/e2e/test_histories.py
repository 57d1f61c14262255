"""Real histories under the limits that apply when nobody sets any: who is asked, and how often.

What was to be deleted is counted here from the files alone, and held against what is held back.
The figures are those of docs/safety.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_replay import Replay, git, history_of

from stateward import wiring
from stateward.engine.reconcile import Reconciler
from stateward.model.identity import ObjectKey
from stateward.model.plan import Plan, UnitState
from stateward.model.schema import Schema
from stateward.reporting import plan as plans
from stateward.settings.models import DeleteLimits

FIGURES = {
    "demo-sp": (23, 2, 5, 0, 0),
    "arista-avd": (111, 1, 25, 2, 1),
    "service-catalog": (13, 0, 3, 0, 2),
}
"""Of each history: commits; those that only move, that drop objects, and that are held back by limits, or for a protected kind."""
Declared = Mapping[str, frozenset[ObjectKey]]


@dataclass
class Commit:
    """What two commits declare, by unit, and so what the later one drops."""

    before: Declared
    after: Declared
    schema: Schema
    gone: dict[str, set[ObjectKey]] = field(init=False)

    def __post_init__(self) -> None:
        left = frozenset().union(*self.after.values())
        self.gone = {unit: set(own - left) for unit, own in self.before.items()}

    @property
    def moves(self) -> bool:
        """Whether objects change their directory."""
        return any(
            key not in self.after.get(unit, ()) and key not in self.gone[unit]
            for unit, own in self.before.items()
            for key in own
        )

    def protected(self) -> Iterator[str]:
        """Yield the units of which something goes that is protected by default."""
        limits = DeleteLimits()
        for unit, gone in self.gone.items():
            kinds = {own.kind for own in gone}
            if any(self.schema.is_a(kind, own) for kind in kinds for own in limits.protected_kinds):
                yield unit

    def too_much(self) -> Iterator[str]:
        """Yield the units of which more goes than anybody is trusted with, by the books."""
        limits = DeleteLimits()
        for unit, gone in self.gone.items():
            beyond = len(gone) > limits.deletes and (
                100 * len(gone) > limits.percent * len(self.before[unit])
            )
            if gone and (beyond or not self.after.get(unit)):
                yield unit


async def _declared(history: Replay, revision: str) -> Declared:
    found = await history.declared(revision, await history.schema())
    return {unit: frozenset(own) for unit, own in found.items()}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(FIGURES))
async def test_who_is_asked(
    name: str, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = history_of(name, shared_data, tmp_path, monkeypatch)
    history = Replay(repo, tmp_path, None)
    strict = wiring.wire(wiring.Invocation(repo=str(repo), target=history.asked.target))
    figures: Counter[str] = Counter()
    before: Declared = {}
    async with wiring.reconciler(history.wired) as lenient, wiring.reconciler(strict) as asking:
        for commit in git("-C", str(repo), "rev-list", "--reverse", "main").split():
            plan = await _applied(commit, asking)
            await _applied(commit, lenient)
            after = await _declared(history, commit)
            _count(figures, plan, Commit(before, after, await history.schema()))
            before = after
    names = ("commits", "only moves", "drops", "beyond limits", "protected")
    assert tuple(figures[own] for own in names) == FIGURES[name]


async def _applied(commit: str, reconciler: Reconciler) -> Plan:
    plan, _ = await reconciler.apply(commit, expected=None, progress=lambda _done, _all: None)
    return plan


def _count(figures: Counter[str], plan: Plan, commit: Commit) -> None:
    held = {own.unit for own in plan.blocked}
    drops = any(commit.gone.values())
    figures["commits"] += 1
    figures["only moves"] += commit.moves and not drops
    figures["drops"] += drops
    # Of a directory with errors nothing is deleted, and nothing needs to be held back.
    stalled = {own.unit for own in plan.units.values() if own.state is UnitState.STALLED}
    too_much, protected = set(commit.too_much()) - stalled, set(commit.protected()) - stalled
    figures["beyond limits"] += bool(too_much)
    figures["protected"] += bool(protected - too_much)
    assert held == too_much | protected, plans.as_text(plan)

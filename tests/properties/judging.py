"""What the properties look at: the content of a target, and who holds what."""

from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings

from rounds import KINDS, Workshop
from stateward.model.plan import Action, Change, Plan
from stateward.model.run import Report
from stateward.model.state import Observed
from stateward.reporting import plan as plans
from stateward.reporting import report as reports

PLENTY = 10_000
"""More deletes than any example has."""


def share(percent: int) -> settings:
    """Run a part of the examples that the profile says, since each is several rounds."""
    examples = max(5, settings().max_examples * percent // 100)
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])


def content(observed: Observed) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return all objects by name, with what they show, but for what is never the same twice."""
    groups = {own.id for own in observed.groups.values()}
    found = {}
    for own in observed.objects.values():
        if own.id not in groups and not own.seeded:
            relations = {
                name: named(observed, peers, groups) for name, peers in own.relations.items()
            }
            found[str(own.key)] = (dict(own.attributes), relations)
    return found


def named(observed: Observed, peers: Any, leave_out: Iterable[str] = ()) -> Any:
    if isinstance(peers, frozenset):
        return frozenset(named(observed, own) for own in peers - frozenset(leave_out))
    return str(observed.objects[peers].key) if peers in observed.objects else peers


def members(observed: Observed) -> dict[str, frozenset[str]]:
    """Return who holds what, by the names of the tracking groups."""
    return {own.name: named(observed, own.members) for own in observed.groups.values()}


def ids(observed: Observed) -> dict[str, str]:
    groups = {own.id for own in observed.groups.values()}
    return {str(own.key): own.id for own in observed.objects.values() if own.id not in groups}


async def everything(shop: Workshop) -> Observed:
    return await shop.observe(*KINDS)


def of(plan: Plan, *actions: Action) -> list[Change]:
    return [own for own in plan.changes if own.action in actions]


def deletes(plan: Plan) -> set[str]:
    return {str(own.key) for own in of(plan, Action.DELETE)}


def shown(plan: Plan, report: Report | None = None) -> str:
    """Return what a person would see, for the message of a test that fails."""
    return plans.as_text(plan) + (reports.as_text(report, plan) if report else "")

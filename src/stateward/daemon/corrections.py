"""What a round set back that others had changed, and who that was, as far as the target knows."""

from collections.abc import Iterator, Mapping

from stateward.model.fight import Correction, Writer
from stateward.model.plan import Action, Plan


def corrections(plan: Plan, unit: str, writers: Mapping[str, Writer]) -> Iterator[Correction]:
    """Yield what a plan sets back in a unit of which all was as Git says."""
    for own in plan.of(unit):
        if own.action is Action.CREATE:
            yield Correction(key=own.key, field="")
        elif own.action is Action.UPDATE:
            writer = writers.get(own.node or "")
            for changed in own.fields:
                yield Correction(key=own.key, field=changed.name, writer=writer)

"""What a repair put right, and what it left and why, as text and JSON."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stateward.model.inventory import Repair
from stateward.model.run import Outcome
from stateward.reporting import inventory, values
from stateward.reporting import plan as plans
from stateward.reporting import report as reports

SCHEMA = "stateward/repair/v1"


def as_json(own: Repair) -> dict[str, Any]:
    """Return the documented form, ``stateward/repair/v1``."""
    return {
        "schema": SCHEMA,
        "before": inventory.as_json(own.before),
        "plan": plans.as_json(own.plan),
        "report": reports.as_json(own.report, own.plan) if own.report else None,
        "after": inventory.as_json(own.after) if own.after else None,
    }


def as_text(own: Repair) -> str:
    return "\n".join(_lines(own)) + "\n"


def _lines(own: Repair) -> Iterator[str]:
    for change in own.plan.changes:
        how = "among what was there before" if change.adopted else "as made by us"
        how = f"listed again {how}" if change.marks else f"a member again, {how}"
        word = "would be " if own.report is None else ""
        yield values.safe(f"{change.unit}: {change.key}: {word}{how}")
    if not own.plan.changes:
        yield "Nothing to put right without a risk."
    for run in own.report.runs if own.report else ():
        if run.outcome is Outcome.FAILED:
            yield values.safe(f"failed: {run.unit}: {run.error}")
    if own.report is not None:
        yield f"{own.report.writes} writes, of memberships alone."
    yield ""
    if own.after is not None:
        yield inventory.as_text(own.after).rstrip("\n")
        return
    left = tuple(one for one in own.before.found if one.mend is None)
    if left:
        yield "What would be left:"
        yield ""
        yield inventory.as_text(replace(own.before, found=left)).rstrip("\n")
    else:
        yield "All would agree then."

"""The problems of a revision, as JSON, text and Markdown."""

from typing import Any

from stateward.errors import Problem, Severity
from stateward.model.plan import Action, Plan
from stateward.reporting import values
from stateward.reporting.plan import problem_lines

SCHEMA = "stateward/validate/v1"


def failed(plan: Plan) -> bool:
    return any(own.severity is Severity.ERROR for own in plan.problems)


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the documented form, ``stateward/validate/v1``."""
    return {
        "schema": SCHEMA,
        "revisions": dict(plan.revisions),
        "units": {
            unit: sorted({own.code.value for own in plan.problems if own.unit == unit})
            for unit in plan.units
        },
        "problems": [values.problem(own) for own in plan.problems],
    }


def as_text(plan: Plan) -> str:
    return "\n".join([*problem_lines(plan.problems), _sentence(plan)]) + "\n"


def as_markdown(plan: Plan) -> str:
    lines = ["### Stateward validation", "", _sentence(plan), ""]
    if plan.problems:
        lines += ["| | where | code | what |", "|---|---|---|---|"]
        lines += [_row(own) for own in plan.problems]
    return "\n".join(lines) + "\n"


def _row(own: Problem) -> str:
    cells = (
        own.severity,
        str(own.location or own.unit or ""),
        f"{own.code} {own.code.slug}",
        own.message,
    )
    return "| " + " | ".join(values.cell(cell) for cell in cells) + " |"


def _sentence(plan: Plan) -> str:
    errors = sum(own.severity is Severity.ERROR for own in plan.problems)
    warnings = len(plan.problems) - errors
    objects = sum(own.action is Action.CREATE for own in plan.changes)
    found = f"{errors} errors, {warnings} warnings" if plan.problems else "no problem found"
    return f"{len(plan.units)} units, {objects} objects that can be planned: {found}."

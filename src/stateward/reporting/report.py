"""What a round did, as JSON and as text."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from stateward.model.plan import Action, Plan
from stateward.model.run import Outcome, Report, Run
from stateward.reporting import blocked, values
from stateward.reporting.plan import fenced, held_lines, problem_lines
from stateward.reporting.typed import ROUND, Typed

SCHEMA = "stateward/report/v1"


def as_json(report: Report, plan: Plan, typed: Typed = ROUND) -> dict[str, Any]:
    """Return the documented form, ``stateward/report/v1``."""
    return {
        "schema": SCHEMA,
        "digest": report.digest,
        "writes": report.writes,
        "requests": report.requests,
        **({"merge": asdict(report.merge)} if report.merge else {}),
        "runs": [_run(own) for own in report.runs],
        "commit": blocked.commit(plan.commit),
        "letThrough": blocked.leave(plan),
        "blocked": blocked.as_json(plan, typed),
        "problems": [values.problem(own) for own in plan.problems],
    }


def _run(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {
        "unit": run.unit,
        "revision": run.revision,
        "outcome": run.outcome.value,
        "summary": run.summary,
        "writes": run.writes,
        "survivors": [
            {"kind": own.key.kind, "hfid": list(own.key.hfid), "id": own.id, "reason": own.reason}
            for own in run.survivors
        ],
    }
    if run.error is not None:
        found["error"] = run.error
    if run.taken_back is not None:
        found["takenBack"] = asdict(run.taken_back)
    return found


def as_text(report: Report, plan: Plan, typed: Typed = ROUND) -> str:
    """Return one line a unit, with what went wrong and what a guard held back below."""
    return (
        "\n".join(
            [
                *blocked.let_through(plan),
                *blocked.lines(plan, typed),
                *problem_lines(plan.problems),
                *held_lines(plan),
                *_runs(report),
            ]
        )
        + "\n"
    )


def as_markdown(report: Report, plan: Plan, typed: Typed = ROUND) -> str:
    lines = ["### Stateward report", "", _written(report), ""]
    lines += ["| unit | outcome | done | error |", "|---|---|---|---|"]
    for run in report.runs:
        cells = (run.unit, run.outcome.value, _done(run), run.error or "")
        lines.append("| " + " | ".join(values.cell(own) for own in cells) + " |")
    for title, found in (
        ("Let through", blocked.let_through(plan)),
        ("Blocked", blocked.lines(plan, typed)),
        ("Problems", problem_lines(plan.problems)),
    ):
        lines += [*(("",) if lines[-1] else ()), *fenced(title, found)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _runs(report: Report) -> Iterator[str]:
    width = max((len(own.unit) for own in report.runs), default=0)
    for run in report.runs:
        yield values.safe(f"{run.outcome:<9} {run.unit:<{width}}  {_done(run)}")
        for survivor in run.survivors:
            yield values.safe(f"          kept {survivor.key}: {survivor.reason}")
        if run.error and run.outcome is Outcome.FAILED:
            yield values.safe(f"          {run.error}")
        elif run.taken_back is not None:
            changes = run.taken_back.changes
            yield f"          taken back along with others: {changes} change{'s' * (changes != 1)}"
    yield _written(report)


def _written(report: Report) -> str:
    merge = report.merge
    asked = f", {report.requests} requests" if report.requests else ""
    if merge is None:
        return f"{report.writes} writes{asked}."
    return (
        f"{report.writes} writes{asked}, on a branch that was merged: as the target counts them,"
        f" {merge.added} added, {merge.updated} updated, {merge.removed} removed."
    )


def _done(run: Run) -> str:
    words = _PLANNED if run.outcome is Outcome.PLANNED else PAST
    done = [
        f"{run.summary[own.value]} {words[own]}" for own in Action if run.summary.get(own.value)
    ]
    return ", ".join([*done, f"{run.summary.get('unchanged', 0)} unchanged"])


_PLANNED = {action: f"to {action}" for action in Action}
PAST = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.ADOPT: "adopted",
    Action.MOVE: "moved",
    Action.RELEASE: "released",
    Action.DELETE: "deleted",
}

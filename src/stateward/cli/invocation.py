"""From arguments to the engine and back. Imported by commands when they run, not before."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stateward import wiring
from stateward.cli import options
from stateward.engine.against import plan_against
from stateward.engine.export import Export, export
from stateward.errors import Code, ConfigError
from stateward.model.plan import Plan
from stateward.model.run import Report
from stateward.model.unit import group_name
from stateward.reporting import plan as plan_rendering
from stateward.reporting import report as report_rendering
from stateward.reporting.typed import Typed
from stateward.reporting.typed import options as options_of
from stateward.tracking.ledger import dry_runs
from stateward.wiring import Invocation


def of(given: Mapping[str, Any]) -> Invocation:
    known = dict(given)
    known["revision"] = known.pop("rev")
    return Invocation(**known)


def of_plan_file(given: Mapping[str, Any]) -> tuple[Invocation, str | None]:
    """Take REPO as a saved plan if it is a file; return the digest that is expected then.

    A plan brings what it was made with: nothing that says otherwise may be given beside it.
    """
    asked = of(given)
    path = Path(asked.repo or ".")
    if not path.is_file():
        return asked, None
    for name, value in given.items():
        if name != "repo" and value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option}: the plan says that already: leave it out, or plan again")
    try:
        saved = json.loads(path.read_text())
        request, digest = saved["request"], saved["digest"]
        if saved["schema"] != plan_rendering.SCHEMA or not isinstance(digest, str):
            raise ValueError(saved["schema"])
        return Invocation(**request), digest
    except (ValueError, KeyError, TypeError, OSError) as error:
        message = f"{path}: not a plan that `stateward plan --out` wrote: make a new one"
        raise ConfigError(message, code=Code.PLAN_FILE) from error


def save(plan: Plan, asked: Invocation, out: str) -> None:
    """Write a plan with what is needed to make the very same one again."""
    revision = next(iter(plan.revisions.values()))
    request = replace(wiring.pinned(asked), revision=revision, target=plan.target)
    document = {**plan_rendering.as_json(plan, typed(asked)), "request": asdict(request)}
    try:
        Path(out).write_text(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror}: name another file") from error


async def planned(asked: Invocation) -> Plan:
    wired = wiring.wire(asked)
    async with wiring.planner(wired) as round_:
        return await wiring.with_what_comes_first(wired, round_, await round_.plan(wired.revision))


async def validated(asked: Invocation) -> Plan:
    wired = wiring.wire(asked, offline=asked.target is None)
    return await wired.round.plan(wired.revision)


async def planned_against(asked: Invocation, revision: str) -> Plan:
    wired = wiring.wire(asked, offline=True)
    return await plan_against(wired.round, wired.revision, revision)


async def applied(
    asked: Invocation,
    expected: str | None,
    progress: Callable[[int, int], None],
    *,
    relying: bool,
) -> tuple[Plan, Report]:
    """Plan and apply; ``relying`` on an earlier look where nothing has changed since."""
    wired = wiring.remembering(wiring.wire(asked), relying=relying)
    async with wiring.reconciler(wired) as reconciler:
        return await reconciler.apply(wired.revision, expected=expected, progress=progress)


async def exported(given: Mapping[str, Any], kinds: Sequence[str], unit: str | None) -> Export:
    asked = wiring.wire(Invocation(**given)).round
    group = None if unit is None else group_name(asked.scope.instance, asked.scope.source, unit)
    return await export(asked.target, kinds, group)


def dry_report(plan: Plan) -> Report:
    return Report(digest=plan.digest, writes=0, runs=tuple(dry_runs(plan)))


def typed(asked: Invocation) -> Typed:
    """Return how what was asked is typed again, and what an approval of it is told."""
    own = asked
    place = options_of(config=own.config, source=own.source)
    again = options_of(
        rev=own.revision,
        target=own.target,
        unit=own.unit,
        worktree=own.worktree,
        retry=own.retry,
    )
    repo = (own.repo,) if own.repo is not None else ()
    return Typed(again=("apply", *repo, *place, *again), about=(*options_of(repo=own.repo), *place))


def show_plan(plan: Plan, form: str, typed: Typed) -> None:
    if form == "json":
        options.say_json(plan_rendering.as_json(plan, typed))
    elif form == "markdown":
        options.say(plan_rendering.as_markdown(plan, typed))
    else:
        options.say(plan_rendering.as_text(plan, typed))


def show_report(plan: Plan, report: Report, form: str, typed: Typed) -> None:
    options.answer(report_answer(plan, report, form, typed))


def report_answer(plan: Plan, report: Report, form: str, typed: Typed) -> options.Answer:
    if form == "json":
        return report_rendering.as_json(report, plan, typed)
    if form == "markdown":
        return report_rendering.as_markdown(report, plan, typed)
    return report_rendering.as_text(report, plan, typed)

"""A plan as JSON, as text and as Markdown."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from stateward.errors import Problem, Severity
from stateward.model.plan import Action, Change, FieldChange, Plan, UnitState
from stateward.model.unit import OnError
from stateward.reporting import blocked, values
from stateward.reporting.typed import ROUND, Typed

SCHEMA = "stateward/plan/v1"
SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "&",
    Action.MOVE: ">",
    Action.RELEASE: "<",
    Action.DELETE: "-",
}
_TICK = "`"
_LOADS_SCHEMA = "The schema files are loaded into the target first"
_MOST_SCHEMA_CHANGES = 20


def _schema_lines(plan: Plan, listed: Callable[[str], str]) -> Iterator[str]:
    """Say what the schema files change in the target."""
    changes = plan.schema_changes
    yield f"{_LOADS_SCHEMA}:" if changes else f"{_LOADS_SCHEMA}."
    yield from (listed(own) for own in changes[:_MOST_SCHEMA_CHANGES])
    yield from _more(changes, _MOST_SCHEMA_CHANGES)


def _more(items: Sequence[object], most: int) -> Iterator[str]:
    """Say how many items there are beyond those that are shown."""
    if len(items) > most:
        yield f"  … and {len(items) - most} more (--format json names them all)"


def summary(plan: Plan) -> dict[str, int]:
    """Count the changes by action, and the objects that stay as they are."""
    counts = Counter(own.action for own in plan.changes)
    unchanged = sum(own.unchanged for own in plan.units.values())
    return {**{action.value: counts[action] for action in Action}, "unchanged": unchanged}


def as_json(plan: Plan, typed: Typed = ROUND) -> dict[str, Any]:
    """Return the documented form, ``stateward/plan/v1``."""
    return {
        "schema": SCHEMA,
        "digest": plan.digest,
        "target": plan.target,
        "revisions": dict(plan.revisions),
        "loadsSchema": plan.loads_schema,
        "schemaChanges": list(plan.schema_changes),
        "summary": summary(plan),
        "changes": [_change(own) for own in plan.changes],
        "commit": blocked.commit(plan.commit),
        "letThrough": blocked.leave(plan),
        "blocked": blocked.as_json(plan, typed),
        "problems": [values.problem(own) for own in plan.problems],
        "units": {
            unit: {
                "state": own.state.value,
                "unchanged": own.unchanged,
                "kept": own.kept,
                **({} if own.on_error is OnError.CONTINUE else {"onError": own.on_error.value}),
            }
            for unit, own in plan.units.items()
        },
    }


def _change(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": change.action.value,
        "unit": change.unit,
        "kind": change.key.kind,
        "hfid": list(change.key.hfid),
    }
    if change.node is not None:
        found["id"] = change.node
    if change.giver is not None:
        found["from"] = change.giver
    if change.stays:
        found["stays"] = change.stays
    if change.marks:
        found["countsAs"] = "adopted" if change.adopted else "made"
    if change.beside:
        found["beside"] = list(change.beside)
    found["fields"] = [
        {"name": own.name, "old": values.plain(own.old), "new": values.plain(own.new)}
        for own in change.fields
    ]
    found["origin"] = values.place(change.origin)
    return found


def as_text(plan: Plan, typed: Typed = ROUND) -> str:
    """Return the plan as a person reads it, unit by unit."""
    return "\n".join(_text(plan, typed)) + "\n"


def _text(plan: Plan, typed: Typed) -> Iterator[str]:
    if plan.loads_schema:
        yield from _schema_lines(plan, lambda own: values.safe(f"  * {own}"))
        yield ""
    by_unit: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_unit.setdefault(change.unit, []).append(change)
    for unit, changes in sorted(by_unit.items()):
        counts = counted(Counter(own.action.value for own in changes))
        yield values.safe(f"{unit}  ({counts}){_other_changes(plan, unit)}")
        for change in changes:
            yield from _change_lines(change)
        yield ""
    yield from blocked.let_through(plan)
    yield from blocked.lines(plan, typed)
    yield from problem_lines(plan.problems)
    yield from stalled_lines(plan)
    yield from held_lines(plan)
    yield sentence(plan)


def _other_changes(plan: Plan, unit: str) -> str:
    """Say what becomes of a unit's other changes where one fails, if that is not the usual."""
    planned = plan.units.get(unit)
    if planned is None or planned.on_error is OnError.CONTINUE:
        return ""
    return f"  onError: {planned.on_error}"


def _change_lines(change: Change) -> Iterator[str]:
    words = [f"{change.action} {change.key}", note(change), str(change.origin or "")]
    yield f"  {SIGNS[change.action]} {'  '.join(values.safe(own) for own in words if own)}"
    for own in change.fields:
        later = _later(change, own) if own.name in change.deferred else ""
        before = "" if change.action is Action.CREATE else f"{values.shown(own.old)} → "
        yield f"      {own.name}: {before}{values.shown(own.new)}{later}"


def note(change: Change) -> str:
    """Say where an object comes from, or why it stays."""
    if change.giver is not None:
        return f"from {change.giver}"
    if change.marks:
        return f"(counts as {'adopted' if change.adopted else 'made by us'} from now on)"
    if change.beside:
        has = "has" if len(change.beside) == 1 else "have"
        return f"({', '.join(change.beside)} {has} it, too)"
    if change.action is not Action.RELEASE:
        return ""
    return (
        f"(it stays in the target: {change.stays})" if change.stays else "(it stays in the target)"
    )


def _later(change: Change, own: FieldChange) -> str:
    """Say when a field of a cycle is written."""
    if isinstance(own.new, str | int) and change.node is not None:
        between = dict(change.parked).get(own.name)
        held = f"holds {values.shown(between, 30)}" if between is not None else "is unset"
        return f"  (written last, {held} in between: others swap values with it)"
    return "  (written once its peer exists)"


def problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    for own in problems:
        word = "" if own.severity is Severity.ERROR else f"{own.severity}: "
        where = f"{own.unit}: " if own.unit and not own.location else ""
        yield values.safe(f"{word}{where}{own}")
    if problems:
        yield ""


def stalled_lines(plan: Plan) -> Iterator[str]:
    found = False
    for unit, own in plan.units.items():
        if own.state is UnitState.STALLED:
            found = True
            whole = any(error.subject is None for error in plan.errors(unit))
            what = "nothing of it is changed" if whole else f"{_objects(own.withheld)} left out"
            yield values.safe(f"stalled: {unit}: {what} until its errors are mended")
    if found:
        yield ""


def held_lines(plan: Plan) -> Iterator[str]:
    found = False
    for unit, own in plan.units.items():
        if own.state is UnitState.HELD and not own.failed_before:  # its problem says more
            found = True
            yield values.safe(
                f"held: {unit}: {own.before.held} was rolled back:"
                " a commit that changes the unit's files lifts that"
            )
    if found:
        yield ""


def sentence(plan: Plan) -> str:
    """Say the whole plan in one line."""
    counts = summary(plan)
    unchanged = counts.pop("unchanged")
    held = sum(len(own.objects) for own in plan.blocked)
    kept = sum(own.kept + len(own.survivors) for own in plan.units.values())
    beside = f", {held} to delete held back" if held else ""
    beside += f", {kept} kept though no longer declared" if kept else ""
    if any(counts.values()):
        return f"Plan: {counted(counts)}, {unchanged} unchanged{beside}."
    if plan.problems or beside:
        return f"Plan: no changes, {unchanged} unchanged{beside}."
    return f"Nothing to change: {_objects(unchanged)} as declared."


def _objects(count: int | float) -> str:
    return f"{count} object" if count == 1 else f"{count} objects"


def counted(counts: "Counter[str] | dict[str, int]") -> str:
    """Say how many of each, in the order of the actions, leaving zeros out."""
    return ", ".join(f"{counts[own.value]} to {own.value}" for own in Action if counts[own.value])


def as_markdown(plan: Plan, typed: Typed = ROUND) -> str:
    """Return the plan for a merge request."""
    lines = [f"### Stateward plan for {_TICK}{plan.target}{_TICK}", "", sentence(plan), ""]
    if plan.loads_schema:
        listed = _schema_lines(plan, lambda own: f"* {values.cell(own)}")
        lines += [*(own.lstrip() for own in listed), ""]
    if plan.changes:
        lines += ["| | object | unit | fields | declared at |", "|---|---|---|---|---|"]
        lines += [_row(own) for own in plan.changes[:_MOST_ROWS]]
        if len(plan.changes) > _MOST_ROWS:
            lines.append(f"| | … and {len(plan.changes) - _MOST_ROWS} more | | | |")
        lines.append("")
    for title, found in (
        ("Let through", blocked.let_through(plan)),
        ("Blocked", blocked.lines(plan, typed)),
        ("Problems", [*problem_lines(plan.problems), *stalled_lines(plan)]),
        ("Held", held_lines(plan)),
    ):
        lines += fenced(title, found)
    lines.append(f"Digest {_TICK}{plan.digest}{_TICK}")
    return "\n".join(lines) + "\n"


def fenced(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as data of a Markdown document, under a title, if there are any."""
    text = "\n".join(lines).rstrip()
    if text:
        # Commands are copied from it: nothing in it is changed, and it cannot end the fence either.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield from (f"**{title}**", "", f"{fence}text", text, fence, "")


_MOST_ROWS = 500
"""A merge request's comment holds some 65,000 characters."""


def _row(change: Change) -> str:
    fields = ", ".join(
        f"{own.name}: {values.shown(own.old, 30)} → {values.shown(own.new, 30)}"
        if change.action is not Action.CREATE
        else f"{own.name}: {values.shown(own.new, 30)}"
        for own in change.fields
    )
    action = f"{change.action} {note(change)}"
    cells = (action.strip(), str(change.key), change.unit, fields, str(change.origin or ""))
    return "| " + " | ".join(values.cell(own) for own in cells) + " |"

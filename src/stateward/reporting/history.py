"""Recorded runs: a line each, and one with all its changes; as text, Markdown and JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from stateward.model.plan import Action, FieldChange
from stateward.model.record import Record, RecordedChange, RunKind
from stateward.model.run import EntryState
from stateward.reporting import values
from stateward.reporting.plan import SIGNS
from stateward.reporting.report import PAST

SCHEMA = "stateward/history/v1"
_COLUMNS = ("run", "started (UTC)", "unit", "what", "changes", "outcome", "by")
_SHORT = 8
"""Characters of a run's id that are shown: enough to be told from the others, nearly always."""
_SHORT_REVISION = 12
_TOLD = (EntryState.FAILED, EntryState.SKIPPED, EntryState.UNDONE, EntryState.STARTED)
_UNDER_WAY = "under way"
_ALONG = {
    Action.DELETE: "went along with another",
    Action.UPDATE: "cleared by the delete of another",
}
"""Of a run, that it has not ended: it is under way, or was interrupted."""


def as_json(records: Sequence[Record]) -> dict[str, Any]:
    """Return the documented form, ``stateward/history/v1``."""
    return {"schema": SCHEMA, "runs": [run(own) for own in records]}


def run(record: Record) -> dict[str, Any]:
    """Return one run with all its changes."""
    opening = record.opening
    return {
        "run": record.id,
        "kind": opening.kind.value,
        "subject": opening.subject,
        "params": dict(opening.params),
        "target": opening.target,
        "branch": opening.branch,
        "group": opening.group,
        "trigger": opening.cause.trigger,
        "actor": opening.cause.actor,
        "revision": opening.revision,
        "caller": opening.caller,
        "plan": opening.plan,
        "round": opening.round,
        "undoes": next(iter(opening.undoes), ""),
        "undoesRuns": list(opening.undoes),
        "undoneBy": list(record.undone_by),
        "detail": opening.detail,
        "started": record.started,
        "finished": record.finished,
        "outcome": record.outcome,
        "error": record.error,
        "changes": [_change(own) for own in record.changes],
    }


def _change(change: RecordedChange) -> dict[str, Any]:
    return {
        "index": change.index,
        "action": change.action.value,
        "state": change.state.value,
        "kind": change.key.kind,
        "hfid": list(change.key.hfid),
        "id": change.node,
        "from": change.giver,
        "adopted": change.adopted,
        "along": change.along,
        "undoes": [own.at for own in change.undoes],
        "undoesRuns": [own.run for own in change.undoes],
        "fields": [
            {"name": own.name, "old": values.plain(own.old), "new": values.plain(own.new)}
            for own in change.fields
        ],
        "detail": change.detail,
        "started": change.started,
        "ended": change.ended,
    }


def as_text(records: Sequence[Record]) -> str:
    """Return a line for each run, in columns."""
    if not records:
        return "No run is recorded.\n"
    rows = [_COLUMNS, *(tuple(values.safe(cell) for cell in _row(own)) for own in records)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_markdown(records: Sequence[Record]) -> str:
    lines = ["### Stateward history", "", f"| {' | '.join(_COLUMNS)} |", "|---" * 7 + "|"]
    lines += [f"| {' | '.join(values.cell(cell) for cell in _row(own))} |" for own in records]
    return "\n".join(lines) + "\n"


def _row(record: Record) -> tuple[str, ...]:
    opening = record.opening
    return (
        record.id[:_SHORT],
        record.started[:19].replace("T", " "),
        opening.subject,
        _what(record),
        _counted(record.changes) or "none",
        record.outcome or _UNDER_WAY,
        opening.cause.actor,
    )


def _what(record: Record) -> str:
    opening = record.opening
    if opening.kind is RunKind.ROLLBACK:
        return f"rollback of {', '.join(run[:_SHORT] for run in opening.undoes)}"
    return f"{opening.kind} {opening.revision[:_SHORT_REVISION] or opening.caller}".rstrip()


def _counted(changes: Sequence[RecordedChange]) -> str:
    """Count objects, not steps: what is written in two goes counts once."""
    states = {(own.action, own.key): own.state for own in changes}
    done = Counter(action for (action, _), state in states.items() if state is EntryState.APPLIED)
    left: Counter[EntryState] = Counter(
        state for state in states.values() if state is not EntryState.APPLIED
    )
    told = [f"{done[action]} {PAST[action]}" for action in Action if done[action]]
    return ", ".join(told + [f"{left[state]} {state}" for state in _TOLD if left[state]])


def run_as_text(record: Record) -> str:
    """Return all that is recorded of one run."""
    head = [(name, text) for name, text in _head(record) if text]
    width = max(len(name) for name, _ in head)
    lines = [f"{name:<{width}}  {values.safe(text)}" for name, text in head]
    return "\n".join([*lines, "", *_lines(record.changes)]).rstrip() + "\n"


def run_as_markdown(record: Record) -> str:
    lines = [f"### Stateward run {values.cell(record.id)}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {values.cell(text)} |" for name, text in _head(record) if text]
    if record.changes:
        text = "\n".join(_lines(record.changes)).replace("```", "'''")
        lines += ["", "```text", text, "```"]
    return "\n".join(lines) + "\n"


def _head(record: Record) -> Iterator[tuple[str, str]]:
    opening = record.opening
    yield "run", record.id
    yield "what", _what(record)
    yield "unit" if opening.revision else "identifier", opening.subject
    yield "params", ", ".join(f"{name}={own}" for name, own in sorted(opening.params.items()))
    yield "target", opening.target
    yield "revision", opening.revision
    yield "caller", opening.caller
    yield "by", ", ".join(own for own in (opening.cause.actor, opening.cause.trigger) if own)
    yield "plan", opening.plan
    yield "allowed", opening.detail
    yield "started", record.started
    yield "finished", f"{record.finished}{_took(record)}" if record.finished else ""
    yield "outcome", record.outcome or _UNDER_WAY
    yield "error", record.error
    yield "taken back by", ", ".join(record.undone_by)


def _took(record: Record) -> str:
    taken = datetime.fromisoformat(record.finished) - datetime.fromisoformat(record.started)
    return f"  ({taken.total_seconds():.2f} s)"


def _lines(changes: Sequence[RecordedChange]) -> Iterator[str]:
    for own in changes:
        state = "" if own.state is EntryState.APPLIED else f"  {own.state}"
        why = f": {own.detail}" if own.detail else ""
        giver = f"  from {own.giver}" if own.giver else ""
        along = "" if own.along is None else f"  ({_ALONG[own.action]})"
        text = f"{SIGNS[own.action]} {own.action} {own.key}{giver}{along}{state}{why}"
        yield values.safe(text)
        for field in own.fields:
            yield f"    {field.name}: {_field(own.action, field)}"


def _field(action: Action, field: FieldChange) -> str:
    if action is Action.CREATE and field.old is None:
        return values.shown(field.new)
    if action is Action.DELETE:
        return values.shown(field.old)
    return f"{values.shown(field.old)} → {values.shown(field.new)}"

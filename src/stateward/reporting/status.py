"""How sources and units stand: a table that a person reads at a glance, and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stateward.model.command import Command, Verb
from stateward.model.drift import UnitDrift
from stateward.model.status import Condition, Overview, Pause, Reason, SourceStatus, Status, Why
from stateward.reporting.typed import Typed, options

SCHEMA = "stateward/status/v1"
_SHORT = 12
_ORDER = list(Condition)
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_LATE = 3
"""After so many intervals without a look nobody seems to be at work."""
_WHY_NEXT = {
    Reason.COMMIT: "new commit",
    Reason.START: "first round",
    Reason.INTERVAL: "drift",
    Reason.RETRY: "retry",
    Reason.DEPENDENCY: "what it waits for changed",
    Reason.MANUAL: "asked for",
    Reason.RESUMED: "goes on",
}


def as_text(overviews: Sequence[Overview], now: float, about: tuple[str, ...] = ()) -> str:
    """Say how units stand; ``about`` are the options by which other commands are told of the same."""
    if not overviews:
        return "Nothing is known here: `stateward run` keeps it in the state database.\n"
    several = len({own.source.source for own in overviews}) > 1
    found = (_overview(own, now, _typed(own, about, several=several)) for own in overviews)
    return "\n\n".join("\n".join(own) for own in found) + "\n"


def _typed(overview: Overview, about: tuple[str, ...], *, several: bool) -> Typed:
    return Typed(about=(*about, *options(source=overview.source.source if several else None)))


def _overview(overview: Overview, now: float, typed: Typed) -> Iterator[str]:
    source = overview.source
    revision = source.revision[:_SHORT] if source.revision else "no revision seen"
    leader = f" by {_line(source.leader)}" if source.leader else ""
    looked = f"looked at {ago(source.at, now)}{leader}"
    yield f"{source.source}  {revision}, {looked}  →  {source.target}"
    if source.error:
        yield f"  cannot be looked at: {_line(source.error)}"
    if is_late(source, now):
        yield f"  no daemon seems to be running: it should look every {spell(source.every)}"
    rows = [("UNIT", "STATE", "SINCE", "APPLIED", "NEXT")]
    rows += [_row(own, now) for own in overview.units]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    units: list[Status | None] = [None, *overview.units]
    for row, unit in zip(rows, units, strict=True):
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        if unit is not None:
            yield from (f"    {_line(own)}" for own in _notes(unit, now, typed))
    yield _count(overview.units)


def _notes(own: Status, now: float, typed: Typed) -> Iterator[str]:
    """Yield what keeps rounds from a unit, why it is not ready, and how to let it through."""
    pause = _pause(own, now)
    if pause is not None:
        until = f" until {moment(pause.until)}" if pause.until is not None else ""
        yield f"{_PAUSED[pause.why]}{pause.message}{until}"
    if own.message:
        yield own.message
    yield from own.details
    if own.condition is Condition.BLOCKED:
        yield typed.meanwhile
    if own.blocked is not None:
        yield f"to let exactly these go, once: {typed.approving(own.unit, own.blocked)}"
    if own.drift is not None:
        yield f"{drifted(own.drift, now)}: {typed.looking(own.unit)}"


def drifted(own: UnitDrift, now: float) -> str:
    """Say how much differed, and when that was."""
    objects = f"{own.objects} object{'' if own.objects == 1 else 's'}"
    fields = f"{own.fields} field{'' if own.fields == 1 else 's'}"
    done = ", set back at once" if own.mended else ""
    return f"drift: {objects}, {fields}, found {ago(own.at, now)}{done}"


_PAUSED = {Why.SUSPENDED: "suspended ", Why.WINDOW: "", Why.REWOUND: ""}


def _pause(own: Status, now: float) -> Pause | None:
    """Return what keeps rounds from a unit now: one that is over may not have been noticed yet."""
    over = own.pause is None or (own.pause.until is not None and own.pause.until <= now)
    return None if over else own.pause


def _row(own: Status, now: float) -> tuple[str, str, str, str, str]:
    return (
        _line(own.unit),
        _state(own, now),
        ago(own.since, now),
        own.applied[:_SHORT] if own.applied else "never",
        _next(own, now),
    )


def _state(own: Status, now: float) -> str:
    return replace(own, pause=_pause(own, now)).shown.value


def _next(own: Status, now: float) -> str:
    pause = _pause(own, now)
    if pause is not None and pause.until is not None:
        return f"in {spell(pause.until - now)}: goes on"
    if pause is not None:
        return "when resumed" if pause.why is Why.SUSPENDED else "with a commit"
    if own.next is None or own.reason is None:
        return "with a commit"
    when = f"in {spell(own.next - now)}" if own.next > now else "due"
    again = f", {own.failures} in a row" if own.failures > 1 else ""
    return f"{when}: {_WHY_NEXT[own.reason]}{again}"


def _count(units: Sequence[Status]) -> str:
    counts = [(own, sum(unit.condition is own for unit in units)) for own in _ORDER]
    found = [f"{count} {own.value}" for own, count in counts if count]
    return f"{len(units)} unit{'' if len(units) == 1 else 's'}: {', '.join(found) or 'none'}."


def told(command: Command, overviews: Sequence[Overview], now: float) -> str:
    """Say what a daemon was told, and whether one is there to do it."""
    what = command.source if command.unit is None else command.unit
    until = f" until {moment(command.until)}" if command.until is not None else ""
    running = [
        own
        for own in overviews
        if own.source.source == command.source and not is_late(own.source, now)
    ]
    later = "" if running else "; no daemon seems to be running: it takes it up when it starts"
    return f"{_DONE[command.verb]} {_line(what)}{until}{later}\n"


_DONE = {
    Verb.RECONCILE: "asked for a round of",
    Verb.SUSPEND: "suspended",
    Verb.RESUME: "resumed",
    Verb.APPROVE: "approved the prune of",
    Verb.ALLOW_REWIND: "allowed the commit of",
}


def is_late(source: SourceStatus, now: float) -> bool:
    """Tell whether the next look is long overdue."""
    return now - source.at > _LATE * source.every


def ago(moment: float, now: float) -> str:
    return f"{spell(now - moment)} ago" if now - moment >= 1 else "now"


def spell(seconds: float) -> str:
    """Spell a time by its two largest units."""
    left = max(0, round(seconds))
    found: list[str] = []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count or (found and left):
            found.append(f"{count}{name}")
        if len(found) == 2:  # noqa: PLR2004 - more says nothing
            break
    return "".join(own for own in found if not own.startswith("0")) or "0s"


def _line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def as_json(overviews: Sequence[Overview], now: float) -> dict[str, Any]:
    return {"schema": SCHEMA, "sources": [_source(own, now) for own in overviews]}


def _source(overview: Overview, now: float) -> dict[str, Any]:
    source = overview.source
    return {
        "source": source.source,
        "target": source.target,
        "revision": source.revision,
        "error": source.error,
        "refused": source.refused,
        "leader": source.leader,
        "looked": moment(source.at),
        "late": is_late(source, now),
        "units": {own.unit: unit(own) for own in overview.units},
    }


def unit(own: Status) -> dict[str, Any]:
    """Return how one unit stands."""
    return {
        "state": own.condition.value,
        "since": moment(own.since),
        "attempted": own.attempted,
        "applied": own.applied,
        "outcome": own.outcome,
        "message": own.message,
        "run": own.run,
        "at": moment(own.at),
        "succeeded": moment(own.succeeded),
        "failures": own.failures,
        "next": moment(own.next),
        "reason": own.reason.value if own.reason else None,
        "blocked": own.blocked,
        "details": list(own.details),
        "drift": None
        if own.drift is None
        else {
            "objects": own.drift.objects,
            "fields": own.drift.fields,
            "found": moment(own.drift.at),
            "mended": own.drift.mended,
        },
        "pause": None
        if own.pause is None
        else {
            "why": own.pause.why.value,
            "message": own.pause.message,
            "until": moment(own.pause.until),
        },
    }


def moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

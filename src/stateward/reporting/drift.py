"""What has drifted, as text, JSON and Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from stateward.model.drift import Departure, Difference, DriftedField, SourceDrift, UnitDrift
from stateward.reporting import values
from stateward.reporting.status import ago, moment, spell

SCHEMA = "stateward/drift/v1"
_SHORT = 12
_SIGNS = {
    Departure.CHANGED: "~",
    Departure.MISSING: "-",
    Departure.LOST: "<",
    Departure.EXTRA: "+",
}
_NOTES = {
    Departure.CHANGED: "",
    Departure.MISSING: "  (somebody deleted it)",
    Departure.LOST: "  (no member of the tracking group any more)",
    Departure.EXTRA: "  (a member of the tracking group that Git does not declare)",
}
_TICK = "`"


def as_json(found: Sequence[SourceDrift]) -> dict[str, Any]:
    """Return the documented form, ``stateward/drift/v1``."""
    return {
        "schema": SCHEMA,
        "sources": [
            {
                "source": own.source,
                "target": own.target,
                "revision": own.revision,
                "kept": own.kept,
                "late": own.late,
                "units": {unit: _unit(one) for unit, one in own.units.items()},
                "unknown": dict(own.unknown),
            }
            for own in found
        ],
    }


def _unit(own: UnitDrift) -> dict[str, Any]:
    return {
        "revision": own.revision,
        "found": moment(own.at),
        "mended": own.mended,
        "objects": own.objects,
        "fields": own.fields,
        "differences": [_difference(one) for one in own.differences],
    }


def _difference(own: Difference) -> dict[str, Any]:
    return {
        "what": own.what.value,
        "kind": own.key.kind,
        "hfid": list(own.key.hfid),
        "id": own.node,
        "fields": [
            {
                "name": one.name,
                "old": values.plain(one.old),
                "new": values.plain(one.new),
                "parts": list(one.parts),
                "cut": one.cut,
            }
            for one in own.fields
        ],
        "by": own.writer and {"name": own.writer.name, "at": own.writer.at},
        "origin": values.place(own.origin),
    }


def as_text(found: Sequence[SourceDrift], now: float) -> str:
    return "\n".join(line for own in found for line in _source(own, now)) + "\n"


def _source(own: SourceDrift, now: float) -> Iterator[str]:
    revision = own.revision[:_SHORT] if own.revision else "no revision seen"
    yield values.safe(f"{own.source}  {revision}  →  {own.target}")
    if own.kept:
        oldest = min((one.at for one in own.units.values()), default=None)
        looks = f", of looks up to {spell(now - oldest)} old" if oldest is not None else ""
        yield f"  as the daemon has kept it{looks}; to look now: stateward drift --now"
    if own.late:
        yield "  no daemon seems to be running"
    yield ""
    for unit, drift in own.units.items():
        if drift.objects:
            yield values.safe(f"{unit}  ({_counted(drift)}, {_when(own, drift, now)})")
            for difference in drift.differences:
                yield from _lines(difference)
            if drift.objects > len(drift.differences):
                yield f"  … and {drift.objects - len(drift.differences)} more objects"
            yield ""
    if own.unknown:
        yield from (values.safe(f"not known: {unit}: {why}") for unit, why in own.unknown.items())
        yield ""
    yield sentence(own)


def _when(source: SourceDrift, own: UnitDrift, now: float) -> str:
    done = ", set back at once" if own.mended else ""
    return f"found {ago(own.at, now) if source.kept else 'now'}{done}"


def _counted(own: UnitDrift) -> str:
    counts = Counter(one.what for one in own.differences)
    if own.objects > len(own.differences):
        return f"{own.objects} objects differ"
    return ", ".join(f"{counts[what]} {what}" for what in Departure if counts[what])


def _lines(own: Difference) -> Iterator[str]:
    origin = f"  {own.origin}" if own.origin else ""
    sign, note = _SIGNS[own.what], _NOTES[own.what]
    yield f"  {sign} {own.what} {values.safe(str(own.key))}{note}{origin}"
    if own.writer is not None:
        yield values.safe(f"      last changed by {own.writer.name} at {own.writer.at}")
    yield from (f"      {one.name}: {_values(one)}" for one in own.fields)


def _values(own: DriftedField) -> str:
    parts = f"  (in {', '.join(own.parts)})" if own.parts else ""
    more = "  (in part)" if own.cut else ""
    return values.safe(f"{values.shown(own.old)}, in Git {values.shown(own.new)}{parts}{more}")


def sentence(own: SourceDrift) -> str:
    """Say in one line how much of a source has drifted."""
    drifted = [one for one in own.units.values() if one.objects]
    looked = f"{len(own.units)} unit{'' if len(own.units) == 1 else 's'}"
    unknown = f", {len(own.unknown)} not known" if own.unknown else ""
    if not drifted:
        return f"No drift in {looked}{unknown}."
    objects, fields = (
        sum(counts) for counts in zip(*((d.objects, d.fields) for d in drifted), strict=True)
    )
    return f"Drift: {_many(objects, 'object')} and {_many(fields, 'field')} in {len(drifted)} of {looked}{unknown}."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def as_markdown(found: Sequence[SourceDrift], now: float) -> str:
    """Return it for an issue, or a chat."""
    lines: list[str] = []
    for own in found:
        lines += [f"### Drift of {_TICK}{own.target}{_TICK}", "", sentence(own), ""]
        rows = [row for unit, one in own.units.items() for row in _rows(own, unit, one, now)]
        if rows:
            head = ("unit", "object", "", "field", "in the target", "in Git", "last changed")
            lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows, ""]
        lines += [
            f"* not known: {values.cell(f'{unit}: {why}')}" for unit, why in own.unknown.items()
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _rows(source: SourceDrift, unit: str, drift: UnitDrift, now: float) -> Iterator[str]:
    for own in drift.differences:
        by = f"{own.writer.name} at {own.writer.at}" if own.writer else ""
        what = f"{own.what}, set back" if drift.mended else str(own.what)
        head, shown = (
            (unit, str(own.key), what),
            [
                (one.name, values.shown(one.old, 30), values.shown(one.new, 30))
                for one in own.fields
            ],
        )
        for cells in shown or [("", "", "")]:
            yield "| " + " | ".join(values.cell(one) for one in (*head, *cells, by)) + " |"
    left = drift.objects - len(drift.differences)
    if left:
        yield f"| {values.cell(unit)} | … and {left} more, {_when(source, drift, now)} | | | | | |"

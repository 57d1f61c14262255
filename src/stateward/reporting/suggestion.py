"""What would have drift left alone: a unit's settings file, to be taken over by a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stateward.desired import documents
from stateward.desired.discover import UNIT_FILE
from stateward.model.drift import Departure, DriftedField, SourceDrift, UnitDrift
from stateward.model.unit import PART, Ignore
from stateward.reporting import values

_REASONS = {
    Departure.MISSING: "is missing",
    Departure.LOST: "is no member of the tracking group any more",
    Departure.EXTRA: "is a member that Git does not declare",
}


def as_yaml(found: Sequence[SourceDrift], said: Mapping[tuple[str, str], Sequence[Ignore]]) -> str:
    """Return a document for each unit that would leave alone what has drifted in it.

    A unit's own ``ignore`` stands in place of any other: ``said`` is what counts for each source
    and unit now, and is said again.
    """
    lines = [
        line
        for own in found
        for unit, drift in own.units.items()
        if drift.objects
        for line in _unit(unit, drift, said.get((own.source, unit), ()))
    ]
    return "\n".join(lines or ["# nothing has drifted"]) + "\n"


def _unit(unit: str, drift: UnitDrift, said: Iterable[Ignore]) -> Iterator[str]:
    own = UNIT_FILE if unit == "." else f"{unit}/{UNIT_FILE}"
    fields = {name: sorted(names) for name, names in _fields(drift, said).items()}
    if fields:
        yield values.safe(f"# {own}: in place of what it says under `ignore`")
        ignore = [{"kind": kind, "fields": names} for kind, names in fields.items()]
        yield documents.dump([{"ignore": ignore}]).rstrip("\n")
    else:
        yield values.safe(f"# {own}: no field differs, so there is nothing to ignore")
    for one in drift.differences:
        if one.what in _REASONS:
            yield values.safe(f"# not silenced: {one.key} {_REASONS[one.what]}")
    left = drift.objects - len(drift.differences)
    if left:
        yield f"# of {left} more objects it is not known which fields differ: look again afterwards"


def _fields(drift: UnitDrift, said: Iterable[Ignore]) -> dict[str, set[str]]:
    """Return what is to be ignored by kind: what counts already first."""
    found: dict[str, set[str]] = {}
    for ignore in said:
        found.setdefault(ignore.kind, set()).update(ignore.fields)
    for own in drift.differences:
        if own.fields:
            found.setdefault(own.key.kind, set()).update(*map(_words, own.fields))
    return found


def _words(own: DriftedField) -> list[str]:
    """Return the parts of a field that differ, or all of it where it has none."""
    return [f"{own.name}{PART}{one}" for one in own.parts] or [own.name]

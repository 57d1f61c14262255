"""Where tracking groups, journal and Git do not agree, as text and JSON."""

from collections.abc import Iterator
from typing import Any

from stateward.errors import Code
from stateward.model.inventory import Discrepancy, Inventory
from stateward.reporting import values

SCHEMA = "stateward/inventory/v1"


def as_json(own: Inventory) -> dict[str, Any]:
    """Return the documented form, ``stateward/inventory/v1``."""
    return {
        "schema": SCHEMA,
        "target": own.target,
        "revision": own.revision,
        "agree": not own.found,
        "units": {
            unit: {"members": count, "journaled": unit in own.journaled}
            for unit, count in own.units.items()
        },
        "differences": [difference(one) for one in own.found],
    }


def difference(own: Discrepancy) -> dict[str, Any]:
    return {
        "code": Code.INVENTORY.value,
        "what": own.what.value,
        "unit": own.unit,
        "kind": own.key.kind if own.key else None,
        "hfid": list(own.key.hfid) if own.key else None,
        "id": own.node,
        "said": own.said,
        "matters": own.matters,
        "todo": own.todo,
        "run": own.run or None,
        "repairable": own.mend is not None,
        "origin": values.place(own.origin),
    }


def as_text(own: Inventory) -> str:
    return "\n".join([*_lines(own), *_sentences(own)]) + "\n"


def _lines(own: Inventory) -> Iterator[str]:
    by_unit: dict[str, list[Discrepancy]] = {}
    for one in own.found:
        by_unit.setdefault(one.unit, []).append(one)
    for unit, found in by_unit.items():
        yield values.safe(f"{unit}  ({_many(own.units.get(unit, 0), 'member')})")
        for one in found:
            yield from lines(one)
        yield ""


def lines(own: Discrepancy) -> Iterator[str]:
    """Return a difference as a person reads it."""
    words = [own.what.value, str(own.key or ""), str(own.origin or "")]
    yield values.safe(f"  {'  '.join(one for one in words if one)}")
    for what in (own.said, f"why it matters: {own.matters}", f"what to do: {own.todo}"):
        yield values.safe(f"      {what}")


def _sentences(own: Inventory) -> Iterator[str]:
    units = _many(len(own.units), "unit")
    unknown = len(own.units) - len(own.journaled)
    if own.found:
        told = _many(len(own.found), "difference")
        wrong = len({one.unit for one in own.found})
        yield f"{Code.INVENTORY} {Code.INVENTORY.slug}: {told} in {wrong} of {units}."
    else:
        members = _many(sum(own.units.values()), "member")
        yield f"Groups, journal and files agree on {members} of {units}."
    if unknown:
        yield f"Of {_many(unknown, 'unit')} the journal knows nothing: groups and files alone were compared."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

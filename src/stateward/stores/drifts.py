"""What a look found of a unit, as JSON and back: it is kept with how the unit stands."""

from typing import Any

from stateward.errors import Location
from stateward.model.drift import Departure, Difference, DriftedField, UnitDrift
from stateward.model.fight import Writer
from stateward.model.identity import ObjectKey
from stateward.stores.codec import decoded, encoded


def body(own: UnitDrift | None) -> dict[str, Any] | None:
    if own is None:
        return None
    return {
        "revision": own.revision,
        "at": own.at,
        "objects": own.objects,
        "fields": own.fields,
        "mended": own.mended,
        "differences": [_difference_body(one) for one in own.differences],
    }


def _difference_body(own: Difference) -> dict[str, Any]:
    return {
        "what": own.what.value,
        "key": [own.key.kind, *own.key.hfid],
        "node": own.node,
        "fields": [
            [one.name, encoded(one.old), encoded(one.new), list(one.parts), one.cut]
            for one in own.fields
        ],
        "writer": own.writer,
        "origin": own.origin and [own.origin.file, own.origin.line, own.origin.column],
    }


def drift(known: dict[str, Any] | None) -> UnitDrift | None:
    """Read what ``body`` has made; raises ``ValueError``, ``TypeError`` or ``KeyError`` for others."""
    if known is None:
        return None
    differences = tuple(_difference(own) for own in known.pop("differences"))
    return UnitDrift(differences=differences, **known)


def _difference(known: dict[str, Any]) -> Difference:
    kind, *hfid = known["key"]
    fields = (
        DriftedField(name, decoded(old), decoded(new), tuple(parts), cut)
        for name, old, new, parts, cut in known["fields"]
    )
    return Difference(
        what=Departure(known["what"]),
        key=ObjectKey(kind, tuple(hfid)),
        node=known["node"],
        fields=tuple(fields),
        writer=known["writer"] and Writer(*known["writer"]),
        origin=known["origin"] and Location(*known["origin"]),
    )

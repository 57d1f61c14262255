"""What a plan says of drift: which objects differ although Git did not change, and who changed them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import StatewardError
from stateward.model.drift import MOST, Departure, Difference, DriftedField, UnitDrift
from stateward.model.fight import Writer
from stateward.model.plan import Action, Change, Default, FieldChange, Plan, Secret, UnitState
from stateward.ports import Session
from stateward.schema import parts

_DEPARTURES = {
    Action.CREATE: Departure.MISSING,
    Action.UPDATE: Departure.CHANGED,
    Action.ADOPT: Departure.LOST,
    Action.MOVE: Departure.LOST,
    Action.RELEASE: Departure.EXTRA,
    Action.DELETE: Departure.EXTRA,
}
_LOOKED = frozenset({UnitState.READY, UnitState.STALLED, UnitState.WAITING, UnitState.BLOCKED})
"""States of units that are compared, at least in part."""
_LONGEST = 1000
"""Characters of a value that are told."""
_PEERS = 20
_PARTS = 20


@dataclass(slots=True)
class Writers:
    """Asks who changed what a plan finds to have drifted: before we ourselves are the last."""

    found: Mapping[str, Writer] = field(default_factory=dict)

    async def look(self, session: Session, plan: Plan) -> None:
        """Be shown a plan and the target, before any of it is written."""
        ids = {
            own.node
            for unit in plan.units
            for own in _changes(plan, unit)[:MOST]
            if own.node is not None and own.action is not Action.CREATE
        }
        try:
            self.found = await session.writers(ids) if ids else {}
        except StatewardError:
            self.found = {}  # a name is not worth a round


def drift(
    plan: Plan, unit: str, writers: Mapping[str, Writer], *, at: float, mended: bool = False
) -> UnitDrift | None:
    """Return how a unit has drifted; None where a plan cannot tell."""
    own = plan.units.get(unit)
    if own is None or own.state not in _LOOKED or not own.as_applied:
        return None
    changes = _changes(plan, unit)
    return UnitDrift(
        revision=next(iter(plan.revisions.values())),
        at=at,
        objects=len(changes),
        fields=sum(len(_fields(own)) for own in changes),
        differences=tuple(_difference(own, writers) for own in changes[:MOST]),
        mended=mended and bool(changes),
    )


def _changes(plan: Plan, unit: str) -> Sequence[Change]:
    return plan.of(unit) if plan.units[unit].as_applied else ()


def _fields(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields that differ; of what is not there, or is not declared, no single one does."""
    departure = _DEPARTURES[change.action]
    return change.fields if departure in {Departure.CHANGED, Departure.LOST} else ()


def _difference(change: Change, writers: Mapping[str, Writer]) -> Difference:
    missing = change.action is Action.CREATE
    return Difference(
        what=_DEPARTURES[change.action],
        key=change.key,
        node=None if missing else change.node,
        fields=tuple(_field(own) for own in _fields(change)),
        writer=writers.get(change.node or ""),
        origin=change.origin,
    )


def _field(own: FieldChange) -> DriftedField:
    old, new = _hidden(own.old), _hidden(own.new)
    found: tuple[str, ...] = ()
    if isinstance(old, dict) and isinstance(new, dict):
        found = tuple(parts.spelled(one) for one in parts.differing(old, new))
    if isinstance(old, frozenset) and isinstance(new, frozenset) and len(old | new) > _PEERS:
        return DriftedField(own.name, _some(old - new), _some(new - old), cut=True)
    shown = _short(old), _short(new)
    # Where more than a few parts differ, it is the whole that does.
    few = found if len(found) <= _PARTS else ()
    return DriftedField(own.name, *shown, parts=few, cut=shown != (old, new))


def _hidden(value: Any) -> Any:
    """Return a value that nobody learns a secret from, now or later."""
    return Secret(None) if isinstance(value, Secret) else value


def _some(peers: Iterable[Any]) -> frozenset[Any]:
    return frozenset(sorted(peers, key=str)[:_PEERS])


def _short(value: Any) -> Any:
    if isinstance(value, Default):
        return Default(_short(value.value))
    if not isinstance(value, str | list | dict):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

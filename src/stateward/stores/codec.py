"""Openings, entries and values as JSON, and back. What is secret is left out on the way in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Action, Default, FieldChange, Secret, Undone
from stateward.model.record import Cause, Opening, RunKind
from stateward.model.run import Entry, EntryState
from stateward.model.state import FromPool

_MASK = {"secret": True}
_STEP = ("node", "detail", "unit", "giver", "adopted", "marks", "foreign", "along")
"""Fields of an entry that are written where they hold something."""


def opening_body(opening: Opening) -> dict[str, Any]:
    found = {name: value for name, value in asdict(opening).items() if value}
    del found["run"]
    if len(opening.undoes) == 1:
        found["undoes"] = opening.undoes[0]
    return found


def opening(run: str, body: Mapping[str, Any]) -> Opening:
    known = dict(body)
    cause, kind = Cause(**known.pop("cause")), RunKind(known.pop("kind"))
    undoes = known.pop("undoes", ())
    undoes = (undoes,) if isinstance(undoes, str) else tuple(undoes)
    return Opening(run=run, cause=cause, kind=kind, undoes=undoes, **known)


def entry_body(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "index": entry.index,
        "state": entry.state.value,
        "action": entry.action.value,
        "key": [entry.key.kind, *entry.key.hfid],
    }
    for name in _STEP:
        value = getattr(entry, name)
        if value is not None and value is not False and value != "":
            found[name] = value
    if entry.undoes:
        by_run: dict[str, list[int]] = {}
        for own in entry.undoes:
            by_run.setdefault(own.run, []).append(own.at)
        found["undoes"] = by_run
    if entry.fields:
        found["fields"] = [[own.name, encoded(own.old), encoded(own.new)] for own in entry.fields]
    return found


def entry(run: str, body: Mapping[str, Any], undoes: Sequence[str] = ()) -> Entry:
    """Return an entry; ``undoes`` are the runs that its own run takes back."""
    kind, *hfid = body["key"]
    return Entry(
        run=run,
        index=body["index"],
        state=EntryState(body["state"]),
        action=Action(body["action"]),
        key=ObjectKey(kind, tuple(hfid)),
        fields=tuple(
            FieldChange(name, decoded(old), decoded(new))
            for name, old, new in body.get("fields", ())
        ),
        undoes=_undone(body.get("undoes", {}), undoes),
        **{name: body[name] for name in _STEP if name in body},
    )


def _undone(found: Mapping[str, Any] | Sequence[int], undoes: Sequence[str]) -> tuple[Undone, ...]:
    """Return changes that are taken back; older versions took one run back, and did not name it."""
    by_run = found if isinstance(found, Mapping) else dict.fromkeys(undoes[:1], found)
    return tuple(Undone(run, index) for run, own in by_run.items() for index in own)


def encoded(value: Any) -> Any:
    """Return a field's value for JSON. What is no plain value is an object that says what it is."""
    match value:
        case Secret():
            return _MASK
        case Default():
            return {"default": encoded(value.value)}
        case ObjectKey():
            return {"key": [value.kind, *value.hfid]}
        case NodeId():
            return {"id": value.id}
        case FromPool():
            return {"pool": encoded(value.pool), "identifier": value.identifier}
        case frozenset():
            return {"set": sorted((encoded(own) for own in value), key=repr)}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return {"json": value}


def decoded(value: Any) -> Any:
    """Return what a value was before ``encoded``; a secret comes back as ``Secret(None)``."""
    match value:
        case {"secret": True}:
            return Secret(None)
        case {"default": own}:
            return Default(decoded(own))
        case {"key": [kind, *hfid]}:
            return ObjectKey(kind, tuple(hfid))
        case {"id": node}:
            return NodeId(node)
        case {"pool": pool, "identifier": identifier}:
            return FromPool(pool=decoded(pool), identifier=identifier)
        case {"set": peers}:
            return frozenset(decoded(own) for own in peers)
        case {"json": own}:
            return own
        case _:
            return value

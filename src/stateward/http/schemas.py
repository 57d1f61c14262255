"""The shapes of answers, as JSON Schema. Keys may be added to them; none is taken away."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from stateward.model.command import Verb
from stateward.model.event import Action as Told
from stateward.model.event import Level
from stateward.model.plan import Action, UnitState
from stateward.model.record import RunKind
from stateward.model.run import EntryState, Outcome
from stateward.model.status import Condition, Reason, Why
from stateward.model.unit import OnError, Reach

_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_FLAG: dict[str, Any] = {"type": "boolean"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": _COUNT}


def _maybe(own: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(own), {"type": "null"}]}


def _one_of(own: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [one.value for one in own]}


def _list(own: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(own)}


def _object(properties: Mapping[str, Any], *, but: Iterable[str] = ()) -> dict[str, Any]:
    """Return an object of which all keys are there, but for some."""
    required = [name for name in properties if name not in set(but)]
    return {"type": "object", "properties": dict(properties), "required": required}


def _named(
    version: str, properties: Mapping[str, Any], *, but: Iterable[str] = ()
) -> dict[str, Any]:
    return _object({"schema": {"const": f"stateward/{version}"}, **properties}, but=but)


_PAUSE = _object({"why": _one_of(Why), "message": _TEXT, "until": _maybe(_MOMENT)})
_DRIFT = _object({"objects": _COUNT, "fields": _COUNT, "found": _MOMENT, "mended": _FLAG})
_STANDING = {
    "state": _one_of(Condition),
    "since": _MOMENT,
    "attempted": _maybe(_TEXT),
    "applied": _maybe(_TEXT),
    "outcome": _maybe(_TEXT),
    "message": _maybe(_TEXT),
    "run": _maybe(_TEXT),
    "at": _maybe(_MOMENT),
    "succeeded": _maybe(_MOMENT),
    "failures": _COUNT,
    "next": _maybe(_MOMENT),
    "reason": _maybe(_one_of(Reason)),
    "blocked": _maybe(_TEXT),
    "details": _list(_TEXT),
    "drift": _maybe(_DRIFT),
    "pause": _maybe(_PAUSE),
}
_SOURCE = _object(
    {
        "source": _TEXT,
        "target": _TEXT,
        "revision": _maybe(_TEXT),
        "error": _maybe(_TEXT),
        "refused": _maybe(_TEXT),
        "leader": _maybe(_TEXT),
        "looked": _MOMENT,
        "late": _FLAG,
        "units": {"type": "object", "additionalProperties": _object(_STANDING)},
    }
)
_FIELD = _object({"name": _TEXT, "old": {}, "new": {}})
_KEY = {"kind": _TEXT, "hfid": _list(_TEXT)}
_CHANGE = _object(
    {
        "action": _one_of(Action),
        "unit": _TEXT,
        **_KEY,
        "id": _TEXT,
        "from": _TEXT,
        "stays": _TEXT,
        "beside": _list(_TEXT),
        "fields": _list(_FIELD),
        "origin": _maybe(_object({"file": _TEXT, "line": _COUNT, "column": _COUNT})),
    },
    but=("id", "from", "stays", "beside"),
)
_BLOCKED = _object(
    {
        "unit": _TEXT,
        "reason": _TEXT,
        "figures": {"type": "object", "additionalProperties": {"type": "number"}},
        "limit": _one_of(Reach),
        "kinds": _COUNTS,
        "objects": _list(
            _object({**_KEY, "protected": _FLAG, "along": _COUNT, "referring": _COUNT})
        ),
        "protected": _FLAG,
        "protectedBy": _list(_TEXT),
        "digest": _TEXT,
        "meanwhile": _TEXT,
        "approve": _maybe(_TEXT),
        "allowDeletes": _maybe(_TEXT),
    }
)
_LEAVE = _maybe(_object({"deletes": _COUNT, "author": _TEXT, "units": _list(_TEXT)}))
_COMMIT = _maybe(_object({"id": _TEXT, "author": _TEXT, "subject": _TEXT}))
_FOUND = _object(
    {
        "code": _TEXT,
        "name": _TEXT,
        "severity": {"enum": ["error", "warning"]},
        "message": _TEXT,
        "unit": _maybe(_TEXT),
        "object": _maybe(_TEXT),
        "file": _maybe(_TEXT),
        "line": _maybe(_COUNT),
        "column": _maybe(_COUNT),
    }
)
_PLANNED = _object(
    {
        "state": _one_of(UnitState),
        "unchanged": _COUNT,
        "kept": _COUNT,
        "onError": _one_of(OnError),
    },
    but=("onError",),
)
_PLAN = _named(
    "plan/v1",
    {
        "digest": _TEXT,
        "target": _TEXT,
        "revisions": {"type": "object", "additionalProperties": _TEXT},
        "loadsSchema": _FLAG,
        "schemaChanges": _list(_TEXT),
        "summary": _COUNTS,
        "changes": _list(_CHANGE),
        "commit": _COMMIT,
        "letThrough": _LEAVE,
        "blocked": _list(_BLOCKED),
        "problems": _list(_FOUND),
        "units": {"type": "object", "additionalProperties": _PLANNED},
    },
)
_DONE = _object(
    {
        "unit": _TEXT,
        "revision": _TEXT,
        "outcome": _one_of(Outcome),
        "summary": _COUNTS,
        "writes": _COUNT,
        "survivors": _list(_object({**_KEY, "id": _TEXT, "reason": _TEXT})),
        "error": _TEXT,
        "takenBack": _object(
            {"run": _TEXT, "changes": _COUNT, "left": _COUNT, "error": _maybe(_TEXT)}
        ),
    },
    but=("error", "takenBack"),
)
_REPORT = _named(
    "report/v1",
    {
        "digest": _TEXT,
        "writes": _COUNT,
        "requests": _COUNT,
        "merge": {"type": "object"},
        "runs": _list(_DONE),
        "commit": _COMMIT,
        "letThrough": _LEAVE,
        "blocked": _list(_BLOCKED),
        "problems": _list(_FOUND),
    },
    but=("merge",),
)
_RECORDED = _object(
    {
        "index": _COUNT,
        "action": _one_of(Action),
        "state": _one_of(EntryState),
        **_KEY,
        "id": _maybe(_TEXT),
        "from": _maybe(_TEXT),
        "adopted": _FLAG,
        "along": _maybe(_COUNT),
        "undoes": _list(_COUNT),
        "undoesRuns": _list(_TEXT),
        "fields": _list(_FIELD),
        "detail": _TEXT,
        "started": _TEXT,
        "ended": _TEXT,
    }
)
_TEXTS = (
    *("run", "subject", "target", "branch", "group", "trigger", "actor", "revision", "caller"),
    *("plan", "round", "undoes", "detail", "started", "finished", "outcome", "error"),
)
_RUN = _object(
    {
        **dict.fromkeys(_TEXTS, _TEXT),
        "kind": _one_of(RunKind),
        "params": {"type": "object", "additionalProperties": _TEXT},
        "undoesRuns": _list(_TEXT),
        "undoneBy": _list(_TEXT),
        "changes": _list(_RECORDED),
    }
)
_COMMAND = {
    "id": _TEXT,
    "verb": _one_of(Verb),
    "source": _TEXT,
    "unit": _maybe(_TEXT),
    "actor": _TEXT,
    "at": _MOMENT,
    "reason": _TEXT,
    "until": _maybe(_MOMENT),
    "anyTime": _FLAG,
    "digest": _maybe(_TEXT),
}

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Status": _named("status/v1", {"sources": _list(_SOURCE)}),
    "Unit": _object({"source": _TEXT, "unit": _TEXT, **_STANDING}),
    "History": _named("history/v1", {"runs": _list(_RUN)}),
    "Plan": _PLAN,
    "Rollback": {"oneOf": [_PLAN, _REPORT]},
    "Command": _named("command/v1", _COMMAND),
    "Event": _object({"time": _MOMENT, "level": _one_of(Level), "action": _one_of(Told)}),
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "code": {"type": "string", "pattern": "^SW[0-9]{4}$"},
        }
    ),
}

"""Plans and reports to be shown, in few words, and names that mean harm."""

import re
from collections.abc import Iterator
from typing import Any

from stateward.errors import Code, Location, Problem
from stateward.model.commit import Commit
from stateward.model.identity import ObjectKey
from stateward.model.plan import (
    Action,
    Blocked,
    Change,
    FieldChange,
    Going,
    Plan,
    UnitPlan,
    UnitState,
)
from stateward.model.run import Outcome, Report, Run

HOSTILE = {
    "newline": "a\nPlan: nothing at all.",
    "carriage-return": "a\rblocked",
    "escape": "a\x1b[2J\x1b[1;31m",
    "csi": "a\x9b2J",
    "backspace": "a\x08\x08",
    "bidi": "a\u202egnp.exe",
    "separator": "a\u2028b\u2029c\x85d",
    "surrogate": "a\udcff",
    "nul": "a\x00b",
}
MARKUP = {
    "cell": "a | b",
    "code": "`code`",
    "fence": "```\n# heading\n```",
    "html": "<img src=x onerror=alert(1)>",
    "link": "[click](https://evil.example)",
    "image": "![](https://evil.example/x.png)",
    "emphasis": "**bold** _soft_",
    "escaped": "a\\| b",
}
COMMIT = Commit(
    id="226cff6d00f3244574154c04e4a6d3b694badf2e",
    author="Ada <ada@example.org>",
    subject="Remove the lab",
)
CANARY = "c4nary-in-the-mine"


def change(name: str = "leaf1", action: Action = Action.CREATE, **given: Any) -> Change:
    known: dict[str, Any] = {
        "unit": "a",
        "key": ObjectKey("NetDevice", (name,)),
        "node": None if action is Action.CREATE else f"id-{name}",
        "origin": Location("a/1.yml", 3, 5),
    }
    fields = tuple(FieldChange(*own) for own in given.pop("fields", ()))
    return Change(action=action, fields=fields, **{**known, **given})


def problem(message: str = "is wrong", **given: Any) -> Problem:
    known: dict[str, Any] = {"code": Code.TYPE, "location": Location("a/1.yml", 3, 5), "unit": "a"}
    return Problem(message=message, **{**known, **given})


def blocked(*names: str, **given: Any) -> Blocked:
    known: dict[str, Any] = {
        "unit": "a",
        "reason": "too many",
        "figures": {"deletes": len(names), "members": 20, "percent": 60.0},
        "going": tuple(Going(ObjectKey("NetDevice", (own,))) for own in names),
        "digest": "b10c",
    }
    return Blocked(**{**known, **given})


def plan(*changes: Change, **given: Any) -> Plan:
    units = given.pop("units", {"a": UnitState.READY})
    known: dict[str, Any] = {
        "target": "sqlite:////t.db",
        "schema": "5c",
        "revisions": {"default": "r1"},
        "digest": "d1",
        "units": {
            name: UnitPlan(unit=name, group=f"g/{name}", state=state, unchanged=2, kept=1)
            for name, state in units.items()
        },
    }
    deletes = [own for own in changes if own.action is Action.DELETE]
    deletes += [one for own in given.get("blocked", ()) for one in own.going]
    return Plan(changes=changes, **{**known, "deletes": len(deletes), **given})


def run(unit: str = "a", outcome: Outcome = Outcome.APPLIED, **given: Any) -> Run:
    summary = {**{own.value: 0 for own in Action}, "unchanged": 2, **given.pop("summary", {})}
    return Run(id="run", unit=unit, revision="r1", outcome=outcome, summary=summary, **given)


def report(*runs: Run, writes: int = 0) -> Report:
    return Report(digest="d1", writes=writes, runs=runs)


def fences(markdown: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each fence with the lines that are meant to be in it: up to the last one as long."""
    lines = markdown.split("\n")
    openings = [number for number, own in enumerate(lines) if re.fullmatch("`{3,}text", own)]
    assert openings
    for start, end in zip(openings, [*openings[1:], len(lines)], strict=True):
        opening = lines[start].removesuffix("text")
        closing = max(number for number in range(start + 1, end) if lines[number] == opening)
        yield opening, lines[start + 1 : closing]

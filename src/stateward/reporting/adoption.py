"""What a takeover took, what it left, and what a round would do now; as text, JSON and Markdown."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from stateward.errors import Code
from stateward.model.adoption import Adoption
from stateward.model.plan import Action, Left, UnitState
from stateward.model.run import Outcome, Report
from stateward.model.unit import TRACKING
from stateward.reporting import plan as plans
from stateward.reporting import report as reports
from stateward.reporting import values
from stateward.reporting.typed import ROUND, Typed, word

SCHEMA = "stateward/adoption/v1"


def as_json(own: Adoption, typed: Typed = ROUND) -> dict[str, Any]:
    """Return the documented form, ``stateward/adoption/v1``."""
    report = own.report
    return {
        "schema": SCHEMA,
        "complete": own.complete,
        "own": own.taking.own,
        "group": own.taking.group,
        "claimed": own.claimed,
        "taken": plans.as_json(own.taken, typed),
        "report": reports.as_json(report, own.taken, typed) if report else None,
        "left": [_left(one) for one in own.taken.left],
        "rest": plans.as_json(own.rest, typed),
    }


def _left(own: Left) -> dict[str, Any]:
    change = own.change
    return {
        "code": own.code.value,
        "name": own.code.slug,
        "unit": change.unit or None,
        "kind": change.key.kind,
        "hfid": list(change.key.hfid),
        "id": change.node,
        "by": own.by or None,
        "fields": [
            {
                "name": one.name,
                "old": values.plain(one.old),
                "new": values.plain(one.new),
                "origin": values.place(own.places.get(one.name)),
            }
            for one in change.fields
        ],
        "origin": values.place(change.origin),
    }


def as_text(own: Adoption, typed: Typed = ROUND) -> str:
    return "\n".join([*_lines(own, typed), "", *sentences(own)]) + "\n"


def _lines(own: Adoption, typed: Typed) -> Iterator[str]:
    yield from _taken(own)
    yield from _left_lines(own)
    yield "What a round would do now:"
    yield ""
    yield plans.as_text(own.rest, typed).rstrip("\n")


def _taken(own: Adoption) -> Iterator[str]:
    yield from _planned(own) if own.report is None else _reported(own.report)
    yield ""


def _planned(own: Adoption) -> Iterator[str]:
    by_unit = Counter(one.unit for one in own.taken.changes)
    for unit, count in sorted(by_unit.items()):
        yield values.safe(f"{unit}  ({count} to adopt)")
        for one in own.taken.of(unit):
            words = [
                f"{plans.SIGNS[one.action]} adopt {one.key}",
                plans.note(one),
                str(one.origin or ""),
            ]
            yield values.safe(f"  {'  '.join(own for own in words if own)}")
    if not by_unit:
        yield "Nothing to take."


def _reported(report: Report) -> Iterator[str]:
    shown = [own for own in report.runs if own.outcome in _TOLD]
    width = max((len(own.unit) for own in shown), default=0)
    for own in shown:
        count = own.summary.get(Action.ADOPT.value, 0)
        yield values.safe(f"{own.outcome:<9} {own.unit:<{width}}  {count} adopted")
        if own.error and own.outcome is Outcome.FAILED:
            yield values.safe(f"          {own.error}")
    asked = f", {report.requests} requests" if report.requests else ""
    yield f"{report.writes} writes{asked}, of memberships alone."


_TOLD = frozenset({Outcome.APPLIED, Outcome.FAILED})


def _left_lines(own: Adoption) -> Iterator[str]:
    if not own.taken.left:
        return
    yield f"Left as {'it is' if len(own.taken.left) == 1 else 'they are'}:"
    yield ""
    for one in own.taken.left:
        change = one.change
        origin = f"  {change.origin}" if change.origin else ""
        yield values.safe(f"  {one.code} {one.code.slug}: {change.key}: {_why(one, own)}{origin}")
        for field in change.fields:
            shown = f"{values.shown(field.old)}, in Git {values.shown(field.new)}"
            yield f"      {field.name}: {shown}  {one.places.get(field.name, '')}".rstrip()
    yield ""


def _why(left: Left, own: Adoption) -> str:
    """Say why an object is not taken, and what to do."""
    if left.code is Code.CLAIMED:
        first = left.by.split(", ")[0]
        more = (own.taking.group is not None and "is claimed as well by") or "is claimed by"
        if any(name.startswith(TRACKING) for name in left.by.split(", ")):
            return f"{more} {left.by}: `stateward apply` takes it over from there"
        return f"{more} {left.by}: --group {word(first)} takes over what is in that group"
    if left.code is Code.UNDECLARED:
        may = f"{left.by} cannot be read, and may declare it" if left.by else "no file declares it"
        return f"is in {own.taking.group}, and {may}"
    return "differs: --differing takes it as it is, for a round to update; or mend the files"


def sentences(own: Adoption) -> Iterator[str]:
    """Say whether the takeover is complete, and what is to be known of it besides."""
    if own.complete:
        is_ = "is" if own.report is not None or own.taken.is_empty else "would be"
        yield f"The takeover {is_} complete: the plan is empty, a round would change nothing."
    else:
        yield "The takeover is not complete: a round would still change something, or waits."
    idle = sum(one.state is UnitState.SUSPENDED for one in own.rest.units.values())
    if idle:
        some = "1 unit was" if idle == 1 else f"{idle} units were"
        yield f"{some} left out: not asked for, or suspended."
    if own.claimed:
        have = "1 of the objects stays" if own.claimed == 1 else f"{own.claimed} objects stay"
        it, group = "it" if own.claimed == 1 else "them", values.safe(own.taking.group or "")
        if group.startswith(TRACKING):
            yield (
                f"{have} in {group}, too: drop {it} there, and apply there. Until then whoever drops {it}"
                f" releases {it} and deletes nothing."
            )
            return
        yield (
            f"{have} in {group}, too: as long as that is so, Git dropping them releases them and deletes"
            f" nothing. Delete {group} when nothing writes by it any more."
        )


def as_markdown(own: Adoption, typed: Typed = ROUND) -> str:
    lines = [f"### Stateward takeover of `{own.taken.target}`", "", *sentences(own), ""]
    lines += plans.fenced("Taken", _taken(own))
    lines += plans.fenced("Left", _left_lines(own))
    return "\n".join([*lines, plans.as_markdown(own.rest, typed)])

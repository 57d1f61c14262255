"""What a guard holds back, for whoever has to decide on it: what, why, whose doing, and what to type."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from stateward.model.commit import Commit
from stateward.model.plan import Blocked, Plan
from stateward.model.unit import Reach
from stateward.planning import telling
from stateward.planning.telling import MOST_SHOWN, ordered
from stateward.reporting import values
from stateward.reporting.typed import Typed

_MORE = " (--format json names them all)"


def lines(plan: Plan, typed: Typed) -> Iterator[str]:
    """Say it as text: each prune by itself, but together what one limit holds back over several units."""
    for own in plan.blocked:
        if own.reach is Reach.UNIT:
            yield from _lines(own, own.unit, _ways(own, plan, typed), plan, typed)
    for reach in (Reach.SOURCE, Reach.ROUND):
        together = [own for own in plan.blocked if own.reach is reach]
        if together:
            going = ordered(one for own in together for one in own.going)
            what = " ".join((reach, *plan.revisions)) if reach is Reach.SOURCE else f"this {reach}"
            ways = _ways_together(together, plan, typed)
            yield from _lines(replace(together[0], going=going), what, ways, plan, typed)


def _lines(own: Blocked, what: str, ways: Iterable[str], plan: Plan, typed: Typed) -> Iterator[str]:
    yield values.safe(f"blocked: {what}: {own}")
    for line in telling.lines(own, plan.commit, _MORE):
        yield values.safe(f"  {line}")
    yield f"  {typed.meanwhile}"
    yield from (f"  {values.safe(words)}" for words in ways)
    yield ""


def _ways(own: Blocked, plan: Plan, typed: Typed) -> Iterator[str]:
    if own.protected:
        yield _unprotecting(own)
        return
    approve = typed.approving(own.unit, own.digest)
    if approve is not None:
        yield f"to let exactly these go, once: {approve}"
    yield from _at_large(plan, typed)


def _ways_together(together: Sequence[Blocked], plan: Plan, typed: Typed) -> Iterator[str]:
    """Say how to let through what several units would delete: some of it, or all."""
    yield f"in {len(together)} unit{'' if len(together) == 1 else 's'}; to let exactly those of one go, once:"
    for own in together[:MOST_SHOWN]:
        approve = typed.approving(own.unit, own.digest)
        yield f"- {own.unit}, {len(own.going)} to delete{f': {approve}' if approve else ''}"
    if len(together) > MOST_SHOWN:
        yield f"… and {len(together) - MOST_SHOWN} more{_MORE}"
    yield from _at_large(plan, typed)


def _at_large(plan: Plan, typed: Typed) -> Iterator[str]:
    again = typed.allowing(plan.deletes)
    if again is not None:
        yield f"to let up to {plan.deletes} go in one round: {again}"


def _unprotecting(own: Blocked) -> str:
    file = ".stateward.yaml" if own.unit == "." else f"{own.unit}/.stateward.yaml"
    if not own.protecting:
        return f"to delete them after all: take them out of protect, in {file} or stateward.yaml"
    names, kinds = ", ".join(own.protecting), ", ".join(own.unprotecting)
    return (
        f"to delete them after all: protectedKinds has {names}: in {file}, or for more units in"
        f" stateward.yaml, set limits: {{protectedKinds: [{kinds}]}}"
    )


def let_through(plan: Plan) -> Iterator[str]:
    """Say what the commit lets through by itself, of what would be held back."""
    if plan.leave is not None and plan.by_commit:
        yield values.safe(f"let through: {', '.join(sorted(plan.by_commit))}: {plan.leave}")
        yield ""


def leave(plan: Plan) -> dict[str, Any] | None:
    if plan.leave is None or not plan.by_commit:
        return None
    units = sorted(plan.by_commit)
    return {"deletes": plan.leave.deletes, "author": plan.leave.author, "units": units}


def as_json(plan: Plan, typed: Typed) -> list[dict[str, Any]]:
    return [_json(own, plan, typed) for own in plan.blocked]


def _json(own: Blocked, plan: Plan, typed: Typed) -> dict[str, Any]:
    leave = not own.protected
    return {
        "unit": own.unit,
        "limit": own.reach.value,
        "reason": own.reason,
        "figures": dict(own.figures),
        "kinds": dict(own.kinds),
        "objects": [
            {
                "kind": one.key.kind,
                "hfid": list(one.key.hfid),
                "protected": one.protected,
                "along": one.along,
                "referring": one.referring,
            }
            for one in own.going
        ],
        "protected": own.protected,
        "protectedBy": list(own.protecting),
        "digest": own.digest,
        "meanwhile": typed.meanwhile,
        "approve": typed.approving(own.unit, own.digest) if leave else None,
        "allowDeletes": typed.allowing(plan.deletes) if leave else None,
    }


def commit(own: Commit | None) -> dict[str, str] | None:
    if own is None:
        return None
    return {"id": own.id, "author": own.author, "subject": own.subject}

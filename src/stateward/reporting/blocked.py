"""What a guard holds back, for whoever has to decide on it: what, why, whose doing, and what to type."""

from collections.abc import Iterator
from typing import Any

from stateward.model.commit import Commit
from stateward.model.plan import Action, Blocked, Plan
from stateward.planning import telling
from stateward.reporting import values
from stateward.reporting.typed import Typed

_MORE = " (--format json names them all)"


def lines(plan: Plan, typed: Typed) -> Iterator[str]:
    """Say it as text, each prune by itself."""
    for own in plan.blocked:
        yield values.safe(f"blocked: {own.unit}: {own}")
        for line in telling.lines(own, plan.commit, _MORE):
            yield values.safe(f"  {line}")
        yield f"  {typed.meanwhile}"
        yield from (f"  {words}" for words in _ways(own, plan, typed))
        yield ""


def _ways(own: Blocked, plan: Plan, typed: Typed) -> Iterator[str]:
    if own.protected:
        yield "to delete them after all: take the kind out of limits.protectedKinds"
        return
    approve = typed.approving(own.unit, own.digest)
    if approve is not None:
        yield f"to let exactly these go, once: {approve}"
    count = deletes(plan)
    again = typed.allowing(count)
    if again is not None:
        yield f"to let up to {count} go in one round: {again}"


def deletes(plan: Plan) -> int:
    """Return how many deletes a budget has to let through, so that nothing is held back."""
    planned = sum(own.action is Action.DELETE for own in plan.changes)
    return planned + sum(len(own.going) for own in plan.blocked)


def as_json(plan: Plan, typed: Typed) -> list[dict[str, Any]]:
    return [_json(own, plan, typed) for own in plan.blocked]


def _json(own: Blocked, plan: Plan, typed: Typed) -> dict[str, Any]:
    leave = not own.protected
    return {
        "unit": own.unit,
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
        "digest": own.digest,
        "meanwhile": typed.meanwhile,
        "approve": typed.approving(own.unit, own.digest) if leave else None,
        "allowDeletes": typed.allowing(deletes(plan)) if leave else None,
    }


def commit(own: Commit | None) -> dict[str, str] | None:
    if own is None:
        return None
    return {"id": own.id, "author": own.author, "subject": own.subject}

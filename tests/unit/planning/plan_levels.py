"""What a plan says of the order of its changes."""

from stateward.model.plan import Plan


def levels(plan: Plan) -> list[list[str]]:
    """Return what is done level by level."""
    found: dict[int, list[str]] = {}
    for own in plan.changes:
        found.setdefault(own.level, []).append(f"{own.action} {own.key}")
    return [found[level] for level in sorted(found)]


def deferred(found: Plan) -> dict[str, set[str]]:
    """Return what is written in a second step."""
    return {str(own.key): set(own.deferred) for own in found.changes if own.deferred}

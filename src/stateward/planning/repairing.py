"""What puts an inventory right without any risk, as a plan: memberships that are proved, no other write."""

from collections.abc import Iterable

from stateward.model.inventory import Discrepancy
from stateward.model.plan import Plan, UnitPlan
from stateward.planning.digest import digest_of


def repair(plan: Plan, found: Iterable[Discrepancy]) -> Plan:
    """Return the plan of what puts differences right, beside which a round would be the given one."""
    mends = [one.mend for one in found if one.mend is not None]
    changes = tuple(sorted(mends, key=lambda one: (one.unit, one.key)))
    units = {
        unit: UnitPlan(unit=unit, group=one.group, keeps=True, files=one.files, before=one.before)
        for unit, one in plan.units.items()
    }
    told = [[one.unit, one.key, one.node, one.adopted, one.marks] for one in changes]
    return Plan(
        target=plan.target,
        schema=plan.schema,
        revisions=plan.revisions,
        changes=changes,
        units=units,
        only_claims=True,
        digest=digest_of([plan.target, plan.schema, dict(plan.revisions), told]),
        ids=plan.ids,
        groups=plan.groups,
    )

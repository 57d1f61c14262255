"""What the server would refuse in a schema, found before it is asked."""

from stateward.schema.checks import attributes, display, identity, names, parents, relationships
from stateward.schema.draft import Drafts
from stateward.schema.report import Report
from stateward.schema.scope import Scope

__all__ = ["check"]


def check(drafts: Drafts, report: Report) -> None:
    """Check what files declare against everything else that there is."""
    ends = relationships.ends(drafts)
    for draft in drafts.values():
        if draft.declarations:
            scope = Scope(draft, drafts, report)
            names.check(scope)
            attributes.check(scope)
            relationships.check(scope, ends)
            parents.check(scope)
            identity.check(scope)
            display.check(scope)
    parents.check_cycles(drafts, report)
